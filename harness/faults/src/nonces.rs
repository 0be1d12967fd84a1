//! Family D: nonces and creation.

crate::family! {
    D1 NONCE_WRITE_UNSEEN Must Candidate: "a write of the nonce alone is not seen as a write"; "a factory creates in tx1 and in tx2"; "metis-sdk 178b895".
    D2 TRANSFER_NONCE_UNCHECKED Rest Candidate: "the nonce of a plain transfer is not checked"; "a nonce that is too high"; "metis-sdk f1d2250, grevm 2f44516".
    D3 HIGH_NONCE_FINAL Rest Candidate: "a nonce that is too high for the moment is final"; "three transactions of one sender"; "pevm c1a29a8 (block 2688148), 1367493".
    D4 CREATION_DROPS_BALANCE Must Candidate: "creation drops the balance that was there"; "value to a future address; then CREATE"; "bor#1382".
    D5 STATE_CLEARING_TOO_EARLY Rest Candidate: "state clearing before Spurious Dragon"; "an empty account touched in a Frontier block"; "grevm 93f4230".
    D6 CREATED_NONCE_TOO_EARLY Rest Candidate: "a contract created before Spurious Dragon has nonce 1"; "a creation in a Homestead block"; "evm2 e63f3274".
}

//! Family E: EIP-7702.

crate::family! {
    E1 SELF_AUTHORISATION_ONE_NONCE_SHORT Must Candidate: "a sender who authorises itself gets one nonce too few"; "S sends type 4 with its own authorisation, then sends again"; "grevm 3c09e7c: chain halt, Gravity block 1400868".
    E2 OLD_DELEGATION_RUNS Must Candidate: "an account that is delegated anew runs the code of before"; "A to X before; tx1 A to Y; tx2 calls A"; "grevm 6e8d4e8".
    E3 CLEARED_DELEGATION_SEEN Must Candidate: "a delegation that was cleared is still seen"; "tx1 clears A; tx2 calls A"; "EEST bal_7702_delegation_clear".
    E4 DELEGATED_ACCOUNT_LOSES_STORAGE Must Candidate: "an account that was delegated in the block has no storage"; "A with storage is delegated, then SLOAD"; "grevm d022032 (block 22546209)".
    E5 DELEGATED_CREATE_NONCE_LOST Must Candidate: "the nonce that a delegated account's CREATE takes is lost"; "tx1 calls A, which creates; tx2 is sent by A"; "Galxe/gravity-reth#389".
    E6 TORN_ACCOUNT_READ Must Candidate: "code hash and balance of an account are read at two moments"; "tx1 delegates A anew while tx2 executes A"; "bor#2270, erigon#22513".
    E7 NONCE_ONLY_ACCOUNT_ABSENT Rest Candidate: "an account with a nonce and nothing else does not exist"; "an authority with nonce 1 and no balance"; "bor#2270".
    E9 FIRST_AUTHORISATION_WINS Rest Candidate: "of several authorisations by one account the first counts"; "the same authority twice in a list"; "EEST bal_7702_double_auth".
    E10 TOUCHED_AUTHORITY_EXISTS Must Candidate: "an authority counts as existing once an earlier transaction has touched it"; "tx1 sends 0 wei to an absent account; tx2 carries that account's authorisation"; "lockstep sequential, 2026-11 (a refund of 12,500 gas too much)".
    E8 DELEGATED_EMPTY_ABSENT Rest Candidate: "a delegated account without a balance does not exist"; "a call of a delegated account that has nothing"; "revm 41e8b3365".
    E11 AUTHORITY_NONCE_DROPPED Must Candidate: "the nonce that an authorisation takes is dropped"; "tx1 carries A's authorisation; tx2 is sent by A"; "pevm 9cbd856, crates/pevm/src/vm.rs:178 (trophy 3)".
    E12 LAST_AUTHORISATION_DROPPED Must Candidate: "the last of several authorisations is dropped"; "two authorisations in a list"; "EEST bal_7702_double_auth".
    E13 AUTHORISATION_OF_ANY_CHAIN Rest Candidate: "the chain id of an authorisation is not checked"; "an authorisation for another chain"; "EEST bal_7702_invalid_chain_id".
}

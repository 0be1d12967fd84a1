//! Family M: the assembly of the output, and what judge and executors share.

crate::family! {
    M4 READ_ONLY_ACCOUNTS_UNLISTED Rest Candidate: "accounts that were only read are not listed"; "a read in an Amsterdam block"; "monad ea46cd240".
    M5 NEW_CODE_MISSING Must Candidate: "new code is missing from the output though its hash is there"; "a deployment"; "grevm c04cd37, revm#3855".
    M6 BLOOM_WITHOUT_TOPICS Must Shared: "the bloom of a receipt knows the addresses of logs and not their topics"; "a log with a topic"; "the judge's own roots: only a header shows it".
    M7 STORAGE_KEYS_DROPPED Must Shared: "the storage keys of a decoded EIP-2930 list are dropped"; "a transaction with a list"; "the decoding that both sides share".
    M8 ROOT_WITHOUT_NONCES Must Shared: "the state root leaves out nonces"; "any transaction"; "the judge's own state root".
    M9 BLOOM_OF_LAST_RECEIPT Must Shared: "the bloom of the block is that of its last receipt"; "two transactions with logs"; "a mutant of the judge's bloom".
    M10 TYPED_RECEIPTS_AS_LEGACY Must Shared: "typed receipts are hashed as legacy ones"; "a transaction of type 2"; "EIP-2718; a mutant of the judge's receipts root".
    M12 ZEROED_SLOTS_MISSING Must Candidate: "slots that are set to zero are missing from the changes"; "a slot is cleared"; "a mutant of the gathering".
    M13 DELEGATIONS_MISSING_FROM_CODES Must Candidate: "the code of a delegation is missing from the output though its hash is there"; "an authorisation"; "revm#3855, for EIP-7702".
}

//! Family K: EIP-7928 block access lists.

crate::family! {
    K1 PHASE_ACCESSES_UNLISTED Must Candidate: "what the system phases access need not be listed"; "the entry of a system contract left out"; "ethrex#7122, execution-specs#3551".
    K2 LIST_HASH_UNCHECKED Must Shared: "the hash of the list is not checked"; "a list with another hash than the header's"; "reth 63810e8956, 8b10a417fa".
    K3 UNTOUCHED_ENTRIES_TOLERATED Must Candidate: "what is listed and never touched is tolerated"; "an account too many"; "erigon#20427, EEST bal_invalid_extraneous".
    K4 LIST_LENGTH_UNBOUNDED Must Shared: "the bound on the list's length is not checked"; "a list of one item too many"; "erigon#20181, EEST bal_gas_limit_boundary".
    K5 INDEX_PAST_THE_END_TOLERATED Must Candidate: "an index behind the last one is tolerated"; "a change at index n + 2"; "geth#34105".
    K6 LIST_ORDER_UNCHECKED Must Candidate: "a list out of order is accepted"; "two accounts exchanged"; "revm 070b237fd, EEST bal_invalid_account_order".
    K7 BUILDER_COMPARES_WITH_NEW_VALUE Must Candidate: "the builder takes the value after a write for that before it"; "a slot written in an Amsterdam block"; "erigon#20843".
    K9 DESTROYED_SLOTS_KEEP_VALUES Rest Candidate: "the slots of a destroyed account keep their values for the comparison"; "a destruction with touched slots"; "revm 89ecb25db".
    K10 SYSTEM_ADDRESS_ALWAYS_LISTED Rest Candidate: "the system address is listed though no transaction touched it"; "any Amsterdam block"; "erigon#19628, EEST bal_invalid_surplus_system_address".
    K11 LISTED_ACCOUNT_STAYS_ABSENT Rest Candidate: "an account that the pre-state does not have stays absent whatever is listed"; "an account created in the block, then read"; "revm fedc3fc39".
    K12 POST_BLOCK_READS_UNLISTED Rest Candidate: "what the post-block phase only reads is not listed"; "EIP-7002's contract with an empty queue"; "besu f063436e29".
    K13 REWARDS_BYPASS_BUILDER Rest Candidate: "rewards pass the builder by"; "a fee recipient that no transaction looked at"; "evm2 cbff8181".
    K15 REMOVED_CODE_SERVED_FROM_PRE_STATE Rest Candidate: "code that the list says is gone is served from the pre-state"; "a delegation that is cleared"; "benchmarkoor's report on geth's parallel modes".
    K16 MALFORMED_DELEGATION_PANICS Rest Candidate: "a delegation of the wrong length in a list is a panic"; "new code 0xef0100 and too little behind it"; "reth's path of invalid lists".
    K17 LISTED_VALUES_BELIEVED Must Candidate: "a value that is listed is believed"; "a balance, nonce or slot altered"; "EEST bal_invalid_balance_value".
    K18 LIST_GAP_REPORTED_FIRST Rest Candidate: "a gap in the list is reported before the invalid transaction below it"; "an invalid transaction and a wrong list"; "reth#26693".
    K20 OWN_ACCESS_LIST_COUNTS_AS_ACCESS Rest Candidate: "what a transaction's own access list names is listed"; "an EIP-2930 list of what is never touched"; "EEST bal_2930".
    K21 UNCHANGED_ABSENT_UNLISTED Rest Candidate: "an account that is absent before and after is not listed"; "a transfer that runs out of gas before it begins"; "@ethereumjs/vm 10.1.3 (trophy 11)".
    K22 CODE_CHANGES_UNLISTED Must Candidate: "changes of code are not listed"; "a deployment in an Amsterdam block"; "execution-specs#3261".
    K23 NONCE_CHANGES_UNLISTED Must Candidate: "changes of nonces are not listed"; "any transaction in an Amsterdam block"; "execution-specs#3261".
    K24 SLOT_READS_UNLISTED Must Candidate: "slots that are only read are not listed"; "an SLOAD in an Amsterdam block"; "execution-specs#3261".
    K26 OWN_CHANGES_VISIBLE Must Candidate: "a transaction sees what the list says of its own index"; "a transaction that changes what it reads"; "geth#34105".
    K27 UNSTATED_CHANGES_TOLERATED Must Candidate: "what was changed and is not listed is tolerated"; "a change left out of the list"; "ethrex#7122".
    K28 MISSING_SLOTS_TOLERATED Must Candidate: "a slot that was touched and is not listed is tolerated"; "a slot left out of the list"; "erigon#20427".
}

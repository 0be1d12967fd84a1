//! Family I: block phases.

crate::family! {
    I1 PRE_BLOCK_WRITES_INVISIBLE Must Candidate: "what the pre-block phase wrote is invisible to transactions"; "a transaction reads the beacon root's contract"; "EEST bal_4788_query, bal_2935_query".
    I4 POST_BLOCK_READS_STALE Rest Candidate: "the post-block phase reads storage as the transactions found it"; "a withdrawal request in the block"; "EEST cross_index".
    I5 ABORTED_ACCESSES_LISTED Schedule Candidate: "what aborted incarnations accessed is listed"; "an abort in an Amsterdam block"; "erigon#21651, #21654".
    I6 BLOCK_HASH_CACHE_RACES Schedule Candidate: "the cache of block hashes is not safe for threads"; "many BLOCKHASH at once"; "besu 2c5791433c".
    I7 WITHDRAWALS_FROM_STALE_STATE Rest Candidate: "withdrawals start from the state before the transactions"; "a withdrawal to an address that a transaction pays"; "EEST bal_withdrawal_and_transaction".
    I8 NO_WITHDRAWALS_NO_POST_BLOCK Rest Candidate: "a block without withdrawals has no post-block phase"; "an empty list of withdrawals, requests"; "erigon#20177 (hoodi 1745211)".
    I9 REQUEST_CONTRACTS_UNCHECKED Rest Shared: "a block is valid without the code of EIP-7002 and EIP-7251"; "a block of Prague, a request contract without code"; "@ethereumjs/vm 10.1.3 (trophy 9)".
    I10 BUILDER_CONTRACTS_UNCHECKED Rest Shared: "a block is valid without the code of EIP-8282"; "a block of Amsterdam, a builder contract without code"; "lockstep reference, 2026-11: shown by ethrex".
    I11 DEPOSIT_LAYOUT_UNCHECKED Rest Shared: "the layout of deposit logs is not checked (EIP-6110)"; "a deposit log with an offset that is wrong"; "alloy-evm's block executor: docs/independent.md".
    I13 REQUESTS_REVERSED Must Candidate: "requests stand in the wrong order"; "a withdrawal request and a consolidation request"; "EIP-7685".
    I14 ONE_WITHDRAWAL_FOR_EACH Must Candidate: "of two withdrawals to one account the last one counts"; "two withdrawals to one address"; "EEST bal_multiple_withdrawals_same_address".
    I15 SMALL_BLOCK_SKIPS_SYSTEM_CALLS Must Candidate: "a block of one transaction has no pre-block phase"; "one transaction in a Cancun block"; "gravity-reth#363 (forked at block 2)".
}

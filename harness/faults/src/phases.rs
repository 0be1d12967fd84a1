//! Family I: block phases.

crate::family! {
    I1 PRE_BLOCK_WRITES_INVISIBLE Must Candidate: "what the pre-block phase wrote is invisible to transactions"; "a transaction reads the beacon root's contract"; "EEST bal_4788_query, bal_2935_query".
    I4 POST_BLOCK_READS_STALE Rest Candidate: "the post-block phase reads storage as the transactions found it"; "a withdrawal request in the block"; "EEST cross_index".
    I5 ABORTED_ACCESSES_LISTED Schedule Candidate: "what aborted incarnations accessed is listed"; "an abort in an Amsterdam block"; "erigon#21651, #21654".
    I6 BLOCK_HASH_CACHE_RACES Schedule Candidate: "the cache of block hashes is not safe for threads"; "many BLOCKHASH at once"; "besu 2c5791433c".
    I7 WITHDRAWALS_FROM_STALE_STATE Rest Candidate: "withdrawals start from the state before the transactions"; "a withdrawal to an address that a transaction pays"; "EEST bal_withdrawal_and_transaction".
    I8 NO_WITHDRAWALS_NO_POST_BLOCK Rest Candidate: "a block without withdrawals has no post-block phase"; "an empty list of withdrawals, requests"; "erigon#20177 (hoodi 1745211)".
}

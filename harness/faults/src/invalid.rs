//! Family J: invalid transactions and blocks.

crate::family! {
    J1 INVALID_TRANSACTION_SKIPPED Must Candidate: "an invalid transaction is passed over"; "an invalid transaction in the middle"; "erigon#21667 (gnosis 18483405), grevm f7dacd1".
    J2 COMMIT_GOES_ON_AFTER_ERROR Rest Candidate: "the commit goes on after an error, and the last one is reported"; "two invalid transactions"; "grevm 45cbc41".
    J4 INVALID_BLOCK_NEVER_ENDS Must Candidate: "an invalid block never ends"; "a nonce that is wrong"; "pevm#368, 08f481b".
    J5 SPECULATIVE_ERROR_IS_FINAL Rest Candidate: "what makes a transaction invalid for the moment ends the block"; "a transaction that is valid only after those before it"; "reth#26693, #26720, ethrex#6677".
    J6 ABSENT_SENDER_PANICS Rest Candidate: "a panic where a sender does not exist yet"; "a sender who is funded in the block"; "grevm 243ec63".
    J8 REJECTION_ONE_LATE Must Candidate: "the transaction behind the invalid one is blamed"; "an invalid transaction in the middle"; "ethrex#6677".
}

//! Family L: shared caches and the reuse of workers.

crate::family! {
    L1 CODE_CACHED_BY_ADDRESS Must Candidate: "code is cached by address"; "a delegation is set anew; CREATE2 after a destruction"; "bor#2270, revm 8382708f0".
    L2 JOURNAL_KEEPS_FAILED_LOADS Rest Candidate: "the journal keeps what a transaction that gave up has loaded"; "a blocked read, then another transaction on the worker"; "erigon#19062, grevm 2a42859".
    L3 VERSIONS_LEAK_INTO_NEXT_BLOCK Rest Candidate: "the versions of one block are seen by the next"; "two blocks with accounts in common"; "erigon#21675".
    L5 EVM_ERROR_LEAKS_INTO_NEXT Schedule Candidate: "the error that a transaction left in the EVM is the next one's"; "two blocked reads in one transaction"; "lockstep itself: found by its first campaign".
    L4 CODE_CACHE_KEY_TOO_SHORT Rest Candidate: "the key of the code cache is too short"; "two contracts"; "bor#2270".
    L6 CODE_OF_BLOCK_NOT_FOUND Must Candidate: "code that the block has deployed is not found by its hash"; "tx1 deploys X; tx2 calls X"; "grevm c04cd37".
}

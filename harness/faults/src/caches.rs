//! Family L: shared caches and the reuse of workers.

crate::family! {
    L1 Must Candidate: "code is cached by address"; "a delegation is set anew; CREATE2 after a destruction"; "bor#2270, revm 8382708f0".
    L2 Rest Candidate: "the journal keeps what a transaction that gave up has loaded"; "a blocked read, then another transaction on the worker"; "erigon#19062, grevm 2a42859".
    L3 Rest Candidate: "the versions of one block are seen by the next"; "two blocks with accounts in common"; "erigon#21675".
    L5 Schedule Candidate: "the error that a transaction left in the EVM is the next one's"; "two blocked reads in one transaction"; "lockstep itself: found by its first campaign".
    L4 Rest Candidate: "the key of the code cache is too short"; "two contracts"; "bor#2270".
}

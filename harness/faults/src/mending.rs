//! Family N: mending a transaction instead of executing it again.

crate::family! {
    N1 BRANCH_UNGUARDED Must Candidate: "a transaction is mended though a branch would turn"; "a jump on a slot that tx1 writes"; "ParallelEVM (EuroSys '25), its guards on control flow".
    N2 STORE_GAS_UNGUARDED Must Candidate: "a transaction is mended though a store would cost other gas"; "a slot is counted up from zero, then from one"; "EIP-2200; ParallelEVM (EuroSys '25), its guards on gas".
    N3 REFUND_UNGUARDED Must Candidate: "a transaction is mended though a store would be refunded"; "a slot is counted down to zero"; "EIP-3529".
    N4 LOG_DATA_STALE Must Candidate: "a mended transaction keeps the data of its logs"; "a log of a balance that tx1 changes"; "found by reading: what depends on a read beside the state".
    N5 RETURN_DATA_STALE Must Candidate: "what a call returns is not followed to its caller"; "a pool that asks a token for a balance"; "found by reading: data that moves between frames".
    N6 HASH_UNGUARDED Must Candidate: "a hash of a stale value is kept"; "a slot that is a function of the hash of a counter"; "found by reading: addresses and slots that are computed".
    N7 FAILED_FRAME_STORES Rest Candidate: "a store of a call that failed is mended in"; "a call that stores a counter and reverts"; "found by reading: what is taken back".
    N8 MENDED_WRITE_UNNOTICED Must Candidate: "who has read what a mended transaction wrote is not told"; "a chain of three transactions through one slot"; "found by reading: versions are compared by their writer".
    N9 HALTED_STORE_UNGUARDED Rest Candidate: "a transaction is mended though a store that ran out of gas would not have"; "a store with gas for a slot that is set, not for one that is new"; "lockstep itself: a fuzzed block of Byzantium".
}

//! Family O: accounts that belong to threads, which ask one another.

crate::family! {
    O1 OTHERS_UNCONFIRMED Must Candidate: "a transaction is committed when its own thread confirms what it read"; "two transactions of two threads on one account"; "aptos-core#8747: remote reads are awaited, local ones validated".
    O2 WRITES_ELSEWHERE_STAY Must Candidate: "what an execution wrote at another thread, and the next did not, stays"; "a slot whose number is a slot that tx1 writes"; "found by reading: two-phase withdrawal".
    O3 CODE_STAYS_AT_OWNER Must Candidate: "the code of a contract that the block deploys is known to its owner alone"; "tx1 deploys what tx2 calls from another thread"; "found by reading: content beside the account".
    O4 READS_OF_FIRST_EXECUTION_COUNT Rest Candidate: "what an execution has read that is begun anew is still confirmed"; "an invalid guess that reads another account"; "found by reading: it costs executions, and tells reads that are none".
}

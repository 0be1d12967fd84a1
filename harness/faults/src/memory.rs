//! Family G: versioned memory, validation, scheduling.

crate::family! {
    G1 PRE_STATE_READS_ALWAYS_CURRENT Must Candidate: "a read of the pre-state is never invalid"; "a late writer below a reader"; "pevm d452040".
    G2 ODD_TRANSACTIONS_UNVALIDATED Must Candidate: "every second transaction is committed without a look at its reads"; "a chain of dependent transactions"; "pevm ac06a47".
    G4 RE_EXECUTION_BUMPS_NOTHING Must Candidate: "what a re-execution writes is not noticed by those who have read"; "a store that depends on an earlier transaction"; "Block-STM's rule of new locations (arXiv 2203.06871)".
    G5 ABORTED_WRITES_STAY Must Candidate: "what an aborted incarnation wrote and the next did not stays"; "incarnation 0 writes a slot, incarnation 1 does not"; "Block-STM (arXiv 2203.06871)".
    G6 ESTIMATES_IGNORED Canary Candidate: "estimates are ignored: readers do not wait for those who execute again"; "none: the commit checks every read, so that this makes it slow, not wrong"; "Block-STM (arXiv 2203.06871), where it is needed".
    G7 COMMITTED_WHILE_EXECUTING Schedule Candidate: "a transaction is committed while it executes"; "a commit beside an execution"; "grevm 7c2aeb0".
    G9 STORAGE_READ_REPLACES_RECORD Rest Candidate: "a read of storage replaces those before it in the record"; "two slots read, the first one changed"; "erigon#23170".
    G10 PAYABILITY_UNRECORDED Rest Candidate: "whether a contract can pay is not recorded"; "a contract sends more than it has, or not"; "monad#1782 (outage of 2025-10-29)".
    G13 LONE_SLEEPER_NOT_WOKEN Schedule Candidate: "a sleeper is not woken when it is the only one"; "more workers than tasks"; "grevm 45cbc41, pevm#368".
    G14 DONE_ONE_SHORT Rest Candidate: "the block counts as done when one transaction is missing"; "any block"; "found by reading: a termination counter".
    G15 THIRD_EXECUTION_ASSERTED_AWAY Rest Candidate: "an assertion that no transaction executes three times"; "a place that is written again and again"; "monad#2096".
    G17 SUSPENDED_ON_EXECUTING_FORGOTTEN Schedule Candidate: "who waits for a transaction that executes is forgotten"; "a chain of dependent transactions"; "grevm 45cbc41".
    G18 PRE_STATE_SLOT_UNRECORDED Must Candidate: "a slot that is read from the pre-state is not recorded"; "tx1 writes a slot, tx2 reads it"; "bor#2210".
    G20 CODE_CHANGE_UNNOTICED Rest Candidate: "a read of an account counts as current though its code has changed"; "tx1 delegates A anew; tx2 calls A"; "bor#2270".
    G21 NONCE_CHANGE_UNNOTICED Rest Candidate: "a read of an account counts as current though its nonce has changed"; "a factory creates in tx1 and in tx2"; "metis-sdk 178b895".
    G22 STAMP_TAKEN_AFTER_VALUE Schedule Candidate: "the stamp of a read is taken after its value: what is published in between is never noticed"; "tx1 writes a slot that tx2 reads"; "found by reading: the order of two loads".
    G23 ACCOUNT_READ_IN_TWO Schedule Candidate: "nonce and balance of an account are read at two moments, and only the second is checked"; "two transactions of one sender"; "found by reading: a lock for each field".
    G24 READER_WAITS_FOR_OWN_CLAIM Schedule Candidate: "a reader waits for a transaction of its worker's own claim"; "two transactions in one claim, the first of them given up"; "lockstep itself: a simulation that stood still".
}

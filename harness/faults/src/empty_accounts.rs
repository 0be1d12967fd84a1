//! Family F: empty accounts and withdrawals.

crate::family! {
    F1 EMPTY_ACCOUNT_ABSENT_TOO_EARLY Must Candidate: "an empty account does not exist before Spurious Dragon"; "block 1124576: tx1, tx3"; "grevm cc11862".
    F2 TOUCHED_EMPTY_ACCOUNT_STAYS Must Candidate: "a touched empty account does not end (EIP-161)"; "touched in tx1, called with value in tx2"; "grevm cc11862, besu#7844".
    F4 ZERO_WITHDRAWAL_CREATES Must Candidate: "a withdrawal of nothing creates its recipient"; "amount 0 to an absent address"; "evm2 607eb350, EEST bal_zero_withdrawal".
    F5 ABSENT_READ_UNRECORDED Rest Candidate: "a read of an absent account is not recorded"; "tx2 BALANCE(X) beside tx1, which funds X"; "erigon#24023, #23982, grevm c3ba5f9".
    F6 RIPEMD_ENDS_WITH_FAILED_TRANSACTION Rest Shared: "an empty 0x03 ends with a transaction that touched it and failed as a whole"; "an empty 0x03 in the pre-state; tx1 calls it and runs out of gas"; "revm 43, and geth by reading; the execution specs and Besu keep it".
    F7 STORAGE_ONLY_ACCOUNT_READS_ZERO Rest Shared: "an account with storage and neither code nor nonce reads its slots as zero once it has changed"; "such an account is delegated; its delegate reads a slot"; "revm 43's State".
    F8 ZERO_REWARD_IS_NO_TOUCH Rest Candidate: "a reward of zero touches nobody"; "no tip, a fee recipient that is empty or absent"; "besu#8353".
}

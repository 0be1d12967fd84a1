//! Family B: native transfers without the interpreter.

crate::family! {
    B1 RECIPIENT_CODE_FROM_PRE_STATE Must Candidate: "whether the recipient has code is asked of the pre-state"; "tx1 deploys X; tx2 sends value to X"; "pevm 7abe836 (block 8038679)".
    B2 FUNDED_SENDER_REFUSED Must Candidate: "a sender who is funded in the block is refused for lack of funds"; "tx1 funds S; tx2 S spends"; "pevm 08f481b".
    B3 CREDITS_COUNT_TWICE Must Candidate: "credits to an absent account count twice from the second on"; "two transfers to a fresh address, then a read"; "pevm 67b511f (block 3356896)".
    B4 BALANCE_READER_MISSES_CREDIT Rest Candidate: "a reader of a balance is not executed again when a credit below it changes"; "T1 credits A; T2 BALANCE(A); T1 executes again"; "metis-sdk#114".
    B5 SET_CODE_AS_PLAIN_TRANSFER Rest Candidate: "a set-code transaction without data counts as a plain transfer"; "type 4, empty data, an authorisation"; "found by reading: pevm's lazy path".
    B6 ZERO_TRANSFER_WRITES_EMPTY Must Candidate: "a transfer of nothing writes an empty account where none was"; "0 wei to X; then a call of X with value"; "pevm e0d53d6, grevm cc11862 (block 1124576)".
    B7 SELF_TRANSFER_PLAIN Rest Candidate: "a transfer to oneself takes the plain path"; "from is to, with value"; "metis-sdk bed5e4b, EEST bal_self_transfer".
    B8 SATURATING_SENDER_CHECK Rest Candidate: "arithmetic that saturates hides a sender who cannot pay"; "S has less than it sends"; "found by reading: pevm's vm.rs".
    B9 PRECOMPILE_TRANSFER_PLAIN Rest Candidate: "a transfer to a precompile takes the plain path"; "value to 0x01 to 0x0a"; "pevm 53f6240, EEST bal_precompile_funded".
    B10 RECIPIENT_READ_UNRECORDED Rest Candidate: "that the recipient of a plain transfer has no code is not recorded"; "tx1 delegates X; tx2 sends value to X"; "pevm 9cbd856, crates/pevm/src/vm.rs:265 (trophy 5)".
    B11 SENDER_LOSES_DELEGATION Must Candidate: "a sender with a delegation loses it by a plain transfer"; "S is delegated and sends value"; "pevm 9cbd856, crates/pevm/src/vm.rs:256 (trophy 6)".
    B12 FAILED_CALL_CREDITS_PRECOMPILE Rest Candidate: "a failing call of a precompile credits its value"; "value to 0x03 without enough gas"; "pevm 9cbd856, crates/pevm/src/vm.rs:629 (trophy 7)".
}

//! Family A: the fee recipient.

crate::family! {
    A1 REWARDS_INVISIBLE_TO_CODE Must Candidate: "what the fee recipient is owed cannot be seen by code"; "tx1 pays a tip; tx2 stores BALANCE(COINBASE)"; "grevm f40762c, pevm bdd17fa, sei-chain#3583".
    A2 FEE_RECIPIENT_WRITES_LOST Must Candidate: "what the fee recipient's own transactions did to it is lost when rewards are merged"; "the fee recipient signs a transaction between two that pay"; "pevm 3ba4413 (block 16257471), grevm 46ff319".
    A3 FEE_RECIPIENT_STORAGE_LOST Must Candidate: "the storage of a fee recipient that is a contract is left out of the changes"; "a transaction calls the fee recipient, which stores"; "pevm d73a0b9 (block 12459406), grevm a2c9a7e".
    A4 REWARD_DOES_NOT_CREATE Must Candidate: "a reward does not create a fee recipient that does not exist"; "all pay tips, the fee recipient is absent"; "besu#8353, grevm abb9f6b".
    A5 FEE_RECIPIENT_VISIT_IS_WRITE Rest Candidate: "a visit to the fee recipient that changes nothing counts as a write of it all"; "a transaction calls the fee recipient without value while others pay"; "grevm 611b561".
    A6 LEGACY_TIP_IS_GAS_PRICE Rest Candidate: "the tip of a legacy transaction is its whole gas price"; "a legacy transaction, a base fee"; "pevm 1fba350".
    A7 FEE_RECIPIENT_WARM_TOO_EARLY Rest Candidate: "the fee recipient is warm before Shanghai (EIP-3651)"; "a London block that reads BALANCE(COINBASE)"; "pevm bdd17fa".
    A8 REWARDS_AFTER_DESTRUCTION_LOST Rest Candidate: "rewards after the fee recipient was destroyed are lost"; "the fee recipient destroys itself, later transactions pay"; "erigon#23967".
    A9 WITHDRAWAL_OVERWRITES_REWARDS Rest Candidate: "a withdrawal to the fee recipient starts from the pre-state and overwrites what it was paid"; "the withdrawal's recipient is the fee recipient"; "EEST bal_withdrawal_to_coinbase, besu fa7131950b".
    A11 DESTROYED_FEE_RECIPIENT_STAYS Must Candidate: "a fee recipient that destroys itself stays"; "before Cancun: a call of the fee recipient, which destroys itself"; "pevm 9cbd856, crates/pevm/src/vm.rs:592 (trophy 8)".
    A12 SEEN_REWARD_PAID_TWICE Must Candidate: "a reward is paid twice where the transaction has looked at the fee recipient"; "a transaction reads BALANCE(COINBASE)"; "a mutant of the deferred reward".
}

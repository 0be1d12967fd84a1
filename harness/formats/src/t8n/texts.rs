//! Geth's words for a block or a transaction that is rejected. Drivers find them by a part of the text; the
//! rule's own name stands behind, so that nothing is lost.

use lockstep_judge::consensus::BlockRule;
use lockstep_model::Rule;

/// A rule, and the part of the text by which execution-spec-tests knows it of geth.
const TEXTS: &[(Rule, &str)] = &[
    (Rule::InvalidChainId, "invalid chain id for signer"),
    (Rule::Type1PreFork, "transaction type not supported"),
    (Rule::Type2PreFork, "transaction type not supported"),
    (Rule::Type3PreFork, "transaction type not supported"),
    (Rule::Type4PreFork, "transaction type not supported"),
    (Rule::UnknownTransactionType, "transaction type not supported"),
    (Rule::GasLimitExceedsMaximum, "transaction gas limit too high"),
    (Rule::InsufficientMaxFeePerGas, "max fee per gas less than block base fee"),
    (Rule::PriorityGreaterThanMaxFee, "max priority fee per gas higher than max fee per gas"),
    (Rule::InsufficientMaxFeePerBlobGas, "max fee per blob gas less than block blob gas fee"),
    (Rule::ZeroBlobs, "blob transaction missing blob hashes"),
    (Rule::InvalidBlobVersionedHash, "blob has invalid hash version"),
    (Rule::BlobCountExceeded, "blob transaction has too many blobs"),
    (
        Rule::BlobContractCreation,
        "input string too short for common.Address, decoding into (types.Transaction)(types.BlobTx).To",
    ),
    (Rule::EmptyAuthorizationList, "EIP-7702 transaction with empty auth list"),
    (Rule::InvalidAuthorizationFormat, "rlp: value size exceeds available input length"),
    (
        Rule::SetCodeContractCreation,
        "input string too short for common.Address, decoding into (types.Transaction)(types.SetCodeTx).To",
    ),
    (Rule::GasAllowanceExceeded, "gas limit reached"),
    (Rule::InitcodeSizeExceeded, "max initcode size exceeded"),
    (Rule::NonceIsMax, "nonce has max value"),
    (Rule::IntrinsicGasTooLow, "intrinsic gas too low"),
    (Rule::IntrinsicGasBelowFloor, "insufficient gas for floor data gas cost"),
    (Rule::SenderNotEoa, "sender not an eoa"),
    (Rule::NonceTooHigh, "nonce too high"),
    (Rule::NonceTooLow, "nonce too low"),
    (Rule::InsufficientAccountFunds, "insufficient funds for gas * price + value"),
    (Rule::GasPriceProductOverflow, "insufficient funds for gas * price + value"),
    (Rule::InvalidSignature, "invalid transaction v, r, s values"),
    (Rule::BlobsInBlock, "unexpected blob sidecar in transaction"),
    (Rule::BlobGasAllowanceExceeded, "blob gas would exceed maximum allowance"),
    (Rule::NumberTooLarge, "rlp: input string too long"),
    (Rule::MissingParentBeaconBlockRoot, "header is missing beaconRoot"),
    (Rule::SystemContractEmpty, "system call failed to execute: no code"),
    (Rule::SystemContractCallFailed, "system call failed to execute:"),
    (Rule::InvalidDepositEventLayout, "failed to parse deposit logs"),
    (Rule::InvalidBlockAccessList, "invalid block access list:"),
];

/// Rules of a block, and geth's words for them where it has some.
const BLOCK_TEXTS: &[(BlockRule, &str)] = &[
    (BlockRule::Encoding, "rlp: cannot be decoded"),
    (BlockRule::BlockSize, "block RLP-encoded size exceeds maximum"),
    (BlockRule::ParentKnown, "unknown ancestor"),
    (BlockRule::Number, "invalid block number"),
    (BlockRule::Timestamp, "invalid timestamp"),
    (BlockRule::ExtraDataSize, "extra-data too long"),
    (BlockRule::GasUsedWithinLimit, "invalid gasUsed: more than gasLimit"),
    (BlockRule::GasLimitBounds, "invalid gas limit"),
    (BlockRule::GasLimitSize, "invalid gas limit"),
    (BlockRule::Difficulty, "invalid difficulty"),
    (BlockRule::DifficultyZero, "invalid difficulty"),
    (BlockRule::BaseFee, "invalid baseFee"),
    (BlockRule::BaseFeePresent, "header is missing baseFee"),
    (BlockRule::ExcessBlobGas, "invalid excessBlobGas"),
    (BlockRule::BlobGasWithinLimit, "blob gas used exceeds maximum allowance"),
    (BlockRule::BlobGasUsed, "blob gas used mismatch"),
    (BlockRule::TransactionsRoot, "transaction root hash mismatch"),
    (BlockRule::OmmersHash, "uncle root hash mismatch"),
    (BlockRule::WithdrawalsRoot, "withdrawals root hash mismatch"),
    (BlockRule::GasUsed, "invalid gas used"),
    (BlockRule::LogsBloom, "invalid bloom"),
    (BlockRule::ReceiptsRoot, "invalid receipt root hash"),
    (BlockRule::StateRoot, "invalid merkle root"),
    (BlockRule::RequestsHash, "invalid requests hash"),
    (BlockRule::BlockHash, "blockhash mismatch"),
    (BlockRule::AccessListForm, "invalid block access list: form"),
    (BlockRule::AccessListHash, "invalid block access list: hash"),
    (BlockRule::AccessList, "invalid block access list: not that of the execution"),
    (BlockRule::AccessListSize, "block access list exceeds gas limit"),
];

/// Errors of the Python specs that stand for one rule. `InsufficientTransactionGasError` stands for two.
const SPECS: &[(&str, Rule)] = &[
    ("InsufficientBalanceError", Rule::InsufficientAccountFunds),
    ("GasUsedExceedsLimitError", Rule::GasAllowanceExceeded),
    ("NonceOverflowError", Rule::NonceIsMax),
    ("InvalidSenderError", Rule::SenderNotEoa),
    ("NoBlobDataError", Rule::ZeroBlobs),
    ("InvalidBlobVersionedHashError", Rule::InvalidBlobVersionedHash),
    ("BlobCountExceededError", Rule::BlobCountExceeded),
    ("InsufficientMaxFeePerBlobGasError", Rule::InsufficientMaxFeePerBlobGas),
    ("InsufficientMaxFeePerGasError", Rule::InsufficientMaxFeePerGas),
    ("PriorityFeeGreaterThanMaxFeeError", Rule::PriorityGreaterThanMaxFee),
    ("EmptyAuthorizationListError", Rule::EmptyAuthorizationList),
    ("InitCodeTooLargeError", Rule::InitcodeSizeExceeded),
    ("TransactionGasLimitExceededError", Rule::GasLimitExceedsMaximum),
];

/// Geth's words for a reason as the judge gives it: names of broken rules, with commas between them. Each name stands
/// behind its text.
pub fn text_of_reason(reason: &str) -> String {
    let text = |part: &str| {
        if let Some((_, text)) = BLOCK_TEXTS.iter().find(|(rule, _)| rule.name() == part) {
            return format!("{text} ({part})");
        }
        match rule_of_text(part) {
            Some(rule) => part.replacen(rule.name(), &text_of(&rule), 1),
            None => part.to_owned(),
        }
    };
    reason.split(", ").map(text).collect::<Vec<_>>().join(", ")
}

/// The text of a rule.
pub fn text_of(rule: &Rule) -> String {
    match TEXTS.iter().find(|(known, _)| known == rule) {
        Some((_, text)) => format!("{text} ({rule})"),
        None => rule.to_string(),
    }
}

/// The rule that a text stands for, where it is one that is known.
pub fn rule_of_text(text: &str) -> Option<Rule> {
    // A name says more than words that several rules share.
    let mut by_name = Rule::NAMED.iter().filter(|rule| {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == rule.name())
    });
    let by_text = TEXTS.iter().filter(|(_, known)| text.contains(known));
    let by_error = SPECS.iter().find(|(name, _)| text.contains(name)).map(|(_, rule)| rule);
    let longest = by_text.max_by_key(|(_, known)| known.len()).map(|(rule, _)| rule);
    by_name.next_back().or(by_error).or(longest).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_text_that_leads_back() {
        for rule in Rule::NAMED {
            let text = text_of(rule);
            assert!(text.contains('('), "{rule} has no text");
            assert_eq!(rule_of_text(&text).as_ref(), Some(rule), "{text}");
        }
    }

    #[test]
    fn reasons_of_the_judge_are_told_in_geths_words() {
        for (reason, text) in [
            ("base fee", "invalid baseFee (base fee)"),
            (
                "state root, gas used",
                "invalid merkle root (state root), invalid gas used (gas used)",
            ),
            (
                "NONCE_MISMATCH_TOO_LOW at transaction 3",
                "nonce too low (NONCE_MISMATCH_TOO_LOW) at transaction 3",
            ),
            ("ommer not an ancestor", "ommer not an ancestor"),
        ] {
            assert_eq!(text_of_reason(reason), text);
        }
    }

    #[test]
    fn geths_own_texts_are_known() {
        let text = "nonce too low: address 0x00, tx: 0 state: 1";
        assert_eq!(rule_of_text(text), Some(Rule::NonceTooLow));
        assert_eq!(rule_of_text("something else"), None);
    }
}

//! The fixtures' exception names, old spellings included.
//!
//! Names are compared whole: several are a prefix of another.

use lockstep_model::Rule;

/// Which rules a fixture's exception name stands for. Names after the first line of a group are
/// older spellings.
const NAMES: &[(&str, &[Rule])] = &[
    ("INVALID_CHAINID", &[Rule::InvalidChainId]),
    ("TYPE_1_TX_PRE_FORK", &[Rule::Type1PreFork]),
    ("TYPE_2_TX_PRE_FORK", &[Rule::Type2PreFork]),
    ("TYPE_3_TX_PRE_FORK", &[Rule::Type3PreFork]),
    ("TYPE_4_TX_PRE_FORK", &[Rule::Type4PreFork]),
    (
        "TR_TypeNotSupported",
        &[Rule::Type1PreFork, Rule::Type2PreFork, Rule::Type3PreFork, Rule::Type4PreFork],
    ),
    ("GAS_LIMIT_EXCEEDS_MAXIMUM", &[Rule::GasLimitExceedsMaximum]),
    ("INSUFFICIENT_MAX_FEE_PER_GAS", &[Rule::InsufficientMaxFeePerGas]),
    ("TR_FeeCapLessThanBlocks", &[Rule::InsufficientMaxFeePerGas]),
    ("PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", &[Rule::PriorityGreaterThanMaxFee]),
    ("TR_TipGtFeeCap", &[Rule::PriorityGreaterThanMaxFee]),
    ("INSUFFICIENT_MAX_FEE_PER_BLOB_GAS", &[Rule::InsufficientMaxFeePerBlobGas]),
    ("TYPE_3_TX_ZERO_BLOBS", &[Rule::ZeroBlobs]),
    ("TR_EMPTYBLOB", &[Rule::ZeroBlobs]),
    ("TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH", &[Rule::InvalidBlobVersionedHash]),
    ("TR_BLOBVERSION_INVALID", &[Rule::InvalidBlobVersionedHash]),
    ("TYPE_3_TX_BLOB_COUNT_EXCEEDED", &[Rule::BlobCountExceeded]),
    ("TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED", &[Rule::BlobCountExceeded]),
    ("TR_BLOBLIST_OVERSIZE", &[Rule::BlobCountExceeded]),
    ("TYPE_3_TX_CONTRACT_CREATION", &[Rule::BlobContractCreation]),
    ("TR_BLOBCREATE", &[Rule::BlobContractCreation]),
    ("TYPE_4_EMPTY_AUTHORIZATION_LIST", &[Rule::EmptyAuthorizationList]),
    ("TYPE_4_INVALID_AUTHORIZATION_FORMAT", &[Rule::InvalidAuthorizationFormat]),
    ("TYPE_4_TX_CONTRACT_CREATION", &[Rule::SetCodeContractCreation]),
    ("GAS_ALLOWANCE_EXCEEDED", &[Rule::GasAllowanceExceeded]),
    ("TR_GasLimitReached", &[Rule::GasAllowanceExceeded]),
    ("INITCODE_SIZE_EXCEEDED", &[Rule::InitcodeSizeExceeded]),
    ("TR_InitCodeLimitExceeded", &[Rule::InitcodeSizeExceeded]),
    ("NONCE_IS_MAX", &[Rule::NonceIsMax]),
    ("TR_NonceHasMaxValue", &[Rule::NonceIsMax]),
    ("INTRINSIC_GAS_TOO_LOW", &[Rule::IntrinsicGasTooLow]),
    ("TR_IntrinsicGas", &[Rule::IntrinsicGasTooLow]),
    ("IntrinsicGas", &[Rule::IntrinsicGasTooLow]),
    ("INTRINSIC_GAS_BELOW_FLOOR_GAS_COST", &[Rule::IntrinsicGasBelowFloor]),
    ("SENDER_NOT_EOA", &[Rule::SenderNotEoa]),
    ("SenderNotEOA", &[Rule::SenderNotEoa]),
    ("NONCE_MISMATCH_TOO_HIGH", &[Rule::NonceTooHigh]),
    ("NONCE_MISMATCH_TOO_LOW", &[Rule::NonceTooLow]),
    ("INSUFFICIENT_ACCOUNT_FUNDS", &[Rule::InsufficientAccountFunds]),
    ("TR_NoFunds", &[Rule::InsufficientAccountFunds]),
    // Stands for prices beyond what any balance could pay too: `HighGasPrice`.
    ("TR_NoFundsX", &[Rule::InsufficientAccountFunds, Rule::GasPriceProductOverflow]),
    ("TR_NoFundsOrGas", &[Rule::InsufficientAccountFunds, Rule::IntrinsicGasTooLow]),
    ("GASLIMIT_PRICE_PRODUCT_OVERFLOW", &[Rule::GasPriceProductOverflow]),
    ("TR_RLP_WRONGVALUE", &[Rule::NumberTooLarge]),
];

/// Whether `rule` is one of the reasons that the names, `A|B`, allow.
pub fn matches(names: &str, rule: &Rule) -> bool {
    names.split('|').any(|name| rules_of(name).is_some_and(|rules| rules.contains(rule)))
}

/// The names that no rule answers to.
pub fn unknown(names: &str) -> Vec<&str> {
    names.split('|').filter(|name| rules_of(name).is_none()).collect()
}

fn rules_of(name: &str) -> Option<&'static [Rule]> {
    let name = name.trim();
    let bare = name.strip_prefix("TransactionException.").unwrap_or(name);
    NAMES.iter().find(|(known, _)| *known == bare).map(|(_, rules)| *rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_whole() {
        assert!(matches("TransactionException.INTRINSIC_GAS_TOO_LOW", &Rule::IntrinsicGasTooLow));
        assert!(!matches("TransactionException.INTRINSIC_GAS", &Rule::IntrinsicGasTooLow));
        assert!(!matches("TR_NoFunds", &Rule::IntrinsicGasTooLow));
        assert!(matches("TR_NoFundsOrGas", &Rule::IntrinsicGasTooLow));
    }

    #[test]
    fn alternatives_are_separated_by_bars() {
        let names =
            "TransactionException.TYPE_3_TX_PRE_FORK|TransactionException.TYPE_3_TX_ZERO_BLOBS";
        assert!(matches(names, &Rule::ZeroBlobs));
        assert!(!matches(names, &Rule::Type2PreFork));
        assert_eq!(
            unknown("TransactionException.NEW_ONE|TR_NoFunds"),
            ["TransactionException.NEW_ONE"]
        );
    }

    #[test]
    fn no_name_is_listed_twice() {
        for (index, (name, _)) in NAMES.iter().enumerate() {
            assert!(NAMES[..index].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}

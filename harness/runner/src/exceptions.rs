//! The fixtures' exception names, old spellings included: the one table from them to our rules.
//!
//! Names are compared whole: several are a prefix of another.

use crate::consensus::{BlockRule, Broken};
use lockstep_model::Rule;

/// What an exception name stands for: any of these rules of execution or of the block.
type Row = (&'static str, &'static [Rule], &'static [BlockRule]);

/// `TransactionException`s, and what retesteth called them.
const TRANSACTIONS: &[Row] = &[
    ("INVALID_CHAINID", &[Rule::InvalidChainId], &[]),
    ("TYPE_1_TX_PRE_FORK", &[Rule::Type1PreFork], &[]),
    ("TYPE_2_TX_PRE_FORK", &[Rule::Type2PreFork], &[]),
    ("TYPE_3_TX_PRE_FORK", &[Rule::Type3PreFork], &[]),
    ("TYPE_4_TX_PRE_FORK", &[Rule::Type4PreFork], &[]),
    ("TYPE_NOT_SUPPORTED", ANY_TYPE, &[]),
    ("TR_TypeNotSupported", ANY_TYPE, &[]),
    ("GAS_LIMIT_EXCEEDS_MAXIMUM", &[Rule::GasLimitExceedsMaximum], &[]),
    ("INSUFFICIENT_MAX_FEE_PER_GAS", &[Rule::InsufficientMaxFeePerGas], &[]),
    ("TR_FeeCapLessThanBlocks", &[Rule::InsufficientMaxFeePerGas], &[]),
    ("PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", &[Rule::PriorityGreaterThanMaxFee], &[]),
    ("TR_TipGtFeeCap", &[Rule::PriorityGreaterThanMaxFee], &[]),
    ("INSUFFICIENT_MAX_FEE_PER_BLOB_GAS", &[Rule::InsufficientMaxFeePerBlobGas], &[]),
    ("TYPE_3_TX_ZERO_BLOBS", &[Rule::ZeroBlobs], &[]),
    ("TR_EMPTYBLOB", &[Rule::ZeroBlobs], &[]),
    ("TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH", &[Rule::InvalidBlobVersionedHash], &[]),
    ("TR_BLOBVERSION_INVALID", &[Rule::InvalidBlobVersionedHash], &[]),
    ("TYPE_3_TX_BLOB_COUNT_EXCEEDED", &[Rule::BlobCountExceeded], &[]),
    // A state test has no block: there revm's limit for a transaction is the block's.
    (
        "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
        &[Rule::BlobGasAllowanceExceeded, Rule::BlobCountExceeded],
        &[],
    ),
    ("TR_BLOBLIST_OVERSIZE", &[Rule::BlobCountExceeded], &[]),
    ("TYPE_3_TX_CONTRACT_CREATION", &[Rule::BlobContractCreation], &[]),
    ("TYPE_3_TX_WITH_FULL_BLOBS", &[Rule::BlobsInBlock], &[]),
    ("TR_BLOBCREATE", &[Rule::BlobContractCreation], &[]),
    ("TYPE_4_EMPTY_AUTHORIZATION_LIST", &[Rule::EmptyAuthorizationList], &[]),
    ("TYPE_4_INVALID_AUTHORIZATION_FORMAT", &[Rule::InvalidAuthorizationFormat], &[]),
    ("TYPE_4_TX_CONTRACT_CREATION", &[Rule::SetCodeContractCreation], &[]),
    ("GAS_ALLOWANCE_EXCEEDED", &[Rule::GasAllowanceExceeded], &[]),
    ("TR_GasLimitReached", &[Rule::GasAllowanceExceeded], &[]),
    ("INITCODE_SIZE_EXCEEDED", &[Rule::InitcodeSizeExceeded], &[]),
    ("TR_InitCodeLimitExceeded", &[Rule::InitcodeSizeExceeded], &[]),
    ("NONCE_IS_MAX", &[Rule::NonceIsMax], &[]),
    ("TR_NonceHasMaxValue", &[Rule::NonceIsMax], &[]),
    ("INTRINSIC_GAS_TOO_LOW", &[Rule::IntrinsicGasTooLow], &[]),
    ("TR_IntrinsicGas", &[Rule::IntrinsicGasTooLow], &[]),
    ("IntrinsicGas", &[Rule::IntrinsicGasTooLow], &[]),
    ("INTRINSIC_GAS_BELOW_FLOOR_GAS_COST", &[Rule::IntrinsicGasBelowFloor], &[]),
    ("SENDER_NOT_EOA", &[Rule::SenderNotEoa], &[]),
    ("SenderNotEOA", &[Rule::SenderNotEoa], &[]),
    ("NONCE_MISMATCH_TOO_HIGH", &[Rule::NonceTooHigh], &[]),
    ("NONCE_MISMATCH_TOO_LOW", &[Rule::NonceTooLow], &[]),
    ("INSUFFICIENT_ACCOUNT_FUNDS", &[Rule::InsufficientAccountFunds], &[]),
    ("TR_NoFunds", &[Rule::InsufficientAccountFunds], &[]),
    // Stands for prices beyond what any balance could pay too: `HighGasPrice`.
    ("TR_NoFundsX", &[Rule::InsufficientAccountFunds, Rule::GasPriceProductOverflow], &[]),
    ("TR_NoFundsOrGas", &[Rule::InsufficientAccountFunds, Rule::IntrinsicGasTooLow], &[]),
    ("GASLIMIT_PRICE_PRODUCT_OVERFLOW", &[Rule::GasPriceProductOverflow], &[]),
    ("TR_RLP_WRONGVALUE", &[Rule::NumberTooLarge], &[]),
    ("INVALID_SIGNATURE_VRS", &[Rule::InvalidSignature], &[]),
];

const ANY_TYPE: &[Rule] = &[
    Rule::UnknownTransactionType,
    Rule::Type1PreFork,
    Rule::Type2PreFork,
    Rule::Type3PreFork,
    Rule::Type4PreFork,
];

/// `BlockException`s.
const BLOCKS: &[Row] = &[
    ("RLP_STRUCTURES_ENCODING", &[], &[BlockRule::Encoding, BlockRule::WithdrawalsInBody]),
    // The bytes do not tell a number that is too large from other wrong bytes.
    ("RLP_INVALID_FIELD_OVERFLOW_64", &[], &[BlockRule::Encoding]),
    ("RLP_INVALID_ADDRESS", &[], &[BlockRule::Encoding]),
    ("RLP_WITHDRAWALS_NOT_READ", &[], &[BlockRule::Encoding, BlockRule::WithdrawalsInBody]),
    ("RLP_BLOCK_LIMIT_EXCEEDED", &[], &[BlockRule::BlockSize]),
    ("INCORRECT_BLOCK_FORMAT", &[], WRONG_FIELDS),
    ("UNKNOWN_PARENT", &[], &[BlockRule::ParentKnown]),
    ("UNKNOWN_PARENT_ZERO", &[], &[BlockRule::ParentKnown]),
    ("INVALID_BLOCK_NUMBER", &[], &[BlockRule::Number]),
    ("INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT", &[], &[BlockRule::Timestamp]),
    ("EXTRA_DATA_TOO_BIG", &[], &[BlockRule::ExtraDataSize]),
    ("EXTRA_DATA_INVALID_DAO", &[], &[BlockRule::ExtraDataOfDao]),
    ("GAS_USED_OVERFLOW", &[], &[BlockRule::GasUsedWithinLimit]),
    ("INVALID_GAS_USED_ABOVE_LIMIT", &[], &[BlockRule::GasUsedWithinLimit]),
    ("INVALID_GASLIMIT", &[], &[BlockRule::GasLimitBounds]),
    ("GASLIMIT_TOO_BIG", &[], &[BlockRule::GasLimitSize]),
    ("INVALID_DIFFICULTY", &[], &[BlockRule::Difficulty]),
    ("INVALID_BASEFEE_PER_GAS", &[], &[BlockRule::BaseFee]),
    // A block of the old kind where London has begun, and the other way round.
    ("IMPORT_IMPOSSIBLE_LEGACY", &[], &[BlockRule::BaseFeePresent]),
    ("IMPORT_IMPOSSIBLE_LEGACY_WRONG_PARENT", &[], &[BlockRule::BaseFeePresent]),
    (
        "IMPORT_IMPOSSIBLE_LONDON_WRONG_PARENT",
        &[],
        &[BlockRule::BaseFeeAbsent, BlockRule::BaseFeePresent],
    ),
    // A block of proof of stake before the total difficulty for it, and of work after it.
    ("IMPORT_IMPOSSIBLE_PARIS_WRONG_POS", &[], &[BlockRule::Difficulty]),
    ("IMPORT_IMPOSSIBLE_PARIS_WRONG_POW", &[], &[BlockRule::DifficultyZero]),
    ("IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", &[], &[BlockRule::DifficultyZero]),
    ("IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", &[], &[BlockRule::NoOmmers]),
    ("TOO_MANY_UNCLES", &[], &[BlockRule::OmmerCount]),
    ("UNCLE_IN_CHAIN", &[], &[BlockRule::OmmerNew, BlockRule::OmmerOnce]),
    ("UNCLE_IS_ANCESTOR", &[], &[BlockRule::OmmerNotAncestor]),
    ("UNCLE_IS_BROTHER", &[], &[BlockRule::OmmerKin]),
    ("UNCLE_PARENT_INCORRECT", &[], &[BlockRule::OmmerKin]),
    ("UNCLE_UNKNOWN_PARENT", &[], &[BlockRule::OmmerKin]),
    ("INVALID_UNCLES_HASH", &[], &[BlockRule::OmmersHash]),
    ("INVALID_TRANSACTIONS_ROOT", &[], &[BlockRule::TransactionsRoot]),
    ("INVALID_WITHDRAWALS_ROOT", &[], &[BlockRule::WithdrawalsRoot]),
    ("INCORRECT_BLOB_GAS_USED", &[], &[BlockRule::BlobGasUsed, BlockRule::BlobGasMultiple]),
    ("BLOB_GAS_USED_ABOVE_LIMIT", &[], &[BlockRule::BlobGasWithinLimit]),
    ("INCORRECT_EXCESS_BLOB_GAS", &[], &[BlockRule::ExcessBlobGas]),
    ("INVALID_GAS_USED", &[], &[BlockRule::GasUsed]),
    ("INVALID_LOG_BLOOM", &[], &[BlockRule::LogsBloom]),
    ("INVALID_RECEIPTS_ROOT", &[], &[BlockRule::ReceiptsRoot]),
    ("INVALID_STATE_ROOT", &[], &[BlockRule::StateRoot]),
    ("INVALID_REQUESTS", &[], &[BlockRule::RequestsHash]),
    ("SYSTEM_CONTRACT_EMPTY", &[Rule::SystemContractEmpty], &[]),
    ("SYSTEM_CONTRACT_CALL_FAILED", &[Rule::SystemContractCallFailed], &[]),
    ("INVALID_DEPOSIT_EVENT_LAYOUT", &[Rule::InvalidDepositEventLayout], &[]),
    ("INVALID_BLOCK_ACCESS_LIST", &[], &[BlockRule::AccessList, BlockRule::AccessListForm]),
    ("INVALID_BAL_HASH", &[], &[BlockRule::AccessListHash, BlockRule::AccessList]),
    ("BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED", &[], &[BlockRule::AccessListSize]),
    // What only a client behind the Engine API can say: it gets the hash, or the hashes of blobs,
    // beside the block. The fixtures name another reason with it, and that is the one that counts.
    ("INVALID_BLOCK_HASH", &[], &[]),
    ("INVALID_VERSIONED_HASHES", &[], &[]),
];

const WRONG_FIELDS: &[BlockRule] = &[
    BlockRule::FieldsPresent,
    BlockRule::FieldsAbsent,
    BlockRule::WithdrawalsInBody,
    BlockRule::NoWithdrawalsInBody,
    BlockRule::AccessListForm,
];

/// Whether `broken` is one of the reasons that the names, `A|B`, allow.
pub fn matches(names: &str, broken: &Broken) -> bool {
    names.split('|').filter_map(row).any(|(_, execution, block)| match broken {
        Broken::Execution(rejection) => execution.contains(&rejection.rule),
        Broken::Block(rule) => block.contains(rule),
    })
}

/// The names that no rule answers to.
pub fn unknown(names: &str) -> Vec<&str> {
    names.split('|').filter(|name| row(name).is_none()).collect()
}

fn row(name: &str) -> Option<&'static Row> {
    let name = name.trim();
    let rows: &[&[Row]] = match name.split_once('.') {
        Some(("TransactionException", _)) => &[TRANSACTIONS],
        Some(("BlockException", _)) => &[BLOCKS],
        _ => &[TRANSACTIONS, BLOCKS],
    };
    let bare = name.split_once('.').map_or(name, |(_, bare)| bare);
    rows.iter().copied().flatten().find(|(known, ..)| *known == bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(names: &str, rule: Rule) -> bool {
        matches(names, &Broken::transaction(0, rule))
    }

    #[test]
    fn names_are_compared_whole() {
        let too_low = || Rule::IntrinsicGasTooLow;
        assert!(transaction("TransactionException.INTRINSIC_GAS_TOO_LOW", too_low()));
        assert!(!transaction("TransactionException.INTRINSIC_GAS", too_low()));
        assert!(!transaction("BlockException.INTRINSIC_GAS_TOO_LOW", too_low()));
        assert!(!transaction("TR_NoFunds", too_low()));
        assert!(transaction("TR_NoFundsOrGas", too_low()));
        assert!(matches("BlockException.INVALID_GASLIMIT", &BlockRule::GasLimitBounds.into()));
        assert!(!matches("BlockException.INVALID_GAS_USED", &BlockRule::GasLimitBounds.into()));
    }

    #[test]
    fn alternatives_are_separated_by_bars() {
        let names =
            "TransactionException.TYPE_3_TX_PRE_FORK|TransactionException.TYPE_3_TX_ZERO_BLOBS";
        assert!(transaction(names, Rule::ZeroBlobs));
        assert!(!transaction(names, Rule::Type2PreFork));
        let mixed = "BlockException.INVALID_BAL_HASH|BlockException.INVALID_BLOCK_HASH";
        assert!(matches(mixed, &BlockRule::AccessListHash.into()));
        assert_eq!(
            unknown("TransactionException.NEW_ONE|TR_NoFunds"),
            ["TransactionException.NEW_ONE"]
        );
    }

    #[test]
    fn no_name_is_listed_twice() {
        let names: Vec<&str> = TRANSACTIONS.iter().chain(BLOCKS).map(|(name, ..)| *name).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
        }
    }

    #[test]
    fn every_rule_of_blocks_has_a_name() {
        for rule in BlockRule::ALL {
            // EIP-3675 has a rule for the nonce, and the fixtures no name for breaking it.
            let nameless = *rule == BlockRule::NonceZero;
            let named = BLOCKS.iter().any(|(_, _, rules)| rules.contains(rule));
            assert_eq!(named, !nameless, "{rule}");
        }
    }
}

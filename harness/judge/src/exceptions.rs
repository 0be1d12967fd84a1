//! The fixtures' exception names, old spellings included: the one table from them to our rules.
//!
//! Names are compared whole: several are a prefix of another.

use crate::consensus::{BlockRule, Broken};
use lockstep_model::{Rejection, Rule};

/// An exception name, and the rules that it stands for: any of them, of execution or of the block.
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
    (
        "INSUFFICIENT_ACCOUNT_FUNDS",
        &[Rule::InsufficientAccountFunds, Rule::GasPriceProductOverflow],
        &[],
    ),
    ("TR_NoFunds", &[Rule::InsufficientAccountFunds], &[]),
    // Stands for prices beyond what any balance could pay too: `HighGasPrice`.
    ("TR_NoFundsX", &[Rule::InsufficientAccountFunds, Rule::GasPriceProductOverflow], &[]),
    ("TR_NoFundsOrGas", &[Rule::InsufficientAccountFunds, Rule::IntrinsicGasTooLow], &[]),
    // The execution specs have no such rule: what nothing can pay for lacks funds.
    (
        "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
        &[Rule::GasPriceProductOverflow, Rule::InsufficientAccountFunds],
        &[],
    ),
    ("TR_RLP_WRONGVALUE", &[Rule::NumberTooLarge], &[]),
    ("INVALID_SIGNATURE_VRS", &[Rule::InvalidSignature], &[]),
    ("EC_RECOVERY_FAIL", &[Rule::InvalidSignature], &[]),
    ("ADDRESS_TOO_SHORT", &[], ENCODING),
    ("ADDRESS_TOO_LONG", &[], ENCODING),
    ("NONCE_TOO_BIG", &[Rule::NumberTooLarge, Rule::NonceIsMax], ENCODING),
    ("NONCE_OVERFLOW", &[Rule::NumberTooLarge, Rule::NonceIsMax], ENCODING),
    ("GASLIMIT_OVERFLOW", &[Rule::NumberTooLarge], ENCODING),
    ("VALUE_OVERFLOW", &[Rule::NumberTooLarge], ENCODING),
    ("GASPRICE_OVERFLOW", UNPAYABLE_OR_TOO_LARGE, ENCODING),
    ("PRIORITY_OVERFLOW", UNPAYABLE_OR_TOO_LARGE, ENCODING),
    ("PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2", &[Rule::PriorityGreaterThanMaxFee], &[]),
    ("TYPE_3_TX_ZERO_BLOBS_PRE_FORK", &[Rule::ZeroBlobs, Rule::Type3PreFork], &[]),
    ("TYPE_4_INVALID_AUTHORITY_SIGNATURE", &[Rule::InvalidAuthorizationFormat], ENCODING),
    (
        "TYPE_4_INVALID_AUTHORITY_SIGNATURE_S_TOO_HIGH",
        &[Rule::InvalidAuthorizationFormat],
        ENCODING,
    ),
    ("LOG_MISMATCH", &[], &[BlockRule::LogsBloom, BlockRule::ReceiptsRoot]),
    ("TR_NonceTooHigh", &[Rule::NonceTooHigh], &[]),
    ("TR_NonceTooLow", &[Rule::NonceTooLow], &[]),
    ("TR_NoFundsValue", &[Rule::InsufficientAccountFunds], &[]),
    ("TR_TypeNotSupportedBlob", ANY_TYPE, &[]),
    ("TR_FeeCapLessThanBlocksORNoFunds", FEE_CAP_OR_FUNDS, &[]),
    ("TR_FeeCapLessThanBlocksORGasLimitReached", FEE_CAP_OR_GAS, &[]),
    ("TR_TooShort", &[], ENCODING),
    ("TR_BlobDecodeError", &[Rule::BlobsInBlock], ENCODING),
    // EOF creation transactions (EIP-7620), which no fork has.
    ("TR_InitCodeEmpty", &[], &[]),
    ("TR_InitCodeCountZero", &[], &[]),
    ("TR_InitCodeCountLimitExceeded", &[], &[]),
    ("lowFeeCap", &[Rule::InsufficientMaxFeePerGas], &[]),
    ("tipTooHigh", &[Rule::PriorityGreaterThanMaxFee], &[]),
    ("1559PriorityFeeGreaterThanBaseFee", &[Rule::PriorityGreaterThanMaxFee], &[]),
    ("LegacyBlockBaseFeeTransaction", &[Rule::Type2PreFork], ENCODING),
    ("SenderNotEOAorNoCASH", &[Rule::SenderNotEoa, Rule::InsufficientAccountFunds], &[]),
    ("ECRecoveryFail", &[Rule::InvalidSignature], ENCODING),
    ("InvalidVRS", &[Rule::InvalidSignature], ENCODING),
    ("InvalidTransactionVRS", &[Rule::InvalidSignature], ENCODING),
    ("InvalidV", &[Rule::InvalidSignature], ENCODING),
    ("InvalidR", &[Rule::InvalidSignature], ENCODING),
    ("InvalidS", &[Rule::InvalidSignature], ENCODING),
    ("InvalidChainID", &[Rule::InvalidChainId], ENCODING),
    ("InvalidNonce", &[Rule::NumberTooLarge, Rule::NonceTooHigh, Rule::NonceTooLow], ENCODING),
    ("InvalidValue", &[Rule::NumberTooLarge], ENCODING),
    ("InvalidGasPrice", UNPAYABLE_OR_TOO_LARGE, ENCODING),
    ("InvalidMaxFeePerGas", UNPAYABLE_OR_TOO_LARGE, ENCODING),
    ("InvalidMaxPriorityFeePerGas", UNPAYABLE_OR_TOO_LARGE, ENCODING),
    ("InvalidTo", &[], ENCODING),
    ("InvalidData", &[], ENCODING),
    ("AddressTooShort", &[], ENCODING),
    ("AddressTooLong", &[], ENCODING),
];

/// A price of up to 256 bits is a number, and nothing can pay it; a longer one is none.
const UNPAYABLE_OR_TOO_LARGE: &[Rule] =
    &[Rule::NumberTooLarge, Rule::InsufficientAccountFunds, Rule::GasPriceProductOverflow];

const FEE_CAP_OR_FUNDS: &[Rule] = &[Rule::InsufficientMaxFeePerGas, Rule::InsufficientAccountFunds];

const FEE_CAP_OR_GAS: &[Rule] = &[Rule::InsufficientMaxFeePerGas, Rule::GasAllowanceExceeded];

/// The bytes of a block, or of what is in it, do not say which of their rules they break.
const ENCODING: &[BlockRule] = &[BlockRule::Encoding];

/// Rules for `RLP_…` names that are not listed: wrong bytes, of a transaction or of the block. With
/// a number of elements that no header has, a block lacks fields or has too many.
const WRONG_BYTES: Row = (
    "RLP_",
    &[Rule::NumberTooLarge, Rule::InvalidSignature, Rule::InvalidAuthorizationFormat],
    &[
        BlockRule::Encoding,
        BlockRule::FieldsPresent,
        BlockRule::FieldsAbsent,
        BlockRule::WithdrawalsInBody,
    ],
);

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
    ("INVALID_DIFFICULTY", &[], DIFFICULTY),
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
    ("INVALID_BLOCK_HASH", &[], &[BlockRule::BlockHash]),
    ("INVALID_VERSIONED_HASHES", &[], &[BlockRule::VersionedHashes]),
    ("IMPORT_IMPOSSIBLE_LONDON_OVER_PARIS", &[], &[BlockRule::DifficultyZero]),
    ("IMPORT_IMPOSSIBLE_PARIS_OVER_SHANGHAI", &[], WRONG_FIELDS),
    ("IMPORT_IMPOSSIBLE_SHANGHAI", &[], WRONG_FIELDS),
    // A contract's creation by the protocol, which no fork here has.
    ("SYSTEM_CONTRACT_ADDRESS_OCCUPIED", &[], &[]),
];

/// Error codes of the Engine API, as engine tests state them.
const ENGINE: &[Row] =
    &[("-32602", &[], &[BlockRule::EngineParameters]), ("-38005", &[], &[BlockRule::EngineFork])];

/// Rules of blocks, by their names in retesteth.
const CLASSIC: &[Row] = &[
    ("InvalidDifficulty", &[], DIFFICULTY),
    ("InvalidDifficulty2", &[], DIFFICULTY),
    ("InvalidDifficulty_TooLarge", &[], &[BlockRule::Difficulty, BlockRule::Encoding]),
    ("InvalidNumber", &[], &[BlockRule::Number]),
    ("InvalidTimestamp", &[], &[BlockRule::Timestamp]),
    ("InvalidTimestampEqualParent", &[], &[BlockRule::Timestamp]),
    ("InvalidTimestampOlderParent", &[], &[BlockRule::Timestamp]),
    ("InvalidGasLimit", &[], GAS_LIMIT),
    ("InvalidGasLimit2", &[], GAS_LIMIT),
    ("InvalidGasLimit3", &[], GAS_LIMIT),
    ("InvalidGasLimit4", &[], GAS_LIMIT),
    ("InvalidGasLimit5", &[], GAS_LIMIT),
    ("InvalidGasUsed", &[], GAS_USED),
    ("InvalidGasUsed2", &[], GAS_USED),
    ("TooMuchGasUsed", &[], GAS_USED),
    ("TooMuchGasUsed2", &[], GAS_USED),
    ("InvalidLogBloom", &[], &[BlockRule::LogsBloom]),
    ("InvalidStateRoot", &[], &[BlockRule::StateRoot]),
    ("InvalidReceiptsStateRoot", &[], &[BlockRule::ReceiptsRoot]),
    ("InvalidTransactionsRoot", &[], &[BlockRule::TransactionsRoot]),
    ("InvalidUnclesHash", &[], &[BlockRule::OmmersHash]),
    ("InvalidWithdrawals", &[], WRONG_WITHDRAWALS),
    // Seals are not checked: `mixHash` and `nonce` of a block of proof of work.
    ("InvalidBlockNonce", &[], &[]),
    ("InvalidBlockMixHash", &[], &[]),
    ("ExtraDataTooBig", &[], &[BlockRule::ExtraDataSize]),
    ("ExtraDataIncorrect", &[], &[BlockRule::ExtraDataOfDao]),
    ("ExtraDataIncorrectDAO", &[], &[BlockRule::ExtraDataOfDao]),
    ("UnknownParent", &[], &[BlockRule::ParentKnown]),
    ("UnknownParent2", &[], &[BlockRule::ParentKnown]),
    ("TooManyUncles", &[], &[BlockRule::OmmerCount]),
    ("UncleInChain", &[], &[BlockRule::OmmerNew, BlockRule::OmmerOnce]),
    ("UncleIsAncestor", &[], &[BlockRule::OmmerNotAncestor]),
    ("UncleIsBrother", &[], &[BlockRule::OmmerKin]),
    ("UncleParentIsNotAncestor", &[], &[BlockRule::OmmerKin]),
    ("InvalidUncleParentHash", &[], &[BlockRule::OmmerKin]),
    ("LegacyBlockImportImpossible", &[], BASE_FEE_FIELD),
    ("LegacyBlockImportImpossible2", &[], BASE_FEE_FIELD),
    ("1559BlockImportImpossible_HeaderIsLegacy", &[], BASE_FEE_FIELD),
    ("1559BlockImportImpossible_BaseFeeWrong", &[], &[BlockRule::BaseFee]),
    ("1559BlockImportImpossible_InitialBaseFeeWrong", &[], &[BlockRule::BaseFee]),
    ("1559BlockImportImpossible_InitialGasLimitInvalid", &[], GAS_LIMIT),
    ("1559BlockImportImpossible_TargetGasLow", &[], GAS_LIMIT),
    ("1559BlockImportImpossible_TargetGasHigh", &[], GAS_LIMIT),
    ("1559BaseFeeTooLarge", &[], ENCODING),
    ("1559LeadingZerosBaseFee", &[], ENCODING),
    ("1559LeadingZerosPriorityFee", &[], ENCODING),
    ("3675PoWBlockRejected", &[], &[BlockRule::DifficultyZero, BlockRule::NonceZero]),
    ("3675PoSBlockRejected", &[], &[BlockRule::Difficulty]),
    ("3675PreParis1559BlockRejected", &[], DIFFICULTY),
    ("3675PreParisPoSBlockRejected", &[], DIFFICULTY),
    ("MergeBlockImportImpossible", &[], WRONG_FIELDS),
    ("ParisBlockImportImpossible", &[], WRONG_FIELDS),
    ("ShanghaiBlockImportImpossible", &[], WRONG_FIELDS),
];

/// A difficulty that is not what the formula gives, or not zero where it must be.
const DIFFICULTY: &[BlockRule] = &[BlockRule::Difficulty, BlockRule::DifficultyZero];
const GAS_LIMIT: &[BlockRule] = &[BlockRule::GasLimitBounds, BlockRule::GasLimitSize];
const GAS_USED: &[BlockRule] = &[BlockRule::GasUsed, BlockRule::GasUsedWithinLimit];
const BASE_FEE_FIELD: &[BlockRule] = &[BlockRule::BaseFeePresent, BlockRule::BaseFeeAbsent];
const WRONG_WITHDRAWALS: &[BlockRule] =
    &[BlockRule::WithdrawalsRoot, BlockRule::WithdrawalsInBody, BlockRule::NoWithdrawalsInBody];

const WRONG_FIELDS: &[BlockRule] = &[
    BlockRule::FieldsPresent,
    BlockRule::FieldsAbsent,
    BlockRule::WithdrawalsInBody,
    BlockRule::NoWithdrawalsInBody,
    BlockRule::AccessListForm,
];

/// Whether `broken` is one of the reasons that the names, `A|B`, allow. An executor's own words for a transaction's
/// rule cannot be held against them.
pub fn matches(names: &str, broken: &Broken) -> bool {
    names.split('|').filter_map(row).any(|(_, execution, block)| match broken {
        Broken::Execution(Rejection { rule: Rule::Other(_), .. }) => !execution.is_empty(),
        Broken::Execution(rejection) => execution.contains(&rejection.rule),
        Broken::Block(rule) => block.contains(rule),
    })
}

/// The names that are not in the table.
pub fn unknown(names: &str) -> Vec<&str> {
    names.split('|').map(str::trim).filter(|name| row(name).is_none()).collect()
}

/// The first name that cannot be compared with a rule: it is not in the table, or stands for a rule that
/// is not checked here.
pub fn undecidable(names: &str) -> Option<&str> {
    let mut names = names.split('|').map(str::trim);
    names.find(|name| {
        row(name).is_none_or(|(_, rules, blocks)| rules.is_empty() && blocks.is_empty())
    })
}

fn row(name: &str) -> Option<&'static Row> {
    let name = name.trim();
    let rows: &[&[Row]] = match name.split_once('.') {
        Some(("TransactionException", _)) => &[TRANSACTIONS],
        Some(("BlockException", _)) => &[BLOCKS],
        _ => &[TRANSACTIONS, BLOCKS, CLASSIC, ENGINE],
    };
    let bare = name.split_once('.').map_or(name, |(_, bare)| bare);
    let listed = rows.iter().copied().flatten().find(|(known, ..)| *known == bare);
    listed.or_else(|| bare.starts_with(WRONG_BYTES.0).then_some(&WRONG_BYTES))
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

    /// The names of execution-spec-tests (`exceptions/{transaction,block}.py`).
    #[test]
    fn every_official_name_is_known() {
        let names = "TransactionException.RLP_LEADING_ZEROS_GASLIMIT|TransactionException.EC_RECOVERY_FAIL|\
            TransactionException.GASPRICE_OVERFLOW|TransactionException.NONCE_TOO_BIG|\
            TransactionException.TYPE_4_INVALID_AUTHORITY_SIGNATURE_S_TOO_HIGH|\
            TransactionException.RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG|TransactionException.LOG_MISMATCH|\
            BlockException.IMPORT_IMPOSSIBLE_PARIS_OVER_SHANGHAI|BlockException.SYSTEM_CONTRACT_ADDRESS_OCCUPIED|\
            BlockException.INVALID_VERSIONED_HASHES|BlockException.RLP_BLOCK_LIMIT_EXCEEDED|\
            InvalidDifficulty_TooLarge|3675PoWBlockRejected|TR_NonceTooLow|-32602|\
            RLP_InputString_TooShort_HASH_DECODEINTO_BLOCK_EXTBLOCK_HEADER_ROOT";
        assert_eq!(unknown(names), Vec::<&str>::new());
        assert!(matches("TransactionException.RLP_ERROR_EOF", &BlockRule::Encoding.into()));
        assert_eq!(undecidable("TR_NoFunds|InvalidBlockNonce"), Some("InvalidBlockNonce"));
        assert_eq!(undecidable("TR_NoFunds"), None);
        assert!(matches("InvalidDifficulty", &BlockRule::DifficultyZero.into()));
    }

    #[test]
    fn no_name_is_listed_twice() {
        let rows = [TRANSACTIONS, BLOCKS, CLASSIC, ENGINE];
        let names: Vec<&str> = rows.into_iter().flatten().map(|(name, ..)| *name).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
        }
    }

    #[test]
    fn every_rule_of_blocks_has_a_name() {
        for rule in BlockRule::ALL {
            // EIP-3675 has a rule for the nonce, and the fixtures no name for breaking it.
            let nameless = *rule == BlockRule::NonceZero;
            let named = BLOCKS.iter().chain(ENGINE).any(|(_, _, rules)| rules.contains(rule));
            assert_eq!(named, !nameless, "{rule}");
        }
    }
}

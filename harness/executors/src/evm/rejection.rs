//! From revm's and alloy-evm's errors to the model's rules.

use alloy_evm::block::BlockValidationError;
use lockstep_model::Rule;
use revm::context_interface::result::InvalidTransaction;

/// The rule that an invalid transaction breaks.
pub(crate) fn rule_of_invalid_transaction(error: &InvalidTransaction) -> Rule {
    use InvalidTransaction as E;
    match error {
        E::PriorityFeeGreaterThanMaxFee => Rule::PriorityGreaterThanMaxFee,
        E::GasPriceLessThanBasefee => Rule::InsufficientMaxFeePerGas,
        E::CallerGasLimitMoreThanBlock => Rule::GasAllowanceExceeded,
        E::CallGasCostMoreThanGasLimit { .. } => Rule::IntrinsicGasTooLow,
        E::GasFloorMoreThanGasLimit { .. } => Rule::IntrinsicGasBelowFloor,
        E::RejectCallerWithCode => Rule::SenderNotEoa,
        E::LackOfFundForMaxFee { .. } => Rule::InsufficientAccountFunds,
        E::OverflowPaymentInTransaction => Rule::GasPriceProductOverflow,
        E::NonceOverflowInTransaction => Rule::NonceIsMax,
        E::NonceTooHigh { .. } => Rule::NonceTooHigh,
        E::NonceTooLow { .. } => Rule::NonceTooLow,
        E::CreateInitCodeSizeLimit => Rule::InitcodeSizeExceeded,
        E::InvalidChainId | E::MissingChainId => Rule::InvalidChainId,
        E::TxGasLimitGreaterThanCap { .. } => Rule::GasLimitExceedsMaximum,
        E::BlobGasPriceGreaterThanMax { .. } => Rule::InsufficientMaxFeePerBlobGas,
        E::EmptyBlobs => Rule::ZeroBlobs,
        E::BlobCreateTransaction => Rule::BlobContractCreation,
        E::TooManyBlobs { .. } => Rule::BlobCountExceeded,
        E::BlobVersionNotSupported => Rule::InvalidBlobVersionedHash,
        E::EmptyAuthorizationList => Rule::EmptyAuthorizationList,
        E::Eip2930NotSupported => Rule::Type1PreFork,
        E::Eip1559NotSupported => Rule::Type2PreFork,
        E::Eip4844NotSupported => Rule::Type3PreFork,
        E::Eip7702NotSupported => Rule::Type4PreFork,
        other => Rule::Other(other.to_string()),
    }
}

/// The rule behind an error of the block executor; `None` where the error is not about a rule.
pub(crate) fn rule_of_validation(error: &BlockValidationError) -> Option<Rule> {
    use BlockValidationError as E;
    Some(match error {
        E::InvalidTx { error, .. } => match error.as_invalid_tx_err() {
            Some(error) => rule_of_invalid_transaction(error),
            None => Rule::Other(error.to_string()),
        },
        E::TransactionGasLimitMoreThanAvailableBlockGas { .. } => Rule::GasAllowanceExceeded,
        E::MissingParentBeaconBlockRoot => Rule::MissingParentBeaconBlockRoot,
        E::WithdrawalRequestsContractCall { .. }
        | E::ConsolidationRequestsContractCall { .. }
        | E::BuilderDepositRequestsContractCall { .. }
        | E::BuilderExitRequestsContractCall { .. } => Rule::SystemContractCallFailed,
        E::DepositRequestDecode(_) => Rule::InvalidDepositEventLayout,
        E::EVM { .. } | E::IncrementBalanceFailed => return None,
        other => Rule::Other(other.to_string()),
    })
}

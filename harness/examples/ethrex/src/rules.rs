//! ethrex's words for a block that is invalid.

use ethrex_vm::EvmError;
use lockstep_model::Rule;

/// The start of a text, and the rule that it stands for.
const TEXTS: &[(&str, Rule)] = &[
    ("Sender account", Rule::SenderNotEoa),
    ("Insufficient account funds", Rule::InsufficientAccountFunds),
    ("Nonce is max", Rule::NonceIsMax),
    ("Initcode size exceeded", Rule::InitcodeSizeExceeded),
    ("Priority fee", Rule::PriorityGreaterThanMaxFee),
    ("Transaction gas limit lower than the minimum", Rule::IntrinsicGasTooLow),
    ("Transaction gas limit lower than the gas cost floor", Rule::IntrinsicGasBelowFloor),
    ("Gas allowance exceeded", Rule::GasAllowanceExceeded),
    ("Insufficient max fee per gas", Rule::InsufficientMaxFeePerGas),
    ("Insufficient max fee per blob gas", Rule::InsufficientMaxFeePerBlobGas),
    ("Type 1 transactions", Rule::Type1PreFork),
    ("Type 2 transactions", Rule::Type2PreFork),
    ("Type 3 transactions", Rule::Type3PreFork),
    ("Type 3 transaction without blobs", Rule::ZeroBlobs),
    ("Invalid blob versioned hash", Rule::InvalidBlobVersionedHash),
    ("Blob count exceeded", Rule::BlobCountExceeded),
    ("Type 4 transactions", Rule::Type4PreFork),
    ("Empty authorization list", Rule::EmptyAuthorizationList),
    ("Transaction gas limit exceeds maximum", Rule::GasLimitExceedsMaximum),
];

/// ethrex's reason, with the rule that it stands for. A transaction may break several rules, and ethrex looks at them in
/// an order of its own: the reason stays its own, and the place alone is compared.
pub(crate) fn rule(error: &EvmError) -> Rule {
    match error {
        EvmError::InvalidDepositRequest => Rule::InvalidDepositEventLayout,
        EvmError::Transaction(text) => Rule::Other(format!("{text} ({})", of_transaction(text))),
        other => Rule::Other(other.to_string()),
    }
}

fn of_transaction(text: &str) -> Rule {
    let text = text.strip_prefix("Invalid Transaction: ").unwrap_or(text);
    if let Some((expected, actual)) = nonces(text) {
        return if actual < expected { Rule::NonceTooLow } else { Rule::NonceTooHigh };
    }
    let known = TEXTS.iter().filter(|(start, _)| text.starts_with(start));
    let longest = known.max_by_key(|(start, _)| start.len());
    longest.map_or_else(|| Rule::Other(text.to_owned()), |(_, rule)| rule.clone())
}

/// `Nonce mismatch: expected 1, got 2`.
fn nonces(text: &str) -> Option<(u64, u64)> {
    let (expected, actual) =
        text.strip_prefix("Nonce mismatch: expected ")?.split_once(", got ")?;
    Some((expected.parse().ok()?, actual.parse().ok()?))
}

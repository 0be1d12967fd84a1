//! Unsigned transactions: the sender stands beside them, and execution never looks at the
//! signature.

use alloy_consensus::{SignableTransaction, Signed};
use alloy_primitives::{B256, Signature, U256};

/// A transaction under a placeholder signature, with a hash of zero.
pub fn signed<T: SignableTransaction<Signature>>(transaction: T) -> Signed<T> {
    Signed::new_unchecked(transaction, signature(), B256::ZERO)
}

/// A placeholder signature.
pub fn signature() -> Signature {
    Signature::new(U256::from(1), U256::from(1), false)
}

//! Transactions that nobody has signed: the sender stands beside them, and execution never looks at the
//! signature.

use alloy_consensus::{SignableTransaction, Signed};
use alloy_primitives::{B256, Signature, U256};

/// A transaction under a signature of nobody's, with the hash of nothing.
pub fn signed<T: SignableTransaction<Signature>>(transaction: T) -> Signed<T> {
    Signed::new_unchecked(transaction, signature(), B256::ZERO)
}

/// A signature of nobody's.
pub fn signature() -> Signature {
    Signature::new(U256::from(1), U256::from(1), false)
}

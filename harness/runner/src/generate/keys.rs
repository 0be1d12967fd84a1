//! Senders whose keys are known.
//!
//! A key is derived once for all blocks: recovering an address costs more than executing a transfer.

use alloy_primitives::{Address, B256, Signature, keccak256};
use k256::ecdsa::SigningKey;
use std::sync::LazyLock;

/// How many there are.
pub(crate) const COUNT: usize = 64;

struct Known {
    key: SigningKey,
    address: Address,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let known = |index: usize| {
        let secret = keccak256(format!("lockstep sender {index}"));
        let key = SigningKey::from_slice(secret.as_slice()).expect("nearly every number is a key");
        Known { address: Address::from_public_key(key.verifying_key()), key }
    };
    (0..COUNT).map(known).collect()
});

/// The address of the n-th.
pub(crate) fn address(index: usize) -> Address {
    KNOWN[index % COUNT].address
}

/// Which one has this address.
pub(crate) fn index_of(address: Address) -> Option<usize> {
    KNOWN.iter().position(|known| known.address == address)
}

/// What the n-th signs.
pub(crate) fn sign(index: usize, hash: B256) -> Signature {
    sign_with(&KNOWN[index % COUNT].key, hash)
}

/// What the holder of a key signs.
pub(crate) fn sign_with(key: &SigningKey, hash: B256) -> Signature {
    key.sign_prehash_recoverable(hash.as_slice()).expect("a hash can be signed").into()
}

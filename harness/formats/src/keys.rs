//! Senders whose keys are known.
//!
//! A key is derived once for all blocks: recovering an address costs more than executing a transfer. They
//! sign with libsecp256k1, which takes a third of k256's time; the signatures are the same (RFC 6979).

use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use k256::ecdsa::SigningKey;
use secp256k1::{Message, SECP256K1, SecretKey};
use std::sync::LazyLock;

/// How many there are.
pub const COUNT: usize = 65;

struct Known {
    key: SecretKey,
    address: Address,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let known = |index: usize| {
        let secret = keccak256(format!("lockstep sender {index}"));
        let key = SigningKey::from_slice(secret.as_slice()).expect("nearly every number is a key");
        let address = Address::from_private_key(&key);
        Known { address, key: SecretKey::from_byte_array(secret.0).expect("it is one for k256") }
    };
    (0..COUNT).map(known).collect()
});

/// The address of the n-th.
pub fn address(index: usize) -> Address {
    KNOWN[index % COUNT].address
}

/// Which one has this address.
pub fn index_of(address: Address) -> Option<usize> {
    KNOWN.iter().position(|known| known.address == address)
}

/// The n-th key's signature of a hash.
pub fn sign(index: usize, hash: B256) -> Signature {
    let message = Message::from_digest(hash.0);
    let signature = SECP256K1.sign_ecdsa_recoverable(message, &KNOWN[index % COUNT].key);
    let (parity, bytes) = signature.serialize_compact();
    Signature::from_bytes_and_parity(&bytes, i32::from(parity) & 1 == 1)
}

/// The authorisation of the n-th to run this code as its own (EIP-7702).
pub fn authorization(
    chain_id: u64,
    address: Address,
    nonce: u64,
    index: usize,
) -> SignedAuthorization {
    let authorization = Authorization { chain_id: U256::from(chain_id), address, nonce };
    let signature = sign(index, authorization.signature_hash());
    authorization.into_signed(signature)
}

/// This key's signature of a hash.
pub fn sign_with(key: &SigningKey, hash: B256) -> Signature {
    key.sign_prehash_recoverable(hash.as_slice()).expect("a hash can be signed").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_libraries_sign_alike() {
        for index in 0..COUNT {
            let secret = keccak256(format!("lockstep sender {index}"));
            let key = SigningKey::from_slice(secret.as_slice()).unwrap();
            let hash = keccak256(secret);
            assert_eq!(sign(index, hash), sign_with(&key, hash));
        }
    }
}

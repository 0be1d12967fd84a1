//! The account behind a secret key.

use alloy_primitives::{Address, B256};
use k256::ecdsa::SigningKey;

/// The address of a secp256k1 secret key; `None` where the key is not one.
pub(crate) fn address_of(secret_key: B256) -> Option<Address> {
    let key = SigningKey::from_slice(secret_key.as_slice()).ok()?;
    Some(Address::from_private_key(&key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    #[test]
    fn the_classic_fixtures_sender() {
        let key = b256!("45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8");
        let sender = address!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
        assert_eq!(address_of(key), Some(sender));
        assert_eq!(address_of(B256::ZERO), None);
    }
}

//! Authorities of EIP-7702 authorisations.

use super::remembers;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::Address;
use quick_cache::sync::Cache;
use std::sync::LazyLock;

/// Authorisations that are kept, of about 200 bytes each.
const CAPACITY: usize = 32_768;

static RECOVERED: LazyLock<Cache<SignedAuthorization, Option<Address>>> =
    LazyLock::new(|| Cache::new(CAPACITY));

/// The authority; `None` where the signature is none.
pub(crate) fn authority(signed: &SignedAuthorization) -> Option<Address> {
    if !remembers() {
        return signed.recover_authority().ok();
    }
    if let Some(known) = RECOVERED.get(signed) {
        return known;
    }
    let authority = signed.recover_authority().ok();
    RECOVERED.insert(signed.clone(), authority);
    authority
}

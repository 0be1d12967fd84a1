//! Code with its jump analysis, by its hash.

use super::remembers;
use alloy_primitives::{B256, Bytes};
use quick_cache::{Weighter, sync::Cache};
use revm::state::Bytecode;
use std::sync::LazyLock;

/// Bytes of code that are kept.
const CAPACITY: u64 = 32 << 20;

/// Codes that are expected to be kept at once.
const EXPECTED_ITEMS: usize = 16_384;

static ANALYSED: LazyLock<Cache<B256, Bytecode, Length>> =
    LazyLock::new(|| Cache::with_weighter(EXPECTED_ITEMS, CAPACITY, Length));

/// Weighs code by its bytes, with the jump table and what every entry costs.
#[derive(Debug, Clone)]
struct Length;

impl Weighter<B256, Bytecode> for Length {
    fn weight(&self, _: &B256, code: &Bytecode) -> u64 {
        let length = code.original_byte_slice().len() as u64;
        length + length / 8 + 128
    }
}

/// The code with its analysis. A pre-state may be wrong about a hash, so the bytes are compared.
pub(crate) fn analysed(hash: B256, code: Bytes) -> Bytecode {
    if !remembers() {
        return bytecode_of(code);
    }
    if let Some(known) = ANALYSED.get(&hash)
        && known.original_byte_slice() == code.as_ref()
    {
        return known;
    }
    // A copy: the bytes may be a slice of a whole file.
    let fresh = bytecode_of(Bytes::copy_from_slice(&code));
    ANALYSED.insert(hash, fresh.clone());
    fresh
}

/// Analysed bytecode. Code that looks like an EIP-7702 delegation but is not one (it can stand in
/// a pre-state, never be deployed) is ordinary code.
pub(crate) fn bytecode_of(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_hash_does_not_give_other_code() {
        super::super::remember();
        let (one, other) = (Bytes::from_static(&[0x5b, 0x00]), Bytes::from_static(&[0x60, 0x5b]));
        let hash = B256::repeat_byte(7);
        for code in [&one, &one, &other, &one] {
            assert_eq!(analysed(hash, code.clone()), bytecode_of(code.clone()));
        }
    }
}

//! The curve arithmetic of precompiles.
//!
//! Executors still run every call of a precompile: gas, failures and return data are decided each time.

use quick_cache::{Weighter, sync::Cache};
use revm::precompile::{
    Crypto, DefaultCrypto, PrecompileHalt,
    bls12_381::{G1Point, G1PointScalar, G2Point, G2PointScalar},
    install_crypto,
};

/// Bytes of inputs and results that are kept.
const CAPACITY: u64 = 8 << 20;

/// Inputs that are expected to be kept at once.
const EXPECTED_ITEMS: usize = 8192;

/// An input longer than this is computed again: finding it would cost about as much.
const LONGEST_INPUT: usize = 64 << 10;

/// Fewer rounds of BLAKE2b than this cost less than to remember them.
const MANY_ROUNDS: u32 = 1 << 12;

/// Makes every revm of this process remember its curve arithmetic from now on.
pub(super) fn install() -> bool {
    install_crypto(Remembering::default())
}

/// The result of a function for an input.
type Computed = Result<Box<[u8]>, PrecompileHalt>;

/// revm's own arithmetic, with a memory.
#[derive(Debug)]
struct Remembering {
    results: Cache<Box<[u8]>, Computed, Bytes>,
}

impl Default for Remembering {
    fn default() -> Self {
        Self { results: Cache::with_weighter(EXPECTED_ITEMS, CAPACITY, Bytes) }
    }
}

/// Weighs an entry by the bytes that it holds.
#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Box<[u8]>, Computed> for Bytes {
    fn weight(&self, key: &Box<[u8]>, value: &Computed) -> u64 {
        let result = value.as_ref().map_or(size_of::<PrecompileHalt>(), |bytes| bytes.len());
        (key.len() + result) as u64
    }
}

/// Which function an input belongs to: the first byte of its key.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Function {
    Bn254Mul,
    Bn254Pairing,
    ModExp,
    Blake2,
    VerifyP256,
    VerifyKzg,
    G1Add,
    G1Msm,
    G2Add,
    G2Msm,
    Pairing,
    MapToG1,
    MapToG2,
}

impl Remembering {
    /// The result for this input, computed at most once while it is remembered.
    fn remember(
        &self,
        function: Function,
        parts: &[&[u8]],
        compute: impl FnOnce() -> Computed,
    ) -> Computed {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > LONGEST_INPUT {
            return compute();
        }
        let mut key = Vec::with_capacity(1 + 8 * parts.len() + length);
        key.push(function as u8);
        for part in parts {
            // With its length, so that no two lists of parts have the same key.
            key.extend_from_slice(&(part.len() as u64).to_le_bytes());
            key.extend_from_slice(part);
        }
        if let Some(result) = self.results.get(key.as_slice()) {
            return result;
        }
        let result = compute();
        self.results.insert(key.into(), result.clone());
        result
    }

    /// As [`Self::remember`], for results of a known length.
    fn point<const N: usize>(
        &self,
        function: Function,
        parts: &[&[u8]],
        compute: impl FnOnce() -> Result<[u8; N], PrecompileHalt>,
    ) -> Result<[u8; N], PrecompileHalt> {
        let bytes = self.remember(function, parts, || compute().map(Box::from))?;
        Ok((*bytes).try_into().expect("one function's results have one length"))
    }

    /// As [`Self::remember`], for a yes or no.
    fn answer(
        &self,
        function: Function,
        parts: &[&[u8]],
        compute: impl FnOnce() -> Result<bool, PrecompileHalt>,
    ) -> Result<bool, PrecompileHalt> {
        Ok(self.point(function, parts, || compute().map(|yes| [u8::from(yes)]))? == [1])
    }
}

impl Crypto for Remembering {
    fn bn254_g1_mul(&self, point: &[u8], scalar: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
        self.point(Function::Bn254Mul, &[point, scalar], || {
            DefaultCrypto.bn254_g1_mul(point, scalar)
        })
    }

    fn bn254_pairing_check(&self, pairs: &[(&[u8], &[u8])]) -> Result<bool, PrecompileHalt> {
        let parts: Vec<&[u8]> = pairs.iter().flat_map(|(one, other)| [*one, *other]).collect();
        self.answer(Function::Bn254Pairing, &parts, || DefaultCrypto.bn254_pairing_check(pairs))
    }

    fn modexp(&self, base: &[u8], exp: &[u8], modulus: &[u8]) -> Result<Vec<u8>, PrecompileHalt> {
        let compute = || DefaultCrypto.modexp(base, exp, modulus).map(Vec::into_boxed_slice);
        self.remember(Function::ModExp, &[base, exp, modulus], compute).map(Vec::from)
    }

    fn blake2_compress(&self, rounds: u32, h: &mut [u64; 8], m: &[u64; 16], t: &[u64; 2], f: bool) {
        if rounds < MANY_ROUNDS {
            return DefaultCrypto.blake2_compress(rounds, h, m, t, f);
        }
        let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let parts: [Vec<u8>; 3] = [bytes(h), bytes(m), bytes(t)];
        let parts = [&parts[0][..], &parts[1], &parts[2], &rounds.to_le_bytes(), &[u8::from(f)]];
        let compressed = self.point(Function::Blake2, &parts, || {
            DefaultCrypto.blake2_compress(rounds, h, m, t, f);
            Ok::<[u8; 64], _>(std::array::from_fn(|index| h[index / 8].to_le_bytes()[index % 8]))
        });
        let compressed = compressed.expect("a compression cannot fail");
        for (word, bytes) in h.iter_mut().zip(compressed.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        }
    }

    fn secp256r1_verify_signature(&self, msg: &[u8; 32], sig: &[u8; 64], pk: &[u8; 64]) -> bool {
        self.answer(Function::VerifyP256, &[msg, sig, pk], || {
            Ok(DefaultCrypto.secp256r1_verify_signature(msg, sig, pk))
        })
        .expect("a verification answers")
    }

    fn verify_kzg_proof(
        &self,
        z: &[u8; 32],
        y: &[u8; 32],
        commitment: &[u8; 48],
        proof: &[u8; 48],
    ) -> Result<(), PrecompileHalt> {
        self.point(Function::VerifyKzg, &[z, y, commitment, proof], || {
            DefaultCrypto.verify_kzg_proof(z, y, commitment, proof).map(|()| [])
        })
        .map(|[]| ())
    }

    fn bls12_381_g1_add(&self, a: G1Point, b: G1Point) -> Result<[u8; 96], PrecompileHalt> {
        let parts = [&a.0[..], &a.1, &b.0, &b.1];
        self.point(Function::G1Add, &parts, || DefaultCrypto.bls12_381_g1_add(a, b))
    }

    fn bls12_381_g1_msm(
        &self,
        pairs: &mut dyn Iterator<Item = Result<G1PointScalar, PrecompileHalt>>,
    ) -> Result<[u8; 96], PrecompileHalt> {
        let pairs: Vec<G1PointScalar> = pairs.collect::<Result<_, _>>()?;
        let parts: Vec<&[u8]> =
            pairs.iter().flat_map(|((x, y), scalar)| [&x[..], y, scalar]).collect();
        self.point(Function::G1Msm, &parts, || {
            DefaultCrypto.bls12_381_g1_msm(&mut pairs.iter().copied().map(Ok))
        })
    }

    fn bls12_381_g2_add(&self, a: G2Point, b: G2Point) -> Result<[u8; 192], PrecompileHalt> {
        let parts = [&a.0[..], &a.1, &a.2, &a.3, &b.0, &b.1, &b.2, &b.3];
        self.point(Function::G2Add, &parts, || DefaultCrypto.bls12_381_g2_add(a, b))
    }

    fn bls12_381_g2_msm(
        &self,
        pairs: &mut dyn Iterator<Item = Result<G2PointScalar, PrecompileHalt>>,
    ) -> Result<[u8; 192], PrecompileHalt> {
        let pairs: Vec<G2PointScalar> = pairs.collect::<Result<_, _>>()?;
        let parts: Vec<&[u8]> = pairs
            .iter()
            .flat_map(|((x0, x1, y0, y1), scalar)| [&x0[..], x1, y0, y1, scalar])
            .collect();
        self.point(Function::G2Msm, &parts, || {
            DefaultCrypto.bls12_381_g2_msm(&mut pairs.iter().copied().map(Ok))
        })
    }

    fn bls12_381_pairing_check(
        &self,
        pairs: &[(G1Point, G2Point)],
    ) -> Result<bool, PrecompileHalt> {
        let parts: Vec<&[u8]> = pairs
            .iter()
            .flat_map(|((x, y), (x0, x1, y0, y1))| [&x[..], y, x0, x1, y0, y1])
            .collect();
        self.answer(Function::Pairing, &parts, || DefaultCrypto.bls12_381_pairing_check(pairs))
    }

    fn bls12_381_fp_to_g1(&self, fp: &[u8; 48]) -> Result<[u8; 96], PrecompileHalt> {
        self.point(Function::MapToG1, &[fp], || DefaultCrypto.bls12_381_fp_to_g1(fp))
    }

    fn bls12_381_fp2_to_g2(&self, fp2: ([u8; 48], [u8; 48])) -> Result<[u8; 192], PrecompileHalt> {
        self.point(Function::MapToG2, &[&fp2.0, &fp2.1], || DefaultCrypto.bls12_381_fp2_to_g2(fp2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_result_is_the_computed_one() {
        let memory = Remembering::default();
        let (base, modulus) = ([3], [0, 0, 7]);
        for exponent in [[0], [5], [255]] {
            let computed = DefaultCrypto.modexp(&base, &exponent, &modulus);
            for _ in 0..2 {
                assert_eq!(memory.modexp(&base, &exponent, &modulus), computed);
            }
        }
        assert_eq!(memory.results.len(), 3);
    }

    #[test]
    fn failures_are_remembered_too() {
        let memory = Remembering::default();
        let not_on_the_curve = ([1; 48], [1; 48]);
        let computed = DefaultCrypto.bls12_381_g1_add(not_on_the_curve, not_on_the_curve);
        assert!(computed.is_err());
        for _ in 0..2 {
            assert_eq!(memory.bls12_381_g1_add(not_on_the_curve, not_on_the_curve), computed);
        }
        assert_eq!(memory.results.len(), 1);
    }

    #[test]
    fn compressions_with_many_rounds_are_remembered() {
        let memory = Remembering::default();
        let (m, t) = ([7; 16], [1, 2]);
        let mut expected = [5; 8];
        DefaultCrypto.blake2_compress(MANY_ROUNDS, &mut expected, &m, &t, true);
        for _ in 0..2 {
            let mut state = [5; 8];
            memory.blake2_compress(MANY_ROUNDS, &mut state, &m, &t, true);
            assert_eq!(state, expected);
        }
        let mut unfinished = [5; 8];
        memory.blake2_compress(MANY_ROUNDS, &mut unfinished, &m, &t, false);
        assert_ne!(unfinished, expected);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let memory = Remembering::default();
        let one = memory.modexp(&[1, 2], &[3], &[0, 251]);
        let other = memory.modexp(&[1], &[2, 3], &[0, 251]);
        assert_eq!(memory.results.len(), 2);
        assert_eq!(one, DefaultCrypto.modexp(&[1, 2], &[3], &[0, 251]));
        assert_eq!(other, DefaultCrypto.modexp(&[1], &[2, 3], &[0, 251]));
    }
}

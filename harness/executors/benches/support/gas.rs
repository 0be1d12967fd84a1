//! How much gas a block of a bench uses.

/// As much as `LOCKSTEP_BENCH_GAS` says, or else this much.
pub(crate) fn gas_or(default: u64) -> u64 {
    let text = std::env::var("LOCKSTEP_BENCH_GAS");
    text.map_or(default, |text| text.parse().expect("LOCKSTEP_BENCH_GAS: expected a number"))
}

//! A record as other tools want it.

use super::{
    bench::name,
    board::{Board, label},
};
use serde_json::{Map, Value, json};

/// For `benchmark-action/github-action-benchmark`, tool `customBiggerIsBetter`: an array of entries with
/// `name`, `unit`, `value`, `range` and `extra` (its README, "Examples").
pub fn github_action_benchmark(board: &Board) -> Value {
    let entries = board.sets().filter_map(|(circumstances, set)| {
        Some(json!({
            "name": format!("{}/{}", name(set), label(set)),
            "unit": "x",
            "value": set.told()?,
            "range": format!("{:.3} to {:.3}", set.speedup_low?, set.speedup_high?),
            "extra": format!(
                "{} txs, {} gas, {:.0} Mgas/s, against sequential, {}",
                set.transactions, set.gas, set.gas_per_second() / 1e6, circumstances.machine.name()
            ),
        }))
    });
    entries.collect()
}

/// Bencher Metric Format: benchmark, then measure, then `value`, `lower_value` and `upper_value`.
pub fn bencher(board: &Board) -> Value {
    let mut benchmarks = Map::new();
    for (_, set) in board.sets() {
        let Some(speedup) = set.told() else { continue };
        benchmarks.insert(
            format!("{}/{}", name(set), label(set)),
            json!({
                "speedup": {
                    "value": speedup,
                    "lower_value": set.speedup_low,
                    "upper_value": set.speedup_high,
                },
                "gas-per-second": { "value": set.gas_per_second() },
                "latency": { "value": set.medians().1 },
                "processor-time": { "value": set.processor_ratio() },
            }),
        );
    }
    benchmarks.into()
}

//! The result of a comparison, as Markdown.

use super::{Call, Change, Comparison};
use lockstep_report::samples::statistics::Estimate;
use std::fmt::Write as _;

/// The most rows of single blocks.
const MOST_ROWS: usize = 200;

/// Overall first, then what changed, then the rest.
pub fn render(comparison: &Comparison) -> String {
    let mut text = String::from(
        "\n## Speed against the baseline\n\n| executor | blocks | change | interval | |\n|---|---:|---:|---|---|\n",
    );
    for one in &comparison.overall {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            one.executor,
            one.blocks,
            percent(one.change.median),
            interval(one.change),
            called(one.call)
        );
    }
    let floors = comparison.floors;
    let _ = writeln!(
        text,
        "\nA change counts beyond its interval and beyond {:.0} % on one block, {:.0} % on all; what seemed slower was measured again, and counts where both measurements together say so.\n",
        100.0 * floors.one,
        100.0 * floors.all
    );
    text += "| block | executor | before | now | change | interval | |\n|---|---|---:|---:|---:|---|---|\n";
    let mut changes: Vec<&Change> = comparison.changes.iter().collect();
    changes.sort_by_key(|change| rank(change.call));
    for change in changes.iter().take(MOST_ROWS) {
        let speedup =
            |speedup: Option<f64>| speedup.map_or("-".to_owned(), |it| format!("{it:.2}x"));
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} | {} | {} |",
            change.block,
            change.executor,
            speedup(change.before),
            speedup(change.now),
            percent(change.change.median),
            interval(change.change),
            called(change.call)
        );
    }
    let left = changes.len().saturating_sub(MOST_ROWS);
    if left > 0 {
        let _ = writeln!(text, "\n{left} more rows are in the record.");
    }
    for (what, names) in
        [("Not measured now", &comparison.gone), ("Not in the baseline", &comparison.new)]
    {
        if !names.is_empty() {
            let _ = writeln!(text, "\n{what}: {}.", names.join(", "));
        }
    }
    text
}

const fn rank(call: Call) -> u8 {
    match call {
        Call::Wrong => 0,
        Call::Slower => 1,
        Call::Faster => 2,
        Call::Noisy => 3,
        Call::Same => 4,
    }
}

const fn called(call: Call) -> &'static str {
    match call {
        Call::Same => "same",
        Call::Faster => "faster",
        Call::Slower => "**slower**",
        Call::Noisy => "too noisy to tell",
        Call::Wrong => "**wrong**",
    }
}

/// As a change of speed: +5 % is faster.
pub fn percent(ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * (ratio - 1.0))
}

fn interval(change: Estimate) -> String {
    format!("{} to {}", percent(change.low), percent(change.high))
}

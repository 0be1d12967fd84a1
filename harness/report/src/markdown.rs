//! A report as Markdown: for a pull request, an issue, a page.

use super::{
    bench::{name, speedup},
    board::{Board, Leader, commit, label, verdict},
};
use crate::{
    profile::{Profile, Score},
    record::Status,
    samples::{Circumstances, SampleSet},
    simulation::{table_of_sums, validation},
};
use std::fmt::Write as _;

/// The whole report.
pub fn render(board: &Board) -> String {
    let mut text = String::from("# Lockstep report\n");
    warnings(&mut text, board);
    checks(&mut text, board);
    leaders(&mut text, &board.leaders());
    contracts(&mut text, board);
    simulated(&mut text, board);
    profiles(&mut text, board);
    if let Some(scores) = board.scores() {
        let _ = write!(text, "\n## Planted faults\n\n{scores}");
    }
    for (file, record) in &board.measurements {
        let _ = write!(text, "\n## {file}\n\n");
        text += &circumstances(&record.circumstances);
        text += "\n";
        text += &rows(&record.sets);
    }
    text
}

/// Warnings, to be read before any figure.
pub fn warnings(text: &mut String, board: &Board) {
    let warnings = board.warnings();
    if !warnings.is_empty() {
        text.push('\n');
    }
    for warning in warnings {
        let _ = writeln!(text, "> ⚠ {}", cell(&warning));
    }
}

fn checks(text: &mut String, board: &Board) {
    if board.checks.is_empty() {
        return;
    }
    *text += "\n## Correctness\n\n| run | tests | passed | failed | known | outdated | skipped | cases agreed | diverged |\n\
              |---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
    for (file, record) in &board.checks {
        let counts = record.counts;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(file),
            counts.tests,
            counts.passed,
            counts.failed,
            counts.known,
            counts.outdated,
            counts.skipped,
            counts.agreed,
            counts.diverged
        );
    }
    proved_roots(text, board);
    for (_, record) in &board.checks {
        for ((status, reason), count) in &record.reasons {
            let status = match status {
                Status::Skipped => "skipped",
                Status::Known => "known",
                _ => "outdated",
            };
            let _ = writeln!(text, "\n* {count} {status}: {}", cell(reason));
        }
    }
}

fn simulated(text: &mut String, board: &Board) {
    let all = &board.simulations;
    if all.is_empty() {
        return;
    }
    let _ = write!(
        text,
        "\n## Simulated cores\n\n{} blocks in sum, as speedups over `sequential`. Simulated, not measured; \
         `access_list` is a model.\n\n{}",
        all.len(),
        table_of_sums(all)
    );
    validation(all).iter().for_each(|line| *text += &format!("\n* {line}\n"));
}

fn profiles(text: &mut String, board: &Board) {
    if board.profiles.is_empty() {
        return;
    }
    *text += "\n## What keeps blocks from running in parallel\n\n| block | transactions | bound | longest chain | M | waits most at | \
              bound without |\n|---|---:|---:|---:|---:|---|---:|\n";
    for Score { block, transactions, bound, chain, score, hottest } in
        board.profiles.iter().map(Profile::in_one_row)
    {
        let score =
            score.map_or(String::new(), |(cores, score)| format!("{score:.2} on {cores} cores"));
        let (place, then) =
            hottest.map_or_else(Default::default, |(place, bound)| (place, format!("{bound:.2}x")));
        let _ = writeln!(
            text,
            "| {} | {transactions} | {bound:.2}x | {}, {:.0} % of the time | {score} | {} | {then} |",
            cell(&block),
            chain.0,
            100.0 * chain.1,
            cell(&place)
        );
    }
}

/// The state roots that witnesses prove, by fork.
fn proved_roots(text: &mut String, board: &Board) {
    let mut rows = board
        .checks
        .iter()
        .flat_map(|(file, record)| {
            record.roots.iter().map(move |(fork, roots)| (file, fork, roots))
        })
        .peekable();
    if rows.peek().is_none() {
        return;
    }
    *text += "\n### State roots that witnesses prove\n\n| run | fork | blocks | root before | root after |\n\
              |---|---|---:|---:|---:|\n";
    for (file, fork, roots) in rows {
        let _ = writeln!(
            text,
            "| {} | {fork} | {} | {} | {} |",
            cell(file),
            roots.blocks,
            roots.before,
            roots.after
        );
    }
}

/// The leaderboard.
pub fn leaders(text: &mut String, leaders: &[Leader]) {
    if leaders.is_empty() {
        return;
    }
    *text += "\n## Leaderboard\n\nSpeedups are against `sequential`, the fastest one-thread run, in the \
              geometric mean; every timed run had the right outcome.\n\n\
              | executor | threads | mode | blocks | storage | speedup | interval | slowest block | slower | noisy | wrong | of the limit | processor time | Mgas/s | machine |\n\
              |---|---:|---|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---|\n";
    for leader in leaders {
        let group = leader.group;
        let speedups = if group.blocks == 0 {
            "- | - | -".to_owned()
        } else {
            format!(
                "{:.2}x | {:.2} to {:.2} | {:.2}x, {}",
                group.geometric_mean,
                group.interval.0,
                group.interval.1,
                group.slowest,
                cell(&leader.worst)
            )
        };
        let of_limit =
            leader.of_limit.map_or("-".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} {} | {} | {speedups} | {} | {} | {} | {of_limit} | {:.2}x | {:.0} | {} |",
            leader.executor,
            leader.threads,
            leader.mode,
            group.blocks,
            leader.kind,
            leader.place,
            group.slower,
            group.noisy,
            group.without,
            leader.processor,
            leader.gas_per_second / 1e6,
            cell(&leader.machine)
        );
    }
}

fn contracts(text: &mut String, board: &Board) {
    let pairs = board.pairs();
    if pairs.is_empty() {
        return;
    }
    *text += "\n## What better contracts bring\n\n\
              | workload | executor | as written first | its limit | written for it | its limit |\n\
              |---|---|---:|---:|---:|---:|\n";
    let limit = |limit: Option<f64>| limit.map_or("-".to_owned(), |limit| format!("{limit:.2}x"));
    for pair in pairs {
        let _ = writeln!(
            text,
            "| {} | `{}` | {:.2}x | {} | {:.2}x | {} |",
            pair.kind,
            pair.executor,
            pair.naive,
            limit(pair.naive_limit),
            pair.friendly,
            limit(pair.friendly_limit)
        );
    }
}

/// One line about machine, versions and method.
pub fn circumstances(of: &Circumstances) -> String {
    let unknown = || "unknown".to_owned();
    format!(
        "{}, {}, kernel {}, huge pages {}, governor {}; {}; revm {}, lockstep {}, commit {}, allocator {}; {}; \
         {} runs of {} rounds, forwards and backwards; {}\n",
        of.machine.name(),
        if of.machine.virtual_machine { "a virtual machine" } else { "no hypervisor" },
        of.machine.kernel.clone().unwrap_or_else(unknown),
        of.machine.huge_pages.clone().unwrap_or_else(unknown),
        of.machine.governor.clone().unwrap_or_else(unknown),
        of.compiler,
        of.revm,
        of.lockstep,
        commit(of),
        of.allocator.clone().unwrap_or_else(unknown),
        if of.pinned { "threads pinned" } else { "threads not pinned" },
        of.runs,
        of.rounds,
        of.started
    )
}

/// A table with a row for each sample set.
pub fn rows(sets: &[SampleSet]) -> String {
    let mut text = String::from(
        "| block | executor | txs | Mgas | speedup [interval] | A/A | ceiling | limit | reached | processor | again | p50 / p99 receipt | Mgas/s | 12 s slot | 400 ms | ns/gas |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for set in sets {
        let speedup = speedup(set).unwrap_or_else(|| {
            let reason = set.reason.as_deref().unwrap_or_default();
            format!("**{}**: {}", verdict(set), cell(reason))
        });
        let times =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x"));
        let limit = set.limit();
        let reached =
            set.reached().map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        let receipts = set.candidate_receipts.as_ref().map_or("-".to_owned(), |receipts| {
            format!(
                "{:.2} / {:.2} ms",
                receipts.p50_ns() as f64 / 1e6,
                receipts.p99_ns as f64 / 1e6
            )
        });
        let rate = set.gas_per_second();
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {:.1} | {speedup} | {:.2}x | {} | {} | {reached} | {:.2}x | {} | {receipts} | {:.0} | {:.1} G | {:.0} M | {:.3} |",
            cell(&name(set)),
            label(set),
            set.transactions,
            set.gas as f64 / 1e6,
            set.control,
            times(set.ceiling()),
            times(limit),
            set.processor_ratio(),
            set.re_executions,
            rate / 1e6,
            rate * 12.0 / 1e9,
            rate * 0.4 / 1e6,
            if rate > 0.0 { 1e9 / rate } else { 0.0 },
        );
    }
    text
}

/// Text that fits into a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

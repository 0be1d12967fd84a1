//! Terminal output, styled with ANSI escapes; the writer strips them where they are not
//! wanted.

use crate::record::{Counts, ExecutorTotals, Overlap, ProvedRoots, Record, Status, TestResult};
use lockstep_formats::SourceError;
use std::fmt::Write as _;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// The most differences of one test that are printed.
const MOST_DIFFERENCES: usize = 12;

/// The most failed tests that the summary lists again.
const MOST_FAILURES: usize = 20;

/// The most files of one kind that the summary names; a record names all.
const MOST_FILES: usize = 3;

/// How the same thing can be run again.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// The command with the options that select the cases (`--pack`, `--seed`, ...).
    pub command: String,
}

impl Replay {
    /// The command that runs just this test.
    pub fn of(&self, result: &TestResult) -> String {
        let origin = if result.origin.is_empty() {
            String::new()
        } else {
            format!(" {}", quoted(&result.origin))
        };
        let filter = quoted(&format!("^{}$", regex::escape(&result.id)));
        format!("{}{origin} --filter {filter}", self.command)
    }
}

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A failed test: block, transaction, field or account and slot, both values, and the command that
/// replays just it.
pub fn failure(result: &TestResult, replay: &Replay) -> String {
    let mut text = format!("{RED}{BOLD}FAIL{RESET} {}\n", result.id);
    let reason = result.reason.as_deref().unwrap_or("failed");
    let _ = writeln!(text, "     {} on {}: {reason}", result.source.name(), result.fork);
    for difference in result.differences.iter().take(MOST_DIFFERENCES) {
        let _ = writeln!(text, "     {difference}");
    }
    if result.differences.len() > MOST_DIFFERENCES {
        let more = result.differences.len() - MOST_DIFFERENCES;
        let _ = writeln!(text, "     {DIM}and {more} more differences{RESET}");
    }
    if let Some(member) = failed_member(result) {
        let _ = writeln!(text, "     in it: {member}");
    }
    let _ = writeln!(text, "     {DIM}reproduce:{RESET} {}", replay.of(result));
    text
}

/// The test of a packed block whose transaction differs first.
fn failed_member(result: &TestResult) -> Option<&str> {
    let transaction = result.differences.iter().find_map(|difference| difference.tx)?;
    result.packed.as_ref()?.members.get(transaction).map(String::as_str)
}

/// One line for a test that did not fail.
pub fn line(result: &TestResult) -> String {
    let (color, word) = match result.status {
        Status::Passed => (GREEN, "ok"),
        Status::Failed => (RED, "FAIL"),
        Status::Known => (YELLOW, "known"),
        Status::Outdated => (YELLOW, "outdated"),
        Status::Skipped => (YELLOW, "skipped"),
    };
    let mut text = format!("{color}{word:>8}{RESET} {}", result.id);
    if let Some(packed) = &result.packed {
        let _ = write!(text, " ({} tests, {} left out)", packed.members.len(), packed.left_out);
    }
    if let Some(reason) = &result.reason {
        let _ = write!(text, " {DIM}({reason}){RESET}");
    }
    text.push('\n');
    text
}

/// An input that could not be read.
pub fn unreadable(error: &SourceError) -> String {
    format!("{RED}{BOLD}UNREADABLE{RESET} {error}\n")
}

/// The reference's outcome on each case of a test.
pub fn outcomes(result: &TestResult) -> String {
    let mut text = format!("{BOLD}{}{RESET}\n", result.id);
    for outcome in &result.outcomes {
        let block = outcome.block.map_or(String::new(), |block| format!("block {block}: "));
        let _ = match &outcome.rejected {
            Some(why) => {
                writeln!(text, "     {block}rejected: {why}; state root {}", outcome.state_root)
            }
            None => writeln!(
                text,
                "     {block}state root {}, receipts root {}, logs hash {}, gas {}",
                outcome.state_root,
                outcome.receipts_root.unwrap_or_default(),
                outcome.logs_hash.unwrap_or_default(),
                outcome.gas_used
            ),
        };
    }
    text
}

/// The summary.
pub fn summary(record: &Record, replay: &Replay) -> String {
    let mut text = String::new();
    sources(&mut text, record);
    packing(&mut text, record);
    reasons(&mut text, record);
    others(&mut text, record);
    executors(&mut text, record);
    failures(&mut text, record);
    last_line(&mut text, record, replay);
    text
}

fn sources(text: &mut String, record: &Record) {
    if record.by_source.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}What ran{RESET}");
    for ((source, fork), counts) in &record.by_source {
        let _ = writeln!(text, "  {:<15} {fork:<32} {}", source.name(), describe(counts));
    }
}

fn describe(counts: &Counts) -> String {
    let mut text = format!("{} passed", counts.passed);
    let parts = [
        (counts.failed, "failed"),
        (counts.known, "known"),
        (counts.outdated, "outdated"),
        (counts.skipped, "skipped"),
    ];
    for (count, word) in parts {
        if count > 0 {
            let _ = write!(text, ", {count} {word}");
        }
    }
    text
}

fn packing(text: &mut String, record: &Record) {
    let Some(packing) = record.packing else { return };
    let _ = writeln!(text, "\n{BOLD}Packing{RESET}");
    let _ = writeln!(
        text,
        "  {} packable tests in {} classes ({} in classes too small for a block of 32); {} not \
         packable: a rejection is expected, or there is no transaction",
        packing.packable, packing.classes, packing.in_small_classes, packing.not_packable
    );
    let roomy = packing.packable - packing.in_small_classes;
    for (mode, totals) in &record.packed {
        let _ = write!(
            text,
            "  {mode:<9} {} blocks of {} tests; {} tests in blocks of 32 and more",
            totals.blocks, totals.transactions, totals.in_blocks_of_32
        );
        // A block that must be rejected borrows its other tests: shares mean nothing there.
        if mode != "invalid" {
            let share = percent(totals.in_blocks_of_32, roomy);
            let _ = write!(text, " ({share} of those whose class has 32)");
        }
        let _ = writeln!(
            text,
            "; {} left out: the block around them shows; {} re-executions in {} executions",
            totals.left_out, totals.re_executions, totals.executions
        );
    }
    if packing.alone > 0 {
        let _ =
            writeln!(text, "  {} tests found no partner without a common account", packing.alone);
    }
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        "none".to_owned()
    } else {
        format!("{:.1} %", 100.0 * part as f64 / whole as f64)
    }
}

fn reasons(text: &mut String, record: &Record) {
    if !record.reasons.is_empty() {
        let _ = writeln!(text, "\n{BOLD}What did not simply pass, and why{RESET}");
    }
    for ((status, reason), count) in &record.reasons {
        let word = match status {
            Status::Known => "known",
            Status::Outdated => "outdated",
            _ => "skipped",
        };
        let _ = writeln!(text, "  {YELLOW}{count:>6} {word}{RESET}: {reason}");
    }
    proved_roots(text, record);
    if !record.undecidable.is_empty() {
        let _ = writeln!(text, "\n{BOLD}Expectations that could not be decided{RESET}");
    }
    for (why, count) in &record.undecidable {
        let _ = writeln!(text, "  {count:>6} × {why}");
    }
}

fn proved_roots(text: &mut String, record: &Record) {
    if record.roots.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}State roots that witnesses prove{RESET}");
    for (fork, ProvedRoots { before, after, blocks, .. }) in &record.roots {
        let _ = writeln!(
            text,
            "  {fork:<12} {before:>4} of {blocks} before the block, {after} of {blocks} after it"
        );
    }
    let assumed: usize = record.roots.values().map(|roots| roots.assumed).sum();
    if assumed > 0 {
        let _ = writeln!(
            text,
            "  {assumed:>17} removals collapsed onto a node that the witness lacks; taken for a branch, which the root \
             confirms"
        );
    }
}

fn others(text: &mut String, record: &Record) {
    if record.others.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}Files without tests to run{RESET}");
    for (reason, files) in record.others_by_reason() {
        let named = files.iter().take(MOST_FILES).copied().collect::<Vec<_>>().join(", ");
        let more = if files.len() > MOST_FILES { ", ..." } else { "" };
        let _ = writeln!(text, "  {:>6} {reason}: {DIM}{named}{more}{RESET}", files.len());
    }
}

fn executors(text: &mut String, record: &Record) {
    if record.executors.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}Executors{RESET}");
    for (label, totals) in &record.executors {
        let _ = writeln!(text, "  {label:<15} {}", describe_executor(totals));
    }
}

fn describe_executor(totals: &ExecutorTotals) -> String {
    let mut text = format!("{} cases, {} agreed", totals.cases, totals.agreed);
    let parts = [
        (totals.diverged, "diverged"),
        (totals.inconclusive, "inconclusive"),
        (totals.hung, "hung"),
    ];
    for (count, word) in parts {
        if count > 0 {
            let _ = write!(text, ", {RED}{count} {word}{RESET}");
        }
    }
    let _ = write!(
        text,
        "; {}, up to {} threads; {} executions, {} of them again, {} validations",
        totals.mode, totals.threads, totals.executions, totals.re_executions, totals.validations
    );
    if totals.mended > 0 {
        let _ = write!(text, ", {} mended", totals.mended);
    }
    match totals.overlap {
        Overlap::NotAsked => {}
        Overlap::NotClaimed => text.push_str("; says that it is sequential: no overlap asked for"),
        Overlap::Proved => text.push_str("; overlap proved from outside"),
        Overlap::Refuted => {
            let _ = write!(text, "; {RED}no two transactions ever overlapped{RESET}");
        }
    }
    text
}

fn failures(text: &mut String, record: &Record) {
    for complaint in &record.complaints {
        let _ = writeln!(text, "\n{RED}{BOLD}FAIL{RESET} {complaint}");
    }
    if record.failures.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}What failed{RESET}");
    for result in record.failures.iter().take(MOST_FAILURES) {
        let verdict = result.failure();
        let _ = writeln!(text, "  {RED}{verdict:<18}{RESET} {}", result.id);
    }
    if record.failures.len() > MOST_FAILURES {
        let more = record.failures.len() - MOST_FAILURES;
        let _ = writeln!(text, "  and {more} more: --format json lists them all");
    }
}

fn last_line(text: &mut String, record: &Record, replay: &Replay) {
    let counts = record.counts;
    let seconds = record.elapsed.as_secs_f64();
    let (color, word) = match record.exit_status() {
        0 | 2 | 4 if record.interrupted => (YELLOW, "INTERRUPTED"),
        0 => (GREEN, "AGREED"),
        1 => (RED, "FAILED"),
        2 => (RED, "NOT ALL READ"),
        _ => (RED, "NOTHING RAN"),
    };
    let _ = writeln!(
        text,
        "\n{color}{BOLD}{word}{RESET} {} tests: {}; {} cases: {} agreed, {} diverged, {} \
         inconclusive, {} hung; {} unreadable{}; {seconds:.1} s",
        counts.tests,
        describe(&counts),
        counts.cases,
        counts.agreed,
        counts.diverged,
        counts.inconclusive,
        counts.hung,
        record.unreadable.len(),
        match record.others.len() {
            0 => String::new(),
            count => format!(", {count} without tests"),
        }
    );
    if record.interrupted {
        let _ = writeln!(text, "{YELLOW}Interrupted: this is what was known by then.{RESET}");
    }
    if let Some(next) = next_step(record, replay) {
        let _ = writeln!(text, "{DIM}next:{RESET} {next}");
    }
}

/// The suggested next run.
fn next_step(record: &Record, replay: &Replay) -> Option<String> {
    if let Some(first) = record.failures.first() {
        return Some(replay.of(first));
    }
    if record.interrupted || record.exit_status() != 0 {
        return None;
    }
    let state_tests = record
        .by_source
        .keys()
        .any(|(source, _)| *source == lockstep_judge::definition::SourceKind::StateTest);
    if state_tests && record.packing.is_none() {
        return Some(
            "the same with --pack 64: state tests meet parallelism in packed blocks".to_owned(),
        );
    }
    let built_in = record
        .by_source
        .keys()
        .all(|(source, _)| *source == lockstep_judge::definition::SourceKind::BuiltIn);
    built_in.then(|| {
        "lockstep check PATH: official fixtures, real blocks, folders or archives of them"
            .to_owned()
    })
}

//! An explanation as text.

use super::{Explanation, Traces};
use crate::trials::StuckThread;
use lockstep_model::Step;
use std::fmt::Write as _;

/// How to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For a terminal, with ANSI colors.
    Terminal,
    /// For an issue.
    Markdown,
}

/// Steps before and after the first different one.
const BEFORE: usize = 4;
const AFTER: usize = 4;

/// Words of the stack that are shown.
const TOP: usize = 3;

/// The explanation, whole.
pub fn render(explanation: &Explanation, style: Style) -> String {
    let Explanation { block, executor, failure, transaction, stale, .. } = explanation;
    let mut text = String::new();
    heading(&mut text, style, &format!("{executor} is wrong on {block}"));
    let _ = writeln!(
        text,
        "{}: {}\nsignature: {}\n",
        failure.kind.name(),
        failure.text,
        failure.signature
    );
    if let Some(reference) = &explanation.reference {
        let _ = writeln!(text, "The reference {reference}.\n");
    }
    stuck(&mut text, style, &explanation.stuck);
    match transaction {
        Some(index) => {
            let _ = writeln!(text, "The first transaction that came out differently: {index}.\n");
        }
        None if explanation.differences.is_empty() => {}
        None => {
            text.push_str("Every transaction came out right; what was made of them is wrong.\n\n");
        }
    }
    if let Some(stale) = stale {
        heading(&mut text, style, "What it read");
        let place = stale.place.map_or("the state".to_owned(), |place| place.to_string());
        let _ = writeln!(
            text,
            "{place}\n  was read as    {}\n  written by     {}\n  should be      {}\n  written by     {}\n",
            stale.wrong, stale.wrong_writer, stale.right, stale.right_writer
        );
    } else if explanation.traces.is_some() {
        text.push_str(
            "No value of an earlier transaction, and no earlier state, explains what came out: it did \
             something else with what it read.\n\n",
        );
    }
    if let Some(traces) = &explanation.traces {
        side_by_side(&mut text, style, traces);
    }
    if !explanation.differences.is_empty() {
        heading(&mut text, style, "What differs");
        for difference in explanation.differences.iter().take(MOST_LISTED) {
            let _ = writeln!(text, "* {difference}");
        }
        text.push('\n');
    }
    if !explanation.writers.is_empty() {
        heading(&mut text, style, "Who wrote it");
        for (place, writers) in &explanation.writers {
            let writers: Vec<String> = writers.iter().map(ToString::to_string).collect();
            let writers =
                if writers.is_empty() { "no transaction".to_owned() } else { writers.join(", ") };
            let _ = writeln!(text, "* {place}: {writers}");
        }
    }
    text
}

/// The threads of a run that did not end.
fn stuck(text: &mut String, style: Style, threads: &[StuckThread]) {
    if threads.is_empty() {
        return;
    }
    heading(text, style, "What its threads were at when it was ended");
    let running = threads.iter().filter(|thread| thread.state.runs).count();
    let _ = match running {
        0 => writeln!(text, "No thread runs: each waits for another one, or for nothing at all."),
        1 => writeln!(text, "1 thread runs: it does not come to the end of a loop."),
        _ => writeln!(
            text,
            "{running} threads run: a loop has no end, or they wait without sleeping."
        ),
    };
    for StuckThread { state, reads } in threads {
        let doing = match (state.runs, &state.waits_in) {
            (true, _) => "runs".to_owned(),
            (false, Some(function)) => format!("waits in {function}"),
            (false, None) => "waits".to_owned(),
        };
        let reads = match reads {
            Some((count, last)) => format!("; the last of its {count} reads: {last}"),
            None => "; no reads of the pre-state".to_owned(),
        };
        let _ = writeln!(text, "* {} ({}): {doing}{reads}", state.name, state.id);
    }
    text.push('\n');
}

/// More are no help.
const MOST_LISTED: usize = 12;

fn heading(text: &mut String, style: Style, title: &str) {
    match style {
        Style::Terminal => {
            let _ = writeln!(text, "\x1b[1m{title}\x1b[0m");
        }
        Style::Markdown => {
            let _ = writeln!(text, "### {title}\n");
        }
    }
}

fn side_by_side(text: &mut String, style: Style, traces: &Traces) {
    if traces.wrong.is_empty() && traces.right.is_empty() {
        return;
    }
    heading(text, style, "As it should run, and as it ran (EIP-3155 steps)");
    if style == Style::Markdown {
        text.push_str("```text\n");
    }
    let first = traces.first_different;
    let start = first.saturating_sub(BEFORE);
    let end = (first + AFTER).min(traces.right.len().max(traces.wrong.len()));
    for number in start..end {
        let (right, wrong) = (traces.right.get(number), traces.wrong.get(number));
        let mark = if right == wrong { ' ' } else { '!' };
        let cell = |step: Option<&Step>| step.map_or_else(|| "-".to_owned(), describe);
        let line = format!("{mark} {number:>5}  {:<62} | {}", cell(right), cell(wrong));
        if mark == '!' && style == Style::Terminal {
            let _ = writeln!(text, "\x1b[31m{line}\x1b[0m");
        } else {
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if style == Style::Markdown {
        text.push_str("```\n");
    }
    text.push('\n');
}

fn describe(step: &Step) -> String {
    let top: Vec<String> = step.stack.iter().rev().take(TOP).map(|word| short(*word)).collect();
    format!("{}/{:<5} {:<14} gas {:<8} {}", step.depth, step.pc, step.op, step.gas, top.join(" "))
}

/// A word, its middle left out.
fn short(word: alloy_primitives::U256) -> String {
    let text = format!("{word:#x}");
    if text.len() <= 14 {
        return text;
    }
    format!("{}..{}", &text[..8], &text[text.len() - 4..])
}

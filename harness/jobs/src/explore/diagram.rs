//! A run as a picture: who executed, published, aborted and committed what, and when.

use super::record::{Logged, Record};
use lockstep_model::{Happened, Incarnation};
use std::fmt::Write as _;

fn name(incarnation: Incarnation) -> String {
    let Incarnation { transaction, number } = incarnation;
    if number == 0 {
        format!("tx {transaction}")
    } else {
        format!("tx {transaction}, {}", nth(number))
    }
}

fn nth(number: u32) -> String {
    match number {
        1 => "2nd time".to_owned(),
        2 => "3rd time".to_owned(),
        more => format!("{}th time", more + 1),
    }
}

/// A run as lines of text, one for each stretch of steps of one worker, in columns of workers.
pub fn terminal(record: &Record) -> String {
    let workers = record.moves.iter().map(|made| made.worker as usize + 1).max().unwrap_or(1);
    const WIDTH: usize = 34;
    let mut text = format!("{:>6}  ", "step");
    for worker in 0..workers {
        let _ = write!(text, "{:<WIDTH$}", format!("worker {worker}"));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    let mut log = record.log.iter().peekable();
    let mut step = 0;
    for made in &record.moves {
        step += u64::from(made.steps);
        let mut here = Vec::new();
        while let Some(logged) = log.next_if(|logged| logged.step <= step) {
            here.push(*logged);
        }
        for (at, line) in told(&here) {
            let indent = WIDTH * made.worker as usize;
            let _ = writeln!(text, "{at:>6}  {:indent$}{line}", "");
        }
    }
    text
}

/// What happened in one stretch: steps, and short lines. What was read of one writer is told once.
fn told(log: &[Logged]) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for Logged { step, happened, .. } in log {
        let line = match *happened {
            Happened::Began(by) => format!("{} begins", name(by)),
            Happened::Read { reader, writer: Some(writer), .. } => {
                format!("{} reads {}", name(reader), name(writer))
            }
            Happened::Read { writer: None, .. } => continue,
            Happened::Waited(by, on) => format!("{} waits at a read for tx {on}", name(by)),
            Happened::Restarted(by) => format!("{} has read what is stale", name(by)),
            Happened::Suspended(by, on) => format!("{} waits for tx {on}", name(by)),
            Happened::Published(by) => format!("{} is published", name(by)),
            Happened::Aborted(by) => format!("{} is stale", name(by)),
            Happened::Committed(index) => format!("tx {index} is committed"),
        };
        let is_repeated = matches!(happened, Happened::Read { .. })
            && lines.iter().any(|(_, known)| *known == line);
        if !is_repeated {
            lines.push((*step, line));
        }
    }
    lines
}

/// An execution, from its first step to its last.
struct Bar {
    worker: u32,
    incarnation: Incarnation,
    from: u64,
    to: u64,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Stands,
    Stale,
    Waits,
}

fn bars(record: &Record) -> (Vec<Bar>, Vec<(u64, u32, u32)>) {
    let (mut bars, mut commits) = (Vec::<Bar>::new(), Vec::new());
    let last = |bars: &[Bar], by: Incarnation| bars.iter().rposition(|bar| bar.incarnation == by);
    for Logged { step, worker, happened } in &record.log {
        match *happened {
            Happened::Began(incarnation) => {
                let (worker, from, to, end) = (*worker, *step, record.steps, End::Stands);
                bars.push(Bar { worker, incarnation, from, to, end });
            }
            Happened::Published(by) => {
                if let Some(at) = last(&bars, by) {
                    bars[at].to = *step;
                }
            }
            Happened::Suspended(by, _) => {
                if let Some(at) = last(&bars, by) {
                    (bars[at].to, bars[at].end) = (*step, End::Waits);
                }
            }
            Happened::Aborted(by) => {
                if let Some(at) = last(&bars, by) {
                    bars[at].end = End::Stale;
                }
            }
            Happened::Committed(index) => commits.push((*step, *worker, index)),
            Happened::Restarted(by) => {
                if let Some(at) = last(&bars, by) {
                    (bars[at].to, bars[at].end) = (*step, End::Stale);
                }
            }
            Happened::Waited(..) | Happened::Read { .. } => {}
        }
    }
    (bars, commits)
}

const LANE: u64 = 44;
const LEFT: u64 = 80;
const PICTURE: u64 = 1000;

/// A run as an SVG: a lane for each worker, a bar for each execution, a mark for each commit.
pub fn svg(record: &Record, title: &str) -> String {
    let workers = record.moves.iter().map(|made| u64::from(made.worker) + 1).max().unwrap_or(1);
    let (bars, commits) = bars(record);
    let x = |step: u64| LEFT + step * (PICTURE - LEFT - 10) / record.steps.max(1);
    let height = 40 + workers * LANE + 30;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {PICTURE} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"10\" y=\"20\">{0}</text>\n",
        escaped(title)
    );
    for worker in 0..workers {
        let y = 40 + worker * LANE;
        let _ = writeln!(svg, "<text x=\"10\" y=\"{}\">worker {worker}</text>", y + 22);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{PICTURE}\" y1=\"{0}\" y2=\"{0}\" stroke=\"#ddd\"/>",
            y + LANE - 4
        );
    }
    for bar in bars {
        let (fill, ends) = match bar.end {
            End::Stands => ("#9bd3ae", ""),
            End::Stale => ("#f0a8a0", ", stale"),
            End::Waits => ("#f4d58d", ", gave up to wait"),
        };
        let (from, to) = (x(bar.from), x(bar.to).max(x(bar.from) + 3));
        let y = 40 + u64::from(bar.worker) * LANE + 6;
        let Incarnation { transaction, number } = bar.incarnation;
        let _ = writeln!(
            svg,
            "<g><title>{}{ends}, steps {} to {}</title><rect x=\"{from}\" y=\"{y}\" width=\"{}\" \
             height=\"24\" rx=\"3\" fill=\"{fill}\" stroke=\"#555\"/><text x=\"{}\" y=\"{}\">{transaction}{}</text></g>",
            name(bar.incarnation),
            bar.from,
            bar.to,
            to - from,
            from + 3,
            y + 16,
            "′".repeat(number as usize),
        );
    }
    for (step, worker, index) in commits {
        let y = 40 + u64::from(worker) * LANE + 4;
        let _ = writeln!(
            svg,
            "<g><title>tx {index} is committed in step {step}</title><line x1=\"{0}\" x2=\"{0}\" y1=\"{y}\" \
             y2=\"{1}\" stroke=\"#1a7f37\" stroke-width=\"2\"/></g>",
            x(step),
            y + 30
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"10\" y=\"{}\" fill=\"#555\">{} steps from left to right; green: its result stands, red: \
         stale, yellow: gave up to wait; ′: executed again; a green line: a commit</text>\n</svg>",
        height - 10,
        record.steps
    );
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

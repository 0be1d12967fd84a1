//! Measures in a process of its own.
//!
//! A candidate that hangs keeps its threads busy, and one that crashes takes the process down: neither may
//! cost the others their figures. The working process says what it measures; where it ends early, another
//! one goes on without the candidate that was at fault.

use super::{
    Measures,
    reporter::Reporter,
    work::{Message, Part, work as measure},
};
use crate::{Lockstep, args::BenchArgs, interrupt, output};
use anyhow::{Context, Result};
use lockstep_jobs::bench::Watch;
use lockstep_report::{bench::Line, record::Verdict, samples::SampleSet};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

/// Tells the working process which part is its own.
const PART: &str = "LOCKSTEP_BENCH_PART";

/// How often it is looked whether a run goes on for too long.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whether this process is a working one.
pub(crate) fn is_worker() -> bool {
    env::var_os(PART).is_some()
}

/// The working process.
pub(super) fn work(args: &BenchArgs, command: &Lockstep) -> Result<u8> {
    // Without its parent its results have no reader.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let part: Part = serde_json::from_str(&env::var(PART).context(PART)?).context(PART)?;
    end_when_hung(part.watch.clone(), args.hang_after);
    measure(args, command, &part, &mut |message| {
        say(&message);
        Ok(())
    })?;
    Ok(0)
}

fn say(message: &Message) {
    let line = serde_json::to_string(message).expect("plain data");
    output::out(&format!("{line}\n"));
}

/// Only the end of the process ends threads that do not end.
#[expect(clippy::exit, reason = "the thread that could return is the one that hangs")]
fn end_when_hung(watch: Arc<Watch>, hang_after: Duration) {
    thread::spawn(move || {
        loop {
            thread::sleep(LOOK_EVERY);
            if let Some((label, since)) = watch.running()
                && since > hang_after
            {
                say(&Message::Hung(label));
                std::process::exit(1);
            }
        }
    });
}

/// How a working process ended.
enum Ended {
    /// Its part is measured.
    Done,
    /// It was interrupted.
    Interrupted,
    /// This executor did not come to an end.
    Hung(String),
    /// It was taken down.
    Crashed(String),
    /// It said on stderr what was wrong.
    Failed,
}

/// Measures everything, whatever it takes.
pub(super) fn supervise(measures: &Measures, reporter: &mut Reporter) -> Result<()> {
    let interrupted = interrupt::flag();
    let mut part = Part::default();
    loop {
        let mut at = At::default();
        let ended = run(&part, &mut at, &mut |message| reporter.message(message))?;
        part.done += at.done;
        let ended = if interrupted.load(Ordering::SeqCst) { Ended::Interrupted } else { ended };
        match ended {
            Ended::Done => return Ok(()),
            Ended::Failed => {
                reporter.failed();
                return Ok(());
            }
            Ended::Interrupted => {
                reporter.interrupted();
                return Ok(());
            }
            Ended::Hung(label) => {
                let reason = "did not come to an end".to_owned();
                leave_out(
                    &mut part,
                    measures,
                    reporter,
                    (&at.block, &label),
                    (Verdict::Hung, reason),
                )?;
            }
            Ended::Crashed(how) => {
                let culprits = culprits(&part, measures)?;
                if culprits.is_empty() {
                    part.done += 1;
                    let reason = format!("{how}, and no candidate does it alone");
                    reporter.message(Message::Line(Line::Failed { workload: at.block, reason }))?;
                    continue;
                }
                for label in culprits {
                    let found = (Verdict::Inconclusive, how.clone());
                    leave_out(&mut part, measures, reporter, (&at.block, &label), found)?;
                }
            }
        }
        if measures.candidates.iter().all(|who| part.without.contains(&who.label)) {
            return Ok(());
        }
    }
}

/// Goes on without a candidate; where it is the baseline or the reference, without the block.
fn leave_out(
    part: &mut Part,
    measures: &Measures,
    reporter: &mut Reporter,
    (block, label): (&str, &str),
    (verdict, reason): (Verdict, String),
) -> Result<()> {
    if measures.candidates.iter().any(|who| who.label == label) {
        part.without.push(label.to_owned());
        let reason = format!("{reason}; it is left out from here on");
        let set = SampleSet::without_samples(block, label, verdict, reason);
        return reporter.message(Message::Line(Line::SampleSet(Box::new(set))));
    }
    part.done += 1;
    let reason = format!("{label}: {reason}");
    reporter.message(Message::Line(Line::Failed { workload: block.to_owned(), reason }))
}

/// Those who take a process down when they alone are measured on the next block.
fn culprits(part: &Part, measures: &Measures) -> Result<Vec<String>> {
    let labels = measures.candidates.iter().map(|who| &who.label);
    let suspects: Vec<&String> =
        labels.clone().filter(|label| !part.without.contains(label)).collect();
    let mut found = Vec::new();
    for suspect in suspects {
        let without = labels.clone().filter(|label| *label != suspect).cloned().collect();
        let alone = Part { done: part.done, most: Some(1), without, ..Part::default() };
        if let Ended::Crashed(_) = run(&alone, &mut At::default(), &mut |_| Ok(()))? {
            found.push(suspect.clone());
        }
    }
    Ok(found)
}

/// How far a working process has come.
#[derive(Default)]
struct At {
    block: String,
    done: usize,
}

fn run(part: &Part, at: &mut At, pass_on: &mut dyn FnMut(Message) -> Result<()>) -> Result<Ended> {
    let program = env::current_exe().context("cannot find this program again")?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).stdout(Stdio::piped());
    command.env(PART, serde_json::to_string(part).context("the part")?);
    let mut process = command.spawn().context("cannot start a process for the measurement")?;
    let stdout = process.stdout.take().context("the process has no output")?;
    let mut hung = None;
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // An executor may print as well.
        let Ok(message) = serde_json::from_str::<Message>(&line) else {
            output::err(&format!("{line}\n"));
            continue;
        };
        match message {
            Message::Next => at.done += 1,
            Message::Hung(label) => hung = Some(label),
            message => {
                if let Message::Begin(block) = &message {
                    at.block.clone_from(block);
                }
                pass_on(message)?;
            }
        }
    }
    let status = process.wait().context("cannot wait for the process of the measurement")?;
    Ok(hung.map_or_else(|| ended(status), Ended::Hung))
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ended::Done,
        (Some(_), _) => Ended::Failed,
        (None, Some(2)) => Ended::Interrupted,
        (None, signal) => Ended::Crashed(format!(
            "the process was ended by {}",
            crate::signals::name(signal.unwrap_or_default())
        )),
    }
}

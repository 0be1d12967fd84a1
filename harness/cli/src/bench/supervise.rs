//! Measures in worker processes.
//!
//! A candidate that hangs keeps its threads busy, and one that crashes takes the process down: neither may
//! cost the others their figures. After a worker is lost, another one goes on without the candidate that was
//! at fault.

use super::{
    Measures,
    reporter::Reporter,
    work::{Message, Part, work as measure},
};
use crate::{Lockstep, args::BenchArgs};
use anyhow::{Context, Result};
use crossbeam_channel::Receiver;
use lockstep_engine::isolation::{self, Cause, Notice, Staff, of_this_process};
use lockstep_jobs::bench::Watch;
use lockstep_live::Control;
use lockstep_report::{bench::Line, record::Verdict, samples::SampleSet};
use std::{sync::Arc, time::Duration};

/// How often it is looked whether a run goes on for too long.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Exit status of a worker that was given what it cannot do.
const FAILED: i32 = crate::EXIT_USAGE as i32;

/// The worker process: it measures one part.
pub(super) fn work(args: &BenchArgs, command: &Lockstep) -> Result<u8> {
    let isolation::Ends { mut inbox, mut outbox, heart } = of_this_process::<Part, Message>()?;
    let Some(part) = inbox.next() else { return Ok(0) };
    let watch = Arc::new(Watch::by(heart));
    measure(args, command, &part, &watch, &mut |message| Ok(outbox.send(&message)?))?;
    Ok(0)
}

/// How a worker ended.
enum Ended {
    /// Its part is measured.
    Done,
    /// It was interrupted.
    Interrupted,
    /// This executor did not come to an end.
    Hung(String),
    /// It was taken down.
    Crashed(String),
    /// It reported the error on stderr.
    Failed,
}

/// Measures everything, whatever it takes.
pub(super) fn supervise(
    measures: &Measures,
    hang_after: Duration,
    control: Control,
    reporter: &mut Reporter,
) -> Result<()> {
    let (staff, heard) = Staff::processes();
    let mut workers = Workers { staff, heard, hang_after, control };
    let mut part = Part::default();
    loop {
        let mut at = At::default();
        let ended = workers.run(&part, &mut at, &mut |message| reporter.message(message))?;
        part.done += at.done;
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
                let culprits = workers.culprits(&part, measures)?;
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

/// How far a worker has come.
#[derive(Default)]
struct At {
    block: String,
    done: usize,
}

struct Workers {
    staff: Staff<Part, Message>,
    heard: Receiver<isolation::Message<Message>>,
    hang_after: Duration,
    control: Control,
}

impl Workers {
    /// Those who take a worker down when they alone are measured on the next block.
    fn culprits(&mut self, part: &Part, measures: &Measures) -> Result<Vec<String>> {
        let labels = measures.candidates.iter().map(|who| &who.label);
        let suspects: Vec<&String> =
            labels.clone().filter(|label| !part.without.contains(label)).collect();
        let mut found = Vec::new();
        for suspect in suspects {
            let without = labels.clone().filter(|label| *label != suspect).cloned().collect();
            let alone = Part { done: part.done, most: Some(1), without };
            if let Ended::Crashed(_) = self.run(&alone, &mut At::default(), &mut |_| Ok(()))? {
                found.push(suspect.clone());
            }
        }
        Ok(found)
    }

    /// Has a worker of its own measure a part.
    fn run(
        &mut self,
        part: &Part,
        at: &mut At,
        pass_on: &mut dyn FnMut(Message) -> Result<()>,
    ) -> Result<Ended> {
        let mut worker = self.staff.hire().context("cannot start a process to measure in")?;
        // One that has ended says so itself.
        let _ = worker.assign(part.clone());
        loop {
            let message = self.heard.recv_timeout(LOOK_EVERY).ok();
            if self.control.is_stopped() {
                return Ok(Ended::Interrupted);
            }
            worker.pause(self.control.is_paused());
            match message.filter(|message| message.worker == worker.number) {
                Some(isolation::Message { notice: Notice::Ended(cause), .. }) => {
                    return Ok(ended(&cause));
                }
                Some(isolation::Message { notice: Notice::Event(message), .. }) => {
                    match &message {
                        Message::Next => at.done += 1,
                        Message::Begin(block) => at.block.clone_from(block),
                        Message::Line(_) => {}
                    }
                    pass_on(message)?;
                }
                None => {
                    let stands = worker.standstill();
                    if Watch::runs(worker.last_beat()) && stands > self.hang_after {
                        return Ok(Ended::Hung(worker.pulse().note(0)));
                    }
                }
            }
        }
    }
}

fn ended(cause: &Cause) -> Ended {
    match cause {
        Cause::Exit(0) => Ended::Done,
        Cause::Exit(FAILED) => Ended::Failed,
        cause => Ended::Crashed(cause.to_string()),
    }
}

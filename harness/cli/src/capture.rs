//! `lockstep capture`.

use crate::{
    EXIT_USAGE, Lockstep,
    args::{Blocks, CaptureArgs, SourceMode},
    candidates::factory,
    defaults::REFERENCE,
    files, interrupt, output,
    progress::Progress,
};
use anyhow::Result;
use lockstep_jobs::capture::{Capture, CapturePlan, Done, Endpoint, Source, newest};
use lockstep_model::Mode;
use std::sync::atomic::Ordering;

/// Exit status where a block was not captured.
const EXIT_FAILED: u8 = 1;

/// Exit status after an interruption, as a shell reports SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// Runs the command; gives its exit status.
pub(crate) fn capture(args: &CaptureArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    let interrupted = interrupt::flag();
    let plan = CapturePlan {
        endpoint: Endpoint {
            url: args.rpc.clone(),
            headers: args.header.clone(),
            rate: args.rps,
            patience: args.timeout,
        },
        source: match args.source {
            SourceMode::Auto => None,
            SourceMode::Witness => Some(Source::Witness),
            SourceMode::AccessList => Some(Source::AccessList),
            SourceMode::Prestate => Some(Source::Prestate),
            SourceMode::Proofs => Some(Source::Proofs),
        },
        network: args.network.clone(),
        reference: factory(&command.executors, REFERENCE, Mode::Forced)?,
        out: args.out.clone(),
    };
    let mut capture = Capture::new(plan).map_err(anyhow::Error::msg)?;
    let (first, last) = match args.block {
        Blocks::Range(first, last) => (first, last),
        Blocks::Latest => {
            let newest = newest(&capture).map_err(anyhow::Error::msg)?;
            (newest, newest)
        }
    };
    files::make_out(&args.out)?;
    let progress = Progress::new();
    let mut counts = Counts::default();
    for number in first..=last {
        if interrupted.load(Ordering::SeqCst) {
            output::err("interrupted: what was captured until then is there\n");
            break;
        }
        progress.say(&format!("block {number}, to {last}"));
        let done = capture.block(number);
        progress.suspend(|| counts.tell(number, done));
    }
    progress.finish();
    let Counts { captured, there, unproved, failed } = counts;
    output::out(&format!(
        "{captured} blocks captured, {there} were there, {failed} failed; of {unproved} the state root cannot be \
         recomputed: {}\n",
        args.out.display()
    ));
    Ok(match (failed, captured + there) {
        (0, _) if interrupted.load(Ordering::SeqCst) => EXIT_INTERRUPTED,
        (0, 0) => EXIT_USAGE,
        (0, _) => 0,
        _ => EXIT_FAILED,
    })
}

#[derive(Debug, Default)]
struct Counts {
    captured: usize,
    there: usize,
    unproved: usize,
    failed: usize,
}

impl Counts {
    fn tell(&mut self, number: u64, done: Result<Done, String>) {
        match done {
            Ok(Done { was_there: true, row }) => {
                self.there += 1;
                self.unproved += usize::from(!row.post_root);
            }
            Ok(Done { row, .. }) => {
                self.captured += 1;
                self.unproved += usize::from(!row.post_root);
                let root = if row.post_root { "root proved" } else { "root not recomputable" };
                output::out(&format!(
                    "{number}: {}, {} transactions, {} gas, {root}; by {}\n",
                    row.fork,
                    row.transactions,
                    row.gas_used,
                    row.source.join(", ")
                ));
            }
            Err(problem) => {
                self.failed += 1;
                output::error(&problem);
            }
        }
    }
}

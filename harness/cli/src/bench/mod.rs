//! `lockstep bench`.
//!
//! * `plan`: from the command line to the measurements.
//! * `work`: measures, block by block, and hands over the samples.
//! * `supervise`: does that in worker processes, which a candidate may hang or take down.
//! * `reporter`: prints, writes the record, knows the exit status.

mod circumstances;
mod plan;
mod reporter;
mod supervise;
mod work;

use crate::{
    Lockstep,
    args::{BenchArgs, BenchFormat},
    interrupt,
    live::Shown,
    output,
};
use anyhow::{Result, bail};
use lockstep_engine::isolation::is_worker;
use lockstep_live::Control;
use lockstep_report::bench::Record;
use plan::Measures;
use reporter::Reporter;
use std::{path::Path, sync::Arc};
pub(crate) use work::source;

/// Runs the command; gives its exit status.
pub(crate) fn bench(args: &BenchArgs, command: &Lockstep) -> Result<u8> {
    if is_worker() {
        return supervise::work(args, command);
    }
    output::set_color(args.color);
    let (_, status) = measure(args, command, args.format, args.out.as_deref())?;
    Ok(status)
}

/// Measures, prints in this format, writes `bench.jsonl` to the folder; returns the record and the exit
/// status that it asks for.
pub(crate) fn measure(
    args: &BenchArgs,
    command: &Lockstep,
    format: BenchFormat,
    out: Option<&Path>,
) -> Result<(Record, u8)> {
    let measures = Measures::new(args, command)?;
    let circumstances = circumstances::of(args, command, &measures);
    if args.in_process && args.watched.is_asked() {
        bail!(
            "--in-process: a measurement in this process has no view; leave out --live and --serve"
        );
    }
    // A measurement in this process ends with it.
    let stop = if args.in_process { Arc::default() } else { interrupt::flag() };
    let control = Control { stop, ..Control::default() };
    let about = reporter::describe(&circumstances);
    let shown = Shown::open(&args.watched, ("bench", &about), "results", control.clone())?;
    let mut reporter = Reporter::new(circumstances, format, out, shown)?;
    if args.in_process {
        let (everything, unwatched) = (work::Part::default(), Arc::default());
        work::work(args, command, &everything, &unwatched, &mut |message| {
            reporter.message(message)
        })?;
    } else {
        supervise::supervise(&measures, args.hang_after, control, &mut reporter)?;
    }
    reporter.finish()
}

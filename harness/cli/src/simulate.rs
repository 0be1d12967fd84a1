//! `lockstep simulate`.

use crate::{
    EXIT_NOTHING, EXIT_USAGE, Lockstep,
    args::{SimulateArgs, SimulateFormat},
    blocks::{Found, Source, blocks},
    candidates::factory,
    defaults::BASELINE,
    files, interrupt, output,
    progress::Progress,
};
use anyhow::Result;
use lockstep_jobs::simulate::{Parties, Simulator};
use lockstep_model::Mode;
use lockstep_report::simulation::{Simulation, markdown, summary, svg, terminal};
use std::sync::atomic::Ordering;

/// Runs the command; gives its exit status.
pub(crate) fn simulate(args: &SimulateArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    if let Some(path) = &args.svg {
        files::can_be_written(path)?;
    }
    let executor = |name, mode| factory(&command.executors, name, mode);
    let parties = Parties {
        sequential: executor(BASELINE, Mode::Auto)?,
        block_stm: executor("block_stm", Mode::Auto)?,
        forced: executor("block_stm", Mode::Forced)?,
        access_list: executor("access_list", Mode::Auto)?,
        contention: lockstep_executors::contention,
    };
    let simulator = Simulator::new(parties, &args.cores, !args.no_validate);
    let (mut all, mut status) = (Vec::new(), 0);
    let progress = Progress::new();
    let interrupted = interrupt::flag();
    blocks(&Source::of(&args.blocks), &mut |found| {
        if interrupted.load(Ordering::SeqCst) {
            return Ok(());
        }
        match found {
            Ok(Found::Block(block)) => {
                progress.say(&block.case.id);
                match simulator.simulate(&block) {
                    Ok(simulation) => {
                        progress.suspend(|| print(&simulation, args.format));
                        all.push(simulation);
                    }
                    Err(error) => progress.suspend(|| skipped(&block.case.id, &error)),
                }
            }
            Ok(Found::Skipped(id, reason)) => progress.suspend(|| skipped(&id, &reason)),
            Err(error) => {
                status = EXIT_USAGE;
                progress.suspend(|| output::error(&error.to_string()));
            }
        }
        Ok(())
    })?;
    progress.finish();
    if all.is_empty() {
        output::error("nothing was simulated");
        return Ok(if status == 0 { EXIT_NOTHING } else { status });
    }
    match args.format {
        SimulateFormat::Human => output::out(&summary(&all)),
        SimulateFormat::Markdown => output::out(&markdown(&all)),
        SimulateFormat::Json => {}
    }
    if let Some(path) = &args.svg {
        files::write(path, &svg(&all))?;
    }
    Ok(status)
}

fn skipped(id: &str, reason: &str) {
    output::err(&format!("skipped {id}: {reason}\n"));
}

fn print(simulation: &Simulation, format: SimulateFormat) {
    match format {
        SimulateFormat::Human => output::out(&format!("{}\n", terminal(simulation))),
        SimulateFormat::Json => {
            let line = serde_json::to_string(simulation).expect("plain data");
            output::out(&format!("{line}\n"));
        }
        // Tables are of all blocks.
        SimulateFormat::Markdown => {}
    }
}

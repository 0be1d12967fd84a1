//! `lockstep simulate`.

use crate::{
    Lockstep,
    args::{SimulateArgs, SimulateFormat},
    blocks::{Source, each_block},
    candidates::factory,
    defaults::BASELINE,
    files, output,
};
use anyhow::Result;
use lockstep_jobs::simulate::{Parties, Simulator};
use lockstep_model::Mode;
use lockstep_report::simulation::{Simulation, markdown, summary, svg, terminal};

/// Runs the command; gives its exit status.
pub(crate) fn simulate(args: &SimulateArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    if let Some(path) = &args.svg {
        files::can_be_written(path)?;
    }
    let simulator = simulator(command, &args.cores, !args.no_validate)?;
    let mut all = Vec::new();
    let status = each_block(&Source::of(&args.blocks), &mut |block, progress| {
        let simulation = simulator.simulate(block)?;
        progress.suspend(|| print(&simulation, args.format));
        all.push(simulation);
        Ok(())
    })?;
    if all.is_empty() {
        output::error("nothing was simulated");
        return Ok(status);
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

/// Of the program's own executors.
pub(crate) fn simulator(command: &Lockstep, cores: &[usize], validates: bool) -> Result<Simulator> {
    let executor = |name, mode| factory(&command.executors, name, mode);
    let parties = Parties {
        sequential: executor(BASELINE, Mode::Auto)?,
        block_stm: executor("block_stm", Mode::Auto)?,
        forced: executor("block_stm", Mode::Forced)?,
        access_list: executor("access_list", Mode::Auto)?,
        contention: lockstep_executors::contention,
    };
    Ok(Simulator::new(parties, cores, validates))
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

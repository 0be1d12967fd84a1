//! Beside what was measured: the same blocks on simulated cores, and what keeps them from running in parallel.

use crate::{
    Lockstep, args::GateArgs, bench, blocks::each_block, output, profile::SOURCES,
    simulate::simulator,
};
use anyhow::Result;
use lockstep_cases::layouts::Layouts;
use lockstep_jobs::{bench::Storage, profile::profile};
use lockstep_report::{profile::Profile, simulation::Simulation};

/// What is known of the blocks besides their times.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    pub(super) simulations: Vec<Simulation>,
    pub(super) profiles: Vec<Profile>,
}

/// Simulates and profiles the blocks that `bench` has measured. Nothing where no cores are asked for. What cannot be
/// simulated is said, and changes no verdict.
pub(super) fn scale(args: &GateArgs, command: &Lockstep) -> Result<Scaling> {
    let mut scaling = Scaling::default();
    if args.simulate.is_empty() {
        return Ok(scaling);
    }
    output::err("gate: simulate\n");
    lockstep_executors::remember();
    let simulator = simulator(command, &args.simulate, true)?;
    let layouts = Layouts::built_in();
    let bench_args = args.bench();
    each_block(&bench::source(&bench_args, Storage::Memory), &mut |block, _| {
        let profile = profile(block, &SOURCES, &layouts).map_err(|error| error.to_string())?;
        scaling.profiles.push(profile);
        scaling.simulations.push(simulator.simulate(block)?);
        Ok(())
    })?;
    Ok(scaling)
}

//! Circumstances of this measurement.

use super::Measures;
use crate::{Lockstep, args::BenchArgs, git};
use lockstep_report::samples::{Circumstances, SCHEMA};
use std::{env, time::SystemTime};

pub(super) fn of(args: &BenchArgs, command: &Lockstep, measures: &Measures) -> Circumstances {
    Circumstances {
        schema: SCHEMA,
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        lockstep: env!("CARGO_PKG_VERSION").to_owned(),
        commit: args.commit.clone().or_else(git::head),
        modified: args.commit.is_none() && git::is_modified(),
        compiler: env!("LOCKSTEP_COMPILER").to_owned(),
        revm: env!("LOCKSTEP_REVM").to_owned(),
        allocator: command.memory_meter.map(|meter| meter.allocator.to_owned()),
        machine: lockstep_jobs::bench::this_machine(),
        pinned: !args.no_pin,
        runs: measures.runs,
        rounds: measures.rounds,
        candidates: measures.candidates.iter().map(|who| who.label.clone()).collect(),
        command: env::args().skip(1).collect(),
    }
}

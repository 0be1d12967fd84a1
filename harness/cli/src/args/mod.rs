//! The command line, as close to what is typed as possible, a file for each command.

mod bench;
mod campaign;
mod capture;
mod cases;
mod check;
mod doctor;
mod explore;
mod faults;
mod fixtures;
mod fuzz;
mod gate;
mod install;
mod live;
mod parties;
mod profile;
mod report;
mod runner;
mod simulate;
mod suite;
mod t8n;

pub(crate) use bench::{BenchArgs, BenchFormat, ThreadsMode};
pub(crate) use campaign::{CampaignArgs, CampaignFormat, Program};
pub(crate) use capture::{Blocks, CaptureArgs, SourceMode};
pub(crate) use cases::{
    CaseArgs, ExplainArgs, ExplainFormat, ExportArgs, ExportFormat, MinimiseArgs,
};
pub(crate) use check::{CheckArgs, DEFAULT_MOST_HANGS, ExpectationsMode, PackMode};
pub(crate) use doctor::DoctorArgs;
pub(crate) use explore::{ExploreArgs, ExploreFormat, Order};
pub(crate) use faults::FaultsArgs;
pub(crate) use fixtures::PullArgs;
pub(crate) use fuzz::{FuzzArgs, FuzzFormat, KindArgs};
pub(crate) use gate::GateArgs;
pub(crate) use install::{CompletionsArgs, ManualArgs};
pub(crate) use live::{LiveArgs, ServeArgs};
pub(crate) use parties::PartiesArgs;
pub(crate) use profile::{BlocksArgs, ProfileArgs, ProfileFormat};
pub(crate) use report::{ReportArgs, ReportFormat};
pub(crate) use runner::{Results, RunnerArgs, StateTestArgs};
pub(crate) use simulate::{SimulateArgs, SimulateFormat};
pub(crate) use suite::SuiteArgs;
pub(crate) use t8n::T8nArgs;

use clap::{Parser, Subcommand, ValueEnum};
use lockstep_formats::networks::Network;
use lockstep_jobs::partition::Partition;
use std::{env, num::NonZeroUsize, sync::Arc, time::Duration};

/// A time with its unit, as every option takes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text);
    let time =
        time.map_err(|error| format!("{error}: expected a time with its unit, as in `2s`"))?;
    if time.is_zero() { Err("expected a time above zero".to_owned()) } else { Ok(time) }
}

/// One part of several.
pub(crate) fn partition(text: &str) -> Result<Partition, String> {
    Partition::named(text, &|name| env::var(name).ok())
}

/// A network by its name or genesis file.
pub(crate) fn network(text: &str) -> Result<Arc<Network>, String> {
    Network::parse(text)
}

const ABOUT: &str = "Is your parallel EVM executor still the EVM?";

const LONG_ABOUT: &str = "\
Runs official Ethereum tests, real blocks and generated blocks through a sequential reference EVM \
and through parallel executors, and compares everything that consensus can see.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about = ABOUT, long_about = LONG_ABOUT)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// A known bug to plant in this process, as in `A1`; see `lockstep faults --list`
    #[cfg(feature = "faults")]
    #[arg(long, value_name = "ID", global = true)]
    fault: Option<String>,
}

impl Command {
    /// Who takes part, where that can be said.
    pub(crate) fn parties(&self) -> Option<&PartiesArgs> {
        match self {
            Self::Check(args) => Some(&args.parties),
            Self::Fuzz(args) => Some(&args.parties),
            Self::Explain(args) => Some(&args.case.parties),
            Self::Minimise(args) => Some(&args.case.parties),
            Self::Suite(args) => Some(&args.parties),
            Self::Doctor(args) => Some(&args.parties),
            _ => None,
        }
    }
}

impl Command {
    /// Shards of `sharded`, where they are not as many as its threads.
    pub(crate) fn shards(&self) -> Option<NonZeroUsize> {
        match self {
            Self::Bench(args) => args.shards,
            _ => self.parties()?.shards,
        }
    }
}

impl Cli {
    /// Plants what was asked for.
    #[cfg(feature = "faults")]
    pub(crate) fn plant(&self) -> anyhow::Result<()> {
        if let Some(id) = &self.fault {
            let fault = lockstep_faults::named(id);
            let fault = fault.ok_or_else(|| {
                anyhow::anyhow!("unknown fault `{id}`: `lockstep faults --list` names them")
            })?;
            lockstep_faults::plant(fault);
        }
        Ok(())
    }

    /// Nothing can be planted in this program.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(crate) const fn plant(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run cases through the reference and the candidates
    #[command(long_about = check::CHECK_ABOUT)]
    Check(Box<CheckArgs>),
    /// Measure speedups, with a verdict on every sample
    #[command(long_about = bench::BENCH_ABOUT)]
    Bench(BenchArgs),
    /// Check and measure against a baseline, for a CI
    #[command(long_about = gate::GATE_ABOUT)]
    Gate(GateArgs),
    /// Look for blocks on which an executor is wrong
    #[command(long_about = fuzz::FUZZ_ABOUT)]
    Fuzz(FuzzArgs),
    /// Tell what a campaign over many machines has come to
    #[command(long_about = campaign::CAMPAIGN_ABOUT)]
    Campaign(CampaignArgs),
    /// Plant known executor bugs and see what finds them
    #[command(long_about = faults::FAULTS_ABOUT)]
    Faults(FaultsArgs),
    /// Tell what is there, what is missing, and what to do
    #[command(long_about = doctor::DOCTOR_ABOUT)]
    Doctor(DoctorArgs),
    /// Tell why an executor is wrong on a block
    #[command(long_about = cases::EXPLAIN_ABOUT)]
    Explain(ExplainArgs),
    /// Run a block under many schedules
    #[command(long_about = explore::EXPLORE_ABOUT)]
    Explore(Box<ExploreArgs>),
    /// Write generated blocks for other clients and for the Python specs
    #[command(long_about = cases::EXPORT_ABOUT)]
    Export(ExportArgs),
    /// Show records in a browser, and follow them as they grow
    #[command(long_about = live::SERVE_ABOUT)]
    Serve(ServeArgs),
    /// Write the conformance suite for other clients
    #[command(long_about = suite::SUITE_ABOUT)]
    Suite(SuiteArgs),
    /// Make a block that shows a bug as small as it can be
    #[command(long_about = cases::MINIMISE_ABOUT)]
    Minimise(MinimiseArgs),
    /// Capture blocks out of a node, with what proves their roots
    #[command(long_about = capture::CAPTURE_ABOUT)]
    Capture(CaptureArgs),
    /// Tell what keeps a block from running in parallel
    #[command(long_about = profile::PROFILE_ABOUT)]
    Profile(Box<ProfileArgs>),
    /// Render or merge records
    #[command(long_about = report::REPORT_ABOUT)]
    Report(ReportArgs),
    /// Run blocks on more cores than there are
    #[command(long_about = simulate::SIMULATE_ABOUT)]
    Simulate(Box<SimulateArgs>),
    /// Make a block of transactions, as geth's `evm t8n` does
    #[command(long_about = t8n::T8N_ABOUT, visible_alias = "transition")]
    T8n(Box<T8nArgs>),
    /// Run blockchain tests through one executor, for a driver
    #[command(long_about = runner::RUNNER_ABOUT)]
    Blocktest(Box<RunnerArgs>),
    /// Run engine tests through one executor, for a driver
    #[command(long_about = runner::RUNNER_ABOUT)]
    Enginetest(Box<RunnerArgs>),
    /// Run state tests through one executor, for a driver
    #[command(long_about = runner::RUNNER_ABOUT)]
    Statetest(Box<StateTestArgs>),
    /// Print completions for a shell
    #[command(long_about = install::COMPLETIONS_ABOUT)]
    Completions(CompletionsArgs),
    /// Write manual pages
    Manual(ManualArgs),
    /// Official fixture releases
    #[command(subcommand)]
    Fixtures(FixturesCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum FixturesCommand {
    /// Fetch a release into ethereum-tests/ and verify its digest
    #[command(long_about = fixtures::PULL_ABOUT)]
    Pull(PullArgs),
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    Human,
    /// One JSON object a line on stdout, nothing else there
    Json,
    /// One JUnit XML document on stdout, nothing else there
    Junit,
}

/// When to color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

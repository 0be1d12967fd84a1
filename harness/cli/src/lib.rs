//! The `lockstep` command as a library: the same commands with your executor in them.
//!
//! ```no_run
//! # use lockstep_executors::Reference as Mine;
//! fn main() -> std::process::ExitCode {
//!     lockstep_cli::Lockstep::new().executor("mine", |_threads| Ok(Box::new(Mine))).run()
//! }
//! ```

mod args;
mod bench;
mod blocks;
mod campaign;
mod candidates;
mod capture;
mod check;
mod clients;
mod defaults;
mod doctor;
mod explain;
mod explore;
mod export;
mod faults;
mod files;
mod fixtures;
mod fuzz;
mod gate;
mod git;
mod install;
mod interrupt;
mod live;
mod minimise;
mod one_case;
mod output;
mod pipes;
mod pose;
mod profile;
mod program;
mod progress;
mod report;
mod rerun;
mod runner;
mod serve;
mod simulate;
mod steps;
mod suite;
mod t8n;
#[doc(hidden)]
pub mod testing;

use args::{Cli, Command, FixturesCommand};
use clap::Parser;
use defaults::Known;
use lockstep_formats::lists::Lists;
pub use lockstep_jobs::bench::MemoryMeter;
use lockstep_judge::definition::SourceKind;
use lockstep_model::{Executor, Mode};
use runner::Asked;
use std::{ffi::OsString, num::NonZeroUsize, process::ExitCode, sync::Arc};

/// Exit status where the usage is wrong, or something could not be read.
const EXIT_USAGE: u8 = 2;

/// Exit status where nothing ran.
const EXIT_NOTHING: u8 = 4;

/// The command, with the executors that it knows.
pub struct Lockstep {
    executors: Vec<Known>,
    /// The name of the executor that others are held against.
    reference: String,
    release_memory: fn(),
    memory_meter: Option<MemoryMeter>,
    lists: Lists,
}

impl std::fmt::Debug for Lockstep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.executors.iter().map(|known| known.name.as_str()).collect();
        f.debug_struct("Lockstep").field("executors", &names).finish()
    }
}

impl Default for Lockstep {
    fn default() -> Self {
        Self::new()
    }
}

impl Lockstep {
    /// The command with Lockstep's own executors.
    pub fn new() -> Self {
        Self {
            executors: defaults::executors(),
            reference: defaults::REFERENCE.to_owned(),
            release_memory: || {},
            memory_meter: None,
            lists: Lists::reviewed(),
        }
    }

    /// Adds an executor, made by `factory` for a number of threads. One of the same name is
    /// replaced. A brought executor is a candidate of every run that does not name others.
    #[must_use]
    pub fn executor<F>(mut self, name: &str, factory: F) -> Self
    where
        F: Fn(usize) -> Result<Box<dyn Executor>, String> + Send + Sync + 'static,
    {
        self.executors.retain(|known| known.name != name);
        self.executors.push(Known::new(name, Arc::new(factory)));
        self
    }

    fn set_shards(&mut self, shards: NonZeroUsize) {
        let is_sharded = |known: &&mut Known| known.is_ours && known.name == defaults::SHARDED;
        if let Some(known) = self.executors.iter_mut().find(is_sharded) {
            let factory = |mode| defaults::with_shards(shards, mode);
            (known.forced, known.auto) = (factory(Mode::Forced), factory(Mode::Auto));
        }
    }

    /// Tells how the program's allocator gives memory back that it keeps for later. Called before a
    /// case that may need very much; without it more memory stays in use.
    #[must_use]
    pub fn release_memory_with(self, release_memory: fn()) -> Self {
        Self { release_memory, ..self }
    }

    /// Tells how the program's allocator counts, for the memory that `bench` reports; without it there
    /// is no such figure.
    #[must_use]
    pub fn measure_memory_with(self, meter: MemoryMeter) -> Self {
        Self { memory_meter: Some(meter), ..self }
    }

    /// Adds reviewed lists, in the form of `corpora/reviewed.toml`: among them, with `executor = NAME`,
    /// where a brought executor is known to diverge.
    ///
    /// # Panics
    /// When the text is no such list: it is part of the program.
    #[must_use]
    pub fn reviewed(mut self, toml: &str) -> Self {
        self.lists.extend(Lists::parse(toml).expect("lists in the form of corpora/reviewed.toml"));
        self
    }

    /// Reads the command line and does what it says.
    pub fn run(self) -> ExitCode {
        self.run_from(std::env::args_os())
    }

    /// As [`Self::run`], with other words than the program was started with: a program of your own may
    /// take its own options out first.
    pub fn run_from(mut self, words: impl IntoIterator<Item = OsString>) -> ExitCode {
        let words = match pose::pose(words.into_iter().collect()) {
            pose::Posed::Run(words) => words,
            pose::Posed::Version(text) => {
                output::out(&format!("{text}\n"));
                return ExitCode::SUCCESS;
            }
        };
        program::remember_own_words(&words);
        let cli = match Cli::try_parse_from(words) {
            Ok(cli) => cli,
            Err(error) => {
                // Help and version are no errors; clap knows which stream is whose.
                let _ = error.print();
                return if error.use_stderr() { EXIT_USAGE.into() } else { ExitCode::SUCCESS };
            }
        };
        if let Err(error) = cli.plant() {
            output::error(&format!("{error:#}"));
            return EXIT_USAGE.into();
        }
        if let Some(parties) = cli.command.parties().cloned() {
            program::remember_parties(&parties);
            self = match clients::with_parties(self, &parties) {
                Ok(command) => command,
                Err(error) => {
                    output::error(&format!("{error:#}"));
                    return EXIT_USAGE.into();
                }
            };
        }
        if let Some(shards) = cli.command.shards() {
            self.set_shards(shards);
        }
        let outcome = match cli.command {
            Command::Check(args) => check::check(&args, &self),
            Command::Bench(args) => bench::bench(&args, &self),
            Command::Capture(args) => capture::capture(&args, &self),
            Command::Gate(args) => gate::gate(&args, &self),
            Command::Fuzz(args) => fuzz::fuzz(&args, &self),
            Command::Campaign(args) => campaign::campaign(&args),
            Command::Faults(args) => faults::faults(&args),
            Command::Doctor(args) => doctor::doctor(&args, &self),
            Command::Explain(args) => explain::explain(&args, &self),
            Command::Explore(args) => explore::explore(&args, &self),
            Command::Export(args) => export::export(&args, &self),
            Command::Serve(args) => serve::serve(&args),
            Command::Suite(args) => suite::suite(&args, &self),
            Command::Minimise(args) => minimise::minimise(&args, &self),
            Command::Report(args) => report::report(&args, &self),
            Command::Profile(args) => profile::profile(&args),
            Command::Simulate(args) => simulate::simulate(&args, &self),
            Command::T8n(args) => Ok(t8n::t8n(&args, &self)),
            Command::Blocktest(args) => {
                runner::runner(Asked::chains(SourceKind::BlockchainTest, &args), &self)
            }
            Command::Enginetest(args) => {
                runner::runner(Asked::chains(SourceKind::EngineTest, &args), &self)
            }
            Command::Statetest(args) => runner::runner(Asked::states(&args), &self),
            Command::Completions(args) => install::completions(&args),
            Command::Manual(args) => install::manual(&args),
            Command::Fixtures(FixturesCommand::Pull(args)) => fixtures::pull(&args),
        };
        match outcome {
            Ok(0) if output::is_lost() => EXIT_USAGE.into(),
            Ok(status) => status.into(),
            Err(error) => {
                output::error(&format!("{error:#}"));
                EXIT_USAGE.into()
            }
        }
    }
}

//! A client as an executor.

use crate::{
    config::{ClientConfig, Kind, Mode},
    process::{self, Limits},
    runner::{self, Batch, NAME, Said},
    server::Server,
    t8n,
};
use lockstep_formats::{
    export::{Fixture, fixture_of},
    t8n::{Inputs, inputs},
};
use lockstep_model::{
    At, BlockOutcome, Case, Execution, Executor, ExecutorError, Hidden, Mode as ThreadsMode,
    Outcome, Prepared, Rejection, Rule, RunOptions, Telemetry,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tempfile::TempDir;

/// Makes the reference that fills in headers for runners.
pub type MakeReference = Arc<dyn Fn() -> Result<Box<dyn Executor>, String> + Send + Sync>;

/// A client.
pub struct Client {
    shared: Arc<Shared>,
    reference: Option<Box<dyn Executor>>,
    make_reference: MakeReference,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// Asks the program for its version, where one is expected.
///
/// # Errors
/// A program that does not answer, or answers another version.
pub fn check_version(config: &ClientConfig) -> Result<(), String> {
    let Some(expected) = &config.version else { return Ok(()) };
    let limits = Limits { time: config.timeout };
    let run = process::run(config, &config.version_arguments, &[], limits);
    let output = run.map_err(|problem| format!("client `{}`: {problem}", config.name))?;
    let first = output.stdout.lines().next().unwrap_or_default().trim();
    if expected.is_match(first) {
        return Ok(());
    }
    Err(format!(
        "client `{}`: expected a version that matches `{expected}`, found `{first}`",
        config.name
    ))
}

/// What is kept from block to block.
#[derive(Debug)]
struct Shared {
    config: Arc<ClientConfig>,
    folder: TempDir,
    server: Mutex<Option<Server>>,
    batch: Mutex<Option<Batch>>,
}

impl Client {
    /// A client; its program is started with the first block.
    ///
    /// # Errors
    /// When there is no room for its temporary files.
    pub fn new(config: Arc<ClientConfig>, make_reference: MakeReference) -> Result<Self, String> {
        // Tools delete files in the folder where they run: each has its own.
        let folder = tempfile::Builder::new().prefix("lockstep-client-").tempdir();
        let folder = folder.map_err(|error| format!("a temporary folder: {error}"))?;
        let shared = Shared { config, folder, server: Mutex::default(), batch: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), reference: None, make_reference })
    }

    /// The outcome of a case by the reference.
    fn refer(&mut self, case: &Case) -> Result<Outcome, String> {
        let reference = match &mut self.reference {
            Some(reference) => reference,
            none => none.insert((self.make_reference)()?),
        };
        let options = RunOptions::of(case);
        let run = reference.prepare(case, &options).and_then(|mut prepared| prepared.run());
        run.map(|execution| execution.outcome).map_err(|error| error.to_string())
    }

    fn fixture(&mut self, case: &Case) -> Result<(String, Outcome), String> {
        let comment = case.id.to_string();
        let about = Fixture { name: NAME, comment: &comment, confirmed_by: &[] };
        let (file, outcome) = fixture_of(case, about, &mut |case| self.refer(case))?;
        let verdict = |outcome: &Outcome| match outcome {
            Outcome::Accepted(_) => None,
            Outcome::Rejected(rejection) => Some(rejection.clone()),
        };
        if verdict(&self.refer(case)?) != verdict(&outcome) {
            return Err("it ends differently as the first block of a chain".to_owned());
        }
        Ok((file, outcome))
    }
}

impl Executor for Client {
    fn prepare(
        &mut self,
        case: &Case,
        _options: &RunOptions,
    ) -> Result<Box<dyn Prepared>, ExecutorError> {
        let config = self.shared.config.clone();
        let unsupported = ExecutorError::Unsupported;
        let fork = case.rules.fork;
        if config.forks.as_ref().is_some_and(|forks| !forks.contains(&fork)) {
            return Err(unsupported(format!("{} is not among its forks", fork.fixture_name())));
        }
        let task = match config.kind {
            Kind::T8n => {
                let inputs = inputs(case).map_err(unsupported)?;
                if inputs.transactions_only && !config.state_test {
                    return Err(unsupported("it has no --state-test".to_owned()));
                }
                Task::Transition(Box::new(inputs))
            }
            Kind::Runner => {
                let (file, expected) = self.fixture(case).map_err(unsupported)?;
                Task::Test { file, expected }
            }
        };
        Ok(Box::new(Ready { shared: self.shared.clone(), case: case.clone(), task }))
    }
}

/// What the program is given.
enum Task {
    Transition(Box<Inputs>),
    Test { file: String, expected: Outcome },
}

/// A block that is ready to be shown to the client.
struct Ready {
    shared: Arc<Shared>,
    case: Case,
    task: Task,
}

impl Prepared for Ready {
    fn run(&mut self) -> Result<Execution, ExecutorError> {
        let ran = match &self.task {
            Task::Transition(inputs) => self.shared.transition(inputs, &self.case),
            Task::Test { file, expected } => self.shared.test(file, expected),
        };
        ran.map_err(|problem| ExecutorError::Broken(format!("block {}: {problem}", self.case.id)))
    }
}

impl Shared {
    fn transition(&self, inputs: &Inputs, case: &Case) -> Result<Execution, String> {
        let (config, folder) = (&self.config, self.folder.path());
        let answer = match config.mode() {
            Mode::Server => ask_kept(
                &self.server,
                || Server::start(config, folder),
                |server| server.ask(config, inputs),
            )?,
            _ => t8n::ask(config, inputs, folder)?,
        };
        let outcome = answer.outcome(case, inputs).map_err(|problem| {
            format!("`{}`: {problem}", process::shown(config, &config.words()))
        })?;
        Ok(Execution { outcome, telemetry: told(Some(false)) })
    }

    fn test(&self, file: &str, expected: &Outcome) -> Result<Execution, String> {
        let path = self.folder.path().join("test.json");
        process::write(&path, file)?;
        let said = match self.config.mode() {
            Mode::Batch => ask_kept(
                &self.batch,
                || Batch::start(&self.config, self.folder.path()),
                |batch| batch.ask(&path, self.config.timeout),
            )?,
            _ => runner::ask(&self.config, &path)?,
        };
        if let Some(why) = &said.fallback {
            return Err(format!(
                "its parallel path gave up, and a sequential one took its place: {why}"
            ));
        }
        let is_parallel = if self.config.bal_report { said.is_parallel } else { Some(false) };
        Ok(Execution { outcome: outcome(&said, expected), telemetry: told(is_parallel) })
    }
}

/// Asks a process that is kept. One that has failed is replaced for the next block.
fn ask_kept<P, A>(
    kept: &Mutex<Option<P>>,
    start: impl FnOnce() -> Result<P, String>,
    ask: impl FnOnce(&mut P) -> Result<A, String>,
) -> Result<A, String> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let mut process = match kept.take() {
        Some(process) => process,
        None => start()?,
    };
    let answer = ask(&mut process)?;
    *kept = Some(process);
    Ok(answer)
}

/// Which path ran, as far as the client tells.
fn told(is_parallel: Option<bool>) -> Telemetry {
    let mode = match is_parallel {
        Some(true) => ThreadsMode::Auto,
        _ => ThreadsMode::Sequential,
    };
    Telemetry { mode, threads: 1, ..Telemetry::default() }
}

/// What a runner's verdict says of the block. It was given the roots of the reference: where it passes, it agrees.
fn outcome(said: &Said, expected: &Outcome) -> Outcome {
    // A reason stays the client's own: see `lockstep_formats::t8n::Answer`.
    let rule = |text: &str| Rule::Other(text.to_owned());
    match expected {
        Outcome::Accepted(_) if said.pass => accepted(),
        Outcome::Accepted(_) => {
            let text = said.rejection.as_deref().unwrap_or(&said.error);
            Outcome::Rejected(Rejection { at: At::PostBlock, rule: rule(text) })
        }
        Outcome::Rejected(rejection) if said.pass => {
            // Which block was rejected is known, and not where in it.
            let text = said.rejection.as_deref().unwrap_or_default();
            Outcome::Rejected(Rejection { at: rejection.at, rule: rule(text) })
        }
        Outcome::Rejected(_) => accepted(),
    }
}

/// A block of which nothing but that it is valid is shown.
fn accepted() -> Outcome {
    Outcome::Accepted(Box::new(BlockOutcome { hidden: Hidden::ALL, ..BlockOutcome::default() }))
}

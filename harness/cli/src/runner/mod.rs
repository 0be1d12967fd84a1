//! `lockstep statetest`, `blocktest` and `enginetest`: tests through one executor, for drivers.

mod direct;
mod writer;

use crate::{
    EXIT_NOTHING, Lockstep,
    args::{Results, RunnerArgs, StateTestArgs},
    candidates,
    interrupt::{self, EXIT_INTERRUPTED},
    pipes::{self, Copied},
};
use anyhow::{Context, Result, bail};
use lockstep_engine::isolation::{Staff, is_worker, of_this_process};
use lockstep_formats::{Walk, lists::Lists};
use lockstep_jobs::check::{Event, Expectations, Input, Plan, Selection, run, work};
use lockstep_judge::definition::SourceKind;
use regex::Regex;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread,
};
use writer::Writer;

/// What one of the commands is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    source: SourceKind,
    common: &'a RunnerArgs,
    fork: Option<&'a str>,
    /// Whether steps are written, and with the stack.
    trace: Option<bool>,
    results: Results,
}

impl<'a> Asked<'a> {
    /// Blockchain or engine tests.
    pub(crate) fn chains(source: SourceKind, common: &'a RunnerArgs) -> Self {
        let results = common.results.unwrap_or(Results::Array);
        Self { source, common, fork: None, trace: None, results }
    }

    /// State tests.
    pub(crate) fn states(args: &'a StateTestArgs) -> Self {
        let common = &args.runner;
        let is_revmes = args.json_outcome || common.json;
        let default = if is_revmes { Results::Revme } else { Results::Array };
        Self {
            source: SourceKind::StateTest,
            common,
            fork: args.fork.as_deref(),
            trace: (args.trace || common.json).then_some(!args.trace_no_stack),
            results: common.results.unwrap_or(default),
        }
    }
}

/// Runs one of the commands; gives its exit status.
pub(crate) fn runner(asked: Asked<'_>, command: &Lockstep) -> Result<u8> {
    lockstep_executors::remember();
    let plan = Arc::new(plan(asked, command)?);
    if is_worker() {
        let walk = walk(asked.common.paths.clone(), pipes::copies());
        work(&plan, &Input::Paths(walk), of_this_process()?);
        return Ok(0);
    }
    if asked.common.paths.is_empty() {
        return direct::listen(asked, &plan);
    }
    let mut writer = Writer::new(asked);
    if asked.trace.is_some() {
        direct::run(asked, &plan, asked.common.paths.clone(), &mut writer);
    } else {
        in_processes(asked, &plan, &mut writer)?;
    }
    let has_results = writer.finish();
    let interrupted = plan.interrupted.load(Ordering::Relaxed);
    Ok(status(&writer, interrupted, has_results))
}

fn status(writer: &Writer<'_>, interrupted: bool, has_results: bool) -> u8 {
    match writer {
        _ if interrupted => EXIT_INTERRUPTED,
        writer if writer.has_problems() => 1,
        _ if !has_results => EXIT_NOTHING,
        writer if writer.has_failed() => 1,
        _ => 0,
    }
}

/// Runs everything in worker processes: a test that crashes or hangs costs nothing but itself.
fn in_processes(asked: Asked<'_>, plan: &Arc<Plan>, writer: &mut Writer<'_>) -> Result<()> {
    let copied = Copied::new(asked.common.paths.iter().map(PathBuf::as_path))?;
    interrupt::stop_or_exit(&plan.interrupted)?;
    let staff = Staff::processes_with([copied.to_env()]);
    let ended = run(plan, staff, &mut |event| match event {
        Event::Test { result, .. } => writer.test(&result),
        Event::Unreadable(error) => writer.problem(&error.to_string()),
        Event::Other(other) => writer.other(other),
        Event::Complaint(text) => writer.problem(&text),
        _ => {}
    });
    ended.map_err(anyhow::Error::msg)
}

fn walk(paths: Vec<PathBuf>, copies: std::collections::HashMap<PathBuf, PathBuf>) -> Walk {
    Walk { paths, follow_links: true, copies, network: None }
}

fn plan(asked: Asked<'_>, command: &Lockstep) -> Result<Plan> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = asked.common.workers.unwrap_or(cores);
    if jobs == 0 {
        bail!("--workers 0: expected at least 1");
    }
    let name = asked.common.run.as_deref().map(Regex::new).transpose();
    Ok(Plan {
        reference: candidates::one(
            &command.executors,
            &asked.common.executor,
            asked.common.threads,
        )?,
        candidates: Vec::new(),
        jobs,
        selection: Selection {
            source: Some(asked.source),
            name: name.context("--run: expected a regular expression")?,
            fork: asked.fork.map(ToOwned::to_owned),
            ..Selection::default()
        },
        pack: None,
        expectations: Expectations::Use,
        outcomes: true,
        lists: Arc::new(Lists::default()),
        hang_after: asked.common.hang_after,
        release_memory: command.release_memory,
        most_hangs: usize::MAX,
        interrupted: Arc::default(),
        paused: Arc::default(),
    })
}

//! One test after the other in this process: where the driver sends names, or wants steps.

use super::{Asked, status, walk, writer::Writer};
use crate::{args::Results, steps};
use anyhow::Result;
use lockstep_cases::batch::read_all;
use lockstep_executors::trace_into;
use lockstep_formats::Found;
use lockstep_jobs::check::{Judge, Plan};
use lockstep_judge::definition::{Body, Test};
use std::{
    collections::HashMap,
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::Arc,
};

/// Runs the file that each line of stdin names, until an empty line.
pub(super) fn listen(asked: Asked<'_>, plan: &Arc<Plan>) -> Result<u8> {
    let mut worst = 0;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let name = line.trim();
        if name.is_empty() {
            break;
        }
        let mut writer = Writer::new(asked);
        run(asked, plan, vec![PathBuf::from(name)], &mut writer);
        let has_results = writer.finish();
        worst = worst.max(status(&writer, false, has_results));
    }
    Ok(worst)
}

/// Runs the tests of these paths.
pub(super) fn run(
    asked: Asked<'_>,
    plan: &Arc<Plan>,
    paths: Vec<PathBuf>,
    writer: &mut Writer<'_>,
) {
    let mut judge = Judge::standalone(plan);
    read_all(&walk(paths, HashMap::new()), &mut |found| {
        let Found { tests, unreadable, others } = found.only(plan.selection.source);
        for error in unreadable {
            writer.problem(&error.to_string());
        }
        others.into_iter().for_each(|other| writer.other(other));
        for test in tests.into_iter().filter(|test| plan.selection.takes(test)) {
            if let Some(with_stack) = asked.trace
                && let Err(problem) = trace(&test, asked.results, with_stack)
            {
                writer.problem(&format!("{}: {problem}", test.id));
            }
            writer.test(&judge.judge_alone(test));
        }
        true
    });
}

/// Writes the steps of a state test to stderr.
fn trace(test: &Test, results: Results, with_stack: bool) -> Result<(), String> {
    let Body::Run(runnable) = &test.body else { return Ok(()) };
    let mut err = io::BufWriter::new(io::stderr().lock());
    let mut problem = None;
    let traced = trace_into(&runnable.case, 0, runnable.case.pre_state.clone(), &mut |step| {
        let written = writeln!(err, "{}", steps::line(&step, with_stack));
        problem = problem.take().or(written.err());
    });
    let traced = traced.map_err(|error| error.to_string())?;
    if results != Results::Revme {
        // Drivers of revme take any line but the outcome for a step.
        problem = problem.or(writeln!(err, "{}", steps::end(&traced)).err());
    }
    problem = problem.or(err.flush().err());
    problem.map_or(Ok(()), |error| Err(format!("stderr: {error}")))
}

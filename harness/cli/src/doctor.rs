//! `lockstep doctor`: what is there, what is not, and what to do about it.

use crate::{
    Lockstep,
    args::DoctorArgs,
    candidates::factory,
    check::payload,
    defaults::{BASELINE, Known},
    output,
};
use anyhow::{Result, anyhow};
use lockstep_cases::{
    generate::{Limits, from_seed},
    workload::{Signatures, Size, Workload},
};
use lockstep_engine::Factory;
use lockstep_jobs::bench::this_machine;
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{Mode, Prepared, RunOptions};
use std::{env, fs, path::Path, time::Instant};

const EXIT_WRONG: u8 = 1;

/// Generated blocks that every executor runs.
const BLOCKS: u64 = 24;

/// Rounds in which two copies of the baseline run one after the other.
const ROUNDS: usize = 40;

/// Spread of the two copies' ratio, from the tenth to the ninetieth percentile, on a machine that is quiet enough.
const QUIET: f64 = 0.06;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Missing,
    Wrong,
}

/// One thing that was looked at.
struct Found {
    state: State,
    what: &'static str,
    text: String,
    /// What to do about it.
    then: Option<&'static str>,
}

impl Found {
    fn good(what: &'static str, text: String) -> Self {
        Self { state: State::Good, what, text, then: None }
    }

    fn line(&self) -> String {
        let mark = match self.state {
            State::Good => "ok     ",
            State::Missing => "missing",
            State::Wrong => "WRONG  ",
        };
        let then = self.then.map_or(String::new(), |then| format!("\n{:24}{then}", ""));
        format!("{mark}  {:<13}  {}{then}\n", self.what, self.text)
    }
}

/// Runs the command; gives its exit status.
pub(crate) fn doctor(args: &DoctorArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    let looks: [&dyn Fn() -> Result<Found>; 7] = [
        &|| Ok(program(command)),
        &|| executors(command),
        &|| Ok(machine()),
        &|| noise(command),
        &|| Ok(fixtures()),
        &|| Ok(clients(args, command)),
        &|| Ok(folder()),
    ];
    let mut is_wrong = false;
    for look in looks {
        let found = look()?;
        output::out(&found.line());
        is_wrong |= found.state == State::Wrong;
    }
    Ok(if is_wrong { EXIT_WRONG } else { 0 })
}

fn program(command: &Lockstep) -> Found {
    let (version, compiler) = (env!("CARGO_PKG_VERSION"), env!("LOCKSTEP_COMPILER"));
    let revm = env!("LOCKSTEP_REVM");
    let names: Vec<&str> = command.executors.iter().map(|known| known.name.as_str()).collect();
    Found::good(
        "program",
        format!("lockstep {version}, revm {revm}, {compiler}; {}", names.join(", ")),
    )
}

/// Every executor on a few generated blocks.
fn executors(command: &Lockstep) -> Result<Found> {
    let reference = factory(&command.executors, &command.reference, Mode::Forced)?;
    let mut ran = 0_u64;
    for seed in 1..=BLOCKS {
        let block = from_seed(seed, &Limits::default()).block;
        let right = run(&mut *prepare(&reference, 1, &block)?)?;
        let others = command.executors.iter().filter(|known| is_run(known, command));
        for known in others {
            let made = prepare(&known.factory(Mode::Forced), 2, &block);
            // Not every executor supports every fork: `check` counts what was not run.
            let Ok(mut prepared) = made else { continue };
            let outcome = run(&mut *prepared)?;
            ran += 1;
            let differences = compare_outcomes(&block.pre, &right, &outcome, &known.name);
            if let Some(first) = differences.first() {
                return Ok(Found {
                    state: State::Wrong,
                    what: "executors",
                    text: format!("generated::seed={seed}: {first}"),
                    then: Some("`lockstep check` tells more"),
                });
            }
        }
    }
    Ok(Found::good("executors", format!("{ran} runs of {BLOCKS} generated blocks agree")))
}

fn is_run(known: &Known, command: &Lockstep) -> bool {
    !known.is_probe && known.client.is_none() && known.name != command.reference
}

fn prepare(factory: &Factory, threads: usize, block: &Runnable) -> Result<Box<dyn Prepared>> {
    let mut executor = factory(threads).map_err(|error| anyhow!(error))?;
    let prepared = executor.prepare(&block.case, &RunOptions::of(&block.case));
    prepared.map_err(|error| anyhow!("{error}"))
}

fn run(prepared: &mut dyn Prepared) -> Result<lockstep_model::Outcome> {
    Ok(prepared.run().map_err(|error| anyhow!("{error}"))?.outcome)
}

fn machine() -> Found {
    let machine = this_machine();
    let memory = machine.memory_bytes.map_or("memory unknown".to_owned(), |bytes| {
        format!("{:.1} GiB of memory", bytes as f64 / f64::from(1 << 30))
    });
    let governor = machine.governor.as_deref().unwrap_or("unknown");
    let kind = if machine.virtual_machine { "a virtual machine" } else { "no hypervisor" };
    let text = format!("{}; {memory}; {kind}; governor {governor}", machine.name());
    if machine.cores < 2 {
        let then = Some("`check` and `fuzz` work; speedups need two cores");
        return Found { state: State::Missing, what: "machine", text, then };
    }
    Found::good("machine", text)
}

/// Two copies of the baseline, one after the other.
fn noise(command: &Lockstep) -> Result<Found> {
    let workload = Workload::named("erc20").ok_or_else(|| anyhow!("a built-in workload"))?;
    let signatures = Signatures::Placeholder;
    let block = workload.sized(Size { seed: 0, gas: 10_000_000, contention: None, signatures });
    let baseline = factory(&command.executors, BASELINE, Mode::Auto)?;
    let mut copies = [prepare(&baseline, 1, &block)?, prepare(&baseline, 1, &block)?];
    let mut ratios = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let mut times = [0.0; 2];
        for (copy, time) in copies.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run(&mut **copy)?;
            *time = start.elapsed().as_nanos() as f64;
        }
        ratios.push(times[0] / times[1].max(1.0));
    }
    ratios.sort_by(f64::total_cmp);
    let spread = ratios[ROUNDS * 9 / 10] - ratios[ROUNDS / 10];
    let text = format!("two copies of the same differ by {:.0} % at times", 100.0 * spread);
    Ok(if spread <= QUIET {
        Found::good("noise", text)
    } else {
        let then = Some(
            "speedups of single blocks will be noisy: more --runs, or a machine with nothing else to do",
        );
        Found { state: State::Missing, what: "noise", text, then }
    })
}

fn fixtures() -> Found {
    let names: Vec<String> = payload()
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    if names.is_empty() {
        return Found {
            state: State::Missing,
            what: "fixtures",
            text: "no official tests in ethereum-tests/".to_owned(),
            then: Some(
                "`lockstep fixtures pull`; until then `check` without a PATH runs generated blocks",
            ),
        };
    }
    Found::good("fixtures", format!("ethereum-tests/: {}", names.join(", ")))
}

/// Those of `--clients` have answered with their version before this runs.
fn clients(args: &DoctorArgs, command: &Lockstep) -> Found {
    let names = command.executors.iter().filter(|known| known.client.is_some());
    let names: Vec<&str> = names.map(|known| known.name.as_str()).collect();
    match &args.parties.clients {
        Some(file) => {
            Found::good("clients", format!("{}: {} answer", file.display(), names.join(", ")))
        }
        None if Path::new("clients.toml").exists() => Found {
            state: State::Missing,
            what: "clients",
            text: "clients.toml is here and was not asked for".to_owned(),
            then: Some("`lockstep doctor --clients clients.toml`"),
        },
        None => Found {
            state: State::Missing,
            what: "clients",
            text: "no programs of others".to_owned(),
            then: Some("docs/clients.md: transition tools and test runners as executors"),
        },
    }
}

/// Where pipes are copied to, and clients have their files.
fn folder() -> Found {
    let folder = env::temp_dir();
    let probe = folder.join(format!("lockstep-doctor-{}", std::process::id()));
    let written = fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe));
    let text = folder.display().to_string();
    match written {
        Ok(()) => Found::good("temporary", text),
        Err(error) => Found {
            state: State::Wrong,
            what: "temporary",
            text: format!("{text}: {error}"),
            then: Some("set TMPDIR to a folder that can be written"),
        },
    }
}

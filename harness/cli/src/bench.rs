//! `lockstep bench`.

use crate::{
    Lockstep,
    args::{BenchArgs, BenchFormat, ThreadsMode},
    candidates::{Chosen, candidates, factory},
    defaults::{BASELINE, REFERENCE},
    output,
};
use anyhow::{Context, Result, bail};
use lockstep_model::Mode;
use lockstep_runner::{
    bench::{Bench, BenchPlan, SampleSet},
    check::Candidate,
    record::Verdict,
    report::bench::{Line, Table},
    source::{SourceError, batches},
    test::{Body, Runnable, Test},
    workload::{self, Signatures, Workload},
};
use regex::Regex;
use std::{
    fs::File,
    io::{BufWriter, Write},
};

/// Runs the command; gives its exit status.
pub(crate) fn bench(args: &BenchArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    let plan = plan(args, command)?;
    let mut reporter = Reporter::new(args, &plan)?;
    let mut bench = Bench::new(plan).map_err(anyhow::Error::msg)?;
    blocks(args, &mut |block| {
        match block {
            Ok(Found::Skipped(id, reason)) => reporter.skipped(id, reason)?,
            Ok(Found::Block(block)) => match bench.measure(&block) {
                Ok(sets) => reporter.measured(sets)?,
                Err(reason) => reporter.failed(&block.case.id, &reason)?,
            },
            Err(error) => reporter.unreadable(error)?,
        }
        Ok(())
    })?;
    reporter.finish()
}

fn plan(args: &BenchArgs, command: &Lockstep) -> Result<BenchPlan> {
    if args.rounds == 0 {
        bail!("--rounds 0: expected at least 1");
    }
    let mode = match args.mode {
        ThreadsMode::Auto => Mode::Auto,
        ThreadsMode::Forced => Mode::Forced,
    };
    let chosen = Chosen { names: &args.executor, threads: &args.threads, mode };
    let executors = &command.executors;
    Ok(BenchPlan {
        reference: factory(executors, REFERENCE, mode)?,
        baseline: Candidate {
            label: BASELINE.to_owned(),
            threads: 1,
            factory: factory(executors, BASELINE, mode)?,
        },
        candidates: candidates(executors, &chosen, &[REFERENCE, BASELINE])?,
        rounds: args.rounds,
        pin: !args.no_pin,
        storage: args.storage,
        dependencies: Some(lockstep_executors::dependencies),
        import: args.import,
        memory: command.memory_meter,
    })
}

/// What a source has.
enum Found {
    Block(Box<Runnable>),
    /// A test that cannot be measured, or should not be, and why.
    Skipped(String, String),
}

type UseFound<'a> = dyn FnMut(Result<Found, SourceError>) -> Result<()> + 'a;

/// Hands over every block that was asked for.
fn blocks(args: &BenchArgs, use_found: &mut UseFound<'_>) -> Result<()> {
    let filter = args.filter.as_deref().map(Regex::new).transpose();
    let filter = filter.context("--filter: expected a regular expression")?;
    let wanted = |id: &str| filter.as_ref().is_none_or(|filter| filter.is_match(id));
    if args.paths.is_empty() {
        let signatures = if args.import { Signatures::Real } else { Signatures::Placeholder };
        for workload in workloads(&args.workload)? {
            if wanted(&workload.id(args.seed, args.gas)) {
                let block = workload.block(args.seed, args.gas, signatures);
                use_found(Ok(Found::Block(Box::new(block))))?;
            }
        }
        return Ok(());
    }
    let mut problem = Ok(());
    batches(&args.paths, &mut |batch| {
        let (tests, errors) = match batch {
            Ok(batch) => batch.read(),
            Err(error) => (Vec::new(), vec![error]),
        };
        let tests = tests.into_iter().filter(|test| wanted(&test.id));
        problem = errors
            .into_iter()
            .map(Err)
            .chain(tests.map(|test| Ok(found(test, args.min_gas))))
            .try_for_each(&mut *use_found);
        problem.is_ok()
    });
    problem
}

fn found(test: Test, min_gas: u64) -> Found {
    let reason = match test.body {
        Body::Run(block) => match block.expectation.header.as_ref().map(|header| header.gas_used) {
            Some(gas) if gas < min_gas => format!("used {gas} gas, less than --min-gas"),
            _ => return Found::Block(block),
        },
        Body::Chain(_) => "a chain of blocks; single blocks are measured".to_owned(),
        Body::Pack(_) => "a packed block".to_owned(),
        Body::Undecodable(_) => "a block that cannot be decoded".to_owned(),
        Body::Skip(reason) => reason.text().to_owned(),
    };
    Found::Skipped(test.id, reason)
}

fn workloads(names: &[String]) -> Result<Vec<Workload>> {
    if names.is_empty() {
        return Ok(workload::ALL.to_vec());
    }
    let known: Vec<&str> = workload::ALL.iter().map(|workload| workload.name).collect();
    let find = |name: &String| {
        Workload::named(name).with_context(|| {
            format!("unknown workload `{name}`, expected one of: {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Prints, and keeps what the exit status depends on.
struct Reporter {
    format: BenchFormat,
    file: Option<BufWriter<File>>,
    table: Table,
    sets: usize,
    wrong: usize,
    skipped: usize,
    unreadable: usize,
}

impl Reporter {
    fn new(args: &BenchArgs, plan: &BenchPlan) -> Result<Self> {
        let file = args.out.as_ref().map(|folder| {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("--out {}: cannot be made", folder.display()))?;
            let path = folder.join("bench.jsonl");
            let file = File::create(&path);
            let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
            Ok::<_, anyhow::Error>(BufWriter::new(file))
        });
        let names: Vec<&str> = plan.candidates.iter().map(|who| who.label.as_str()).collect();
        output::err(&format!(
            "measuring {} against {BASELINE}: {} rounds, {}\n",
            names.join(", "),
            plan.rounds,
            if plan.pin { "threads pinned" } else { "threads not pinned" }
        ));
        Ok(Self {
            format: args.format,
            file: file.transpose()?,
            table: Table::default(),
            sets: 0,
            wrong: 0,
            skipped: 0,
            unreadable: 0,
        })
    }

    fn measured(&mut self, sets: Vec<SampleSet>) -> Result<()> {
        for set in sets {
            self.sets += 1;
            self.wrong += usize::from(set.verdict != Verdict::Agreed);
            if self.format == BenchFormat::Human {
                output::out(&self.table.row(&set));
            }
            self.line(&Line::SampleSet(Box::new(set.clone())))?;
            self.table.add(set);
        }
        Ok(())
    }

    fn failed(&mut self, block: &str, reason: &str) -> Result<()> {
        self.wrong += 1;
        output::error(&format!("{block}: nothing to compare with: {reason}"));
        self.line(&Line::Failed { workload: block.to_owned(), reason: reason.to_owned() })
    }

    fn skipped(&mut self, workload: String, reason: String) -> Result<()> {
        self.skipped += 1;
        self.line(&Line::Skipped { workload, reason })
    }

    fn unreadable(&mut self, error: SourceError) -> Result<()> {
        self.unreadable += 1;
        output::error(&error.to_string());
        self.line(&Line::Unreadable(error))
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let text = line.json();
        if self.format == BenchFormat::Json {
            output::out(&format!("{text}\n"));
        }
        if let Some(file) = &mut self.file {
            writeln!(file, "{text}").and_then(|()| file.flush()).context("--out: bench.jsonl")?;
        }
        Ok(())
    }

    fn finish(self) -> Result<u8> {
        if self.format == BenchFormat::Human {
            output::out(&self.table.summary());
        }
        if self.skipped > 0 {
            let skipped = self.skipped;
            output::err(&format!("{skipped} tests were not measured; their reasons: --out DIR\n"));
        }
        Ok(match (self.wrong, self.unreadable, self.sets) {
            (1.., _, _) => 1,
            (_, 1.., _) => crate::EXIT_USAGE,
            (_, _, 0) => {
                output::error("nothing ran");
                crate::EXIT_NOTHING
            }
            _ => 0,
        })
    }
}

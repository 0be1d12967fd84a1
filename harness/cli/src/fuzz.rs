//! `lockstep fuzz`.

use crate::{
    EXIT_NOTHING, EXIT_USAGE, Lockstep,
    args::{FuzzArgs, FuzzFormat, KindArgs},
    candidates::{Chosen, candidates, factory},
    defaults::{MUTATED_LISTS, REFERENCE},
    files, interrupt,
    minimise::as_fixture,
    output,
    progress::Progress,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::generate::{Feature, Features, Limits};
use lockstep_engine::Candidate;
use lockstep_jobs::{
    finding::Finding,
    fuzz::{FuzzPlan, Status, Tally, block_of_chain, run},
    minimise::{Patience, Suspect, shrink},
};
use lockstep_model::{Fork, Mode};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

const EXIT_FOUND: u8 = 1;

/// For how long, where nothing is said.
const DEFAULT_TIME: Duration = Duration::from_secs(60);

/// Threads of candidates on every block, and on one in 64.
const FAST: [usize; 1] = [2];
const DEEP: [usize; 4] = [1, 2, 3, 8];

/// Runs in the fast lane in mode `auto` too: small blocks take another path there than forced ones.
const FAST_AUTO: &str = "block_stm";

/// How often the state of a campaign is written down.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Runs the command; gives its exit status.
pub(crate) fn fuzz(args: &FuzzArgs, command: &Lockstep) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    let mut folder = args.out.as_deref().map(Folder::open).transpose()?;
    let mut plan = plan(args, command)?;
    if let (true, Some(folder)) = (args.resume, &folder) {
        plan.seed = folder.campaign()?.next_seed;
    }
    let suspects = Suspects::of(&plan);
    let patience = Patience { time: MINIMISE_FOR, interrupted: plan.interrupted.clone() };
    output::err(&format!("{}\n", describe(&plan)));

    let progress = Progress::new();
    let mut problem = None;
    let stop = plan.interrupted.clone();
    let start = Instant::now();
    let tally = run(plan, &mut |status, finding| {
        progress.say(&status.to_string());
        if let Some(finding) = finding {
            progress.suspend(|| match args.format {
                FuzzFormat::Human => output::error(&describe_finding(finding)),
                FuzzFormat::Json => output::out(&finding_line(finding)),
            });
        }
        if let (Some(folder), None) = (&mut folder, &problem)
            && let Err(error) = folder.save(status.tally, finding)
        {
            // What was found stands on the terminal: nothing is lost by going on no further.
            problem = Some(error);
            stop.store(true, Ordering::SeqCst);
        }
    });
    progress.finish();
    let tally = tally.map_err(anyhow::Error::msg)?;
    if let (Some(folder), None, false) = (&folder, &problem, args.fail_fast) {
        problem = minimise_all(&tally, &suspects, folder, &patience).err();
    }
    let saved = folder.as_mut().map(|folder| folder.save_campaign(&tally)).transpose();
    let elapsed = start.elapsed();
    match args.format {
        FuzzFormat::Human => {
            output::out(&format!("{}\n", Status { tally: &tally, elapsed }));
            output::out(&features_line(&tally));
        }
        FuzzFormat::Json => output::out(&campaign_line(&tally, elapsed)),
    }
    if let Some(error) = problem.or(saved.err()) {
        output::error(&format!("{error:#}"));
        return Ok(if tally.findings.is_empty() { EXIT_USAGE } else { EXIT_FOUND });
    }
    Ok(match (tally.findings.is_empty(), tally.blocks) {
        (false, _) => EXIT_FOUND,
        (true, 0) => {
            output::error("nothing ran");
            EXIT_NOTHING
        }
        (true, _) => 0,
    })
}

fn plan(args: &FuzzArgs, command: &Lockstep) -> Result<FuzzPlan> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores);
    if jobs == 0 {
        bail!("--jobs 0: expected at least 1");
    }
    let all = |names: &[String], threads: &[usize], mode| -> Result<Vec<Candidate>> {
        let chosen = Chosen { names, threads, mode };
        candidates(&command.executors, &chosen, &[REFERENCE])
    };
    let (time, blocks) = (args.time, args.blocks);
    Ok(FuzzPlan {
        reference: factory(&command.executors, REFERENCE, Mode::Forced)?,
        fast: fast(args, command, &all)?,
        deep: deep(args, &all)?,
        dependencies: lockstep_executors::dependencies,
        limits: limits(&args.kind)?,
        seed: args.seed,
        blocks,
        time: time.or_else(|| blocks.is_none().then_some(DEFAULT_TIME)),
        jobs,
        hang_after: args.hang_after,
        stops_at_first: args.fail_fast,
        interrupted: interrupt::flag(),
    })
}

/// By names, threads and mode.
type ChooseCandidates<'a> = &'a dyn Fn(&[String], &[usize], Mode) -> Result<Vec<Candidate>>;

/// Every executor at two threads, brought ones first.
fn fast(args: &FuzzArgs, command: &Lockstep, all: ChooseCandidates<'_>) -> Result<Vec<Candidate>> {
    let known = command.executors.iter();
    let known = known.filter(|known| !known.is_probe && known.name != REFERENCE);
    let (ours, brought): (Vec<_>, Vec<_>) = known.partition(|known| known.is_ours);
    let default = brought.into_iter().chain(ours).map(|known| known.name.clone());
    let names = if args.executor.is_empty() { default.collect() } else { args.executor.clone() };
    let mut fast = all(&names, &FAST, Mode::Forced)?;
    if names.iter().any(|name| name == FAST_AUTO) {
        let free = all(&[FAST_AUTO.to_owned()], &FAST, Mode::Auto)?;
        fast.extend(free.into_iter().map(named_auto));
    }
    Ok(fast)
}

fn named_auto(free: Candidate) -> Candidate {
    Candidate { label: format!("{} (auto)", free.label), ..free }
}

/// Everybody at several numbers of threads, and as they are used: free to choose fewer. Wrong lists
/// where nobody is named.
fn deep(args: &FuzzArgs, all: ChooseCandidates<'_>) -> Result<Vec<Candidate>> {
    let mut deep = all(&args.executor, &DEEP, Mode::Forced)?;
    let free = all(&args.executor, &FAST, Mode::Auto)?.into_iter();
    let free = free.filter(|candidate| candidate.threads > 1);
    deep.extend(free.map(named_auto));
    if args.executor.is_empty() {
        deep.extend(all(&[MUTATED_LISTS.to_owned()], &FAST, Mode::Forced)?);
    }
    Ok(deep)
}

/// What blocks may be.
pub(crate) fn limits(kind: &KindArgs) -> Result<Limits> {
    let KindArgs { fork: forks, features, transactions } = kind;
    let transactions = *transactions;
    if transactions == 0 {
        bail!("--transactions 0: expected at least 1");
    }
    let mut limits = Limits { transactions, ..Limits::default() };
    if forks.contains(&Fork::Constantinople) {
        bail!("--fork Constantinople: revm does not implement it (EIP-1283)");
    }
    if !forks.is_empty() {
        limits.forks.clone_from(forks);
    }
    if !features.is_empty() {
        let features = features.iter().map(|name| feature(name));
        limits.features = features.collect::<Result<Features>>()?;
    }
    Ok(limits)
}

fn feature(name: &str) -> Result<Feature> {
    let found = Feature::ALL.into_iter().find(|feature| feature.name() == name);
    found.with_context(|| {
        let names: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        format!("unknown feature `{name}`, expected one of: {}", names.join(", "))
    })
}

fn describe(plan: &FuzzPlan) -> String {
    let labels = |candidates: &[Candidate]| {
        let labels: Vec<&str> = candidates.iter().map(|who| who.label.as_str()).collect();
        labels.join(", ")
    };
    format!(
        "fuzzing from seed {}: {} on every block; {} on one in {}",
        plan.seed,
        labels(&plan.fast),
        labels(&plan.deep),
        lockstep_jobs::fuzz::DEEP_EVERY
    )
}

fn describe_finding(finding: &Finding) -> String {
    let what = finding.differences.first().map(ToString::to_string).or(finding.reason.clone());
    format!(
        "{}: {} {}: {}\n  again: {}",
        finding.block,
        finding.executor,
        finding.kind.name(),
        what.unwrap_or_default(),
        replay(finding)
    )
}

fn replay(finding: &Finding) -> String {
    format!("lockstep fuzz --seed {} --blocks 1", finding.seed)
}

/// How long a finding is minimised, at the end of a campaign.
const MINIMISE_FOR: Duration = Duration::from_secs(60);

/// In a finding that is minimised, a run of this long hangs.
const HANG_AFTER: Duration = Duration::from_secs(2);

/// Whom a finding may be about.
struct Suspects {
    reference: Candidate,
    all: Vec<Candidate>,
    limits: Limits,
}

impl Suspects {
    fn of(plan: &FuzzPlan) -> Self {
        let all = plan.fast.iter().chain(&plan.deep).cloned().collect();
        let reference = Candidate::reference(&plan.reference);
        Self { reference, all, limits: plan.limits.clone() }
    }

    /// The finding as a fixture, as small as it can be made.
    fn minimised(&self, finding: &Finding, patience: &Patience) -> Result<String> {
        let found = self.all.iter().find(|candidate| candidate.label == finding.executor);
        let candidate = found.with_context(|| format!("no executor `{}`", finding.executor))?;
        let mut suspect = Suspect::new(&self.reference, candidate.clone(), HANG_AFTER);
        let Finding { seed, link, .. } = *finding;
        let block = block_of_chain(seed, link, &self.limits, &self.reference);
        let block = block.map_err(anyhow::Error::msg)?.block;
        let shrunk = shrink(&block, &mut suspect, patience, &mut |_, _| {})?;
        as_fixture(&shrunk, &mut suspect)
    }
}

/// Writes each finding as small as it can be made, beside what is known of it. An interrupt leaves the
/// rest as it was found.
fn minimise_all(
    tally: &Tally,
    suspects: &Suspects,
    folder: &Folder,
    patience: &Patience,
) -> Result<()> {
    if patience.interrupted.load(Ordering::SeqCst) {
        return Ok(());
    }
    for (signature, (finding, _)) in &tally.findings {
        match suspects.minimised(finding, patience) {
            Ok(text) => {
                let path = folder.path.join(format!("findings/{signature}.fixture.json"));
                files::write(&path, &text)?;
                output::err(&format!("{}: minimised: {}\n", finding.block, path.display()));
            }
            Err(error) => {
                output::err(&format!("{}: not minimised: {error:#}\n", finding.block));
            }
        }
    }
    Ok(())
}

/// A line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line {
    /// Something was found whose signature is new.
    Finding { finding: Finding, replay: String },
    /// The campaign is over.
    Campaign {
        blocks: u64,
        deep: u64,
        accepted: u64,
        transactions: u64,
        executed: u64,
        succeeded: u64,
        re_executions: u64,
        /// Deep blocks by the share of transactions that depend on an earlier one: none, up to 25, 50,
        /// 75 and 100 percent.
        conflicts: [u64; 5],
        seconds: f64,
        /// By signature.
        findings: BTreeMap<String, u64>,
        next_seed: u64,
    },
}

fn line(line: &Line) -> String {
    serde_json::to_string(line).expect("strings and numbers") + "\n"
}

fn finding_line(finding: &Finding) -> String {
    line(&Line::Finding { finding: finding.clone(), replay: replay(finding) })
}

fn campaign_line(tally: &Tally, elapsed: Duration) -> String {
    let count = |(signature, (_, count)): (&String, &(Finding, u64))| (signature.clone(), *count);
    line(&Line::Campaign {
        blocks: tally.blocks,
        deep: tally.deep,
        accepted: tally.accepted,
        transactions: tally.transactions,
        executed: tally.executed,
        succeeded: tally.succeeded,
        re_executions: tally.re_executions,
        conflicts: tally.conflicts,
        seconds: elapsed.as_secs_f64(),
        findings: tally.findings.iter().map(count).collect(),
        next_seed: tally.next_seed,
    })
}

/// What was reached, and what never was.
fn features_line(tally: &Tally) -> String {
    let missing = Feature::ALL.into_iter().filter(|feature| !tally.features.has(*feature));
    let missing: Vec<&str> = missing.map(Feature::name).collect();
    let shapes: Vec<&str> = tally.shapes.iter().map(|shape| shape.name()).collect();
    let not = if missing.is_empty() { "none".to_owned() } else { missing.join(", ") };
    let [none, quarter, half, most, nearly] = tally.conflicts;
    format!(
        "shapes: {}; features not reached: {not}\n\
         transactions that depend on an earlier one, by deep block: none in {none}, up to 25 % in \
         {quarter}, 50 % in {half}, 75 % in {most}, more in {nearly}\n",
        shapes.join(", ")
    )
}

/// Where a campaign is written down.
struct Folder {
    path: PathBuf,
    saved: Option<Instant>,
}

/// How far a campaign is.
#[derive(Debug, Serialize, Deserialize)]
struct Campaign {
    /// Every block below this seed is done.
    next_seed: u64,
    blocks: u64,
    findings: usize,
}

/// A finding, with what shows it again.
#[derive(Serialize)]
struct Saved<'a> {
    replay: String,
    version: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl Folder {
    fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path.join("findings"))
            .with_context(|| format!("--out {shown}: cannot be made"))?;
        let probe = path.join(".probe");
        fs::write(&probe, b"").with_context(|| format!("--out {shown}: cannot be written to"))?;
        fs::remove_file(&probe).with_context(|| format!("--out {shown}: cannot be written to"))?;
        Ok(Self { path: path.to_owned(), saved: None })
    }

    fn campaign(&self) -> Result<Campaign> {
        let path = self.path.join("campaign.json");
        let shown = path.display();
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{shown}: expected the campaign that --resume goes on with")
        })?;
        serde_json::from_str(&text)
            .with_context(|| format!("{shown}: expected what an earlier run has written there"))
    }

    fn save(&mut self, tally: &Tally, finding: Option<&Finding>) -> Result<()> {
        if let Some(finding) = finding {
            let version = env!("CARGO_PKG_VERSION");
            let saved = Saved { replay: replay(finding), version, finding };
            self.write(&format!("findings/{}.json", finding.signature()), &saved)?;
        }
        if self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY) {
            self.save_campaign(tally)?;
        }
        Ok(())
    }

    fn save_campaign(&mut self, tally: &Tally) -> Result<()> {
        self.saved = Some(Instant::now());
        let (next_seed, blocks) = (tally.next_seed, tally.blocks);
        self.write("campaign.json", &Campaign { next_seed, blocks, findings: tally.findings.len() })
    }

    /// A file is there as a whole or as it was before.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(content).context(path.display().to_string())?;
        files::replace(&path, &(text + "\n"))
    }
}

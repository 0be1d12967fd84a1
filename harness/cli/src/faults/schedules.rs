//! How many schedules each strategy of `lockstep explore` needs to detect a fault.
//!
//! For each fault one block is looked for on which some schedule fails, among those that `lockstep fuzz` makes of
//! up to 8 transactions. On this block each strategy begins anew several times, with other random choices.

use crate::{
    EXIT_NOTHING, args::FaultsArgs, explore::Line, files, interrupt, output, progress::Progress,
};
use anyhow::{Context, Result, bail};
use lockstep_faults::{Fault, Reach, Tier};
use lockstep_report::schedules::{Compared, Count, comparison};
use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::Ordering,
};

/// The strategies, and threads that are left alone.
const STRATEGIES: [&str; 5] = ["random", "pct", "pos", "surw", "threads"];

/// How often each begins.
const BEGINS: u64 = 20;

/// Schedules after which a strategy has not found it.
const MOST: u64 = 2_000;

/// Seeds of which blocks are looked at.
const SEEDS: u64 = 2_000;

/// Schedules of each of them.
const FEW: u64 = 60;

const EXIT_MISSED: u8 = 1;

/// Runs the comparison; gives the exit status.
pub(super) fn compare(args: &FaultsArgs) -> Result<u8> {
    let program = env::current_exe().context("where this program is, is not known")?;
    let interrupted = interrupt::flag();
    let explorer = Explorer { program };
    let progress = Progress::new();
    let mut rows = Vec::new();
    for fault in chosen(args) {
        progress.say(&format!("{}: looking for a block", fault.id));
        let mut row = Compared::new(fault);
        if let Some(block) = explorer.block(fault, args.seed)? {
            for strategy in STRATEGIES {
                progress.say(&format!("{}: {strategy}", fault.id));
                row.counts.push(explorer.count(fault, &block, strategy)?);
            }
            row.block = Some(block.name);
        }
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        progress.suspend(|| output::out(&format!("{row}\n")));
        rows.push(row);
        if let Some(folder) = &args.out {
            files::make_out(folder)?;
            let json = serde_json::to_string_pretty(&rows)?;
            files::replace(&folder.join("schedules.json"), &format!("{json}\n"))?;
            files::replace(&folder.join("schedules.md"), &comparison(&rows, MOST))?;
        }
    }
    progress.finish();
    if rows.is_empty() {
        output::error("nothing ran");
        return Ok(EXIT_NOTHING);
    }
    let is_good = rows.iter().all(|row| row.best().is_some_and(|best| best <= 1_000));
    Ok(if is_good { 0 } else { EXIT_MISSED })
}

/// Faults of candidates for which the order of steps matters: family G, and those that say so.
fn chosen(args: &FaultsArgs) -> impl Iterator<Item = &'static Fault> {
    lockstep_faults::all().filter(|fault| {
        let needs_schedule = fault.id.starts_with('G') || fault.tier == Tier::Schedule;
        let is_wrong = fault.tier != Tier::Canary && fault.reach == Reach::Candidate;
        let is_asked = args.only.is_empty() || args.only.iter().any(|id| id == fault.id);
        needs_schedule && is_wrong && is_asked
    })
}

struct Explorer {
    program: PathBuf,
}

/// A block on which a schedule fails.
struct Block {
    name: String,
    seed: u64,
    look: Look,
}

/// Where a block is looked for.
#[derive(Debug, Clone, Copy)]
struct Look {
    workers: &'static str,
    /// Features of the blocks.
    features: Option<&'static str>,
}

/// First any blocks; then those of features that a fault may need many of at once; then two workers, who give
/// executions up where more of them wait.
const LOOKS: [Look; 3] = [
    Look { workers: "3", features: None },
    Look { workers: "3", features: Some("environment,calls") },
    Look { workers: "2", features: None },
];

impl Look {
    fn add_to<'a>(self, words: &mut Vec<&'a str>) {
        words.extend::<[&'a str; 2]>(["--threads", self.workers]);
        words.extend(self.features.iter().flat_map(|features| ["--features", *features]));
    }

    /// A block that was found here, in words.
    fn name(self, block: &str) -> String {
        let mut name = block.to_owned();
        if let Some(features) = self.features {
            name += &format!(", {features}");
        }
        if self.workers != LOOKS[0].workers {
            name += &format!(", {} workers", self.workers);
        }
        name
    }
}

impl Explorer {
    /// The last line of `lockstep explore` with the fault.
    fn explore(&self, fault: &Fault, words: &[&str]) -> Result<Option<Line>> {
        let mut command = Command::new(&self.program);
        command.args(["--fault", fault.id, "explore", "--transactions", "8", "--format", "json"]);
        let output = command.args(words).stderr(Stdio::null()).stdin(Stdio::null()).output();
        let output = output.context("a process of this program cannot be started")?;
        if !matches!(output.status.code(), Some(0 | 1)) {
            bail!(
                "{}: `lockstep explore {}` has failed: {}",
                fault.id,
                words.join(" "),
                output.status
            );
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().map(serde_json::from_str).transpose();
        last.context("a line of `lockstep explore`")
    }

    fn block(&self, fault: &Fault, first: u64) -> Result<Option<Block>> {
        for look in LOOKS {
            let (first, seeds, few) = (first.to_string(), SEEDS.to_string(), FEW.to_string());
            let mut words = vec!["--seed", &first, "--seeds", &seeds, "--schedules", &few];
            words.extend(["--fail-fast", "--as-found"]);
            look.add_to(&mut words);
            let last = self.explore(fault, &words)?.filter(|line| line.failure.is_some());
            let Some(Line { block, .. }) = last else { continue };
            let seed = block.strip_prefix("generated::seed=");
            let end = |letter: char| !letter.is_ascii_digit();
            let seed = seed.and_then(|rest| rest.split(end).next()?.parse().ok());
            let seed = seed.with_context(|| format!("{block}: expected a seed"))?;
            return Ok(Some(Block { name: look.name(&block), seed, look }));
        }
        Ok(None)
    }

    fn count(&self, fault: &Fault, block: &Block, strategy: &str) -> Result<Count> {
        let (seed, most) = (block.seed.to_string(), MOST.to_string());
        let mut count = Count { strategy: strategy.to_owned(), ..Count::default() };
        for begin in 1..=BEGINS {
            let begin = begin.to_string();
            let mut words = vec!["--seed", &seed, "--schedules", &most, "--dry", &most];
            block.look.add_to(&mut words);
            words.extend(["--strategy", strategy, "--schedule-seed", &begin, "--as-found"]);
            let line = self.explore(fault, &words)?.context("a line of `lockstep explore`")?;
            count.needed.push(line.failure.is_some().then_some(line.schedules));
            if let Some((same, of)) = line.replays {
                count.replayed = (count.replayed.0 + same, count.replayed.1 + of);
            }
        }
        Ok(count)
    }
}

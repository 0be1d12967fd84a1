//! One way of looking for one fault, in a process of its own.

use crate::{args::FaultsArgs, files, fuzz::Line};
use anyhow::{Context, Result, bail};
use lockstep_faults::Fault;
use lockstep_formats::export;
use lockstep_jobs::finding::Finding;
use lockstep_judge::difference::Difference;
use lockstep_report::faults::{Detection, Means, REPEATS, Search};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A block of a few milliseconds that takes this long hangs.
const HANG_AFTER: &str = "5s";

/// A block that shows nothing in so many runs is not kept.
const KEPT_AFTER: u32 = 6;

/// For how long a block is minimised.
const MINIMISE_FOR: &str = "20s";

/// How a process that looks for a fault is started.
pub(crate) struct Campaign {
    program: PathBuf,
    jobs: Option<usize>,
    interrupted: Arc<AtomicBool>,
}

/// A line of `check`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum CheckLine {
    Test {
        id: String,
        status: String,
        verdict: Option<String>,
        reason: Option<String>,
        #[serde(default)]
        differences: Vec<Difference>,
    },
    Unreadable(serde_json::Value),
    /// A file without tests.
    Other(IgnoredAny),
    Summary {
        #[serde(default)]
        complaints: Vec<String>,
    },
}

impl Campaign {
    pub(crate) fn new(args: &FaultsArgs, interrupted: Arc<AtomicBool>) -> Result<Self> {
        let program = env::current_exe().context("where this program is, is not known")?;
        let suite = args.suite.iter();
        for path in args.official.iter().chain(&args.packed).chain(&args.real).chain(suite) {
            if !path.exists() {
                bail!("{}: no such file or folder", path.display());
            }
        }
        Ok(Self { program, jobs: args.jobs, interrupted })
    }

    /// A campaign of `lockstep fuzz` with the fault, until it finds something.
    pub(crate) fn fuzz(&self, fault: &str, seed: u64, time: Duration) -> Result<Search> {
        let time = format!("{}ms", time.as_millis());
        self.fuzzing(&["--fault", fault, "--seed", &seed.to_string(), "--time", &time])
    }

    /// Whether the blocks of the seed agree without the fault.
    pub(crate) fn agrees_without(&self, seed: u64) -> Result<bool> {
        let search = self.fuzzing(&["--seed", &seed.to_string(), "--blocks", "1"])?;
        Ok(search.detection.is_none() && search.looked_at > 0)
    }

    /// How many of [`REPEATS`] campaigns from the seed find something.
    pub(crate) fn repeats(&self, fault: &str, seed: u64, time: Duration) -> Result<u32> {
        let mut found = 0;
        for _ in 0..REPEATS {
            found += u32::from(self.fuzz(fault, seed, time)?.detection.is_some());
        }
        Ok(found)
    }

    /// Up to `runs` runs of `check` over the suite, until one finds something.
    pub(crate) fn suite(&self, fault: &str, folder: &Path, runs: u32) -> Result<Search> {
        let mut all = Search::new();
        for run in 1..=runs {
            let search = self.check(fault, Means::Suite, &[folder.to_owned()])?;
            all.looked_at += search.looked_at;
            all.seconds += search.seconds;
            all.runs = run;
            all.detection = search.detection;
            if all.detection.is_some() || self.interrupted.load(Ordering::SeqCst) {
                break;
            }
        }
        Ok(all)
    }

    /// Writes the block of a seed, as small as it can be made, as the one that reveals the fault.
    pub(crate) fn keep(&self, fault: &Fault, seed: u64, file: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["--fault", fault.id, "minimise", "--seed", &seed.to_string()]);
        command.args(["--hang-after", HANG_AFTER, "--time", MINIMISE_FOR]);
        let output = command.stdin(Stdio::null()).output();
        let output = output.context("a process of this program cannot be started")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{}: not minimised: {}",
                fault.id,
                said.lines().last().unwrap_or("it said nothing")
            );
        }
        let tests: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&output.stdout).context("what `lockstep minimise` writes")?;
        let renamed = tests.into_iter().map(|(_, mut test)| {
            let Fault { id, title, .. } = fault;
            test["_info"]["comment"] = format!("Reveals fault {id}: {title}.").into();
            (format!("fault_{id}"), test)
        });
        files::write(file, &export::file(renamed))?;
        // Found with other threads, or by wrong lists: as a test it may show nothing.
        if self.suite(fault.id, file, KEPT_AFTER)?.detection.is_none() {
            fs::remove_file(file)
                .with_context(|| format!("{}: cannot be removed", file.display()))?;
            bail!("{}: not kept: {KEPT_AFTER} runs of `lockstep check` show nothing", fault.id);
        }
        Ok(())
    }

    fn fuzzing(&self, words: &[&str]) -> Result<Search> {
        let mut command = Command::new(&self.program);
        command.arg("fuzz").args(words);
        command.args(["--fail-fast", "--format", "json", "--hang-after", HANG_AFTER]);
        if let Some(jobs) = self.jobs {
            command.args(["--jobs", &jobs.to_string()]);
        }
        let mut search = Search::new();
        let ended = self.read(&mut command, &mut |line, elapsed| {
            let line: Line = serde_json::from_str(line).context("a line of `lockstep fuzz`")?;
            match line {
                Line::Finding { finding, .. } => {
                    search.seconds = elapsed.as_secs_f64();
                    search.detection.get_or_insert_with(|| detection(&finding));
                }
                Line::Campaign { blocks, seconds, .. } => {
                    search.looked_at = blocks;
                    if search.detection.is_none() {
                        search.seconds = seconds;
                    }
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        if let Some(how) = ended {
            search.detection.get_or_insert(how);
        }
        Ok(search)
    }

    /// `lockstep check` with the fault, until a test fails.
    pub(crate) fn check(&self, fault: &str, means: Means, paths: &[PathBuf]) -> Result<Search> {
        let mut command = Command::new(&self.program);
        command.args(["check", "--fault", fault, "--skip-slow", "--format", "json"]);
        command.args(["--hang-after", "10s"]);
        if means == Means::Packed {
            command.args(["--pack", "64", "--seed", "1"]);
        }
        command.args(paths);
        let mut search = Search::new();
        let ended = self.read(&mut command, &mut |line, elapsed| {
            let line: CheckLine =
                serde_json::from_str(line).context("a line of `lockstep check`")?;
            search.seconds = elapsed.as_secs_f64();
            search.looked_at += 1;
            Ok(match line {
                CheckLine::Test { id, status, verdict, reason, differences }
                    if status == "failed" =>
                {
                    let first = differences.first().map(kind_of_difference);
                    let verdict = verdict.unwrap_or(status);
                    let kind = match first.or(reason) {
                        Some(what) => format!("{verdict}: {what}"),
                        None => verdict,
                    };
                    let executor = differences.first().map(|first| first.executor.clone());
                    search.detection = Some(Detection { case: id, seed: None, executor, kind });
                    false
                }
                CheckLine::Unreadable(what) => {
                    bail!("an official file could not be read: {what}");
                }
                CheckLine::Summary { complaints } => {
                    let complaint = complaints.into_iter().next();
                    search.detection = complaint.map(|kind| Detection {
                        case: "the run".to_owned(),
                        seed: None,
                        executor: None,
                        kind,
                    });
                    true
                }
                CheckLine::Test { .. } | CheckLine::Other(_) => true,
            })
        })?;
        if let Some(how) = ended {
            search.detection.get_or_insert(how);
        }
        Ok(search)
    }

    /// Reads the lines of a process until it ends or `take` has had enough. A process
    /// that was taken down is itself the detection.
    fn read(
        &self,
        command: &mut Command,
        take: &mut dyn FnMut(&str, Duration) -> Result<bool>,
    ) -> Result<Option<Detection>> {
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        // A group of its own: a signal reaches whatever it has started.
        command.process_group(0);
        let start = Instant::now();
        let mut child = command.spawn().context("a process of this program cannot be started")?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut wants_more = true;
        let mut any = false;
        for line in lines {
            let line = line.context("what a process of this program says")?;
            any = true;
            if self.interrupted.load(Ordering::SeqCst) {
                break;
            }
            match take(&line, start.elapsed()) {
                Ok(true) => {}
                Ok(false) => {
                    wants_more = false;
                    break;
                }
                Err(error) => {
                    end(&mut child);
                    return Err(error);
                }
            }
        }
        if !wants_more {
            end(&mut child);
            return Ok(None);
        }
        let status = child.wait().context("a process of this program")?;
        if !any && status.code() == Some(2) {
            bail!("a process of this program refused its command line");
        }
        let was_taken_down = status.code().is_none() && !self.interrupted.load(Ordering::SeqCst);
        Ok(was_taken_down.then(|| Detection {
            case: "the process".to_owned(),
            seed: None,
            executor: None,
            kind: format!("crashed: {status}"),
        }))
    }
}

/// Ends a process with all that it has started.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}

fn detection(finding: &Finding) -> Detection {
    let what = finding.differences.first().map(kind_of_difference);
    let kind = match what.or_else(|| finding.reason.clone()) {
        Some(what) => format!("{}: {what}", finding.kind.name()),
        None => finding.kind.name().to_owned(),
    };
    Detection {
        case: finding.block.clone(),
        seed: Some(finding.recipe.seed),
        executor: Some(finding.executor.clone()),
        kind,
    }
}

/// Which kind of thing differs, as in `receipt gasUsed`.
fn kind_of_difference(difference: &Difference) -> String {
    let scope = format!("{:?}", difference.scope).to_lowercase();
    format!("{scope} {}", difference.field)
}

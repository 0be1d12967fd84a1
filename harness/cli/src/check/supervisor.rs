//! A run in a process of its own.
//!
//! `check` starts itself again and lets that process do the work. Should an executor take it down (a
//! stack overflow, an `abort`, the kernel's hand), the next process goes on behind the test that did
//! it, as the journal tells. The same happens where a process is worn out by threads that it had to
//! abandon. The supervisor itself runs no executor, and prints nothing but errors and the JSON lines that
//! it passes on.

use crate::{
    Lockstep,
    args::{CheckArgs, Format},
    output,
    pipes::{self, Copied},
    signals,
};
use anyhow::{Context, Result};
use lockstep_jobs::check::{Journal, Past, Resume};
use lockstep_report::{json, record::TestResult};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

/// Tells the working process where the journal is.
const JOURNAL: &str = "LOCKSTEP_JOURNAL";

/// Tells the working process how the one before it ended.
const ENDED: &str = "LOCKSTEP_ENDED";

/// Tells the working process how many have crashed, where it should only say what is known.
const GIVE_UP: &str = "LOCKSTEP_GIVE_UP";

/// Tells the working process for how many milliseconds the run has gone on before it.
const SPENT: &str = "LOCKSTEP_SPENT_MS";

/// How a process ends that another one should go on behind.
const WORN_OUT: u8 = 95;

/// The most processes that may crash in one run.
const MOST_CRASHES: usize = 100;

/// Exit status where the run could not be finished.
const EXIT_FAILED: u8 = 1;

/// Runs `check`, in a process of its own unless this is one, or must not be.
pub(crate) fn start(args: Box<CheckArgs>, command: &Lockstep) -> Result<u8> {
    if let Some(journal) = env::var_os(JOURNAL) {
        return work(args, command, &PathBuf::from(journal));
    }
    if args.in_process { super::check(args, command, None) } else { supervise(&args) }
}

/// The working process.
fn work(args: Box<CheckArgs>, command: &Lockstep, journal: &std::path::Path) -> Result<u8> {
    // Without its parent its results have no reader.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let (journal, past) = Journal::open(journal)
        .with_context(|| format!("cannot open the journal {}", journal.display()))?;
    let crash = env::var(ENDED).ok();
    let give_up = env::var(GIVE_UP).ok();
    let spent = env::var(SPENT).ok().and_then(|spent| spent.parse().ok()).unwrap_or_default();
    let spent = Duration::from_millis(spent);
    let supervised = Supervised { journal: Arc::new(journal), past, spent, crash, give_up };
    super::check(args, command, Some(supervised))
}

/// What a working process knows of itself.
#[derive(Debug)]
pub(crate) struct Supervised {
    pub(crate) journal: Arc<Journal>,
    pub(crate) past: Past,
    /// For how long the run has gone on in other processes.
    pub(crate) spent: Duration,
    /// How the process before crashed, if it did.
    pub(crate) crash: Option<String>,
    /// How many have crashed, where that is enough.
    give_up: Option<String>,
}

impl Supervised {
    /// Whether no process before this one has worked on the run.
    pub(crate) fn is_first(&self) -> bool {
        let past = &self.past;
        self.crash.is_none()
            && past.results.is_empty()
            && past.unreadable.is_empty()
            && past.others.is_empty()
    }

    /// Why nothing more should be run.
    pub(crate) fn complaint(&self) -> Option<String> {
        let crashes = self.give_up.as_ref()?;
        Some(format!(
            "executors have ended the process {crashes} times: the rest was not run; `--filter` picks \
             tests, `--in-process` lets a debugger see one"
        ))
    }

    /// What is left to run, and what of it must run alone.
    pub(crate) fn resume(&self) -> Resume {
        let crashed = self.crash.is_some();
        let suspects = if crashed { self.past.suspects() } else { Default::default() };
        let culprit = self.culprit();
        let done: Vec<_> = self.past.results.iter().cloned().chain(culprit).collect();
        Resume::new(&done, suspects)
    }

    /// The test that crashed the process before, where it is known which one that was.
    pub(crate) fn culprit(&self) -> Option<TestResult> {
        self.past.culprit(self.crash.as_deref()?)
    }
}

/// The exit status that asks for another process.
pub(crate) const fn worn_out() -> u8 {
    WORN_OUT
}

/// The JSON lines of a working process, on their way to stdout.
///
/// A line is in the journal before it is written. So where a process ends between the two, the lines
/// that are missing are known, and no line is written twice.
#[derive(Debug, Default)]
struct Relay {
    tests: usize,
    unreadable: usize,
    others: usize,
}

impl Relay {
    /// Passes on every line until the process ends.
    fn pass_on(&mut self, from: impl Read) {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            self.tests += usize::from(line.starts_with("{\"kind\":\"test\""));
            self.unreadable += usize::from(line.starts_with("{\"kind\":\"unreadable\""));
            self.others += usize::from(line.starts_with("{\"kind\":\"other\""));
            output::out(&format!("{line}\n"));
        }
    }

    /// Writes what the journal has and no process came to write.
    fn catch_up(&mut self, past: &Past) {
        let tests = past.results.iter().skip(self.tests).map(json::test_line);
        let unreadable = past.unreadable.iter().skip(self.unreadable).map(json::unreadable_line);
        let others = past.others.iter().skip(self.others).map(json::other_line);
        for line in tests.chain(unreadable).chain(others) {
            output::out(&format!("{line}\n"));
        }
        self.tests = self.tests.max(past.results.len());
        self.unreadable = self.unreadable.max(past.unreadable.len());
        self.others = self.others.max(past.others.len());
    }
}

fn supervise(args: &CheckArgs) -> Result<u8> {
    let mut relay = (args.format == Format::Json).then(Relay::default);
    let list = args.files_from.as_deref().map(pipes::list_path);
    let copied = Copied::new(args.paths.iter().map(PathBuf::as_path).chain(list))?;
    let journal = tempfile::NamedTempFile::new().context("cannot make a file for the journal")?;
    let child = Arc::new(AtomicI32::new(0));
    let interrupted = Arc::new(AtomicBool::new(false));
    pass_interrupts_on(child.clone(), interrupted.clone())?;
    let (mut ended, mut crashes) = (None, 0);
    let start = Instant::now();
    loop {
        let reported = Past::of(journal.path())?.results.len();
        let status = run_child(
            journal.path(),
            &copied,
            (ended.as_deref(), crashes, start),
            &child,
            relay.as_mut(),
        )?;
        ended = match (status.code(), status.signal()) {
            (Some(code), _) if code == i32::from(WORN_OUT) => None,
            (Some(code), _) => return Ok(u8::try_from(code).unwrap_or(EXIT_FAILED)),
            (None, signal) => {
                let how = format!(
                    "the process was ended by {}",
                    signals::name(signal.unwrap_or_default())
                );
                if interrupted.load(Ordering::Relaxed) {
                    output::error(&format!("{how} after an interruption"));
                    return Ok(EXIT_FAILED);
                }
                let past = Past::of(journal.path())?;
                if let Some(relay) = &mut relay {
                    relay.catch_up(&past);
                }
                let nothing_new = past.suspects().is_empty() && past.results.len() == reported;
                if nothing_new || crashes > MOST_CRASHES {
                    output::error(&format!(
                        "{how}, and no test was running: this is a bug of ours"
                    ));
                    return Ok(EXIT_FAILED);
                }
                crashes += 1;
                Some(how)
            }
        };
    }
}

fn run_child(
    journal: &std::path::Path,
    copied: &Copied,
    (ended, crashes, start): (Option<&str>, usize, Instant),
    child: &AtomicI32,
    relay: Option<&mut Relay>,
) -> Result<ExitStatus> {
    let program = env::current_exe().context("cannot find this program again")?;
    let mut command = Command::new(program);
    // A group of its own: a terminal's Ctrl-C comes to us, and goes on to it once.
    command.args(env::args_os().skip(1)).env(JOURNAL, journal).process_group(0);
    command.env(pipes::COPIES, copied.to_env());
    command.env(SPENT, start.elapsed().as_millis().to_string());
    match ended {
        Some(how) => command.env(ENDED, how),
        None => command.env_remove(ENDED),
    };
    if crashes >= MOST_CRASHES {
        command.env(GIVE_UP, crashes.to_string());
    }
    if relay.is_some() {
        command.stdout(Stdio::piped());
    }
    let mut process = command.spawn().context("cannot start a process for the run")?;
    child.store(i32::try_from(process.id()).unwrap_or_default(), Ordering::Relaxed);
    if let (Some(relay), Some(stdout)) = (relay, process.stdout.take()) {
        relay.pass_on(stdout);
    }
    let status = process.wait().context("cannot wait for the process of the run");
    child.store(0, Ordering::Relaxed);
    status
}

fn pass_interrupts_on(child: Arc<AtomicI32>, interrupted: Arc<AtomicBool>) -> Result<()> {
    ctrlc::set_handler(move || {
        interrupted.store(true, Ordering::Relaxed);
        if let Some(pid) = Pid::from_raw(child.load(Ordering::Relaxed)) {
            let _ = kill_process(pid, Signal::INT);
        }
    })
    .context("cannot listen for Ctrl-C")
}

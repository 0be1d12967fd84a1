//! The job's side: workers are hired, get assignments, and are dismissed.

use super::{
    WORKER,
    beat::{Beat, Heart, Pulse, Standstill, new_file},
    cause::Cause,
    inside::{Ends, Inbox, Outbox, To},
    threads::{ThreadState, threads_of},
};
use crate::panic_text;
use crossbeam_channel::{Receiver, Sender, unbounded};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    ffi::OsString,
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::NamedTempFile;

/// The end of stderr that tells how a process ended.
const STDERR_KEPT: usize = 8 << 10;

/// A message from a worker.
#[derive(Debug)]
pub struct Message<E> {
    /// The worker's number.
    pub worker: u64,
    /// Its content.
    pub notice: Notice<E>,
}

/// A notice from a worker.
#[derive(Debug)]
pub enum Notice<E> {
    /// An event of the job's own.
    Event(E),
    /// It has ended: nothing more comes from it.
    Ended(Cause),
}

/// Makes the command that starts a worker process.
type MakeCommand = Arc<dyn Fn() -> io::Result<Command> + Send + Sync>;

/// The work of a worker thread.
type ThreadWork<A, E> = Arc<dyn Fn(Ends<A, E>) + Send + Sync>;

/// How workers are hired.
pub struct Staff<A, E> {
    kind: Kind<A, E>,
    hired: u64,
    messages: Sender<Message<E>>,
}

enum Kind<A, E> {
    Processes(MakeCommand),
    Threads(ThreadWork<A, E>),
}

impl<A, E> fmt::Debug for Staff<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staff").field("hired", &self.hired).finish_non_exhaustive()
    }
}

/// A worker, as the job sees it.
#[derive(Debug)]
pub struct Worker<A> {
    /// Its number; no other worker has had it.
    pub number: u64,
    pulse: Pulse,
    standstill: Standstill,
    is_paused: bool,
    link: Link<A>,
    /// Kept for as long as the worker may write to it.
    _heartbeat: NamedTempFile,
}

#[derive(Debug)]
enum Link<A> {
    Process { assignments: Option<ChildStdin>, child: Arc<Owned> },
    Thread { assignments: Option<Sender<A>>, is_given_up: Arc<AtomicBool> },
}

impl<A, E> Staff<A, E>
where
    A: Serialize + DeserializeOwned + Send + 'static,
    E: Serialize + DeserializeOwned + Send + 'static,
{
    /// Workers are processes: this program again, with the arguments of this process.
    pub fn processes() -> (Self, Receiver<Message<E>>) {
        Self::processes_with([])
    }

    /// The same, with more in their environment.
    pub fn processes_with(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> (Self, Receiver<Message<E>>) {
        let environment: Vec<_> = environment.into_iter().collect();
        let command = move || {
            let mut command = Command::new(std::env::current_exe()?);
            // The name that it was called by may say what it is.
            command.arg0(std::env::args_os().next().unwrap_or_default());
            command.args(std::env::args_os().skip(1)).envs(environment.iter().cloned());
            Ok(command)
        };
        Self::new(Kind::Processes(Arc::new(command)))
    }

    /// Workers are threads: for tests and debuggers. A crash takes everything down; a hung thread stays.
    pub fn threads(
        work: impl Fn(Ends<A, E>) + Send + Sync + 'static,
    ) -> (Self, Receiver<Message<E>>) {
        Self::new(Kind::Threads(Arc::new(work)))
    }

    fn new(kind: Kind<A, E>) -> (Self, Receiver<Message<E>>) {
        let (messages, heard) = unbounded();
        (Self { kind, hired: 0, messages }, heard)
    }

    /// Starts a worker.
    ///
    /// # Errors
    /// When the system has no process or no file left to give.
    pub fn hire(&mut self) -> io::Result<Worker<A>> {
        self.hired += 1;
        let number = self.hired;
        match &self.kind {
            Kind::Processes(command) => self.start_process(number, command()?),
            Kind::Threads(work) => self.start_thread(number, work.clone()),
        }
    }

    fn start_process(&self, number: u64, mut command: Command) -> io::Result<Worker<A>> {
        let heartbeat = new_file()?;
        // A group of its own: Ctrl-C at a terminal reaches the job alone, which then ends its workers.
        command.env(WORKER, heartbeat.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let assignments = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let child = Arc::new(Owned::new(child));
        let (owned, messages) = (child.clone(), self.messages.clone());
        thread::spawn(move || {
            let errors = thread::spawn(move || stderr.map(pass_on).unwrap_or_default());
            for line in stdout.into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
                let Ok(line) = line else { break };
                let Ok(event) = serde_json::from_str(&line) else { continue };
                let _ = messages.send(Message { worker: number, notice: Notice::Event(event) });
            }
            let status = owned.wait();
            let stderr = errors.join().unwrap_or_default();
            let cause = status.map_or(Cause::Exit(-1), |status| Cause::of(status, &stderr));
            let _ = messages.send(Message { worker: number, notice: Notice::Ended(cause) });
        });
        let pulse = Pulse::in_file(heartbeat.reopen()?);
        let link = Link::Process { assignments, child };
        let standstill = Standstill::default();
        Ok(Worker { number, pulse, standstill, is_paused: false, link, _heartbeat: heartbeat })
    }

    fn start_thread(&self, number: u64, work: ThreadWork<A, E>) -> io::Result<Worker<A>> {
        let heartbeat = new_file()?;
        let heart = Heart::in_file(heartbeat.path())?;
        let pulse = Pulse::in_file(heartbeat.reopen()?);
        let (assignments, todo) = unbounded();
        let (events, happened) = unbounded();
        let is_given_up = Arc::<AtomicBool>::default();
        let messages = self.messages.clone();
        let outbox = Outbox(To::Channel { events, is_given_up: is_given_up.clone() });
        let worker = thread::spawn(move || {
            let ends = Ends { inbox: Inbox::Channel(todo), outbox, heart };
            catch_unwind(AssertUnwindSafe(|| work(ends)))
        });
        thread::spawn(move || {
            for event in happened {
                let _ = messages.send(Message { worker: number, notice: Notice::Event(event) });
            }
            let cause = match worker.join() {
                Ok(Ok(())) => Cause::Exit(0),
                Ok(Err(panic)) | Err(panic) => Cause::Panic(panic_text(&*panic)),
            };
            let _ = messages.send(Message { worker: number, notice: Notice::Ended(cause) });
        });
        let link = Link::Thread { assignments: Some(assignments), is_given_up };
        let standstill = Standstill::default();
        Ok(Worker { number, pulse, standstill, is_paused: false, link, _heartbeat: heartbeat })
    }
}

impl<A: Serialize> Worker<A> {
    /// Gives the worker something to do.
    ///
    /// # Errors
    /// When it has ended; its end is told as a [`Notice`].
    pub fn assign(&mut self, assignment: A) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        match &mut self.link {
            Link::Process { assignments, .. } => {
                let line = serde_json::to_string(&assignment)? + "\n";
                let pipe = assignments.as_mut().ok_or_else(gone)?;
                pipe.write_all(line.as_bytes())?;
                pipe.flush()
            }
            Link::Thread { assignments, .. } => {
                let assignments = assignments.as_ref().ok_or_else(gone)?;
                assignments.send(assignment).map_err(|_| gone())
            }
        }
    }
}

impl<A> Worker<A> {
    /// The worker's last beat.
    pub fn last_beat(&self) -> Beat {
        self.pulse.last(0)
    }

    /// The lanes of its heartbeat: the current work of each thread, where it has several.
    pub const fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// For how long it has been the last one.
    pub fn standstill(&mut self) -> Duration {
        self.standstill.look(self.pulse.last(0))
    }

    /// Has the worker pause before its next trial, or go on. To be called whenever it is looked after.
    pub fn pause(&mut self, is_paused: bool) {
        // If it cannot be written, the worker goes on, and it is tried again.
        if is_paused != self.is_paused && self.pulse.pause(is_paused).is_ok() {
            self.is_paused = is_paused;
        }
    }

    /// States of the threads of a worker process. Empty for a worker thread.
    pub fn threads(&self) -> Vec<ThreadState> {
        match &self.link {
            Link::Process { child, .. } => threads_of(child.lock().id()),
            Link::Thread { .. } => Vec::new(),
        }
    }

    /// The worker gets nothing more to do, and ends when it has done what it has.
    pub fn dismiss(&mut self) {
        match &mut self.link {
            Link::Process { assignments, .. } => *assignments = None,
            Link::Thread { assignments, .. } => *assignments = None,
        }
    }

    /// Sends SIGINT to a worker process; a thread is told otherwise.
    pub fn interrupt(&self) {
        if let Link::Process { child, .. } = &self.link {
            child.interrupt();
        }
    }

    /// Ends the worker at once. A thread cannot be ended: it is given up, and its next event fails.
    pub fn kill(&mut self) {
        self.dismiss();
        match &self.link {
            Link::Process { child, .. } => child.kill(),
            // Relaxed: a flag of its own, looked at again and again.
            Link::Thread { is_given_up, .. } => is_given_up.store(true, Ordering::Relaxed),
        }
    }
}

impl<A> Drop for Worker<A> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A child process with two owners: one waits for it, the other may kill it.
#[derive(Debug)]
struct Owned(Mutex<Child>);

impl Owned {
    const fn new(child: Child) -> Self {
        Self(Mutex::new(child))
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self) {
        let _ = self.lock().kill();
    }

    fn interrupt(&self) {
        let pid = i32::try_from(self.lock().id()).ok().and_then(Pid::from_raw);
        // Under the lock's protection against a pid of another process: `wait` has not reaped it.
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
    }

    /// Waits without holding the lock for long: the other owner may want to kill.
    fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.lock().try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Passes stderr of a worker on; gives its end.
fn pass_on(mut pipe: impl Read) -> String {
    let (mut kept, mut chunk) = (VecDeque::new(), [0; 4 << 10]);
    while let Ok(read @ 1..) = pipe.read(&mut chunk) {
        let _ = io::stderr().write_all(&chunk[..read]);
        kept.extend(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(STDERR_KEPT));
    }
    String::from_utf8_lossy(kept.make_contiguous()).into_owned()
}

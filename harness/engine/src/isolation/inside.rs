//! The worker's side.

use super::{WORKER, beat::Heart};
use crossbeam_channel::{Receiver, Sender};
use rustix::{
    process::{Signal, set_parent_process_death_signal},
    stdio::{dup2_stdin, dup2_stdout},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    marker::PhantomData,
    os::fd::AsFd,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether this process is a worker.
pub fn is_worker() -> bool {
    env::var_os(WORKER).is_some()
}

/// The pipes of this process, when it is a worker. From then on executors that read stdin find it empty, and
/// what they print goes to stderr.
///
/// # Errors
/// When a pipe or the heartbeat file cannot be opened.
pub fn of_this_process<A, E>() -> io::Result<Ends<A, E>> {
    // Without its parent nothing would stop it.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let heartbeat = env::var_os(WORKER).map(PathBuf::from);
    let heartbeat = heartbeat.ok_or_else(|| io::Error::other("not started as a worker"))?;
    let assignments = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let events = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(io::stderr())?;
    let inbox = Inbox::Pipe { lines: BufReader::new(assignments), of: PhantomData };
    let outbox = Outbox(To::Pipe(events));
    Ok(Ends { inbox, outbox, heart: Heart::in_file(&heartbeat)? })
}

/// A worker's ends of its connection to the job.
#[derive(Debug)]
pub struct Ends<A, E> {
    /// Assignments come in.
    pub inbox: Inbox<A>,
    /// Events go out.
    pub outbox: Outbox<E>,
    /// Beats go out.
    pub heart: Heart,
}

/// Assignments, until the job has no more.
#[derive(Debug)]
pub enum Inbox<A> {
    /// Lines of JSON.
    Pipe {
        /// The pipe.
        lines: BufReader<File>,
        /// The type of a line.
        of: PhantomData<A>,
    },
    /// From another thread.
    Channel(Receiver<A>),
}

impl<A: DeserializeOwned> Iterator for Inbox<A> {
    type Item = A;

    fn next(&mut self) -> Option<A> {
        match self {
            Self::Pipe { lines, .. } => {
                let mut line = String::new();
                match lines.read_line(&mut line) {
                    Ok(1..) => serde_json::from_str(&line).ok(),
                    Ok(0) | Err(_) => None,
                }
            }
            Self::Channel(assignments) => assignments.recv().ok(),
        }
    }
}

/// Events.
#[derive(Debug)]
pub struct Outbox<E>(pub(super) To<E>);

#[derive(Debug)]
pub(super) enum To<E> {
    Pipe(File),
    Channel { events: Sender<E>, is_given_up: Arc<AtomicBool> },
}

impl<E: Serialize + Clone> Outbox<E> {
    /// Sends an event. It is out when this returns: a later crash does not take it away.
    ///
    /// # Errors
    /// When the job has gone away: nothing is left to do.
    pub fn send(&mut self, event: &E) -> io::Result<()> {
        match &mut self.0 {
            To::Pipe(pipe) => {
                let mut line = serde_json::to_vec(event)?;
                line.push(b'\n');
                pipe.write_all(&line)
            }
            To::Channel { is_given_up, .. } if is_given_up.load(Ordering::Relaxed) => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            To::Channel { events, .. } => {
                events.send(event.clone()).map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
        }
    }
}

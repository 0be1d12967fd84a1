//! A program that runs.
//!
//! Nothing outlives us: each program is told to die with the thread that started it, where the system has `setpriv`,
//! and is killed with its children where it takes too long.

use crate::config::ClientConfig;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io::{self, Read, Write},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// More output than this is no answer.
const MOST_OUTPUT: u64 = 1 << 30;

/// How much of what a program says of a problem is shown.
const MOST_SHOWN: usize = 600;

/// How often is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(2);

/// What a program may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
}

/// What a program wrote.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: ExitStatus,
}

/// The command of a client.
pub(crate) fn command(client: &ClientConfig, arguments: &[String]) -> Command {
    let mut command =
        match ["/usr/bin/setpriv", "/bin/setpriv"].map(Path::new).iter().find(|path| path.exists())
        {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(&client.path);
                command
            }
            None => Command::new(&client.path),
        };
    // What this process was told of its own place is not for others.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOCKSTEP_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(&client.environment).process_group(0);
    command
}

/// The command line, as a person would type it.
pub(crate) fn shown(client: &ClientConfig, arguments: &[String]) -> String {
    let words = [client.path.display().to_string()].into_iter().chain(arguments.iter().cloned());
    words.collect::<Vec<_>>().join(" ")
}

/// Runs a program with this input to its end.
///
/// # Errors
/// When it cannot be started, does not end in time, or writes too much or something that is not text.
pub(crate) fn run(
    client: &ClientConfig,
    arguments: &[String],
    input: &[u8],
    limits: Limits,
) -> Result<Output, String> {
    run_in(client, arguments, input, limits, None)
}

/// The same, in a folder.
pub(crate) fn run_in(
    client: &ClientConfig,
    arguments: &[String],
    input: &[u8],
    limits: Limits,
    folder: Option<&Path>,
) -> Result<Output, String> {
    let line = shown(client, arguments);
    let mut command = command(client, arguments);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("`{line}`: {error}"))?;
    let output = talk(&mut child, input, limits);
    if output.is_err() {
        kill(&mut child);
    }
    output.map_err(|problem| format!("`{line}`: {problem}"))
}

fn talk(child: &mut Child, input: &[u8], limits: Limits) -> Result<Output, String> {
    let deadline = Instant::now() + limits.time;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let stdin = child.stdin.take();
    let input = input.to_vec();
    // A program that does not read its input may still answer.
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let late = || format!("did not end within {} s", limits.time.as_secs_f64());
    let left = || deadline.saturating_duration_since(Instant::now());
    let stdout = stdout.recv_timeout(left()).map_err(|_| late())??;
    let stderr = stderr.recv_timeout(left()).map_err(|_| late())??;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if left().is_zero() => return Err(late()),
            None => thread::sleep(LOOK),
        }
    };
    // The program has ended: its end of the pipe is closed.
    let _ = writer.join();
    Ok(Output { stdout, stderr, status })
}

fn collect(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Result<String, String>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read =
            stream.map_or(Ok(0), |stream| stream.take(MOST_OUTPUT + 1).read_to_end(&mut bytes));
        let text = match read {
            Err(error) => Err(error.to_string()),
            Ok(_) if bytes.len() as u64 > MOST_OUTPUT => Err("wrote more than 1 GiB".to_owned()),
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        };
        let _ = send.send(text);
    });
    receive
}

/// Ends a program and its children.
pub(crate) fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// How a program ended, and what it said.
pub(crate) fn ended(status: ExitStatus, said: &str) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    format!("{how}: {}", excerpt(said))
}

/// The end of a long text, where problems stand.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(MOST_SHOWN);
    let shown: String = text.chars().skip(skipped).collect();
    if skipped > 0 { format!("...{shown}") } else { shown }
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let written: io::Result<()> = std::fs::write(path, text);
    written.map_err(|error| format!("{}: {error}", path.display()))
}

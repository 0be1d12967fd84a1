//! Transition tools that are servers: one process, a request a block.
//!
//! HTTP/1.0 over a Unix socket whose path is among the words, as the Python specs' daemon has it, or over TCP on the port
//! that the program names when it listens, as besu's server has it.

use crate::{
    config::ClientConfig,
    process::{command, excerpt, kill, shown},
    t8n::{answer, input},
};
use lockstep_formats::t8n::{Answer, Inputs};
use regex::Regex;
use serde_json::json;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How often is looked whether a server listens.
const LOOK: Duration = Duration::from_millis(20);

/// Where a server listens.
#[derive(Debug, Clone)]
enum Place {
    Unix(PathBuf),
    Tcp(u16),
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    place: Place,
    log: PathBuf,
    line: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Server {
    /// Starts a server, and waits until it listens.
    pub(crate) fn start(client: &ClientConfig, folder: &Path) -> Result<Self, String> {
        let socket = folder.join("socket");
        let _ = fs::remove_file(&socket);
        let own = client.words();
        let is_unix = own.iter().any(|word| word.contains("{socket}"));
        let path = socket.display().to_string();
        let words: Vec<String> = own.iter().map(|word| word.replace("{socket}", &path)).collect();
        let line = shown(client, &words);
        let log = folder.join("stderr");
        let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = command(client, &words);
        command.current_dir(folder).stdin(Stdio::null()).stderr(file);
        command.stdout(if is_unix { Stdio::null() } else { Stdio::piped() });
        let mut child = command.spawn().map_err(|error| format!("`{line}`: {error}"))?;
        let deadline = Instant::now() + client.timeout;
        let place = if is_unix {
            wait_for_socket(&mut child, socket, deadline)
        } else {
            wait_for_port(&mut child, deadline)
        };
        match place {
            Ok(place) => Ok(Self { child, place, log, line }),
            Err(problem) => {
                kill(&mut child);
                let said = fs::read_to_string(&log).unwrap_or_default();
                Err(format!("`{line}`: {problem}: {}", excerpt(&said)))
            }
        }
    }

    /// The server's answer.
    pub(crate) fn ask(&mut self, client: &ClientConfig, inputs: &Inputs) -> Result<Answer, String> {
        let said_before = fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        let request = json!({
            "state": { "fork": inputs.fork, "chainid": inputs.chain_id, "reward": inputs.reward },
            "input": input(client, inputs),
            "trace": false,
        });
        let target = if inputs.transactions_only { "/?arg=--state-test" } else { "/" };
        let exchanged = self.exchange(target, &request.to_string(), client.timeout);
        let answered = exchanged.and_then(|body| answer(&body));
        answered.map_err(|problem| {
            let said = fs::read(&self.log).unwrap_or_default();
            let from = usize::try_from(said_before).unwrap_or_default().min(said.len());
            let said = String::from_utf8_lossy(&said[from..]).into_owned();
            format!("`{}`: {problem}: {}", self.line, excerpt(&said))
        })
    }

    fn exchange(&self, target: &str, body: &str, time: Duration) -> Result<String, String> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
                format!("did not answer within {} s", time.as_secs_f64())
            }
            _ => error.to_string(),
        };
        let response = match &self.place {
            Place::Unix(path) => {
                let stream = UnixStream::connect(path).map_err(failed)?;
                stream.set_read_timeout(Some(time)).map_err(failed)?;
                stream.set_write_timeout(Some(time)).map_err(failed)?;
                post(stream, target, body)
            }
            Place::Tcp(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).map_err(failed)?;
                stream.set_read_timeout(Some(time)).map_err(failed)?;
                stream.set_write_timeout(Some(time)).map_err(failed)?;
                post(stream, target, body)
            }
        };
        content(&response.map_err(failed)?)
    }
}

fn post(mut stream: impl Read + Write, target: &str, body: &str) -> std::io::Result<Vec<u8>> {
    write!(
        stream,
        "POST {target} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body.as_bytes())?;
    stream.flush()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    Ok(response)
}

/// The content of a response, which must be one of success.
fn content(response: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(response);
    let (head, content) = text
        .split_once("\r\n\r\n")
        .ok_or_else(|| format!("expected an HTTP response, found `{}`", excerpt(&text)))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        Ok(content.to_owned())
    } else {
        Err(format!("HTTP status {status}: {}", excerpt(content)))
    }
}

fn wait_for_socket(child: &mut Child, socket: PathBuf, deadline: Instant) -> Result<Place, String> {
    loop {
        if UnixStream::connect(&socket).is_ok() {
            return Ok(Place::Unix(socket));
        }
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("ended before it listened, {status}"));
        }
        if Instant::now() > deadline {
            return Err("does not listen".to_owned());
        }
        thread::sleep(LOOK);
    }
}

fn wait_for_port(child: &mut Child, deadline: Instant) -> Result<Place, String> {
    let pattern = Regex::new(r"listening on (?:port )?(\d+)").map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("no standard output")?;
    let (send, lines) = mpsc::channel();
    // Read on to the end: a server stops at a full pipe.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line =
            lines.recv_timeout(left).map_err(|_| "does not name the port that it listens on")?;
        if let Some(found) = pattern.captures(&line) {
            return found[1].parse().map(Place::Tcp).map_err(|error| format!("{line}: {error}"));
        }
    }
}

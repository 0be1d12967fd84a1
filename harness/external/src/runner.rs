//! Runners of blockchain tests: a file of one test for each block.

use crate::{
    config::{ClientConfig, Results},
    process::{self, Limits, command, ended, excerpt, kill, shown},
    t8n::json_line,
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// The name of the test in a file.
pub(crate) const NAME: &str = "lockstep";

/// What a runner says of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) pass: bool,
    /// Why it did not pass.
    pub(crate) error: String,
    /// Why it rejected the block.
    pub(crate) rejection: Option<String>,
    /// Whether its parallel path ran; `None` where nothing says so.
    pub(crate) is_parallel: Option<bool>,
    /// Why its parallel path gave up, where a sequential one took its place.
    pub(crate) fallback: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    pass: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    rejections: Vec<Rejected>,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    error: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    test: Option<String>,
    status: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event: String,
    path: Option<String>,
    parallel_error: Option<String>,
}

/// Runs the file in a process of its own.
pub(crate) fn ask(client: &ClientConfig, file: &Path) -> Result<Said, String> {
    let mut words = client.words();
    words.extend(client.bal_report.then(|| "--bal-report".to_owned()));
    words.push(file.display().to_string());
    let limits = Limits { time: client.timeout };
    let output = process::run_in(client, &words, &[], limits, file.parent())?;
    let line = shown(client, &words);
    let said = match client.results {
        // Failed tests show in revme's status.
        Results::Revme if output.status.code().is_some_and(|code| code <= 1) => {
            revme(&output.stdout)
        }
        Results::Rows if output.status.success() => rows(&output.stdout),
        _ => Err(ended(output.status, &output.stderr)),
    };
    let said = said.map_err(|problem| format!("`{line}`: {problem}"))?;
    Ok(with_events(said, output.stderr.lines()))
}

pub(crate) fn rows(stdout: &str) -> Result<Said, String> {
    let array = json_line(stdout, '[')
        .ok_or_else(|| format!("expected an array of rows, found `{}`", excerpt(stdout)))?;
    row(array)
}

fn row(array: Value) -> Result<Said, String> {
    let shown = array.to_string();
    let rows: Vec<Row> = serde_json::from_value(array)
        .map_err(|error| format!("expected rows: {error}: {}", excerpt(&shown)))?;
    // A runner may put the file before the name.
    let mut rows = rows.into_iter().filter(|row| row.name.ends_with(NAME));
    let (Some(row), None) = (rows.next(), rows.next()) else {
        return Err(format!("expected one row of `{NAME}`, found `{}`", excerpt(&shown)));
    };
    Ok(Said {
        pass: row.pass,
        error: row.error.unwrap_or_default(),
        rejection: row.rejections.into_iter().next().map(|rejected| rejected.error),
        is_parallel: None,
        fallback: None,
    })
}

pub(crate) fn revme(stdout: &str) -> Result<Said, String> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let is_end = |line: &Line| matches!(line.status.as_deref(), Some("passed" | "failed"));
    let mut ends = lines.filter(|line| line.test.as_deref() == Some(NAME) && is_end(line));
    let (Some(line), None) = (ends.next(), ends.next()) else {
        return Err(format!("expected one line of `{NAME}`, found `{}`", excerpt(stdout)));
    };
    Ok(Said {
        pass: line.status.as_deref() == Some("passed"),
        error: line.error.unwrap_or_default(),
        rejection: None,
        is_parallel: None,
        fallback: None,
    })
}

fn with_events<'a>(said: Said, stderr: impl Iterator<Item = &'a str>) -> Said {
    let events = stderr.filter_map(|line| serde_json::from_str::<Event>(line).ok());
    events.fold(said, |said, event| match event.event.as_str() {
        "balExecution" => {
            Said { is_parallel: Some(event.path.as_deref() == Some("parallel")), ..said }
        }
        "balFallback" => Said { fallback: Some(event.parallel_error.unwrap_or_default()), ..said },
        _ => said,
    })
}

/// A runner that reads file names.
#[derive(Debug)]
pub(crate) struct Batch {
    child: Child,
    stdin: ChildStdin,
    lines: mpsc::Receiver<String>,
    events: mpsc::Receiver<String>,
    line: String,
}

impl Drop for Batch {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Batch {
    /// Starts it.
    pub(crate) fn start(client: &ClientConfig, folder: &Path) -> Result<Self, String> {
        let mut words = client.words();
        words.extend(client.bal_report.then(|| "--bal-report".to_owned()));
        let line = shown(client, &words);
        let mut command = command(client, &words);
        command.current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("`{line}`: {error}"))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            kill(&mut child);
            return Err(format!("`{line}`: no streams"));
        };
        let (lines, events) = (lines_of(stdout), lines_of(stderr));
        Ok(Self { child, stdin, lines, events, line })
    }

    /// Runs a file.
    pub(crate) fn ask(&mut self, file: &Path, time: Duration) -> Result<Said, String> {
        let asked = self.exchange(file, time);
        asked.map_err(|problem| {
            let said: Vec<String> = self.events.try_iter().collect();
            format!("`{}`: {problem}: {}", self.line, excerpt(&said.join("\n")))
        })
    }

    fn exchange(&mut self, file: &Path, time: Duration) -> Result<Said, String> {
        let written = writeln!(self.stdin, "{}", file.display()).and_then(|()| self.stdin.flush());
        written.map_err(|error| format!("its standard input: {error}"))?;
        let deadline = Instant::now() + time;
        let mut text = String::new();
        let array = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => {
                    format!("did not answer within {} s", time.as_secs_f64())
                }
                mpsc::RecvTimeoutError::Disconnected => "ended".to_owned(),
            })?;
            text.push_str(&line);
            text.push('\n');
            // An array ends with its line.
            if line.trim_end().ends_with(']')
                && let Some(array) = json_line(&text, '[')
            {
                break array;
            }
        };
        let said = row(array)?;
        let events: Vec<String> = self.events.try_iter().collect();
        Ok(with_events(said, events.iter().map(String::as_str)))
    }
}

fn lines_of(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_lines_are_read() {
        let text = "warning\n[\n {\"name\": \"a.json::lockstep\", \"pass\": false, \"error\": \"e\",\n  \"rejections\": [{\"index\": 0, \"error\": \"r\"}]}\n]\n";
        let said = rows(text).unwrap();
        assert_eq!(
            (said.pass, said.error.as_str(), said.rejection.as_deref()),
            (false, "e", Some("r"))
        );
        for wrong in
            ["", "[]", "[{\"name\": \"other\", \"pass\": true}]", "[{\"name\": \"lockstep\"}]"]
        {
            assert!(rows(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
        let lines = "{\"test\":\"lockstep\",\"file\":\"f\",\"status\":\"running\"}\n{\"test\":\"lockstep\",\"file\":\"f\",\"status\":\"failed\",\"error\":\"e\"}\n{\"summary\":{}}\n";
        let said = revme(lines).unwrap();
        assert_eq!((said.pass, said.error.as_str()), (false, "e"));
        assert!(revme("{\"summary\":{}}").is_err());
    }

    #[test]
    fn events_say_which_path_ran() {
        let said = || rows("[{\"name\": \"lockstep\", \"pass\": true}]").unwrap();
        let path =
            |path: &str| format!("{{\"event\":\"balExecution\",\"block\":1,\"path\":\"{path}\"}}");
        for (line, is_parallel) in [(path("parallel"), true), (path("sequential"), false)] {
            assert_eq!(with_events(said(), line.lines()).is_parallel, Some(is_parallel));
        }
        assert_eq!(with_events(said(), "nothing".lines()).is_parallel, None);
        let fallback =
            "{\"event\":\"balFallback\",\"parallelError\":\"bad\",\"sequentialResult\":\"valid\"}";
        assert_eq!(with_events(said(), fallback.lines()).fallback.as_deref(), Some("bad"));
    }
}

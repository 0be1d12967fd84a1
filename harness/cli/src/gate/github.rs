//! Summary and annotations for GitHub's runner, where it is one.

use crate::output;
use anyhow::{Context, Result};
use std::{env, fs::OpenOptions, io::Write};

/// The runner refuses summaries above 1024 KiB.
const MOST_BYTES: usize = 1_000_000;

/// It shows ten annotations of each kind for a step.
const MOST_ANNOTATIONS: usize = 10;

/// Appends to the step's summary, if there is one.
pub(super) fn summary(text: &str) -> Result<()> {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = file.with_context(|| format!("GITHUB_STEP_SUMMARY {}", path.display()))?;
    file.write_all(fitting(text).as_bytes()).context("GITHUB_STEP_SUMMARY")
}

/// As many whole lines as are allowed.
fn fitting(text: &str) -> String {
    if text.len() <= MOST_BYTES {
        return text.to_owned();
    }
    let mut kept = String::new();
    for line in text.lines() {
        if kept.len() + line.len() + 1 > MOST_BYTES {
            break;
        }
        kept += line;
        kept.push('\n');
    }
    kept + "\nThe rest is in gate.md.\n"
}

/// Prints annotations, where they are read.
pub(super) fn annotate(problems: &[String], slower: &[String], not_compared: Option<&str>) {
    if env::var_os("GITHUB_ACTIONS").is_none() {
        return;
    }
    for problem in shown(problems) {
        output::out(&command("error", "Lockstep: diverged", &problem));
    }
    for line in shown(slower) {
        output::out(&command("error", "Lockstep: slower", &line));
    }
    if let Some(reason) = not_compared {
        output::out(&command("warning", "Lockstep: speed was not compared", reason));
    }
}

/// The first of them; the last one says how many there are besides.
fn shown(lines: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().take(MOST_ANNOTATIONS).cloned().collect();
    if lines.len() > MOST_ANNOTATIONS {
        shown[MOST_ANNOTATIONS - 1] =
            format!("{} more: see the step's summary", lines.len() - MOST_ANNOTATIONS + 1);
    }
    shown
}

/// A workflow command, escaped as in GitHub's documentation, "Workflow commands".
fn command(kind: &str, title: &str, text: &str) -> String {
    let data = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = title.replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={property}::{data}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line() {
        let text = command("error", "a: b, c", "50 % of\nit");
        assert_eq!(text, "::error title=a%3A b%2C c::50 %25 of%0Ait\n");
    }

    #[test]
    fn no_more_than_ten_are_shown_and_the_rest_is_counted() {
        let lines: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let shown = shown(&lines);
        assert_eq!((shown.len(), shown[9].as_str()), (10, "3 more: see the step's summary"));
        assert_eq!(super::shown(&lines[..10])[9], "9");
    }

    #[test]
    fn a_long_summary_ends_with_a_whole_line() {
        let text = "a line of text\n".repeat(100_000);
        let kept = fitting(&text);
        assert!(
            kept.len() <= MOST_BYTES + 100
                && kept.ends_with("a line of text\n\nThe rest is in gate.md.\n")
        );
    }
}

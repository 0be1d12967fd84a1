//! Findings, replayed by the programs of several commits: between which of them did each begin?

use super::Whole;
use crate::{args::Program, fuzz::Line, output};
use anyhow::{Result, bail};
use serde::Serialize;
use std::{
    fmt,
    process::{Command, Stdio},
};

/// When a finding began, as far as the programs tell.
#[derive(Debug, Serialize)]
pub(super) struct Bisected {
    pub(super) signature: String,
    #[serde(flatten)]
    pub(super) answer: Answer,
}

/// The answer of the programs, from the oldest to the newest.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// The first commit does not show it, the second does.
    Between { last_without: String, first_with: String },
    /// The oldest shows it already.
    Before { oldest: String },
    /// None shows it.
    Nowhere,
    /// It comes and goes, or a program could not say.
    Unclear { why: String },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { last_without, first_with } => {
                write!(f, "began after {last_without}, not later than {first_with}")
            }
            Self::Before { oldest } => {
                write!(f, "began not later than {oldest}, the oldest program")
            }
            Self::Nowhere => f.write_str("no program shows it"),
            Self::Unclear { why } => f.write_str(why),
        }
    }
}

/// Asks the programs, given from the oldest commit to the newest.
pub(super) fn bisect(programs: &[Program], whole: &Whole) -> Result<Vec<Bisected>> {
    if programs.len() == 1 {
        bail!("--with: expected at least two programs, from the oldest commit to the newest");
    }
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let bisected = whole.findings.iter().map(|(signature, found)| {
        output::err(&format!("{signature}: asking {} programs\n", programs.len()));
        let answer =
            first_with(programs, &mut |program| shows(program, &found.saved.arguments, signature));
        Bisected { signature: signature.clone(), answer }
    });
    Ok(bisected.collect())
}

/// Asks the ends first, then halves the range between them.
fn first_with(
    programs: &[Program],
    shows: &mut dyn FnMut(&Program) -> Result<bool, String>,
) -> Answer {
    let mut ask = |at: usize| shows(&programs[at]);
    let answer = (|| {
        let (mut without, mut with) = (0, programs.len() - 1);
        let oldest = ask(without)?;
        let newest = ask(with)?;
        match (oldest, newest) {
            (true, true) => return Ok(Answer::Before { oldest: programs[0].commit.clone() }),
            (false, false) => return Ok(Answer::Nowhere),
            (true, false) => {
                let commit = &programs[with].commit;
                return Err(format!(
                    "the oldest program shows it, that of {commit} does not: it was mended"
                ));
            }
            (false, true) => {}
        }
        while with - without > 1 {
            let middle = without.midpoint(with);
            *(if ask(middle)? { &mut with } else { &mut without }) = middle;
        }
        let [last_without, first_with] = [without, with].map(|at| programs[at].commit.clone());
        Ok(Answer::Between { last_without, first_with })
    })();
    answer.unwrap_or_else(|why| Answer::Unclear { why })
}

/// Whether a program shows the finding again.
fn shows(program: &Program, arguments: &[String], signature: &str) -> Result<bool, String> {
    let shown = program.path.display();
    if arguments.is_empty() {
        return Err(
            "an earlier version wrote it, without the arguments that show it again".to_owned()
        );
    }
    let mut command = Command::new(&program.path);
    command.args(arguments).args(["--format", "json"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Line> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !lines.iter().any(|line| matches!(line, Line::Campaign { .. })) {
        let status = output.status;
        return Err(format!(
            "{shown} {}: {status}, without the end of a campaign",
            arguments.join(" ")
        ));
    }
    Ok(lines
        .iter()
        .any(|line| matches!(line, Line::Finding { signature: found, .. } if found == signature)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(first_with_it: usize, of: usize) -> (Answer, usize) {
        let programs: Vec<Program> =
            (0..of).map(|at| format!("c{at}=p{at}").parse().unwrap()).collect();
        let mut count = 0;
        let answer = first_with(&programs, &mut |program| {
            count += 1;
            Ok(program.commit[1..].parse::<usize>().unwrap() >= first_with_it)
        });
        (answer, count)
    }

    #[test]
    fn the_range_is_halved() {
        for first in 1..9 {
            let (answer, count) = asked(first, 9);
            let (last_without, first_with) = (format!("c{}", first - 1), format!("c{first}"));
            assert_eq!(answer, Answer::Between { last_without, first_with });
            assert!(count <= 5, "{count}");
        }
        assert_eq!(asked(0, 3).0, Answer::Before { oldest: "c0".to_owned() });
        assert_eq!(asked(3, 3).0, Answer::Nowhere);
    }
}

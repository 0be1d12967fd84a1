//! The command lines that the program prints.

use crate::{args::PartiesArgs, defaults::REFERENCE};
use lockstep_report::terminal::quoted;
use std::{
    env,
    ffi::{OsStr, OsString},
    sync::OnceLock,
    time::Duration,
};

/// Options that say who takes part, for the commands that have them.
static PARTIES: OnceLock<Vec<String>> = OnceLock::new();

/// The commands that have them.
const WITH_PARTIES: [&str; 4] = ["check", "fuzz", "minimise", "explain"];

/// Remembers who takes part.
pub(crate) fn remember_parties(parties: &PartiesArgs) {
    let mut words = Vec::new();
    if let Some(file) = &parties.clients {
        words.extend(["--clients".to_owned(), file.display().to_string()]);
    }
    if parties.reference != REFERENCE {
        words.extend(["--reference".to_owned(), parties.reference.clone()]);
    }
    if let Some(shards) = parties.shards {
        words.extend(["--shards".to_owned(), shards.to_string()]);
    }
    let _ = PARTIES.set(words);
}

/// The words of a command, with those that say who takes part.
fn with_parties(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    if words.first().is_some_and(|command| WITH_PARTIES.contains(&command.as_str())) {
        words.splice(1..1, PARTIES.get().into_iter().flatten().cloned());
    }
    words
}

/// Words that belong to the program itself, before the command: a program with executors of its own may have
/// taken options out.
static OWN: OnceLock<Vec<String>> = OnceLock::new();

/// Remembers which words of the command line are the program's own: those that are not among the words that the
/// command got.
pub(crate) fn remember_own_words(words: &[OsString]) {
    let _ = OWN.set(own_words(env::args_os().skip(1), words.iter().skip(1)));
}

fn own_words<'a>(
    all: impl Iterator<Item = OsString>,
    ours: impl Iterator<Item = &'a OsString>,
) -> Vec<String> {
    let mut ours = ours.peekable();
    let is_own = |word: &OsString| {
        let is_ours = ours.peek().is_some_and(|next| *next == word);
        if is_ours {
            ours.next();
        }
        !is_ours
    };
    all.filter(is_own).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The words before those of a command: the program as it was called, and its own words.
fn start() -> Vec<String> {
    let name = env::args_os().next();
    let name = name.as_deref().unwrap_or(OsStr::new("lockstep")).to_string_lossy().into_owned();
    let mut words = vec![name];
    words.extend(OWN.get().into_iter().flatten().cloned());
    words
}

/// The arguments of this program for a command, as a child process gets them.
pub(crate) fn arguments<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Vec<String> {
    let own = OWN.get().into_iter().flatten().cloned();
    own.chain(fault()).chain(with_parties(words.into_iter().map(Into::into))).collect()
}

/// A duration as an option takes it.
pub(crate) fn duration(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}

/// A list as an option takes it.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A command line that a shell runs as it is printed.
pub(crate) fn command<S: Into<String>>(all: impl IntoIterator<Item = S>) -> String {
    let words = start().into_iter().chain(fault());
    let words = words.chain(with_parties(all.into_iter().map(Into::into)));
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// The planted fault of this process.
fn fault() -> Vec<String> {
    let planted = lockstep_faults::planted();
    planted.map_or(Vec::new(), |fault| vec!["--fault".to_owned(), fault.id.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_the_command_did_not_get_are_the_programs_own() {
        let words = |text: &str| -> Vec<OsString> { text.split(' ').map(Into::into).collect() };
        let own = |all: &str, ours: &str| own_words(words(all).into_iter(), words(ours).iter());
        assert_eq!(own("--bug gas fuzz --seed 1", "fuzz --seed 1"), ["--bug", "gas"]);
        assert_eq!(own("fuzz --bug gas --seed 1", "fuzz --seed 1"), ["--bug", "gas"]);
        assert!(own("fuzz --seed 1", "fuzz --seed 1").is_empty());
    }
}

//! Other programs' command lines: a driver that knows geth's `evm` or `revme` finds this one under such a name.

use std::{ffi::OsString, path::Path};

/// What is to be done with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posed {
    /// Run it, in our words.
    Run(Vec<OsString>),
    /// Print the version.
    Version(String),
}

/// The command line in our words, by the name that the program was called by.
pub(crate) fn pose(words: Vec<OsString>) -> Posed {
    let name = words.first().and_then(|name| Path::new(name).file_stem());
    match name.and_then(|name| name.to_str()) {
        Some("evm") => geth(words),
        Some("revme") => revme(words),
        _ => Posed::Run(words),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn geth(words: Vec<OsString>) -> Posed {
    let mut ours: Vec<OsString> = Vec::new();
    let mut words = words.into_iter();
    ours.extend(words.next());
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("-v" | "--version") if ours.len() == 1 => {
                return Posed::Version(format!("evm version {VERSION}-lockstep"));
            }
            Some("--verbosity") if ours.len() == 1 => drop(words.next()),
            Some(option) if ours.len() == 1 && option.starts_with("--verbosity=") => {}
            Some(command @ ("statetest" | "blocktest" | "enginetest")) if ours.len() == 1 => {
                ours.push(command.into());
                ours.push("--results=geth".into());
            }
            _ => ours.push(word),
        }
    }
    Posed::Run(ours)
}

fn revme(words: Vec<OsString>) -> Posed {
    let mut ours: Vec<OsString> = Vec::new();
    for word in words {
        match word.to_str() {
            Some("-V" | "--version") if ours.len() == 1 => {
                return Posed::Version(format!("revme {VERSION} (lockstep)"));
            }
            Some(command @ ("statetest" | "btest" | "blockchaintest")) if ours.len() == 1 => {
                let ours_is = if command == "statetest" { "statetest" } else { "blocktest" };
                ours.extend([ours_is.into(), "--results=revme".into()]);
            }
            // Sequential workers.
            Some("-s") => ours.push("--workers=1".into()),
            _ => ours.push(word),
        }
    }
    Posed::Run(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posed(line: &str) -> String {
        match pose(line.split(' ').map(Into::into).collect()) {
            Posed::Run(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                words.join(" ")
            }
            Posed::Version(text) => text,
        }
    }

    #[test]
    fn drivers_are_understood() {
        for (line, ours) in [
            ("lockstep -V", "lockstep -V"),
            ("lockstep statetest a.json", "lockstep statetest a.json"),
            (
                "/usr/bin/evm --verbosity 100 blocktest --run x F",
                "/usr/bin/evm blocktest --results=geth --run x F",
            ),
            ("evm --verbosity=0 t8n --state.fork X", "evm t8n --state.fork X"),
            ("evm statetest --trace F", "evm statetest --results=geth --trace F"),
            ("revme btest --json F", "revme blocktest --results=revme --json F"),
            ("revme statetest -s --json F", "revme statetest --results=revme --workers=1 --json F"),
        ] {
            assert_eq!(posed(line), ours);
        }
        assert!(posed("evm -v").starts_with("evm version "));
        assert!(posed("revme --version").starts_with("revme "));
    }
}

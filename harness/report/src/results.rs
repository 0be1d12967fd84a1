//! Results that stand beside measurements: mutants of the executors, and what clients make of a suite.

use serde::Deserialize;

/// A mutant of an executor, and what noticed it (`tools/mutants`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mutant {
    /// Where it is, and what was changed.
    pub name: String,
    /// `unviable`, `survived`, `equivalent`, or the means that noticed it.
    pub result: String,
}

/// Mutants, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Killed {
    /// Those that compile and are not equivalent.
    pub viable: usize,
    /// Those of them that something noticed.
    pub killed: usize,
    /// The names of the others.
    pub survived: Vec<String>,
}

impl Killed {
    /// Counts mutants.
    pub fn of(mutants: &[Mutant]) -> Self {
        let is_viable =
            |mutant: &&Mutant| !matches!(mutant.result.as_str(), "unviable" | "equivalent");
        let viable: Vec<&Mutant> = mutants.iter().filter(is_viable).collect();
        let survived: Vec<String> = viable
            .iter()
            .filter(|mutant| mutant.result == "survived")
            .map(|mutant| mutant.name.clone())
            .collect();
        Self { viable: viable.len(), killed: viable.len() - survived.len(), survived }
    }
}

/// A test, as a client's runner reports it: a row of the interface that runners share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClientTest {
    /// Its name.
    pub name: String,
    /// Whether everything was as the test says.
    pub pass: bool,
    /// Why it did not pass.
    #[serde(default)]
    pub error: Option<String>,
}

/// What one client made of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRun {
    /// The file of its rows.
    pub file: String,
    /// Tests that passed.
    pub passed: usize,
    /// Those that did not.
    pub failed: Vec<ClientTest>,
}

impl ClientRun {
    /// Counts rows.
    pub fn of(file: &str, tests: Vec<ClientTest>) -> Self {
        let all = tests.len();
        let failed: Vec<ClientTest> = tests.into_iter().filter(|test| !test.pass).collect();
        Self { file: file.to_owned(), passed: all - failed.len(), failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutants_are_counted() {
        let mutant = |result: &str| Mutant { name: result.to_owned(), result: result.to_owned() };
        let mutants = ["check", "fuzz", "unviable", "equivalent", "survived"].map(mutant);
        let killed = Killed::of(&mutants);
        assert_eq!((killed.viable, killed.killed, killed.survived.len()), (3, 2, 1));
    }
}

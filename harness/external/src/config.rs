//! `clients.toml`.

use lockstep_model::Fork;
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// A program, and how it is spoken to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its name among executors.
    pub name: String,
    /// Its interface.
    pub kind: Kind,
    /// How a block gets to it.
    pub mode: Option<Mode>,
    /// The program: a path from the folder of the file, or a name that is looked for in `PATH`.
    pub path: PathBuf,
    /// Words before those of the interface. `{socket}` stands for the path of a server's socket.
    pub arguments: Option<Vec<String>>,
    /// More environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The forks that it knows, all where there is no list: blocks of others are not shown to it.
    #[serde(default, deserialize_with = "forks")]
    pub forks: Option<Vec<Fork>>,
    /// What the first line of its version must match.
    #[serde(default, deserialize_with = "pattern")]
    pub version: Option<Regex>,
    /// How it is asked for its version.
    #[serde(default = "version_arguments")]
    pub version_arguments: Vec<String>,
    /// How a transition tool takes transactions.
    #[serde(default)]
    pub transactions: Transactions,
    /// Whether a transition tool has `--state-test`: blocks without phases are not shown to others.
    #[serde(default)]
    pub state_test: bool,
    /// What a runner writes.
    #[serde(default)]
    pub results: Results,
    /// Whether a runner has `--bal-report`: where it does not, nothing says that its parallel path ran.
    #[serde(default)]
    pub bal_report: bool,
    /// An answer takes at most so long.
    #[serde(default = "timeout", with = "humantime_text")]
    pub timeout: Duration,
}

/// An interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A transition tool.
    T8n,
    /// A runner of blockchain tests.
    Runner,
}

/// How a block gets to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// t8n: a process a block, standard streams.
    Stream,
    /// A process a block, files.
    Files,
    /// t8n: one process, HTTP on a socket.
    Server,
    /// Runner: one process, file names on its standard input.
    Batch,
}

/// How transactions are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transactions {
    /// `txs` is a list of objects.
    #[default]
    Objects,
    /// `txs` is a string: the RLP of a list.
    Rlp,
}

/// What a runner writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Results {
    /// An array of rows.
    #[default]
    Rows,
    /// revme's lines.
    Revme,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    client: Vec<ClientConfig>,
}

/// Reads a file of clients.
///
/// # Errors
/// A file that cannot be read, a client that contradicts itself, or a program that is not there.
pub fn read(path: &Path) -> Result<Vec<ClientConfig>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let file: File = toml::from_str(&text).map_err(|error| format!("{shown}: {error}"))?;
    if file.client.is_empty() {
        return Err(format!("{shown}: expected at least one [[client]], found none"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut clients: Vec<ClientConfig> = Vec::new();
    for client in file.client {
        let name = client.name.clone();
        if clients.iter().any(|known| known.name == name) {
            return Err(format!("{shown}: client `{name}`: expected a name once, found it again"));
        }
        let client = client.resolved(folder);
        clients.push(client.map_err(|problem| format!("{shown}: client `{name}`: {problem}"))?);
    }
    Ok(clients)
}

impl ClientConfig {
    /// How a block gets to it.
    pub(crate) fn mode(&self) -> Mode {
        self.mode.unwrap_or(match self.kind {
            Kind::T8n => Mode::Stream,
            Kind::Runner => Mode::Files,
        })
    }

    /// The words before those of the interface.
    pub(crate) fn words(&self) -> Vec<String> {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        self.arguments.clone().unwrap_or_else(|| match (self.kind, self.mode()) {
            (Kind::T8n, Mode::Server) => own(&["daemon", "--uds", "{socket}"]),
            (Kind::T8n, _) => own(&["t8n"]),
            (Kind::Runner, _) if self.results == Results::Revme => own(&["btest", "--json"]),
            (Kind::Runner, _) => own(&["blocktest"]),
        })
    }

    fn resolved(self, folder: &Path) -> Result<Self, String> {
        if self.name.is_empty() || self.name.contains([',', '@', ' ']) {
            return Err("expected a name without `,`, `@` and spaces".to_owned());
        }
        let fits = match self.kind {
            Kind::T8n => self.mode() != Mode::Batch,
            Kind::Runner => matches!(self.mode(), Mode::Files | Mode::Batch),
        };
        if !fits {
            return Err(format!(
                "expected a mode of the kind {:?}, found {:?}",
                self.kind,
                self.mode()
            ));
        }
        let path = program(&self.path, folder)?;
        Ok(Self { path, ..self })
    }
}

/// The program at this path, or of this name.
fn program(path: &Path, folder: &Path) -> Result<PathBuf, String> {
    let is_name = path.components().count() == 1 && !path.starts_with(".");
    let found = if is_name {
        let folders = env::var_os("PATH").unwrap_or_default();
        let mut candidates = env::split_paths(&folders).map(|folder| folder.join(path));
        candidates.find(|path| path.is_file())
    } else {
        Some(folder.join(path))
    };
    let shown = path.display();
    let found =
        found.ok_or_else(|| format!("path: expected a program in PATH, found no `{shown}`"))?;
    let metadata =
        fs::metadata(&found).map_err(|error| format!("path {}: {error}", found.display()))?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(format!(
            "path {}: expected a program, found a file that is not executable",
            found.display()
        ));
    }
    // It runs in folders of its own.
    std::path::absolute(&found).map_err(|error| format!("path {shown}: {error}"))
}

fn version_arguments() -> Vec<String> {
    vec!["--version".to_owned()]
}

const fn timeout() -> Duration {
    Duration::from_secs(60)
}

fn forks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Fork>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let fork =
        |name: String| name.parse::<Fork>().map_err(|error| D::Error::custom(error.to_string()));
    names.into_iter().map(fork).collect::<Result<_, _>>().map(Some)
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map(Some).map_err(D::Error::custom)
}

mod humantime_text {
    use serde::{Deserialize, Deserializer, de::Error as _};
    use std::time::Duration;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clients.toml");
        fs::write(folder.path().join("plain"), "").unwrap();
        fs::write(&file, text).unwrap();
        let problem = read(&file).unwrap_err();
        assert!(problem.contains("clients.toml"), "{problem}");
        problem
    }

    #[test]
    fn what_is_wrong_is_named() {
        let client =
            |more: &str| format!("[[client]]\nname = \"a\"\nkind = \"t8n\"\npath = \"sh\"\n{more}");
        assert!(refused("").contains("client"));
        assert!(refused("client = []").contains("at least one"));
        assert!(refused(&client("mood = \"good\"")).contains("mood"));
        assert!(refused(&client("mode = \"batch\"")).contains("mode"));
        assert!(refused(&client("forks = [\"Atlantis\"]")).contains("Atlantis"));
        assert!(refused(&client("version = \"(\"")).contains("regex"));
        assert!(refused(&client("timeout = \"soon\"")).contains("timeout"));
        assert!(refused(&(client("") + &client(""))).contains("once"));
        assert!(refused(&client("").replace("\"sh\"", "\"no such program\"")).contains("in PATH"));
        assert!(refused(&client("").replace("\"sh\"", "\"./plain\"")).contains("not executable"));
        assert!(refused(&client("").replace("\"a\"", "\"a b\"")).contains("spaces"));
    }
}

//! The folder of a campaign.

use super::replay::Again;
use crate::files;
use anyhow::{Context, Result};
use lockstep_jobs::{
    finding::Finding,
    fuzz::{Found, MOST_REPRESENTATIVES, Status},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// How often the state of a campaign is written down.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// The file that says how far a campaign is.
pub(crate) const CAMPAIGN: &str = "campaign.json";

/// The end of the name of a block that was made small: its finding stands beside it.
const FIXTURE: &str = ".fixture.json";

/// Whether the file is such a block.
pub(crate) fn is_fixture(path: &Path) -> bool {
    path.to_string_lossy().ends_with(FIXTURE)
}

/// The files of the findings in a campaign's folder, sorted.
pub(crate) fn finding_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("findings")).into_iter().flatten().flatten();
    let is_finding = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "json") && !is_fixture(path)
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_finding).collect();
    files.sort();
    files
}

/// The folder that a campaign is written to.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    saved: Option<Instant>,
    campaign: Campaign,
    /// By signature: how many findings are written.
    written: BTreeMap<String, usize>,
}

/// How far a campaign is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Campaign {
    /// The seed that it began with.
    #[serde(default)]
    pub(crate) first_seed: u64,
    /// How many seeds it is to have, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seeds: Option<u64>,
    /// Every block below this seed is done.
    pub(crate) next_seed: u64,
    /// Blocks of all sessions.
    pub(crate) blocks: u64,
    /// Signatures of all sessions.
    pub(crate) findings: usize,
    /// The runs of the command that it consists of, the last one at the end.
    #[serde(default)]
    pub(crate) sessions: Vec<Session>,
}

/// One run of the command.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Session {
    /// What was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// The version of Lockstep.
    pub(crate) version: String,
    /// What was run on each block.
    #[serde(default)]
    pub(crate) options: String,
    /// The machine: its processor and cores.
    pub(crate) machine: String,
    /// When it began, as RFC 3339.
    pub(crate) started: String,
    /// For how long it has run, without pauses.
    pub(crate) seconds: f64,
    /// Blocks in flight.
    pub(crate) jobs: usize,
    pub(crate) blocks: u64,
    pub(crate) first_seed: u64,
    pub(crate) next_seed: u64,
    /// Findings by signature.
    pub(crate) findings: BTreeMap<String, u64>,
}

impl Session {
    /// One that begins now.
    pub(super) fn begin(
        commit: Option<String>,
        options: String,
        first_seed: u64,
        jobs: usize,
    ) -> Self {
        Self {
            commit,
            options,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: lockstep_jobs::bench::this_machine().name(),
            started: now(),
            jobs,
            first_seed,
            next_seed: first_seed,
            ..Self::default()
        }
    }

    fn take(&mut self, status: Status<'_>) {
        let count = |(signature, found): (&String, &Found)| (signature.clone(), found.count);
        self.seconds = status.elapsed.as_secs_f64();
        self.blocks = status.tally.sums.blocks;
        self.next_seed = status.tally.next_seed;
        self.findings = status.tally.findings.iter().map(count).collect();
    }
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

impl Campaign {
    /// Whether every seed is done, where it is known how many there are to be.
    pub(crate) fn is_complete(&self) -> Option<bool> {
        self.seeds.map(|seeds| self.next_seed >= self.first_seed.saturating_add(seeds))
    }

    /// A folder of an earlier version has sums and no sessions.
    fn keep_what_was_before_sessions(&mut self) {
        if self.sessions.is_empty() && self.blocks > 0 {
            let Self { first_seed, next_seed, blocks, .. } = *self;
            self.sessions.push(Session { first_seed, next_seed, blocks, ..Session::default() });
        }
    }

    /// Adds up what its sessions have done.
    fn add_up(&mut self) {
        let Some(last) = self.sessions.last() else { return };
        self.next_seed = last.next_seed;
        self.blocks = self.sessions.iter().map(|session| session.blocks).sum();
        let all = self.sessions.iter().flat_map(|session| session.findings.keys());
        self.findings = all.collect::<BTreeSet<_>>().len();
    }
}

/// A finding, with the command that shows it again.
#[derive(Serialize)]
struct Saved<'a> {
    replay: String,
    arguments: Vec<String>,
    signature: String,
    version: &'static str,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl<'a> Saved<'a> {
    fn of(finding: &'a Finding, again: &Again, commit: Option<&'a str>) -> Self {
        Self {
            replay: again.fuzz(finding),
            arguments: again.arguments(finding),
            signature: finding.signature(),
            version: env!("CARGO_PKG_VERSION"),
            found: now(),
            commit,
            finding,
        }
    }
}

/// The file of a finding: the first of its signature, or a further one.
pub(super) fn finding_file(signature: &str, number: usize, extension: &str) -> String {
    match number {
        0 => format!("findings/{signature}.{extension}"),
        number => format!("findings/{signature}-{}.{extension}", number + 1),
    }
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path.join("findings"))
            .with_context(|| format!("--out {shown}: cannot be made"))?;
        let probe = path.join(".probe");
        fs::write(&probe, b"").with_context(|| format!("--out {shown}: cannot be written to"))?;
        fs::remove_file(&probe).with_context(|| format!("--out {shown}: cannot be written to"))?;
        let (path, campaign, written) = (path.to_owned(), Campaign::default(), written(path));
        Ok(Self { path, saved: None, campaign, written })
    }

    /// The campaign is of these seeds. `before`: the earlier campaign, where this goes on with it.
    pub(super) fn begin(
        &mut self,
        session: Session,
        (first_seed, seeds): (u64, Option<u64>),
        before: Option<Campaign>,
    ) {
        let mut before = before.unwrap_or_default();
        before.keep_what_was_before_sessions();
        self.campaign = Campaign { first_seed, seeds, ..before };
        self.campaign.sessions.push(session);
        self.campaign.add_up();
    }

    /// Whether an earlier run has left a campaign here.
    pub(super) fn has_campaign(&self) -> bool {
        self.path.join(CAMPAIGN).exists()
    }

    /// The campaign that an earlier run has left here.
    pub(super) fn campaign(&self) -> Result<Campaign> {
        let path = self.path.join(CAMPAIGN);
        let shown = path.display();
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{shown}: expected the campaign that --resume goes on with")
        })?;
        serde_json::from_str(&text)
            .with_context(|| format!("{shown}: expected what an earlier run has written there"))
    }

    /// Writes the findings that are not written yet and, now and then, how far the campaign is.
    pub(super) fn save(&mut self, status: Status<'_>, again: &Again) -> Result<()> {
        let session = self.campaign.sessions.last();
        let commit = session.and_then(|session| session.commit.clone());
        for (signature, found) in &status.tally.findings {
            let written = self.written.get(signature).copied().unwrap_or_default();
            for (number, finding) in found.representatives.iter().enumerate().skip(written) {
                let saved = Saved::of(finding, again, commit.as_deref());
                self.write(&finding_file(signature, number, "json"), &saved)?;
            }
            let written = written.max(found.representatives.len());
            self.written.insert(signature.clone(), written);
        }
        if self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY) {
            self.save_campaign(status)?;
        }
        Ok(())
    }

    pub(super) fn save_campaign(&mut self, status: Status<'_>) -> Result<()> {
        self.saved = Some(Instant::now());
        if let Some(session) = self.campaign.sessions.last_mut() {
            session.take(status);
        }
        self.campaign.add_up();
        self.write(CAMPAIGN, &self.campaign)
    }

    /// A file is there as a whole or as it was before.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(content).context(path.display().to_string())?;
        files::replace(&path, &(text + "\n"))
    }
}

/// How many findings of each signature an earlier run has written.
fn written(folder: &Path) -> BTreeMap<String, usize> {
    let mut written = BTreeMap::new();
    for file in finding_files(folder) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        *written.entry(of_file(&name).to_owned()).or_default() += 1;
    }
    written
}

/// The signature of a finding's file: its name without the number of a further one.
fn of_file(name: &str) -> &str {
    let number = 2..=MOST_REPRESENTATIVES;
    let further = name.rsplit_once('-');
    let is_further = |last: &str| last.parse().is_ok_and(|last| number.contains(&last));
    further.filter(|(_, last)| is_further(last)).map_or(name, |(signature, _)| signature)
}

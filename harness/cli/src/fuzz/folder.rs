//! The folder of a campaign.

use super::replay::Again;
use crate::files;
use anyhow::{Context, Result};
use lockstep_jobs::{finding::Finding, fuzz::Tally};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the state of a campaign is written down.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// The folder that a campaign is written to.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    saved: Option<Instant>,
    /// The first seed, and how many there are to be, where that is known.
    seeds: (u64, Option<u64>),
    /// By signature: how many findings are written.
    written: BTreeMap<String, usize>,
}

/// How far a campaign is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Campaign {
    /// The seed that it began with.
    #[serde(default)]
    pub(crate) first_seed: u64,
    /// How many seeds it is to have, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seeds: Option<u64>,
    /// Every block below this seed is done.
    pub(crate) next_seed: u64,
    pub(crate) blocks: u64,
    pub(crate) findings: usize,
}

impl Campaign {
    /// Whether every seed is done, where it is known how many there are to be.
    pub(crate) fn is_complete(&self) -> Option<bool> {
        self.seeds.map(|seeds| self.next_seed >= self.first_seed.saturating_add(seeds))
    }
}

/// A finding, with the command that shows it again.
#[derive(Serialize)]
struct Saved<'a> {
    replay: String,
    signature: String,
    version: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl<'a> Saved<'a> {
    fn of(finding: &'a Finding, again: &Again) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self { replay: again.fuzz(finding), signature: finding.signature(), version, finding }
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
        Ok(Self { path: path.to_owned(), saved: None, seeds: (0, None), written: BTreeMap::new() })
    }

    /// The campaign is of these seeds.
    pub(super) fn begin(&mut self, first: u64, seeds: Option<u64>) {
        self.seeds = (first, seeds);
    }

    pub(super) fn campaign(&self) -> Result<Campaign> {
        let path = self.path.join("campaign.json");
        let shown = path.display();
        let text = fs::read_to_string(&path).with_context(|| {
            format!("{shown}: expected the campaign that --resume goes on with")
        })?;
        serde_json::from_str(&text)
            .with_context(|| format!("{shown}: expected what an earlier run has written there"))
    }

    /// Writes the findings that are not written yet and, now and then, how far the campaign is.
    pub(super) fn save(&mut self, tally: &Tally, again: &Again) -> Result<()> {
        for (signature, found) in &tally.findings {
            let written = self.written.get(signature).copied().unwrap_or_default();
            for (number, finding) in found.representatives.iter().enumerate().skip(written) {
                self.write(&finding_file(signature, number, "json"), &Saved::of(finding, again))?;
            }
            self.written.insert(signature.clone(), found.representatives.len());
        }
        if self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY) {
            self.save_campaign(tally)?;
        }
        Ok(())
    }

    pub(super) fn save_campaign(&mut self, tally: &Tally) -> Result<()> {
        self.saved = Some(Instant::now());
        let (next_seed, blocks) = (tally.next_seed, tally.sums.blocks);
        let (first_seed, seeds) = self.seeds;
        let findings = tally.findings.len();
        let campaign = Campaign { first_seed, seeds, next_seed, blocks, findings };
        self.write("campaign.json", &campaign)
    }

    /// A file is there as a whole or as it was before.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(content).context(path.display().to_string())?;
        files::replace(&path, &(text + "\n"))
    }
}

//! `lockstep campaign`: the folders of a campaign over many machines, as one.

use crate::{
    EXIT_NOTHING, EXIT_USAGE,
    args::{CampaignArgs, CampaignFormat},
    files,
    fuzz::Campaign,
    output,
};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const EXIT_FOUND: u8 = 1;
const EXIT_INCOMPLETE: u8 = 3;

/// The folder of one part.
#[derive(Debug, Serialize)]
struct Part {
    folder: PathBuf,
    #[serde(flatten)]
    campaign: Campaign,
    complete: Option<bool>,
}

/// A signature, over all parts.
#[derive(Debug, Clone, Serialize)]
struct Signature {
    /// The parts that have it.
    parts: usize,
    /// The finding with the lowest seed: its file, and the command that shows it again.
    file: PathBuf,
    seed: u64,
    replay: String,
    /// The version of Lockstep that found it.
    version: String,
}

/// What is needed of a finding's file.
#[derive(Debug, Deserialize)]
struct Saved {
    signature: String,
    replay: String,
    version: String,
    seed: u64,
}

/// All parts.
#[derive(Debug, Default, Serialize)]
struct Whole {
    parts: Vec<Part>,
    findings: BTreeMap<String, Signature>,
    /// How many parts are missing, where it is known how many there are to be.
    missing: usize,
    unreadable: Vec<String>,
}

/// Runs the command; gives its exit status.
pub(crate) fn campaign(args: &CampaignArgs) -> Result<u8> {
    output::set_color(args.color);
    let mut whole = Whole::default();
    for folder in &args.folders {
        whole.add_all(folder);
    }
    whole.missing = args.parts.map_or(0, |parts| parts.saturating_sub(whole.parts.len()));
    for problem in &whole.unreadable {
        output::error(problem);
    }
    if let Some(out) = &args.out {
        whole.keep(out)?;
    }
    match args.format {
        CampaignFormat::Human => output::out(&whole.text()),
        CampaignFormat::Json => {
            let line = serde_json::to_string(&whole).context("JSON")?;
            output::out(&format!("{line}\n"));
        }
    }
    Ok(whole.exit_status())
}

impl Whole {
    /// A folder of a campaign, or each of those in it.
    fn add_all(&mut self, folder: &Path) {
        if folder.join("campaign.json").exists() {
            return self.add(folder);
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push(format!("{}: {error}", folder.display())),
        };
        let mut parts: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.join("campaign.json").exists())
            .collect();
        parts.sort();
        if parts.is_empty() {
            let shown = folder.display();
            self.unreadable.push(format!(
                "{shown}: expected campaign.json here or in a folder below, as `lockstep fuzz --out` writes it"
            ));
        }
        parts.iter().for_each(|part| self.add(part));
    }

    fn add(&mut self, folder: &Path) {
        match read::<Campaign>(&folder.join("campaign.json")) {
            Ok(campaign) => {
                let complete = campaign.is_complete();
                self.parts.push(Part { folder: folder.to_owned(), campaign, complete });
            }
            Err(problem) => self.unreadable.push(problem),
        }
        let mut seen = BTreeSet::new();
        for file in findings(folder) {
            match read::<Saved>(&file) {
                Ok(Saved { signature, replay, version, seed }) => {
                    let is_new = seen.insert(signature.clone());
                    let found = Signature { parts: 0, file, seed, replay, version };
                    self.add_finding(signature, found, is_new);
                }
                Err(problem) => self.unreadable.push(problem),
            }
        }
    }

    /// Keeps the finding with the lowest seed of each signature.
    fn add_finding(&mut self, signature: String, found: Signature, is_new_in_part: bool) {
        let known = self.findings.entry(signature).or_insert_with(|| found.clone());
        let parts = known.parts + usize::from(is_new_in_part);
        if found.seed < known.seed {
            *known = found;
        }
        known.parts = parts;
    }

    /// Copies one finding of each signature.
    fn keep(&self, out: &Path) -> Result<()> {
        files::make_out(out)?;
        for (signature, found) in &self.findings {
            let text = fs::read_to_string(&found.file)
                .with_context(|| format!("cannot read {}", found.file.display()))?;
            files::replace(&out.join(format!("{signature}.json")), &text)?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Part { folder, campaign, complete } in &self.parts {
            let Campaign { first_seed, seeds, next_seed, blocks, findings } = campaign;
            let done = next_seed.saturating_sub(*first_seed);
            let of = seeds.map_or(String::new(), |seeds| format!(" of {seeds}"));
            let state = match complete {
                Some(true) => "complete",
                Some(false) => "not complete",
                None => "without an end",
            };
            let _ = writeln!(
                text,
                "{}: {done}{of} seeds from {first_seed} on, {blocks} blocks, {findings} findings; {state}",
                folder.display()
            );
        }
        let sum = |of: fn(&Campaign) -> u64| {
            self.parts.iter().map(|part| of(&part.campaign)).sum::<u64>()
        };
        let _ = writeln!(
            text,
            "{} parts, {} seeds, {} blocks; {} findings{}",
            self.parts.len(),
            sum(|one| one.next_seed.saturating_sub(one.first_seed)),
            sum(|one| one.blocks),
            self.findings.len(),
            if self.missing > 0 {
                format!("; {} parts are missing", self.missing)
            } else {
                String::new()
            }
        );
        for (signature, found) in &self.findings {
            let _ = writeln!(
                text,
                "  {signature}: in {} parts, first at seed {}\n    {}",
                found.parts, found.seed, found.replay
            );
        }
        text
    }

    fn exit_status(&self) -> u8 {
        let is_incomplete =
            self.missing > 0 || self.parts.iter().any(|part| part.complete == Some(false));
        match () {
            () if !self.findings.is_empty() => EXIT_FOUND,
            () if !self.unreadable.is_empty() => EXIT_USAGE,
            () if is_incomplete => EXIT_INCOMPLETE,
            () if self.parts.is_empty() => EXIT_NOTHING,
            () => 0,
        }
    }
}

/// The files of findings as they were found. Beside them are fixtures: blocks that were made small.
fn findings(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("findings")).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let is_finding = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".json") && !name.ends_with(".fixture.json")
    };
    let mut files: Vec<PathBuf> = names.filter(is_finding).collect();
    files.sort();
    files
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| {
        format!("{shown}: {error}; expected what `lockstep fuzz --out` has written there")
    })
}

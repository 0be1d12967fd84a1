//! What the folders of a campaign say.

use super::rest::not_done;
use crate::{
    files,
    fuzz::{CAMPAIGN, Campaign, finding_files},
};
use anyhow::{Context, Result};
use lockstep_report::found::Found;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The folder of one part.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) folder: PathBuf,
    #[serde(flatten)]
    pub(crate) campaign: Campaign,
    pub(crate) complete: Option<bool>,
}

/// A signature, over all parts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Signature {
    /// The parts that have it.
    pub(crate) parts: usize,
    /// The finding with the lowest seed: its file.
    pub(crate) file: PathBuf,
    #[serde(flatten)]
    pub(crate) saved: Found,
    /// When it was first seen in any part, where that is known: as RFC 3339.
    pub(crate) first_seen: Option<String>,
}

/// Files of findings that were read before, with when they were written.
pub(crate) type Known = HashMap<PathBuf, (SystemTime, Found)>;

/// All parts.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Whole {
    pub(crate) parts: Vec<Part>,
    pub(crate) findings: BTreeMap<String, Signature>,
    /// How many parts are missing, where it is known how many there are to be.
    pub(crate) missing: usize,
    pub(crate) unreadable: Vec<String>,
}

impl Whole {
    /// What is in the folders.
    pub(crate) fn of(folders: &[PathBuf]) -> Self {
        Self::again(folders, &mut Known::new())
    }

    /// The same; files of findings that have not changed are not read again.
    pub(crate) fn again(folders: &[PathBuf], known: &mut Known) -> Self {
        let mut whole = Self::default();
        folders.iter().for_each(|folder| whole.add_all(folder, known));
        whole.complete_by_others();
        whole
    }

    /// Parts that are none of those that did what others had left (`--rest`).
    pub(super) fn first_parts(&self) -> usize {
        let is_rest = |part: &&Part| {
            part.folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rest-"))
        };
        self.parts.len() - self.parts.iter().filter(is_rest).count()
    }

    /// A part that was not completed is complete where other parts have done the rest of it.
    fn complete_by_others(&mut self) {
        for at in 0..self.parts.len() {
            let Campaign { first_seed, seeds, .. } = self.parts[at].campaign;
            let end = first_seed.saturating_add(seeds.unwrap_or_default());
            if self.parts[at].complete == Some(false)
                && not_done(first_seed..end, &self.parts).is_empty()
            {
                self.parts[at].complete = Some(true);
            }
        }
    }

    /// A folder of a campaign, or each of those in it.
    fn add_all(&mut self, folder: &Path, known: &mut Known) {
        if folder.join(CAMPAIGN).exists() {
            return self.add(folder, known);
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push(format!("{}: {error}", folder.display())),
        };
        let mut parts: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.join(CAMPAIGN).exists())
            .collect();
        parts.sort();
        if parts.is_empty() {
            let shown = folder.display();
            self.unreadable.push(format!(
                "{shown}: expected campaign.json here or in a folder below, as `lockstep fuzz --out` writes it"
            ));
        }
        parts.iter().for_each(|part| self.add(part, known));
    }

    fn add(&mut self, folder: &Path, known: &mut Known) {
        match read::<Campaign>(&folder.join(CAMPAIGN)) {
            Ok(campaign) => {
                let complete = campaign.is_complete();
                self.parts.push(Part { folder: folder.to_owned(), campaign, complete });
            }
            Err(problem) => self.unreadable.push(problem),
        }
        let mut seen = BTreeSet::new();
        for file in finding_files(folder) {
            match saved(&file, known) {
                Ok(saved) => {
                    let is_new = seen.insert(saved.signature.clone());
                    self.add_finding(file, saved, is_new);
                }
                Err(problem) => self.unreadable.push(problem),
            }
        }
    }

    /// Keeps the finding with the lowest seed of each signature, and when the first was found.
    fn add_finding(&mut self, file: PathBuf, saved: Found, is_new_in_part: bool) {
        let (signature, seen) = (saved.signature.clone(), saved.found.clone());
        let found = Signature { parts: 0, file, first_seen: seen.clone(), saved };
        let known = self.findings.entry(signature).or_insert_with(|| found.clone());
        let parts = known.parts + usize::from(is_new_in_part);
        let first_seen = known.first_seen.take().into_iter().chain(seen).min();
        if found.saved.seed < known.saved.seed {
            *known = found;
        }
        (known.parts, known.first_seen) = (parts, first_seen);
    }

    /// Copies one finding of each signature.
    pub(crate) fn keep(&self, out: &Path) -> Result<()> {
        files::make_out(out)?;
        for (signature, found) in &self.findings {
            let text = fs::read_to_string(&found.file)
                .with_context(|| format!("cannot read {}", found.file.display()))?;
            files::replace(&out.join(format!("{signature}.json")), &text)?;
        }
        Ok(())
    }
}

/// A finding's file, read again where it has changed.
fn saved(file: &Path, known: &mut Known) -> Result<Found, String> {
    let written = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    if let (Some(written), Some((at, saved))) = (written, known.get(file))
        && written == *at
    {
        return Ok(saved.clone());
    }
    let saved: Found = read(file)?;
    if let Some(written) = written {
        known.insert(file.to_owned(), (written, saved.clone()));
    }
    Ok(saved)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| {
        format!("{shown}: {error}; expected what `lockstep fuzz --out` has written there")
    })
}

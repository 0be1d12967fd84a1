//! Findings made small, at the end of a campaign.

use super::{
    folder::{Folder, finding_file},
    replay::Again,
};
use crate::{output, program};
use anyhow::{Context, Result};
use lockstep_jobs::{finding::Finding, fuzz::Tally};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

/// For how long each is minimised.
const MINIMISE_FOR: &str = "60s";

/// Writes the first finding of each signature as small as it can be made, beside its other files. An
/// interrupt leaves the rest as it was found.
pub(super) fn minimise_all(
    tally: &Tally,
    folder: &Folder,
    again: &Again,
    interrupted: &AtomicBool,
) -> Result<()> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (signature, found) in &tally.findings {
        let Some(finding) = found.representatives.first() else { continue };
        if interrupted.load(Ordering::SeqCst) {
            return Ok(());
        }
        let path = folder.path.join(finding_file(signature, 0, "fixture.json"));
        let said = match minimise(finding, again, &path)? {
            Ok(said) => said,
            Err(problem) => {
                output::err(&format!("{}: not minimised: {problem}\n", finding.block));
                continue;
            }
        };
        let same = known.insert(content(&path)?, signature.clone());
        let same = same.map_or_else(String::new, |same| format!(" (the same block as {same})"));
        output::err(&format!("{signature}: minimised: {}{same}\n{said}", path.display()));
    }
    Ok(())
}

/// In a process of its own: the inner error is what it said.
fn minimise(finding: &Finding, again: &Again, path: &Path) -> Result<Result<String, String>> {
    let program = env::current_exe().context("cannot find this program again")?;
    let mut command = Command::new(program);
    command.args(program::arguments(again.minimise(finding)));
    command.args(["--time", MINIMISE_FOR, "--out"]).arg(path).stdin(Stdio::null());
    let output = command.output().context("cannot start a process that minimises")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(if output.status.success() {
        Ok(said)
    } else {
        Err(said.lines().last().unwrap_or("it said nothing").to_owned())
    })
}

/// The tests of a fixture, without their names and comments.
pub(crate) fn content(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let fixture: BTreeMap<String, Value> =
        serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let tests = fixture.into_values().map(|mut test| {
        if let Some(test) = test.as_object_mut() {
            test.remove("_info");
        }
        test.to_string()
    });
    Ok(tests.collect())
}

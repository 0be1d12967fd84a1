//! What git says of the folder that a command runs in.

use std::process::Command;

/// The commit that is checked out.
pub(crate) fn head() -> Option<String> {
    git(&["rev-parse", "HEAD"])
}

/// Whether files that git knows were changed.
pub(crate) fn is_modified() -> bool {
    git(&["status", "--porcelain", "--untracked-files=no"]).is_some()
}

/// The output of git; `None` where git fails or prints nothing.
fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

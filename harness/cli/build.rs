//! Facts of the build for records: the compiler, and the version of revm that was linked.

use std::{env, fs, path::PathBuf, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=LOCKSTEP_COMPILER={}", compiler().unwrap_or_default());
    println!("cargo::rustc-env=LOCKSTEP_REVM={}", revm().unwrap_or_default());
}

fn compiler() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Read from the lock file of the build: that of the workspace, else, for a crate that depends on this one, the one above
/// the target folder.
fn revm() -> Option<String> {
    let folders = [env::var_os("CARGO_MANIFEST_DIR")?, env::var_os("OUT_DIR")?].map(PathBuf::from);
    let locks = folders.iter().flat_map(|folder| folder.ancestors());
    let lock = locks.map(|folder| folder.join("Cargo.lock")).find(|file| file.exists())?;
    println!("cargo::rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(lock).ok()?;
    let entry = text.split_once("name = \"revm\"\nversion = \"")?.1;
    Some(entry.split_once('"')?.0.to_owned())
}

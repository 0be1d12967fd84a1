//! The conformance suite: what is written is right, and the same every time.

use crate::command::{lockstep, write};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(relative, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_suite_is_the_same_twice_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let make = |name: &str| {
        let run = lockstep(&["suite", "--out", out(name).to_str().unwrap()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        files(&out(name))
    };
    let (one, again) = thread::scope(|scope| {
        let one = scope.spawn(|| make("one"));
        (make("again"), one.join().unwrap())
    });
    assert!(one == again, "the same bytes");
    let manifest: Value = serde_json::from_str(&one[Path::new(".meta/manifest.json")]).unwrap();
    let tests = manifest["tests"].as_array().unwrap();
    for family in ["conflicts", "invalid", "lists", "faults", "regressions", "trophies"] {
        let of = |test: &&Value| test["file"].as_str().unwrap().starts_with(family);
        assert!(tests.iter().any(|test| of(&test)), "{family}");
    }
    // Each is there, says what it stands for, and its file has the hash that EEST's `consume` expects.
    for test in tests {
        let file = Path::new("blockchain_tests").join(test["file"].as_str().unwrap());
        let file: Value = serde_json::from_str(&one[&file]).unwrap();
        let fixture = &file[test["id"].as_str().unwrap()];
        assert_eq!(fixture["_info"]["comment"], test["stands_for"], "{test}");
        assert_eq!(fixture["_info"]["hash"].as_str().unwrap().len(), 66, "{test}");
    }
    let run = lockstep(&["check", out("one").to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let engine = one.keys().filter(|path| path.starts_with("blockchain_tests_engine"));
    assert!(engine.count() > 50);
}

#[test]
fn a_folder_with_something_in_it_is_not_mixed_with_a_suite() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "mine.json", "{}");
    let run = lockstep(&["suite", "--out", folder.path().to_str().unwrap()]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("expected a folder that is empty or not there"), "{}", run.stderr);
}

#[test]
fn an_unknown_implementation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("suite");
    let run = lockstep(&["suite", "--out", out.to_str().unwrap(), "--confirm", "nobody"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("nobody"), "{}", run.stderr);
}

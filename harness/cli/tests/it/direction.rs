//! Dependencies point down only: between the crates, and between the modules of each crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The allowed dependencies of each crate. `docs/architecture.md` says why.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("faults", &[]),
    ("model", &[]),
    ("judge", &["faults", "model"]),
    ("formats", &["judge", "model"]),
    ("cases", &["formats", "judge", "model"]),
    ("engine", &["model"]),
    ("report", &["cases", "faults", "formats", "judge", "model"]),
    ("jobs", &["cases", "engine", "formats", "judge", "model", "report"]),
    ("live", &[]),
    ("executors", &["faults", "model"]),
    ("external", &["formats", "model"]),
    (
        "cli",
        &[
            "cases",
            "engine",
            "executors",
            "external",
            "faults",
            "formats",
            "jobs",
            "judge",
            "live",
            "model",
            "report",
        ],
    ),
    ("examples", &["cli", "executors", "model"]),
];

type Edges = BTreeMap<String, BTreeSet<String>>;

fn harness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Crates of ours in a table of a manifest.
fn dependencies(crate_name: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(harness().join(crate_name).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    names.filter_map(|name| name.strip_prefix("lockstep-").map(str::to_owned)).collect()
}

#[test]
fn crates_depend_on_what_is_below_them() {
    let folders = fs::read_dir(harness()).unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let is_crate = entry.path().join("Cargo.toml").exists();
        is_crate.then(|| entry.file_name().into_string().unwrap())
    });
    let known: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    assert_eq!(
        folders.collect::<BTreeSet<_>>(),
        known.keys().map(|name| (*name).to_owned()).collect()
    );
    for (name, allowed) in &known {
        let manifest = fs::read_to_string(harness().join(name).join("Cargo.toml")).unwrap();
        if !manifest.contains("[dependencies]") {
            continue;
        }
        for used in dependencies(name) {
            assert!(allowed.contains(&used.as_str()), "{name} must not depend on {used}");
        }
    }
    let edges = known.into_iter().map(|(name, allowed)| {
        (name.to_owned(), allowed.iter().map(|used| (*used).to_owned()).collect())
    });
    assert_eq!(circle(&edges.collect()), None, "the table itself");
}

#[test]
fn modules_of_a_crate_have_no_circle() {
    for (name, _) in ALLOWED.into_iter().filter(|(name, _)| *name != "examples") {
        let edges = modules(&harness().join(name).join("src"));
        assert!(!edges.is_empty(), "{name} has no module");
        assert_eq!(circle(&edges), None, "in {name}: each of these uses the next");
    }
}

/// The top modules of a crate, and which others each of them names.
fn modules(source: &Path) -> Edges {
    let mut edges = Edges::new();
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if module != "lib" && module != "main" {
            let used = edges.entry(module).or_default();
            add_used(&path, used);
            if path.is_file() {
                // One level up is the crate's root.
                let text = fs::read_to_string(&path).unwrap().replace("super::", "crate::");
                used.extend(used_modules(&text));
            }
        }
    }
    let known: BTreeSet<String> = edges.keys().cloned().collect();
    for (module, used) in &mut edges {
        used.retain(|name| name != module && known.contains(name));
    }
    edges
}

fn add_used(path: &Path, used: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            add_used(&entry.unwrap().path(), used);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        used.extend(used_modules(&fs::read_to_string(path).unwrap()));
    }
}

/// Modules named after `crate::`, alone or in braces. Comments and tests do not count.
fn used_modules(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => used.extend(top_names(list)),
            None => used.extend(first_name(after)),
        }
    }
    used
}

fn first_name(text: &str) -> Option<String> {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

/// The first name of each entry of a list in braces, up to its end.
fn top_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let (mut names, mut entry) = (Vec::new(), String::new());
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(std::mem::take(&mut entry).trim())),
            letter if depth == 0 => entry.push(letter),
            _ => {}
        }
    }
    names.extend(first_name(entry.trim()));
    names
}

/// A circle, where there is one.
fn circle(edges: &Edges) -> Option<Vec<String>> {
    edges.keys().find_map(|start| walk(edges, &mut vec![start.clone()]))
}

fn walk(edges: &Edges, path: &mut Vec<String>) -> Option<Vec<String>> {
    let last = path.last().expect("a path has a start").clone();
    for next in edges.get(&last).into_iter().flatten() {
        if *next == path[0] {
            return Some(path.clone());
        }
        if !path.contains(next) {
            path.push(next.clone());
            if let found @ Some(_) = walk(edges, path) {
                return found;
            }
            path.pop();
        }
    }
    None
}

#[test]
fn a_circle_is_found() {
    let edges = |pairs: &[(&str, &str)]| {
        let mut edges = Edges::new();
        for (from, to) in pairs {
            edges.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        edges
    };
    assert_eq!(circle(&edges(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let found = circle(&edges(&[("a", "b"), ("b", "c"), ("c", "b")])).unwrap();
    assert_eq!(found, ["b", "c"]);
    let text = "use crate::{a::{x, y}, b, c::z};\n// crate::comment\nlet d = crate::d::e;";
    assert_eq!(used_modules(text).into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

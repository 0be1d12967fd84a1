//! `--partition` of `fuzz`, and `lockstep campaign`, which reads the parts.

use crate::command::lockstep;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn fuzz(part: &str, out: &Path) {
    let out = out.to_str().unwrap();
    let words =
        ["fuzz", "--seed", "11", "--blocks", "30", "--executor", "sequential", "--out", out];
    let run = lockstep(&[&words[..], &["--partition", part]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
}

fn campaign(words: &[&str]) -> crate::command::Run {
    lockstep(&[&["campaign"], words].concat())
}

#[test]
fn parts_together_are_the_whole_and_a_missing_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    fuzz("slice:1/3", &folder.path().join("a"));
    fuzz("slice:3/3", &folder.path().join("c"));
    let run = campaign(&[shown, "--parts", "3"]);
    assert_eq!(run.status, 3, "{}", run.stdout);
    assert!(run.stdout.contains("1 parts are missing"), "{}", run.stdout);

    fuzz("slice:2/3", &folder.path().join("b"));
    let run = campaign(&[shown, "--parts", "3"]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.stdout.contains("3 parts, 30 seeds"), "{}", run.stdout);
    let run = campaign(&[shown, "--format", "json"]);
    let whole = run.lines().remove(0);
    let ends = |part: &serde_json::Value| {
        (part["first_seed"].as_u64().unwrap(), part["next_seed"].as_u64().unwrap())
    };
    let seeds: Vec<_> = whole["parts"].as_array().unwrap().iter().map(ends).collect();
    assert_eq!(seeds, [(11, 21), (21, 31), (31, 41)]);

    // One that was lost on the way.
    let lost = folder.path().join("b/campaign.json");
    let text = fs::read_to_string(&lost).unwrap();
    fs::write(&lost, text.replace("\"next_seed\": 31", "\"next_seed\": 25")).unwrap();
    let run = campaign(&[shown]);
    assert_eq!(run.status, 3, "{}", run.stdout);
    assert!(run.stdout.contains("4 of 10 seeds from 21 on"), "{}", run.stdout);
    fs::write(&lost, &text[..20]).unwrap();
    let run = campaign(&[shown]);
    assert_eq!(run.status, 2, "{}", run.stdout);
    assert!(run.stderr.contains("b/campaign.json"), "{}", run.stderr);
}

#[test]
fn a_finding_of_many_parts_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = json!({"first_seed": 1, "seeds": 10, "next_seed": 11, "blocks": 10, "findings": 1});
    for (part, seed) in [("a", 9), ("b", 4), ("c", 7)] {
        let findings = folder.path().join(part).join("findings");
        fs::create_dir_all(&findings).unwrap();
        fs::write(folder.path().join(part).join("campaign.json"), state.to_string()).unwrap();
        let signature = if part == "c" { "other" } else { "same" };
        let replay = format!("lockstep fuzz --blocks 1 --seed {seed}");
        let finding =
            json!({"signature": signature, "replay": replay, "version": "0", "seed": seed});
        fs::write(findings.join("one.json"), finding.to_string()).unwrap();
        // A block that was made small has no signature.
        fs::write(findings.join("one.fixture.json"), "{}").unwrap();
    }
    let out = folder.path().join("out");
    let run = campaign(&[folder.path().to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stdout.contains("same: in 2 parts, first at seed 4\n"), "{}", run.stdout);
    assert!(run.stdout.contains("--seed 4\n") && run.stdout.contains("other: in 1 parts"));
    let kept = fs::read_to_string(out.join("same.json")).unwrap();
    assert!(kept.contains("\"seed\":4"), "{kept}");
}

#[test]
fn what_is_no_campaign_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = campaign(&[folder.path().to_str().unwrap()]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("campaign.json"), "{}", run.stderr);
    for words in [
        &["fuzz", "--blocks", "9", "--partition", "slice:4/3"][..],
        &["fuzz", "--partition", "slice:1/3"],
        &["fuzz", "--blocks", "9", "--partition", "env"],
        &["check", "--partition", "env"],
    ] {
        assert_eq!(lockstep(words).status, 2, "{words:?}");
    }
}

/// Writes a part that consists of these sessions: commit, start, blocks in ten seconds, what was found.
fn part(folder: &Path, name: &str, sessions: &[(&str, &str, u64, &[&str])]) {
    let sessions: Vec<_> = sessions
        .iter()
        .map(|(commit, started, blocks, found)| {
            let found: serde_json::Map<_, _> =
                found.iter().map(|signature| ((*signature).to_owned(), json!(1))).collect();
            json!({"commit": commit, "version": "0", "machine": "m", "started": started, "seconds": 10.0,
                "jobs": 2, "blocks": blocks, "first_seed": 1, "next_seed": 9, "findings": found})
        })
        .collect();
    let state =
        json!({"first_seed": 1, "next_seed": 9, "blocks": 8, "findings": 1, "sessions": sessions});
    fs::create_dir_all(folder.join(name).join("findings")).unwrap();
    fs::write(folder.join(name).join("campaign.json"), state.to_string()).unwrap();
}

fn finding(folder: &Path, part: &str, signature: &str) {
    let finding = json!({"signature": signature, "replay": "lockstep fuzz", "version": "0", "seed": 3,
        "arguments": ["fuzz", "--seed", "3", "--blocks", "1"]});
    let file = folder.join(part).join(format!("findings/{signature}.json"));
    fs::write(file, finding.to_string()).unwrap();
}

#[test]
fn findings_and_rates_are_told_by_commit() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    let (monday, tuesday) = ("2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z");
    part(folder.path(), "a", &[("aaaa", monday, 1000, &["old"]), ("bbbb", tuesday, 500, &["old"])]);
    part(folder.path(), "b", &[("bbbb", tuesday, 600, &["new"])]);
    finding(folder.path(), "a", "old");
    finding(folder.path(), "b", "new");
    let run = campaign(&[shown]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(
        run.stdout.contains("55 blocks/s with 2 in flight on m; SLOWER: 55 % of the commit before"),
        "{}",
        run.stdout
    );
    let run = campaign(&[shown, "--since", "aa", "--format", "json"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let told = run.lines().remove(0);
    assert_eq!(told["new"], json!(["new"]));
    assert_eq!(
        (&told["commits"][0]["new"], &told["commits"][1]["new"]),
        (&json!(["old"]), &json!(["new"]))
    );
    // Nothing is new since the last commit.
    assert_eq!(campaign(&[shown, "--since", "bbbb"]).status, 0);
    let run = campaign(&[shown, "--since", "cc"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("no commit of that name; expected one of: aaaa, bbbb"),
        "{}",
        run.stderr
    );
}

/// A program that shows these signatures, whatever it is asked.
fn program(folder: &Path, name: &str, signatures: &[&str]) -> String {
    let path = folder.join(name);
    let end = json!({"kind": "campaign", "blocks": 1, "deep": 0, "accepted": 1, "transactions": 1, "executed": 1,
        "succeeded": 1, "re_executions": 0, "conflicts": [0, 0, 0, 0, 0], "seconds": 1.0, "hung": 0, "killed": 0,
        "by_clients": 0, "unsupported": 0, "without_states": 0, "findings": {}, "next_seed": 4});
    let found = signatures.iter().map(|signature| {
        let finding = json!({"seed": 3, "block": "b", "executor": "e", "kind": "diverged", "differences": []});
        json!({"kind": "finding", "finding": finding, "signature": signature, "replay": ""})
    });
    let lines: Vec<String> = found.chain([end]).map(|line| line.to_string()).collect();
    fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{}\nEND\n", lines.join("\n"))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{name}={}", path.display())
}

#[test]
fn findings_are_bisected_by_the_programs_of_commits() {
    let folder = tempfile::tempdir().unwrap();
    part(folder.path(), "a", &[("c3", "2026-11-02T08:00:00Z", 1000, &["early", "late"])]);
    ["early", "late", "gone"].iter().for_each(|signature| finding(folder.path(), "a", signature));
    let programs: [(&str, &[&str]); 4] = [
        ("c0", &["early"]),
        ("c1", &["early"]),
        ("c2", &["early", "late"]),
        ("c3", &["early", "late"]),
    ];
    let programs = programs.map(|(name, shows)| program(folder.path(), name, shows));
    let with: Vec<&str> =
        programs.iter().flat_map(|program| ["--with", program.as_str()]).collect();
    let part = folder.path().join("a");
    let run = campaign(&[&[part.to_str().unwrap()][..], &with].concat());
    assert_eq!(run.status, 1, "{}", run.stderr);
    for told in [
        "began not later than c0, the oldest program",
        "began after c1, not later than c2",
        "    no program shows it",
    ] {
        assert!(run.stdout.contains(told), "{told}: {}", run.stdout);
    }
    let run =
        campaign(&[part.to_str().unwrap(), "--with", &programs[0], "--with", "c9=/nothing/there"]);
    assert!(run.stdout.contains("/nothing/there"), "{}", run.stdout);
    assert_eq!(campaign(&[part.to_str().unwrap(), "--with", &programs[0]]).status, 2);
    assert_eq!(campaign(&[part.to_str().unwrap(), "--with", "nonsense"]).status, 2);
}

#[test]
fn a_campaign_that_is_resumed_keeps_what_was_done_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let words = ["fuzz", "--executor", "sequential", "--out", out];
    let first = ["--seed", "5", "--blocks", "20", "--commit", "one"];
    let second = ["--resume", "--blocks", "10", "--commit", "two"];
    for more in [&first[..], &second] {
        let run = lockstep(&[&words[..], more].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    let run = campaign(&[out, "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let told = run.lines().remove(0);
    let part = &told["parts"][0];
    assert_eq!(
        (&part["first_seed"], &part["next_seed"], &part["seeds"]),
        (&json!(5), &json!(35), &json!(30))
    );
    let sessions = part["sessions"].as_array().unwrap();
    let blocks: u64 = sessions.iter().map(|session| session["blocks"].as_u64().unwrap()).sum();
    assert_eq!((sessions.len(), part["blocks"].as_u64()), (2, Some(blocks)));
    let commits: Vec<_> =
        told["commits"].as_array().unwrap().iter().map(|commit| &commit["commit"]).collect();
    assert_eq!(commits, ["one", "two"]);
}

#[test]
fn nodes_that_are_fewer_or_more_do_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    for (index, part) in ["slice:1/3", "slice:2/3", "slice:3/3"].iter().enumerate() {
        fuzz(part, &folder.path().join(index.to_string()));
    }
    // The second was stopped on its way, the third is lost.
    let stopped = folder.path().join("1/campaign.json");
    let text = fs::read_to_string(&stopped).unwrap();
    fs::write(&stopped, text.replace("\"next_seed\": 31", "\"next_seed\": 24")).unwrap();
    fs::remove_dir_all(folder.path().join("2")).unwrap();
    assert_eq!(campaign(&[shown]).status, 3);
    let rest = |nodes: &str| -> Vec<String> {
        let run = campaign(&[shown, "--rest", "11..41", "--nodes", nodes]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.stdout.lines().map(str::to_owned).collect()
    };
    assert_eq!(rest("1"), ["24 17"]);
    let lines = rest("5");
    assert_eq!(lines, ["24 3", "27 3", "30 4", "34 3", "37 4"]);
    for line in lines {
        let (seed, blocks) = line.split_once(' ').unwrap();
        let out = folder.path().join(format!("rest-{seed}"));
        let words = ["fuzz", "--executor", "sequential", "--seed", seed, "--blocks", blocks];
        let run = lockstep(&[&words[..], &["--out", out.to_str().unwrap()]].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    let run = campaign(&[shown]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(run.stdout.contains("7 parts, 30 seeds"), "{}", run.stdout);
    assert!(rest("5").is_empty());
    assert_eq!(campaign(&[shown, "--rest", "9"]).status, 2);
}

//! `--partition` of `fuzz`, and `lockstep campaign`, which reads the parts.

use crate::command::lockstep;
use serde_json::json;
use std::{fs, path::Path};

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

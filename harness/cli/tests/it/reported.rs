//! Inputs that strangers reported (`corpora/reported`): each stands for a kind of fault that is gone.

use crate::command::{Run, lockstep, write};
use serde_json::Value;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

fn reported(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/reported").join(path)
}

fn check(path: &str) -> Run {
    lockstep(&["check", "--format", "json", reported(path).to_str().unwrap()])
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Status, passed tests, unreadable inputs, files without tests.
fn counts(run: &Run) -> (i32, u64, u64, u64) {
    let summary = run.summary();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(count("failed"), 0, "{}", run.stdout);
    (run.status, count("passed"), count("unreadable"), count("other_files"))
}

#[test]
fn no_statement_is_no_expectation() {
    assert_eq!(counts(&check("empty-post-state")), (0, 2, 0, 0));
}

#[test]
fn either_root_of_a_rejection_before_eip_158_will_do() {
    assert_eq!(counts(&check("rejected-before-eip-158")), (0, 9, 0, 0));
}

#[test]
fn accounts_need_not_have_every_field() {
    assert_eq!(counts(&check("accounts-without-all-fields")), (0, 4, 0, 0));
}

#[test]
fn one_broken_test_costs_one_test() {
    let run = check("one-broken-test-in-a-file");
    assert_eq!(counts(&run), (2, 15, 3, 0));
    let lines = run.lines();
    let unreadable = of_kind(&lines, "unreadable");
    let broken = unreadable.iter().find(|line| line["place"].as_str().unwrap().contains("broken"));
    let place = broken.unwrap()["place"].as_str().unwrap();
    assert_eq!(place, "broken.transaction.data (line 125 column 15)");
}

#[test]
fn a_test_with_nothing_in_it_is_named_in_every_format() {
    let run = check("a-test-with-nothing-in-it");
    assert_eq!(counts(&run), (2, 5, 2, 0));
    let path = reported("a-test-with-nothing-in-it");
    let path = path.to_str().unwrap();
    for format in ["human", "junit"] {
        let run = lockstep(&["check", "--format", format, path]);
        let text = run.stdout + &run.stderr;
        assert!(
            text.contains("at least one fork") && text.contains("at least one block"),
            "{text}"
        );
    }
}

#[test]
fn foreign_files_are_called_what_they_are() {
    let run = check("errors-that-mislead");
    // Single compressed files and a byte-order mark are read; the pointer's content is elsewhere.
    assert_eq!(counts(&run), (2, 15, 4, 1));
    let file = |name: &str| check(&format!("errors-that-mislead/{name}")).stdout;
    assert!(file("t.zip").contains("found a zip archive"));
    assert!(file("utf16.json").contains("found text in UTF-16"));
    assert!(file("empty.json").contains("found an empty file"));
    assert!(file("lfs.json").contains("found a Git LFS pointer"));
    let field = file("header_requests_only.json");
    assert!(
        field.contains("blocks[0].blockHeader") && field.contains("missing field `parentHash`")
    );
}

#[test]
fn a_price_of_more_than_128_bits_runs_or_cannot_be_paid() {
    assert_eq!(counts(&check("price-over-128-bits")), (0, 1, 0, 0));
    let text = std::fs::read_to_string(reported("price-over-128-bits/a.json")).unwrap();
    let mut suite: Value = serde_json::from_str(&text).unwrap();
    let test = &mut suite["simple"];
    let sender = test["transaction"]["sender"].as_str().unwrap().to_owned();
    test["pre"][&sender]["balance"] = "0xffffffffffffffffffffffffffffffff".into();
    let folder = TempDir::new().unwrap();
    let poor = write(folder.path(), "poor.json", suite.to_string());
    let run = lockstep(&["check", "--format", "json", poor.to_str().unwrap()]);
    assert!(run.stdout.contains("INSUFFICIENT_ACCOUNT_FUNDS at transaction 0"), "{}", run.stdout);
    let post = suite["simple"]["post"]["Prague"][0].as_object_mut().unwrap();
    post.insert("expectException".into(), "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS".into());
    write(folder.path(), "poor.json", suite.to_string());
    let run = lockstep(&["check", "--format", "json", poor.to_str().unwrap()]);
    assert!(!run.stdout.contains("\"field\":\"exception\""), "{}", run.stdout);
}

#[test]
fn junit_is_well_formed_whatever_tests_are_called() {
    let path = reported("name-with-control-characters");
    let run = lockstep(&["check", "--format", "junit", path.to_str().unwrap()]);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("\\u{ffff}"), "{}", run.stdout);
    let is_xml = |c: char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    assert!(run.stdout.chars().all(is_xml), "{}", run.stdout);
}

#[test]
fn links_are_named_or_followed() {
    let folder = TempDir::new().unwrap();
    let target = reported("price-over-128-bits/a.json").canonicalize().unwrap();
    std::os::unix::fs::symlink(target, folder.path().join("link.json")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    let path = folder.path().to_str().unwrap();
    let run = lockstep(&["check", "--format", "json", path]);
    assert_eq!(counts(&run), (2, 0, 2, 0));
    assert!(run.stdout.contains("a symbolic link to"), "{}", run.stdout);
    let run = lockstep(&["check", "--format", "json", "--follow-links", path]);
    assert_eq!(counts(&run), (2, 1, 1, 0), "a loop ends: {}", run.stdout);
}

#[test]
fn pipes_and_lists_of_files_are_read() {
    let good = reported("price-over-128-bits/a.json");
    let text = std::fs::read(&good).unwrap();
    let run = |args: &[&str], input: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(["check", "--format", "json"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, lines) = run(&["/dev/stdin"], &text);
    assert_eq!(status, Some(0), "{lines}");
    assert!(lines.contains("\"id\":\"/dev/stdin::simple[Prague,0,0,0]\""), "{lines}");
    let listed = format!("{}\n\n", good.display());
    let (status, lines) = run(&["--files-from", "-"], listed.as_bytes());
    assert_eq!(status, Some(0), "{lines}");
    let (status, lines) = run(&["--files-from", "-"], b"");
    assert_eq!(status, Some(4), "a list of nothing is not the built-in set: {lines}");
}

#[test]
fn differential_runs_need_no_expectations() {
    let text = std::fs::read_to_string(reported("price-over-128-bits/a.json")).unwrap();
    let mut suite: Value = serde_json::from_str(&text).unwrap();
    let zero = format!("0x{}", "0".repeat(64));
    let post = &mut suite["simple"]["post"]["Prague"][0];
    let right = post["hash"].as_str().unwrap().to_owned();
    (post["hash"], post["logs"]) = (zero.as_str().into(), zero.as_str().into());
    suite["simple"]["transaction"]["gasPrice"] = "0x0a".into();
    let folder = TempDir::new().unwrap();
    let path = write(folder.path(), "a.json", suite.to_string());
    let path = path.to_str().unwrap();
    assert_eq!(lockstep(&["check", path]).status, 1, "a zero root is an expectation");
    let run = lockstep(&["check", "--expectations", "ignore", "--format", "json", path]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    let lines = run.lines();
    let outcome = &of_kind(&lines, "test")[0]["outcomes"][0];
    assert_eq!(outcome["gas_used"], 43_106);
    assert_ne!(outcome["state_root"], right.as_str(), "another price");
    assert!(outcome["receipts_root"].is_string() && outcome["logs_hash"].is_string());
    let human = lockstep(&["check", "--expectations", "ignore", path]);
    assert!(
        human.stdout.contains("state root 0x") && human.stdout.contains("gas 43106"),
        "{}",
        human.stdout
    );
}

#[test]
fn a_users_own_list_of_known_failures() {
    let text = std::fs::read_to_string(reported("price-over-128-bits/a.json")).unwrap();
    let wrong = text.replace("0x992a3009", "0x992a300a");
    let folder = TempDir::new().unwrap();
    let test = write(folder.path(), "a.json", wrong);
    let list = "[[known]]\nid = 'a\\.json::simple'\nreason = 'ours'\nreviewer = 'us'\n";
    let list = write(folder.path(), "known.toml", list);
    let (test, list) = (test.to_str().unwrap(), list.to_str().unwrap());
    assert_eq!(lockstep(&["check", test]).status, 1);
    let run = lockstep(&["check", "--format", "json", "--known", list, test]);
    assert_eq!((run.status, &run.summary()["known"]), (0, &1.into()), "{}", run.stdout);
    let broken = write(folder.path(), "broken.toml", "[[known]]\nid = '('\n");
    let run = lockstep(&["check", "--known", broken.to_str().unwrap(), test]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("broken.toml") && run.stderr.contains("reviewed.toml"),
        "{}",
        run.stderr
    );
}

/// Blocks on which other executors are wrong (`docs/trophies.md`): ours are not.
#[test]
fn what_others_get_wrong_is_right_here() {
    let trophies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/trophies");
    let files = std::fs::read_dir(&trophies).unwrap().count();
    let run = lockstep(&["check", "--format", "json", trophies.to_str().unwrap()]);
    assert_eq!(counts(&run), (0, files as u64, 0, 0));
}

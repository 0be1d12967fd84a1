//! Executors that are other programs: the program itself behind each interface, and programs that misbehave.

use crate::command::{lockstep, write};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const OURS: &str = env!("CARGO_BIN_EXE_lockstep");

fn client(name: &str, kind: &str, path: &Path, more: &str) -> String {
    let path = path.display();
    format!("[[client]]\nname = \"{name}\"\nkind = \"{kind}\"\npath = \"{path}\"\n{more}\n")
}

fn clients(folder: &Path, text: &str) -> String {
    write(folder, "clients.toml", text).to_str().unwrap().to_owned()
}

fn script(folder: &Path, name: &str, body: &str) -> PathBuf {
    let path = write(folder, name, format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn fixtures(folder: &Path, seed: u32, blocks: u32) -> String {
    let out = folder.join("fixtures").to_str().unwrap().to_owned();
    let (seed, blocks) = (seed.to_string(), blocks.to_string());
    let run = lockstep(&["export", "--seed", &seed, "--blocks", &blocks, "--out", &out]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    out
}

const T8N: &str = "transactions = \"rlp\"\nstate_test = true";

#[test]
fn the_program_agrees_with_itself_behind_each_interface() {
    let folder = TempDir::new().unwrap();
    let (ours, revme) = (Path::new(OURS), folder.path().join("revme"));
    symlink(ours, &revme).unwrap();
    let version = "version = '^lockstep \\d'\nversion_arguments = ['--version']\n";
    let text = [
        client("stream", "t8n", ours, &format!("{version}{T8N}")),
        client("objects", "t8n", ours, "state_test = true"),
        client("files", "t8n", ours, &format!("mode = \"files\"\n{T8N}")),
        client(
            "tests",
            "runner",
            ours,
            "arguments = ['blocktest', '--executor', 'block_stm']\nbal_report = true",
        ),
        client("batch", "runner", ours, "mode = \"batch\""),
        client("revme", "runner", &revme, "results = \"revme\""),
    ];
    let names = "stream,objects,files,tests,batch,revme";
    let clients = clients(folder.path(), &text.concat());
    let campaign = lockstep(&[
        "fuzz",
        "--clients",
        &clients,
        "--executor",
        names,
        "--blocks",
        "60",
        "--seed",
        "300",
        "--format",
        "json",
    ]);
    assert_eq!(campaign.status, 0, "{}{}", campaign.stdout, campaign.stderr);
    // Their own time: without names they get a part of it.
    let campaign =
        lockstep(&["fuzz", "--clients", &clients, "--blocks", "200", "--format", "json"]);
    assert_eq!(campaign.status, 0, "{}{}", campaign.stdout, campaign.stderr);
    let last: Value = campaign.lines().pop().unwrap();
    assert!(last["by_clients"].as_u64().unwrap() >= 6, "{last}");

    let fixtures = fixtures(folder.path(), 300, 20);
    let check = lockstep(&[
        "check",
        &fixtures,
        "--clients",
        &clients,
        "--executor",
        names,
        "--format",
        "json",
    ]);
    assert_eq!(check.status, 0, "{}{}", check.stdout, check.stderr);
    let executors = &check.summary()["executors"];
    for name in names.split(',') {
        let ran = &executors[format!("{name}@1")];
        assert!(ran["agreed"].as_u64().unwrap() > 10, "{name}: {ran}");
    }
    // What a runner does not show is counted.
    assert!(check.stdout.contains("not shown by tests@1: receipts, gas"), "{}", check.stdout);
    // Its parallel path ran, by its own word; nothing says so of the others.
    assert_eq!(executors["tests@1"]["mode"], "auto");
    assert_eq!(executors["batch@1"]["mode"], "sequential");
}

#[test]
fn another_program_can_be_the_reference() {
    let folder = TempDir::new().unwrap();
    let text = client("outside", "t8n", Path::new(OURS), T8N);
    let clients = clients(folder.path(), &text);
    let fixtures = fixtures(folder.path(), 1, 12);
    let parties = ["--clients", &clients, "--reference", "outside"];
    let words = [
        &["check", &fixtures, "--executor", "sequential,block_stm", "--format", "json"],
        &parties[..],
    ];
    let check = lockstep(&words.concat());
    assert_eq!(check.status, 0, "{}{}", check.stdout, check.stderr);
    let words = [&["fuzz", "--blocks", "20", "--executor", "sequential"], &parties[..]];
    let fuzz = lockstep(&words.concat());
    assert_eq!(fuzz.status, 0, "{}{}", fuzz.stdout, fuzz.stderr);
    let unknown = lockstep(&["check", &fixtures, "--reference", "nobody"]);
    assert_eq!(
        (unknown.status, unknown.stderr.contains("nobody")),
        (2, true),
        "{}",
        unknown.stderr
    );
}

/// Each is an error of one block that names client, block and command line; the other executor's results stay.
#[test]
fn a_program_that_misbehaves_costs_a_block_and_is_named() {
    let folder = TempDir::new().unwrap();
    let ours = |words: &str| format!("exec {OURS} {words}");
    // A result of another block: its receipts are not ours.
    let other = write(
        folder.path(),
        "other.json",
        r#"{"alloc": {}, "result": {"stateRoot": "0x00", "receipts": [], "gasUsed": "0x0"}}"#,
    );
    let fixtures = fixtures(folder.path(), 3, 1);
    for (body, wanted) in [
        ("exit 7".to_owned(), "exit status 7"),
        ("echo oh no >&2; kill -9 $$".to_owned(), "killed by signal 9: oh no"),
        ("cat > /dev/null; echo '{\"alloc\": {'".to_owned(), "expected an object"),
        ("cat > /dev/null; echo nonsense".to_owned(), "found `nonsense`"),
        ("exec sleep 100".to_owned(), "did not end within 1 s"),
        ("sleep 100 & exec sleep 100".to_owned(), "did not end within 1 s"),
        (format!("cat > /dev/null; cat {}", other.display()), "result.receipts: expected"),
    ] {
        let program = script(folder.path(), "program", &body);
        let text = client("bad", "t8n", &program, &format!("timeout = \"1s\"\n{T8N}"));
        let clients = clients(folder.path(), &text);
        let run = lockstep(&[
            "check",
            &fixtures,
            "--clients",
            &clients,
            "--executor",
            "bad,sequential",
            "--format",
            "json",
        ]);
        assert_eq!(run.status, 1, "{body}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.summary()["executors"]["sequential@1"]["agreed"], 1, "{body}");
        let failed = run.lines().into_iter().find(|line| line["kind"] == "test").unwrap();
        let reason = failed["reason"].as_str().unwrap();
        for part in ["bad@1", "block ", "program t8n", wanted] {
            assert!(reason.contains(part), "{body}: expected {part}: {reason}");
        }
    }
    // Noise does no harm.
    let noisy = script(
        folder.path(),
        "program",
        &format!("echo warning: old; echo more >&2; {}", ours("\"$@\"")),
    );
    let clients = clients(folder.path(), &client("bad", "t8n", &noisy, T8N));
    let run = lockstep(&["check", &fixtures, "--clients", &clients, "--executor", "bad"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_campaign_goes_on_after_a_client_that_dies() {
    let folder = TempDir::new().unwrap();
    // One that dies at every third block.
    let count = folder.path().join("count");
    let body = format!(
        "echo x >> {0}; [ $(( $(wc -l < {0}) % 3 )) = 0 ] && exit 3; exec {OURS} \"$@\"",
        count.display()
    );
    let program = script(folder.path(), "program", &body);
    let clients = clients(folder.path(), &client("weak", "t8n", &program, T8N));
    let run = lockstep(&[
        "fuzz",
        "--clients",
        &clients,
        "--executor",
        "weak",
        "--blocks",
        "20",
        "--jobs",
        "1",
        "--format",
        "json",
    ]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let last = run.lines().pop().unwrap();
    assert!(last["blocks"].as_u64().unwrap() >= 20, "{last}");
    let findings = last["findings"].as_object().unwrap();
    assert!(findings.keys().all(|signature| signature.starts_with("weak-broke-")), "{last}");
}

#[test]
fn what_cannot_be_a_client_is_refused_before_any_work() {
    let folder = TempDir::new().unwrap();
    let plain = write(folder.path(), "plain", "");
    let ours = Path::new(OURS);
    for (text, wanted) in [
        (client("a", "t8n", Path::new("/no/such/program"), ""), "/no/such/program"),
        (client("a", "t8n", &plain, ""), "not executable"),
        (client("sequential", "t8n", ours, ""), "an executor has that name"),
        (
            client("a", "t8n", ours, "version = '^geth'"),
            "expected a version that matches `^geth`, found `lockstep",
        ),
        (
            client("a", "t8n", ours, "version = '.'\nversion_arguments = ['--nothing']"),
            "client `a`",
        ),
        (client("a", "server", ours, ""), "kind"),
        ("client = 7".to_owned(), "clients.toml"),
    ] {
        let clients = clients(folder.path(), &text);
        let run = lockstep(&["check", "--clients", &clients]);
        assert_eq!(run.status, 2, "{text}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(wanted), "{text}: expected {wanted}: {}", run.stderr);
    }
    let run = lockstep(&["check", "--clients", "nowhere.toml"]);
    assert_eq!((run.status, run.stderr.contains("nowhere.toml")), (2, true), "{}", run.stderr);
}

/// A client of which nothing is known must not look like one that agrees.
#[test]
fn a_client_that_ran_nothing_is_a_failure() {
    let folder = TempDir::new().unwrap();
    let text = client("young", "t8n", Path::new(OURS), &format!("forks = [\"Amsterdam\"]\n{T8N}"));
    let clients = clients(folder.path(), &text);
    let fixtures = folder.path().join("fixtures").to_str().unwrap().to_owned();
    let run = lockstep(&["export", "--fork", "Prague", "--blocks", "3", "--out", &fixtures]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let run = lockstep(&["check", &fixtures, "--clients", &clients, "--executor", "young"]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert!(run.stdout.contains("nothing ran: young@1"), "{}", run.stdout);
    assert!(
        run.stdout.contains("not run by young@1: Prague is not among its forks"),
        "{}",
        run.stdout
    );
}

//! External events: a worker that is killed, a disk that is full, a pipe that is closed, Ctrl-C.

use crate::command::built_in_tests;
use std::{
    fs,
    os::unix::fs::symlink,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn lockstep(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.args(words);
    command
}

/// A run in the background, once it has workers.
fn in_background(words: &[&str]) -> (Child, Vec<u32>) {
    in_background_for(words, Duration::from_millis(300))
}

/// The same, once workers have been there for so long.
fn in_background_for(words: &[&str], age: Duration) -> (Child, Vec<u32>) {
    let mut run =
        lockstep(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let id = run.id();
    let children = || {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        children.split(' ').filter_map(|one| one.parse().ok()).collect::<Vec<u32>>()
    };
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        let first = children();
        // Past their start: a worker that dies before it has begun is another matter.
        thread::sleep(age);
        let workers: Vec<u32> = children().into_iter().filter(|one| first.contains(one)).collect();
        if !workers.is_empty() {
            return (run, workers);
        }
    }
    let _ = run.kill();
    let _ = run.wait();
    panic!("no workers");
}

fn signal(name: &str, process: u32) {
    let killed = Command::new("kill").args([name, &process.to_string()]).status().unwrap();
    assert!(killed.success());
}

fn ended(run: Child) -> (Option<i32>, String) {
    let output = run.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), text.concat())
}

const CAMPAIGN: [&str; 5] = ["fuzz", "--time", "3s", "--jobs", "2"];
/// Enough to be in the middle of it when it is interrupted.
const MEASUREMENT: &str = "bench --workload transfers --gas 200000000 --executor block_stm \
                           --threads 2 --runs 1 --rounds 9 --no-pin";

#[test]
fn a_worker_of_a_campaign_that_is_killed_from_outside_costs_nothing() {
    let (campaign, workers) = in_background(&CAMPAIGN);
    signal("-KILL", workers[0]);
    let (status, text) = ended(campaign);
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("1 workers were killed from outside; their blocks were checked again"),
        "{text}"
    );
    assert!(text.contains("0 findings"), "{text}");
}

#[test]
fn an_interrupted_campaign_says_what_it_has_done() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let (campaign, _) = in_background(&["fuzz", "--time", "1h", "--jobs", "2", "--out", out]);
    signal("-INT", campaign.id());
    signal("-INT", campaign.id());
    let (status, text) = ended(campaign);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" blocks (") && text.contains("0 findings"), "{text}");
    let state = fs::read_to_string(folder.path().join("campaign.json")).unwrap();
    assert!(!state.contains("\"next_seed\": 1,"), "{state}");
}

/// The proof that an executor is parallel waits for reads to meet: long enough to be caught in it.
#[test]
fn a_worker_of_check_that_is_killed_from_outside_costs_nothing() {
    let threads = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16";
    let words = ["check", "--executor", "block_stm", "--threads", threads, "--jobs", "2"];
    // It is over in a second.
    let (run, workers) = in_background_for(&words, Duration::from_millis(60));
    signal("-KILL", workers[0]);
    let (status, text) = ended(run);
    assert_eq!(status, Some(0), "{text}");
    let all = built_in_tests();
    assert!(text.contains(&format!("AGREED {all} tests: {all} passed")), "{text}");
}

#[test]
fn a_worker_of_bench_that_is_killed_from_outside_costs_no_candidate() {
    let words: Vec<&str> = MEASUREMENT.split_whitespace().collect();
    let (run, workers) = in_background(&words);
    signal("-KILL", workers[0]);
    let (status, text) = ended(run);
    assert_eq!(status, Some(1), "{text}");
    let found = "SIGKILL ended the process: the kernel may have run out of memory, and no candidate \
                 does it alone";
    assert!(text.contains(found), "{text}");
}

#[test]
fn an_interrupted_measurement_says_so() {
    let words: Vec<&str> = MEASUREMENT.split_whitespace().collect();
    let (run, _) = in_background(&words);
    signal("-INT", run.id());
    let (_, text) = ended(run);
    assert!(text.contains("interrupted: what was measured until then is there"), "{text}");
}

#[test]
fn a_full_disk_under_out_costs_the_record_alone() {
    let run = |words: &str, file: &str| {
        let folder = tempfile::tempdir().unwrap();
        symlink("/dev/full", folder.path().join(file)).unwrap();
        let out = folder.path().to_str().unwrap();
        let words: Vec<&str> = words.split_whitespace().chain(["--out", out]).collect();
        ended(lockstep(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let (status, text) = run("check --executor block_stm", "check.jsonl");
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("--out: check.jsonl cannot be written any more: No space left"),
        "{text}"
    );
    assert!(text.contains(&format!("AGREED {} tests", built_in_tests())), "{text}");
    let (status, text) = run(MEASUREMENT, "bench.jsonl");
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("--out: bench.jsonl: No space left"), "{text}");
}

#[test]
fn a_full_disk_under_stdout_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let run = lockstep(&["check", "--executor", "block_stm", "--format", "json"])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (status, text) = ended(run);
    assert_eq!(status, Some(2), "{text}");
    assert_eq!(text.matches("stdout: No space left on device").count(), 1, "{text}");
}

#[test]
fn a_closed_pipe_is_said_once_and_the_run_goes_on() {
    for words in [&["check", "--executor", "block_stm", "--verbose"][..], &CAMPAIGN] {
        let mut run =
            lockstep(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(run.stdout.take());
        let (status, text) = ended(run);
        assert_eq!(status, Some(0), "{text}");
        assert_eq!(text.matches("stdout is closed: the rest is not printed").count(), 1, "{text}");
    }
}

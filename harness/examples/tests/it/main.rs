//! The example's bugs are caught, and one that takes the process down costs one test, not the run.

use std::process::{Command, Output};

/// The example with these words.
fn brought(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brought")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn each_bug_of_the_example_is_caught_and_explained() {
    let bugs = [
        ("gas", "gas_used: reference 21000, mine@2 21001"),
        ("log", "logs: reference 1 logs with hash"),
        ("reward", "balance: reference"),
        ("crash", "executor crashed: mine@2: SIGABRT ended the process"),
        ("spin", "hung: mine@2 did not end within 1 s"),
    ];
    for (bug, message) in bugs {
        let words = ["--bug", bug, "check", "--executor", "mine", "--hang-after", "1s"];
        let output = brought(&words);
        let found = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{bug}: {found}");
        assert!(found.contains(message), "{bug}: {found}");
    }
    let output = brought(&["check", "--executor", "mine"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

/// Runs a printed command line as it is printed; gives both streams.
fn as_printed(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

/// The text behind a label, line by line.
fn behind<'a>(printed: &'a str, label: &str) -> Vec<&'a str> {
    let lines = printed.lines().filter_map(|line| line.trim().strip_prefix(label));
    lines.map(str::trim).collect()
}

#[test]
fn a_campaign_survives_overflows_hangs_and_aborts_and_its_commands_show_them_again() {
    let folder = tempfile::TempDir::new().unwrap();
    let out = folder.path().join("out");
    let words =
        "--bug fragile fuzz --blocks 130 --executor mine --hang-after 700ms --color never --out";
    let words: Vec<&str> = words.split(' ').chain(out.to_str()).collect();
    let output = brought(&words);
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let mut signatures = behind(&printed, "signature:");
    signatures.sort_unstable();
    let expected = [
        "mine-crashed-sigabrt-accepts",
        "mine-crashed-stack-overflow-accepts",
        "mine-hung-accepts",
    ];
    assert_eq!(signatures, expected, "{printed}");
    assert!(printed.contains("2  mine-hung-accepts"), "seeds 20 and 120: {printed}");
    assert!(printed.contains("2 workers hung"), "{printed}");
    let campaign = std::fs::read_to_string(out.join("campaign.json")).unwrap();
    assert!(campaign.contains("\"next_seed\": 131"), "{campaign}");
    assert!(out.join("findings/mine-hung-accepts-2.json").exists(), "a second representative");

    let commands = behind(&printed, "reproduce:").into_iter().chain(behind(&printed, "explain:"));
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands.len(), 6, "{printed}");
    for command in commands {
        assert!(command.contains(" --bug fragile "), "{command}");
        let seed = command.split("--seed ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let wanted = match seed.parse::<u64>().unwrap() % 100 {
            10 => expected[1],
            20 => expected[2],
            _ => expected[0],
        };
        let again = as_printed(&format!("{command} --color never"));
        assert_eq!(behind(&again, "signature:"), [wanted], "{command}: {again}");
        if command.contains(" explain ") {
            assert!(again.contains("The reference accepts the block: "), "{command}: {again}");
            let has_read =
                [" reads: account 0x", " reads: slot 0x"].map(|read| again.contains(read));
            let is_stuck = again.contains("1 thread runs") && has_read.contains(&true);
            assert_eq!(is_stuck, wanted == expected[2], "{command}: {again}");
        }
    }
}

#[test]
fn a_command_that_check_prints_shows_its_failure_again() {
    let output = brought(&["--bug", "log", "check", "--executor", "mine", "--color", "never"]);
    let printed = text(&output.stdout);
    let command = behind(&printed, "reproduce:")[0];
    let failed = |printed: &str| behind(printed, "FAIL").first().map(|id| (*id).to_owned());
    let again = as_printed(&format!("{command} --color never"));
    assert_eq!(failed(&again), failed(&printed), "{command}: {again}");
    assert!(failed(&again).is_some() && again.contains("1 failed"), "{command}: {again}");
}

/// How many tests the built-in set has, as `check` says at its start.
fn built_in_tests() -> usize {
    let output = brought(&["check", "--executor", "sequential"]);
    let said = text(&output.stderr) + &text(&output.stdout);
    let summary = said.lines().find(|line| line.starts_with("AGREED ")).unwrap();
    summary.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_crash_costs_one_test() {
    let words = ["--bug", "crash", "check", "--executor", "mine,block_stm", "--format", "json"];
    let output = brought(&words);
    let lines = text(&output.stdout);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tests = lines.iter().filter(|line| line["kind"] == "test");
    let failed: Vec<_> = tests.clone().filter(|line| line["status"] == "failed").collect();
    let all = built_in_tests();
    assert_eq!(tests.count(), all, "every test has one line, the crashed one too");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["verdict"], "inconclusive");
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["passed"], &summary["failed"]),
        (&(all - 1).into(), &1.into()),
        "{summary}"
    );
    assert_eq!(summary["executors"]["block_stm@2"]["overlap"], "proved");
}

#[test]
fn an_executor_that_hangs_too_often_is_not_run_any_more_and_that_is_counted() {
    let words =
        "--bug spin check --executor mine,block_stm --hang-after 1s --most-hangs 1 --jobs 1";
    let output = brought(&words.split(' ').collect::<Vec<_>>());
    let found = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{found}");
    let all = built_in_tests();
    assert!(found.contains(&format!("{all} tests: {} passed", all - 1)), "{found}");
    let line = found.lines().find(|line| line.contains("mine@2 was not run: it has hung 1 times"));
    let count = line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok());
    let cases = |label: &str| {
        let line = found.lines().find(|line| line.trim().starts_with(label)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(cases("mine@2") + count.unwrap(), all, "{found}");
    assert_eq!(cases("block_stm@2"), all - 1, "the rest of the test that hung is not run: {found}");
}

#[test]
fn in_process_a_crash_is_a_crash() {
    let output = brought(&["--bug", "crash", "check", "--executor", "mine", "--in-process"]);
    assert_eq!(output.status.code(), None, "{}", text(&output.stdout));
}

/// The others are measured on, and the one that is at fault has a row that says so.
#[test]
fn a_hang_or_a_crash_in_a_measurement_costs_one_executor() {
    for (bug, verdict) in [("spin", "hung"), ("crash", "inconclusive")] {
        let words = "bench --executor mine,access_list --workload transfers,erc20-hot,compute --gas 500000 --runs 1 \
                     --rounds 1 --no-pin --hang-after 2s --format json";
        let words: Vec<&str> = ["--bug", bug].into_iter().chain(words.split_whitespace()).collect();
        let output = brought(&words);
        assert_eq!(output.status.code(), Some(1), "{bug}: {}", text(&output.stderr));
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let rows: Vec<(String, String, String)> = lines
            .iter()
            .filter(|line| line["kind"] == "sample-set")
            .map(|line| {
                let word = |name: &str| line[name].as_str().unwrap().to_owned();
                let block = word("workload");
                (block[10..block.find('[').unwrap()].to_owned(), word("executor"), word("verdict"))
            })
            .collect();
        let expected = [
            ("transfers", "mine", "agreed"),
            ("transfers", "access_list", "agreed"),
            ("erc20-hot", "mine", verdict),
            ("erc20-hot", "access_list", "agreed"),
            ("compute", "access_list", "agreed"),
        ];
        let expected = expected
            .map(|(block, who, verdict)| (block.to_owned(), who.to_owned(), verdict.to_owned()));
        assert_eq!(rows, expected, "{bug}");
        assert_eq!(lines.last().unwrap()["kind"], "end");
    }
}

/// The step of the action, as a workflow calls it: it passes, and fails when the executor has a bug.
#[test]
fn the_actions_step_decides_as_the_gate_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.github/actions/gate/gate.sh");
    for (bug, status) in [("", 0), ("--bug gas", 1), ("--bug crash", 1)] {
        let output = Command::new("bash")
            .arg(script)
            .env("PROGRAM", format!("{} {bug}", env!("CARGO_BIN_EXE_brought")))
            .env("EXECUTOR", "mine")
            .env("BASELINE", folder.path().join("none.jsonl"))
            .env("ARGUMENTS", "--workload transfers --gas 500000 --runs 1 --rounds 1 --no-pin")
            .env("OUT", folder.path().join("out"))
            .output()
            .unwrap();
        let (found, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{bug}: {found}{errors}");
        assert!(found.contains("no baseline at") && folder.path().join("out/gate.md").exists());
    }
}

/// Seen from outside, as a transition tool and as a runner of tests, the bugs are found too.
#[test]
fn each_bug_is_found_from_outside() {
    let folder = tempfile::TempDir::new().unwrap();
    let blocks = ["--seed", "1", "--color", "never", "--executor", "outside", "--hang-after", "1s"];
    for (bug, by_t8n, by_runner) in [
        ("gas", "outside-diverged-", "outside-diverged-"),
        ("log", "outside-diverged-", "outside-diverged-"),
        ("reward", "outside-diverged-", "outside-diverged-"),
        ("crash", "outside-broke-", "outside-broke-"),
        ("spin", "outside-broke-", "outside-broke-"),
        ("none", "", ""),
    ] {
        for (kind, mode, interface, wanted) in [
            ("t8n", "stream", "t8n", by_t8n),
            ("t8n", "files", "t8n", by_t8n),
            ("runner", "batch", "blocktest", by_runner),
        ] {
            let clients = folder.path().join("clients.toml");
            let toml = format!(
                "[[client]]\nname = \"outside\"\nkind = \"{kind}\"\nmode = \"{mode}\"\npath = \"{}\"\n\
                 arguments = [\"--bug\", \"{bug}\", \"{interface}\", \"--executor\", \"mine\"]\n\
                 transactions = \"rlp\"\nstate_test = true\ntimeout = \"1s\"\n",
                env!("CARGO_BIN_EXE_brought")
            );
            std::fs::write(&clients, toml).unwrap();
            let first = match bug {
                "none" => &["--blocks", "60"][..],
                "spin" | "crash" => &["--blocks", "1", "--jobs", "1"][..],
                _ => &["--blocks", "60", "--fail-fast"][..],
            };
            let words =
                [&["fuzz", "--clients", clients.to_str().unwrap()], &blocks[..], first].concat();
            let output = brought(&words);
            let printed = text(&output.stdout) + &text(&output.stderr);
            let signatures = behind(&printed, "signature:");
            assert_eq!(
                output.status.code(),
                Some(i32::from(bug != "none")),
                "{bug} {mode}: {printed}"
            );
            assert_eq!(signatures.is_empty(), bug == "none", "{bug} {mode}: {printed}");
            assert!(
                signatures.iter().any(|found| found.starts_with(wanted)) || bug == "none",
                "{bug} {mode}: {printed}"
            );
        }
    }
}

/// A block on which an implementation says something else is not in the suite, and that is no success.
#[test]
fn a_disputed_block_is_left_out_of_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("suite");
    let words = ["--bug", "gas", "suite", "--out", out.to_str().unwrap(), "--confirm", "mine"];
    let output = brought(&words);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("left out, somebody disagrees: transaction 0: gas_used"), "{said}");
    let manifest = std::fs::read_to_string(out.join(".meta/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert!(!manifest["left_out"].as_array().unwrap().is_empty());
    // Blocks in which it happens to be right are confirmed by it.
    let tests = manifest["tests"].as_array().unwrap();
    assert!(tests.iter().all(|test| test["confirmed_by"] == serde_json::json!(["mine"])));
}

/// An engine of transactions alone, with the phases around it: revm as it is knows all but EIP-7610, and that a
/// transaction that fails as a whole leaves an empty 0x03 alone.
#[test]
fn an_engine_without_phases_agrees_on_whole_blocks() {
    let features = "transfers,calls,creation,revival,destruction,nested-calls,reverts,gas,balances,codes,logs,\
                    environment,transient,access-lists,dynamic-fees,blobs,delegations,fee-recipient,\
                    funding,empty,withdrawals,system-contracts,invalid,full,absent,edges";
    let words = ["fuzz", "--blocks", "600", "--executor", "bare", "--features", features];
    let output = Command::new(env!("CARGO_BIN_EXE_bare")).args(words).output().unwrap();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
}

/// Between two reads the threads of an executor that is steered from outside are free: on a busy machine one run in
/// many takes another way.
fn is_most(count: Option<&str>) -> bool {
    count.and_then(|count| count.trim().parse().ok()).is_some_and(|count: u32| count >= 7)
}

#[test]
fn a_bug_that_needs_an_order_of_reads_is_found_and_comes_back() {
    let block = ["explore", "--seed", "115", "--transactions", "8", "--executor", "mine"];
    let words = [&["--bug", "order"], &block[..], &["--threads", "2"]].concat();
    let output = brought(&words);
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("reads held back: 1,"), "{printed}");
    let (again, _) = printed.split_once(" of 10\n").unwrap_or_else(|| panic!("{printed}"));
    assert!(is_most(again.rsplit("failed again: ").next()), "{printed}");
    let command = behind(&printed, "run it again:")[0].to_owned();
    let shown = as_printed(&command);
    let (again, _) = shown.split_once(" of 10 runs failed").unwrap_or_else(|| panic!("{shown}"));
    assert!(is_most(again.rsplit([' ', '\n']).next()), "{command}: {shown}");

    // One that needs none says so, and an executor that reads from one thread cannot be steered.
    let output = brought(&[&["--bug", "gas"], &block[..], &["--threads", "2"]].concat());
    let printed = text(&output.stdout);
    assert!(printed.contains("it needs no order of reads: failed again 10 of 10"), "{printed}");
    let output = brought(&[&block[..], &["--threads", "2"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("mine@2 reads the state before the block from one thread alone"),
        "{said}"
    );
}

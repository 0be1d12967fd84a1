//! Runs that are watched: in a terminal, in a browser.

use crate::{
    chrome::{Tab, chromium},
    command::{lockstep, write},
};
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use serde_json::json;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    num::NonZero,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A program in a terminal of its own.
struct InTerminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl InTerminal {
    fn start(args: &[&str], folder: &Path) -> Self {
        let (rows, columns) = (40_u16, 120);
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let side =
            || Stdio::from(open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(args)
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let keys = File::from(terminal);
        let [tall, wide] = [rows, columns].map(|size| NonZero::new(size).unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(tall, wide, 1_000)));
        let (mut output, shown) = (keys.try_clone().unwrap(), screen.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end: the program has closed its side.
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
            }
        });
        Self { child, keys, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits for a text; gives the screen.
    fn wait(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let screen = self.text();
            if screen.contains(text) {
                return screen;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "no `{text}` in\n{screen}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    /// How many seeds are done, by the first line.
    fn blocks(&self) -> u64 {
        let screen = self.text();
        let (before, _) = screen.split_once(" seeds").expect("a count");
        before.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Waits for the end; gives the exit status.
    fn end(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for InTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CAMPAIGN: [&str; 5] =
    ["fuzz", "--live", "--time=5m", "--executor=sequential", "--out=campaign"];

#[test]
fn a_campaign_is_watched_paused_and_stopped_in_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = InTerminal::start(&CAMPAIGN, folder.path());
    let screen = run.wait("worker 1");
    for part in [
        "lockstep fuzz running",
        "sequential@1",
        "worker 1",
        "0 findings of 0 kinds",
        "of transactions succeed",
    ] {
        assert!(screen.contains(part), "no `{part}` in\n{screen}");
    }
    run.press("p");
    run.wait("paused");
    // Blocks in flight are finished; then nothing moves.
    let start = Instant::now();
    let mut before = u64::MAX;
    while run.blocks() != before {
        assert!(start.elapsed() < Duration::from_secs(60), "it goes on");
        before = run.blocks();
        thread::sleep(Duration::from_secs(1));
    }
    run.press("p");
    run.wait("running");
    let start = Instant::now();
    while run.blocks() == before {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not go on");
        thread::sleep(Duration::from_millis(50));
    }
    run.press("s");
    assert_eq!(run.end(), 0);
    // The terminal is as before, with what was printed meanwhile.
    let screen = run.wait("0 findings of 0 kinds");
    assert!(screen.contains("fuzzing from seed 1") && !screen.contains("p pause"), "{screen}");
    assert!(folder.path().join("campaign/campaign.json").exists());
}

#[test]
fn a_dashboard_can_be_closed_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["check", "--live", "--executor=sequential"];
    let mut run = InTerminal::start(&args, folder.path());
    run.press("q");
    assert_eq!(run.end(), 0);
    run.wait("AGREED");
}

#[test]
fn what_cannot_be_shown_is_said() {
    let run = lockstep(&["check", "--live"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("--live: stdin and stderr must be a terminal"), "{}", run.stderr);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let run = lockstep(&["check", &format!("--serve={at}")]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("cannot listen there"), "{}", run.stderr);
    let run = lockstep(&["serve", "nothing-is-here"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("nothing-is-here: expected a folder"), "{}", run.stderr);
}

/// `lockstep serve`, until it is dropped.
struct Served(Child, String);

impl Served {
    fn start(folder: &Path, address: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(["serve", "--address", address])
            .arg(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("serving ").unwrap_or_else(|| panic!("{line}"));
        Self(child, url.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes the part of a campaign that has found this.
fn part(folder: &Path, name: &str, blocks: u64, signatures: &[&str]) {
    let found: serde_json::Map<String, serde_json::Value> =
        signatures.iter().map(|signature| ((*signature).to_owned(), 2.into())).collect();
    let session = json!({"commit": "3f2a", "version": "0", "machine": "here", "started": "2026-01-01T00:00:00Z",
        "seconds": 10.0, "jobs": 2, "blocks": blocks, "first_seed": 1, "next_seed": blocks + 1, "findings": found});
    let campaign = json!({"first_seed": 1, "seeds": 1000, "next_seed": blocks + 1, "blocks": blocks,
        "findings": signatures.len(), "sessions": [session]});
    for (number, signature) in signatures.iter().enumerate() {
        let finding = json!({"signature": signature, "replay": "lockstep fuzz --seed 4 --blocks 1", "version": "0",
            "seed": 4, "executor": signature, "kind": "diverged", "block": signature, "reason": signature});
        write(folder, &format!("{name}/findings/{number}.json"), finding.to_string());
    }
    write(folder, &format!("{name}/campaign.json"), campaign.to_string());
}

/// A name that would be seen if the page took it for markup.
const HOSTILE: &str =
    "<img src=/x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

#[test]
fn records_are_followed_in_a_browser() {
    let Some(browser) = chromium() else {
        let _ = std::io::stderr().write_all(b"skipped: no chromium is installed\n");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records");
    part(&records, "node-0", 100, &["one"]);
    let mut served = Served::start(&records, "127.0.0.1:0");
    let (url, mut tab) = (served.1.clone(), Tab::open(browser, &folder.path().join("profile")));
    tab.call("Page.navigate", json!({ "url": url }));
    tab.wait("document.querySelectorAll('#findings tr[data-signature]').length === 1");
    tab.wait("document.body.innerText.includes('100 of 1,000')");

    // Another node comes, whose names are hostile; the first goes on.
    part(&records, "node-1", 40, &[HOSTILE, "three"]);
    part(&records, "node-0", 250, &["one"]);
    tab.wait("document.querySelectorAll('#findings tr[data-signature]').length === 3");
    tab.wait("document.body.innerText.includes('250 of 1000 seeds')");
    assert_eq!(
        tab.evaluate("document.querySelectorAll('#findings img, #findings script').length"),
        0
    );
    assert_ne!(tab.evaluate("document.title"), "owned");
    tab.wait("document.title.startsWith('(3) ')");

    // By keyboard: to the second finding, open it, close it; filter.
    for key in ["j", "j", "Enter"] {
        tab.press(key);
    }
    tab.wait("document.querySelectorAll('#findings tr[aria-expanded=true]').length === 1");
    tab.wait("document.querySelector('#findings pre') !== null");
    tab.press("Escape");
    tab.wait("document.querySelector('#findings pre') === null");
    tab.press("/");
    tab.wait("document.activeElement.id === 'filter'");
    "three".chars().for_each(|key| tab.press(&key.to_string()));
    tab.wait("document.querySelectorAll('#findings tr[data-signature]').length === 1");
    tab.evaluate("at('filter').value = ''; drawFindings()");

    // The server ends, and another one begins at its address.
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    drop(served);
    tab.wait("document.getElementById('state').textContent.startsWith('not connected')");
    part(&records, "node-2", 7, &["four"]);
    served = Served::start(&records, &address);
    tab.wait("document.querySelectorAll('#findings tr[data-signature]').length === 4");
    tab.wait("document.getElementById('state').textContent === 'running'");

    for (width, dark) in [(360, false), (1440, false), (360, true), (1440, true)] {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        tab.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        tab.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        let fits = tab.evaluate("document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "wider than {width} pixels");
        tab.picture(&format!("serve-{width}-{scheme}"));
    }
    let ground = tab.evaluate("getComputedStyle(document.body).backgroundColor");
    assert_eq!(ground, "rgb(21, 21, 21)");
    let asked = tab.events("Network.requestWillBeSent");
    let elsewhere: Vec<_> = asked
        .iter()
        .filter_map(|event| event["params"]["request"]["url"].as_str())
        .filter(|asked| !asked.starts_with(&url) && !asked.starts_with("data:"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    assert!(tab.events("Runtime.exceptionThrown").is_empty());
    drop(served);
}

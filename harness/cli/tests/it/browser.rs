//! The page in a real browser: headless Chromium. Without one, the test says so and ends.

use crate::{
    chrome::chromium,
    command::{lockstep, write},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A script before the page's own: it records errors, and every load that the page attempts and its own
/// policy forbids.
const BEFORE: &str = "<script>window.seenErrors = []; \
    addEventListener('error', (event) => seenErrors.push(String(event.message))); \
    addEventListener('securitypolicyviolation', (event) => seenErrors.push(event.blockedURI)); \
    console.error = console.warn = (...words) => seenErrors.push(words.join(' '));</script>";

/// Measures little, and makes real blocks of some of it: the page has all its parts.
fn record(folder: &Path) -> PathBuf {
    let args = "bench --workload transfers,swaps,swaps-hot,swaps-sharded,mix --gas 1000000 --runs 1 --rounds 1 --threads 1,2 \
                --no-pin --format json";
    let run = lockstep(&args.split_whitespace().collect::<Vec<_>>());
    assert_eq!(run.status, 0, "{}", run.stderr);
    // One round says nothing of noise: take the marks away.
    let calm = |line: &str| line.replace("\"noisy\":true", "\"noisy\":false");
    let real =
        |line: &str| calm(line).replace("workload::transfers[", "blocks.tar::block 19000000[");
    let mut lines: Vec<String> = run.stdout.lines().map(calm).collect();
    let more: Vec<String> =
        run.stdout.lines().filter(|line| line.contains("workload::transfers[")).map(real).collect();
    lines.splice(lines.len() - 1..lines.len() - 1, more);
    write(folder, "bench.jsonl", lines.join("\n") + "\n")
}

/// The page of everything that can be in one.
fn page(folder: &Path) -> String {
    let bench = record(folder);
    let second =
        std::fs::read_to_string(&bench).unwrap().replace("\"started\":\"20", "\"started\":\"21");
    let second = write(folder, "later.jsonl", second);
    let check = lockstep(&["check", "--format", "json", "--filter", "Osaka"]);
    let check = write(folder, "check.jsonl", check.stdout);
    let faults = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports/faults.json");
    let html = folder.join("report.html");
    let paths = [&bench, &second, &check, &html].map(|path| path.to_str().unwrap().to_owned());
    let [bench, second, check, out] = &paths;
    let run = lockstep(&["report", "--format", "html", "--out", out, bench, second, check, faults]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    std::fs::read_to_string(&html).unwrap()
}

/// The observations of this test's script in the page.
fn look(
    browser: &str,
    folder: &Path,
    (page, script): (&str, &str),
    width: u32,
    dark: bool,
) -> Value {
    let script = format!("<script>{script}</script></body>");
    let page =
        page.replacen("<head>", &format!("<head>{BEFORE}"), 1).replacen("</body>", &script, 1);
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = format!(
        "<iframe width=\"{width}\" height=\"2000\" style=\"border:0\" srcdoc=\"{page}\"></iframe>"
    );
    let file = write(
        folder,
        &format!("{width}-{dark}.html"),
        format!("<!doctype html><body>{frame}</body>"),
    );
    let scheme = if dark { 0 } else { 1 };
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--disable-background-networking",
        ])
        .arg("--window-size=1600,2100")
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let seen = dom.split_once("id=\"seen\">").and_then(|(_, rest)| rest.split_once("</script>"));
    let (seen, _) = seen.unwrap_or_else(|| {
        panic!("the script left nothing: {}", String::from_utf8_lossy(&output.stderr))
    });
    serde_json::from_str(seen).unwrap()
}

#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = chromium() else {
        let mut stderr = std::io::stderr();
        let _ = std::io::Write::write_all(&mut stderr, b"skipped: no chromium is installed\n");
        return;
    };
    let nothing = json!([]);
    let folder = TempDir::new().unwrap();
    let page = page(folder.path());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for (width, dark) in [(360, false), (1440, false), (360, true), (1440, true)] {
        let seen = look(browser, folder.path(), (&page, include_str!("browser.js")), width, dark);
        let at = format!("{width} pixels, dark: {dark}: {seen:#}");
        assert_eq!((&seen["errors"], &seen["requests"]), (&nothing, &nothing), "{at}");
        assert!(seen["width"][0].as_u64() <= seen["width"][1].as_u64(), "too wide: {at}");
        assert_eq!(seen["width"][1], width, "{at}");
        assert_eq!((&seen["cut"], &seen["pale"]), (&nothing, &nothing), "{at}");
        // Bars, scaling, trend, two of real blocks, a distribution for each workload.
        let charts = seen["charts"].as_array().unwrap();
        assert_eq!(charts.len(), 10, "{at}");
        assert!(charts.iter().all(|marks| marks.as_u64().unwrap() > 5), "{at}");
        assert!(
            seen["texts"].as_u64().unwrap() > 1_000 && seen["labels"].as_u64().unwrap() > 100,
            "{at}"
        );
        for can in ["focus", "down", "up", "scrollable"] {
            assert_eq!(seen[can], true, "{can}: {at}");
        }
        // Three workloads have the word in their name; two numbers of threads, two records.
        assert_eq!(seen["found"].as_array().unwrap().len(), 12, "{at}");
        assert_eq!(seen["shown"], "12 of 96 rows", "{at}");
        assert_eq!((&seen["real"], &seen["rows"]), (&16.into(), &96.into()), "{at}");
    }
}

#[test]
fn the_graph_of_a_profile_works_in_a_browser() {
    let Some(browser) = chromium() else {
        let mut stderr = std::io::stderr();
        let _ = std::io::Write::write_all(&mut stderr, b"skipped: no chromium is installed\n");
        return;
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("profile.html");
    let words = ["profile", "--workload", "payments-naive,swaps-hot", "--gas", "2000000", "--html"];
    let run = lockstep(&[&words[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    let page = std::fs::read_to_string(&file).unwrap();
    for (width, dark) in [(360, false), (1440, true)] {
        let script = include_str!("graph.js");
        let seen = look(browser, folder.path(), (&page, script), width, dark);
        let at = format!("{width} pixels, dark: {dark}: {seen:#}");
        let nothing = json!([]);
        assert_eq!((&seen["errors"], &seen["requests"]), (&nothing, &nothing), "{at}");
        assert!(seen["width"][0].as_u64() <= seen["width"][1].as_u64(), "too wide: {at}");
        let dots = seen["dots"].as_u64().unwrap();
        assert!(dots > 20, "{at}");
        // A chain: each waits for the one before.
        assert_eq!(seen["lines"], dots - 1, "{at}");
        assert_eq!((&seen["filtered"], &seen["none"]), (&seen["lines"], &0.into()), "{at}");
        assert_eq!((&seen["rows"], &seen["moved"]), (&4.into(), &4.into()), "{at}");
        assert_eq!(seen["fitted"], true, "{at}");
        assert!(seen["told"].as_str().unwrap().contains("PaymentsNaive"), "{at}");
    }
}

//! Every format of a report is what it was, of two records that are kept: `records/`.

use crate::command::lockstep;

/// A report of both records; paths differ from machine to machine.
fn report(format: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/records");
    let files = ["check", "bench"].map(|name| format!("{folder}/{name}.jsonl"));
    let run = lockstep(&["report", &files[0], &files[1], "--format", format, "--color", "never"]);
    run.stdout.replace(folder, "records")
}

#[test]
fn each_format_of_a_report_is_what_it_was() {
    for format in ["human", "json", "markdown", "junit", "github-action-benchmark", "bencher"] {
        let report = report(format);
        assert!(report.lines().count() > 3, "{format}: {report}");
        insta::with_settings!({ description => format }, {
            insta::assert_snapshot!(format!("report_{format}"), report);
        });
    }
}

/// The page holds styles and a script; what it says is in the other formats.
#[test]
fn the_page_is_what_it_was() {
    let page = report("html");
    let body = page.split_once("<main").map_or("", |(_, body)| body);
    assert!(body.lines().count() > 20, "{page}");
    insta::assert_snapshot!("report_html", body);
}

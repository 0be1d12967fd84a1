//! SARIF 2.1.0, as code scanning reads it: a rule for each class of bug, an alert for each bug.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>. The limits are those of GitHub's upload: 25,000 results and
//! rules a run.

use crate::{
    bench::{name, verdict},
    board::Board,
    found::Found,
    record::{TestResult, Verdict},
    samples::SampleSet,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The most results of a run.
const MOST_RESULTS: usize = 25_000;

/// Something that is wrong.
struct Alert {
    /// Its class: an id, and what that means.
    rule: (String, String),
    text: String,
    /// The file that shows it.
    file: String,
    /// What makes it the same alert in another run.
    fingerprint: String,
}

/// All that is wrong in some records.
pub fn render(board: &Board, version: &str) -> Value {
    // Of one signature the first stands for all.
    let mut seen = BTreeSet::new();
    let found = board.found.iter().filter(|found| seen.insert(&found.signature)).map(of_found);
    let failed = board
        .checks
        .iter()
        .flat_map(|(file, record)| record.failures.iter().map(move |result| of_test(result, file)));
    let wrong = board.measurements.iter().flat_map(|(file, record)| {
        let wrong = record.sets.iter().filter(|set| set.verdict != Verdict::Agreed);
        wrong.map(move |set| of_set(set, file))
    });
    let problems = board.checks.iter().flat_map(|(file, record)| {
        let unreadable = record.unreadable.iter().map(|error| ("unreadable", error.to_string()));
        let complaints = record.complaints.iter().map(|text| ("run", text.clone()));
        unreadable.chain(complaints).map(move |(rule, text)| of_problem(rule, text, file))
    });
    // One alert for one bug, however many nodes have found it.
    let mut alerts: BTreeMap<(String, String), Alert> = BTreeMap::new();
    for alert in found.chain(failed).chain(wrong).chain(problems) {
        alerts.entry((alert.rule.0.clone(), alert.fingerprint.clone())).or_insert(alert);
    }
    let left_out = alerts.len().saturating_sub(MOST_RESULTS);
    let alerts: Vec<Alert> = alerts.into_values().take(MOST_RESULTS).collect();
    let mut run = json!({
        "tool": { "driver": {
            "name": "lockstep",
            "version": version,
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules(&alerts),
        } },
        "results": alerts.iter().map(result).collect::<Vec<_>>(),
    });
    if left_out > 0 {
        let text = format!("{left_out} further alerts are left out");
        let notification = json!({ "level": "warning", "message": { "text": text } });
        run["invocations"] =
            json!([{ "executionSuccessful": true, "toolExecutionNotifications": [notification] }]);
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    })
}

fn rules(alerts: &[Alert]) -> Vec<Value> {
    let rules: BTreeMap<&str, &str> =
        alerts.iter().map(|alert| (&*alert.rule.0, &*alert.rule.1)).collect();
    let rule = |(id, text): (&str, &str)| json!({ "id": id, "shortDescription": { "text": text } });
    rules.into_iter().map(rule).collect()
}

fn result(alert: &Alert) -> Value {
    json!({
        "ruleId": alert.rule.0,
        "level": "error",
        "message": { "text": alert.text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&alert.file) },
            "region": { "startLine": 1 },
        } }],
        "partialFingerprints": { "lockstep/v1": alert.fingerprint },
    })
}

/// A path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    let bytes = path.bytes();
    bytes
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn of_found(found: &Found) -> Alert {
    let meaning = format!("{} {}", found.executor, found.kind);
    Alert {
        rule: (found.signature.clone(), meaning),
        text: format!("{}: {}\nreproduce: {}", found.block, found.text(), found.replay),
        file: found.file.clone(),
        fingerprint: found.fingerprint.clone(),
    }
}

fn of_test(result: &TestResult, record: &str) -> Alert {
    let word = result.failure().replace(' ', "-");
    let first = result.differences.first();
    let class = first.map_or_else(
        || ("check".to_owned(), "no outcome".to_owned()),
        |first| {
            (first.executor.clone(), format!("{:?}-{}", first.scope, first.field).to_lowercase())
        },
    );
    let (executor, field) = class;
    let text = first.map(ToString::to_string).or_else(|| result.reason.clone());
    let origin = if result.origin.is_empty() { record } else { &result.origin };
    Alert {
        rule: (format!("{executor}-{word}-{field}"), format!("{executor} {word}: {field}")),
        text: format!("{}: {}", result.id, text.unwrap_or_default()),
        file: origin.to_owned(),
        fingerprint: format!("{origin}::{}", result.id),
    }
}

fn of_problem(rule: &str, text: String, record: &str) -> Alert {
    let meaning =
        if rule == "run" { "the run is not what it should be" } else { "an input cannot be read" };
    let rule = (rule.to_owned(), meaning.to_owned());
    Alert { rule, fingerprint: text.clone(), text, file: record.to_owned() }
}

fn of_set(set: &SampleSet, record: &str) -> Alert {
    let (executor, word) = (format!("{}@{}", set.executor, set.threads), verdict(set.verdict));
    let word = word.to_lowercase();
    Alert {
        rule: (format!("{executor}-bench-{word}"), format!("{executor} {word} in a measurement")),
        text: format!("{}: {}", name(set), set.reason.as_deref().unwrap_or_default()),
        file: record.to_owned(),
        fingerprint: set.workload.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(signature: &str, fingerprint: &str, file: &str) -> Found {
        Found {
            signature: signature.to_owned(),
            replay: "lockstep fuzz --seed 1 --blocks 1".to_owned(),
            executor: "mine@2".to_owned(),
            kind: "diverged".to_owned(),
            block: "generated::seed=1".to_owned(),
            reason: Some("it is wrong".to_owned()),
            file: file.to_owned(),
            fingerprint: fingerprint.to_owned(),
            ..Found::default()
        }
    }

    #[test]
    fn one_bug_is_one_alert() {
        let found = vec![
            found("a", "1", "node 1/findings/a.json"),
            found("a", "1", "node 2/findings/a.json"),
            found("b", "2", "b.json"),
        ];
        let sarif = render(&Board { found, ..Board::default() }, "1.2.3");
        let run = &sarif["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 2);
        let location = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "node%201/findings/a.json");
        assert_eq!(results[0]["partialFingerprints"]["lockstep/v1"], "1");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!((rules.len(), &rules[1]["id"]), (2, &json!("b")));
        assert_eq!(run["invocations"], Value::Null);
    }
}

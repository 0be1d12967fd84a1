//! A campaign as lines: JSON for programs, text for a person.

use super::replay;
use lockstep_cases::generate::Feature;
use lockstep_engine::Candidate;
use lockstep_jobs::{
    finding::Finding,
    fuzz::{DEEP_EVERY, Found, FuzzPlan, Tally},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line {
    /// Something was found whose signature is new.
    Finding { finding: Finding, signature: String, replay: String },
    /// The campaign is over.
    Campaign {
        blocks: u64,
        deep: u64,
        accepted: u64,
        transactions: u64,
        executed: u64,
        succeeded: u64,
        re_executions: u64,
        /// Deep blocks by the share of transactions that depend on an earlier one: none, up to 25, 50,
        /// 75 and 100 percent.
        conflicts: [u64; 5],
        seconds: f64,
        /// Workers that hung and were ended; that were killed from outside.
        hung: u64,
        killed: u64,
        /// Runs of clients: other programs.
        by_clients: u64,
        /// Runs of candidates that do not support the block.
        unsupported: u64,
        /// Runs without changes of each transaction where the fork needs them.
        without_states: u64,
        /// By signature.
        findings: BTreeMap<String, u64>,
        next_seed: u64,
    },
}

fn line(line: &Line) -> String {
    serde_json::to_string(line).expect("strings and numbers") + "\n"
}

pub(super) fn finding_line(finding: &Finding, replay: String) -> String {
    line(&Line::Finding { finding: finding.clone(), signature: finding.signature(), replay })
}

pub(super) fn campaign_line(tally: &Tally, elapsed: Duration) -> String {
    let count = |(signature, found): (&String, &Found)| (signature.clone(), found.count);
    line(&Line::Campaign {
        blocks: tally.sums.blocks,
        deep: tally.sums.deep,
        accepted: tally.sums.accepted,
        transactions: tally.sums.transactions,
        executed: tally.sums.executed,
        succeeded: tally.sums.succeeded,
        re_executions: tally.sums.re_executions,
        conflicts: tally.sums.conflicts,
        seconds: elapsed.as_secs_f64(),
        hung: tally.hung,
        killed: tally.killed,
        by_clients: tally.sums.by_clients,
        unsupported: tally.sums.unsupported,
        without_states: tally.sums.without_states,
        findings: tally.findings.iter().map(count).collect(),
        next_seed: tally.next_seed,
    })
}

/// Shapes and features that were reached, and what else there is to say of the whole campaign.
pub(super) fn features_line(tally: &Tally) -> String {
    let missing = Feature::ALL.into_iter().filter(|feature| !tally.sums.features.has(*feature));
    let missing: Vec<&str> = missing.map(Feature::name).collect();
    let shapes: Vec<&str> = tally.sums.shapes.iter().map(|shape| shape.name()).collect();
    let not = if missing.is_empty() { "none".to_owned() } else { missing.join(", ") };
    let [none, quarter, half, most, nearly] = tally.sums.conflicts;
    format!(
        "shapes: {}; features not reached: {not}\n\
         transactions that depend on an earlier one, by deep block: none in {none}, up to 25 % in \
         {quarter}, 50 % in {half}, 75 % in {most}, more in {nearly}\n",
        shapes.join(", ")
    )
}

/// The description of a campaign.
pub(super) fn describe(plan: &FuzzPlan) -> String {
    format!("fuzzing from seed {}: {}", plan.seed, options(plan))
}

/// What is run on its blocks.
pub(super) fn options(plan: &FuzzPlan) -> String {
    let labels = |candidates: &[Candidate]| {
        let labels: Vec<&str> = candidates.iter().map(|who| who.label.as_str()).collect();
        labels.join(", ")
    };
    let mut text = format!(
        "{} on every block; {} on one in {DEEP_EVERY}",
        labels(&plan.fast),
        labels(&plan.deep),
    );
    if !plan.clients.is_empty() {
        text += &format!("; {} for a twentieth of the time", labels(&plan.clients));
    }
    text
}

/// A finding, and the commands that show it again and explain it.
pub(super) fn describe_finding(finding: &Finding, again: &replay::Again) -> String {
    let first = finding.differences.first().map(ToString::to_string);
    let text = first.or(finding.reason.clone()).unwrap_or_default();
    format!(
        "{}: {} {}: {text}\n  signature: {}\n  reproduce: {}\n  explain:   {}",
        finding.block,
        finding.executor,
        finding.kind.name(),
        finding.signature(),
        again.fuzz(finding),
        again.explain(finding),
    )
}

/// Signatures with their counts, and workers that ended early.
pub(super) fn findings_table(tally: &Tally) -> String {
    let mut text = String::new();
    for (signature, found) in &tally.findings {
        text += &format!("{:>8}  {signature}\n", found.count);
    }
    for (count, what) in [
        (tally.hung, "workers hung and were replaced"),
        (tally.killed, "workers were killed from outside; their blocks were checked again"),
        (tally.sums.by_clients, "runs of other programs"),
        (tally.sums.unsupported, "runs of executors that do not support the block were left out"),
        (
            tally.sums.without_states,
            "runs gave no changes of each transaction: states between transactions were not compared",
        ),
    ] {
        if count > 0 {
            text += &format!("{count} {what}\n");
        }
    }
    text
}

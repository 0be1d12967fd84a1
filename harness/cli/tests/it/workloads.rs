//! Workloads: every transaction succeeds, and every executor agrees, in the mode that `bench` uses too.

use alloy_consensus::Transaction as _;
use lockstep_cases::workload::{self, Contention, Signatures, Size, Style, Workload};
use lockstep_cli::testing::{factory, plan_of_all};
use lockstep_jobs::check::Judge;
use lockstep_judge::definition::{Body, SourceKind, Test};
use lockstep_model::{Outcome, RunOptions, Transaction};
use lockstep_report::record::Status;
use std::collections::BTreeSet;

#[test]
fn every_transaction_of_a_workload_succeeds() {
    let mut wrong = Vec::new();
    for workload in workload::ALL {
        let block = workload.block(3, 20_000_000, Signatures::Placeholder);
        let mut executor = factory("sequential")(1).unwrap();
        let execution =
            executor.prepare(&block.case, &RunOptions::of(&block.case)).unwrap().run().unwrap();
        let Outcome::Accepted(outcome) = execution.outcome else { panic!("{}", workload.name) };
        let failed = outcome.receipts.iter().filter(|receipt| !receipt.success).count();
        let each = outcome.gas_used / outcome.receipts.len() as u64;
        if failed > 0 || !(17_000_000..23_000_000).contains(&outcome.gas_used) {
            wrong.push(format!("{}: {failed} failed, {each} gas each", workload.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_executor_agrees_on_every_workload() {
    let mut judge = Judge::standalone(&plan_of_all(&[1, 2, 4]));
    for workload in workload::ALL {
        let block = workload.block(4, 60_000_000, Signatures::Placeholder);
        let id = workload.name.to_owned();
        let body = Body::Run(Box::new(block));
        let source = SourceKind::BuiltIn;
        let result = judge.judge_alone(Test { id, source, fork: "Cancun".to_owned(), body });
        assert_eq!(result.status, Status::Passed, "{}: {:#?}", result.id, result.differences);
    }
}

/// Contracts that are written for it let their users pass each other: the chain of those who wait is at
/// most a third as long.
#[test]
fn better_contracts_depend_less() {
    let parallelism = |workload: &Workload| {
        let block = workload.block(5, 10_000_000, Signatures::Placeholder);
        let found = lockstep_executors::dependencies(&block.case).unwrap();
        // In transactions: times would depend on the machine's mood.
        let mut ends: Vec<usize> = Vec::new();
        for transaction in &found.transactions {
            let start = transaction.after.iter().map(|before| ends[*before as usize]).max();
            ends.push(start.unwrap_or_default() + 1);
        }
        ends.len() as f64 / ends.into_iter().max().unwrap() as f64
    };
    let friendly = workload::ALL.iter().filter(|workload| workload.style == Style::Friendly);
    let mut pairs = 0;
    for workload in friendly {
        let naive = workload.naive().expect("a naive variant of each");
        let (ours, theirs) = (parallelism(workload), parallelism(&naive));
        assert!(ours > 3.0 * theirs, "{}: {ours:.1}, {}: {theirs:.1}", workload.name, naive.name);
        pairs += 1;
    }
    assert_eq!(pairs, 11);
}

/// The knob turns: the more is hot, the fewer recipients there are.
#[test]
fn contention_makes_transactions_meet() {
    let recipients = |contention: Option<Contention>| {
        let size = Size { seed: 1, gas: 10_000_000, contention, ..Size::default() };
        let block = Workload::named("transfers").unwrap().sized(size);
        let transactions = &block.case.block.transactions;
        let to = |transaction: &Transaction| transaction.envelope.to().unwrap();
        transactions.iter().map(to).collect::<BTreeSet<_>>().len()
    };
    let hot = Contention::Hot(0.9);
    let [own, uniform, zipf, hot] =
        [None, Some(Contention::Uniform), Some(Contention::Zipf(1.2)), Some(hot)].map(recipients);
    assert!(own > uniform && uniform > zipf && zipf > hot, "{own} {uniform} {zipf} {hot}");
}

#[test]
fn signatures_recover_to_the_senders() {
    use alloy_consensus::transaction::SignerRecoverable;
    let workload = Workload::named("transfers").unwrap();
    let block = workload.block(1, 200_000, Signatures::Real);
    for transaction in &block.case.block.transactions {
        assert_eq!(transaction.envelope.recover_signer().unwrap(), transaction.sender);
    }
    let again = workload.block(1, 200_000, Signatures::Real);
    assert_eq!(format!("{:?}", again.case.block), format!("{:?}", block.case.block));
}

//! Workloads: every transaction succeeds, and every executor agrees, in the mode that `bench` uses too.

use lockstep_cli::testing::{factory, plan_of_all};
use lockstep_model::Outcome;
use lockstep_runner::{
    check::Judge,
    record::Status,
    test::{Body, SourceKind, Test},
    workload::{self, Signatures},
};

#[test]
fn every_transaction_of_a_workload_succeeds() {
    for workload in workload::ALL {
        let block = workload.block(3, 20_000_000, Signatures::Placeholder);
        let mut executor = factory("sequential")(1).unwrap();
        let execution = executor.prepare(&block.case).unwrap().run().unwrap();
        let Outcome::Accepted(outcome) = execution.outcome else { panic!("{}", workload.name) };
        assert!(outcome.receipts.iter().all(|receipt| receipt.success), "{}", workload.name);
        let near = 15_000_000..25_000_000;
        assert!(near.contains(&outcome.gas_used), "{}: {}", workload.name, outcome.gas_used);
    }
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

#[test]
fn signatures_recover_to_the_senders() {
    use alloy_consensus::transaction::SignerRecoverable;
    let workload = workload::ALL[0];
    let block = workload.block(1, 200_000, Signatures::Real);
    for transaction in &block.case.block.transactions {
        assert_eq!(transaction.envelope.recover_signer().unwrap(), transaction.sender);
    }
    let again = workload.block(1, 200_000, Signatures::Real);
    assert_eq!(format!("{:?}", again.case.block), format!("{:?}", block.case.block));
}

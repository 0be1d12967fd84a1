//! Computed roots and gas of a case, for the record: other tools compare theirs with them.

use lockstep_judge::state::{NormalChanges, PreState, roots};
use lockstep_model::{Case, Fork, Outcome};
use lockstep_report::record::CaseOutcome;

/// The outcome of a case. A rejected block leaves the state as it was.
pub(super) fn of(
    case: &Case,
    pre: &PreState,
    outcome: &Outcome,
    block: Option<usize>,
) -> CaseOutcome {
    match outcome {
        Outcome::Rejected(rejection) => rejected(pre, rejection.to_string(), block),
        Outcome::Accepted(outcome) => {
            let changes = NormalChanges::new(pre, &outcome.changes);
            let receipts_root = if case.rules.fork < Fork::Byzantium {
                let states = roots::intermediate_roots(pre, outcome);
                let has_all = states.len() == outcome.receipts.len();
                has_all.then(|| roots::receipts_root_with_states(&outcome.receipts, &states))
            } else {
                Some(roots::receipts_root(&outcome.receipts))
            };
            let logs = outcome.receipts.iter().flat_map(|receipt| &receipt.logs);
            CaseOutcome {
                block,
                state_root: roots::state_root(pre, &changes),
                receipts_root,
                logs_hash: Some(roots::logs_hash(logs)),
                gas_used: outcome.gas_used,
                ..CaseOutcome::default()
            }
        }
    }
}

/// The outcome of a block that is rejected for this reason.
pub(super) fn rejected(pre: &PreState, why: String, block: Option<usize>) -> CaseOutcome {
    CaseOutcome {
        block,
        rejected: Some(why),
        state_root: roots::state_root(pre, &NormalChanges::default()),
        ..CaseOutcome::default()
    }
}

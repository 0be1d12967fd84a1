//! Reference against candidate.

use crate::{
    difference::{Difference, Scope, ShouldBe},
    state::{NormalAccount, NormalChanges, PreState, roots},
};
use alloy_primitives::{Address, U256};
use lockstep_model::{
    Block, BlockOutcome, Hidden, Outcome, Receipt, Rejection, Rule, StateChanges,
};
use std::{cell::OnceCell, collections::BTreeSet};

/// The most accounts and slots that one comparison lists; the rest is counted by the caller's
/// report through the state root.
const MOST_LISTED: usize = 64;

/// Everything in which two outcomes of the same case differ.
pub fn compare_outcomes(
    pre: &PreState,
    reference: &Outcome,
    candidate: &Outcome,
    executor: &str,
) -> Vec<Difference> {
    Comparison::new(pre, reference).with(candidate, executor)
}

/// The outcome of the reference, to be compared with several candidates: its normal form is made once.
#[derive(Debug)]
pub struct Comparison<'a> {
    pre: &'a PreState,
    reference: &'a Outcome,
    normal: OnceCell<NormalChanges>,
    /// The list that came with the block is not the one that follows from it (EIP-7928).
    list_is_wrong: bool,
}

impl<'a> Comparison<'a> {
    /// A comparison for a case with this pre-state.
    pub const fn new(pre: &'a PreState, reference: &'a Outcome) -> Self {
        Self { pre, reference, normal: OnceCell::new(), list_is_wrong: false }
    }

    /// The same for a block that came with a list. Where that is wrong, the block is invalid: an executor that goes
    /// by it says so, one that does not look at it does what the reference does.
    #[must_use]
    pub fn of_block(self, block: &Block) -> Self {
        let right = self.reference.accepted().and_then(|outcome| outcome.access_list.as_deref());
        let list_is_wrong = match (&block.access_list, right) {
            (Some(given), Some(right)) => **given != *right,
            _ => false,
        };
        Self { list_is_wrong, ..self }
    }

    /// Everything in which the outcome of a candidate differs.
    pub fn with(&self, candidate: &Outcome, executor: &str) -> Vec<Difference> {
        let pre = self.pre;
        let mut found = Collector { executor, differences: Vec::new() };
        match (self.reference, candidate) {
            (Outcome::Accepted(reference), Outcome::Accepted(candidate)) => {
                let hidden = reference.hidden.or(candidate.hidden);
                found.block(reference, candidate, hidden);
                if !hidden.receipts {
                    let with_status = [reference, candidate]
                        .iter()
                        .all(|side| side.roots_by_transaction.is_none());
                    found.receipts(&reference.receipts, &candidate.receipts, with_status);
                }
                found.intermediate_states(pre, reference, candidate);
                found.intermediate_roots(pre, reference, candidate);
                if !hidden.changes {
                    let normal =
                        self.normal.get_or_init(|| NormalChanges::new(pre, &reference.changes));
                    found.changes(pre, normal, &NormalChanges::new(pre, &candidate.changes));
                }
            }
            (_, Outcome::Rejected(Rejection { rule: Rule::InvalidBlockAccessList, .. }))
                if self.list_is_wrong => {}
            (Outcome::Rejected(reference), Outcome::Rejected(candidate)) => {
                found.rejections(reference, candidate);
            }
            (reference, candidate) => {
                found.add(Scope::Rejection, "verdict", verdict(reference), verdict(candidate));
            }
        }
        found.differences
    }
}

/// The field of a state between two transactions.
const STATE_AFTER_TRANSACTION: &str = "state_after_transaction";

/// Whether the candidate gives no changes of each transaction where the reference does: states between
/// transactions are not compared then.
pub fn lacks_states(reference: &Outcome, candidate: &Outcome) -> bool {
    let gives = |outcome: &Outcome| {
        outcome.accepted().is_some_and(|block| block.changes_by_transaction.is_some())
    };
    let shows_roots =
        |block: &BlockOutcome| block.roots_by_transaction.is_some() || block.hidden.changes;
    candidate.accepted().is_some_and(|block| !shows_roots(block))
        && gives(reference)
        && !gives(candidate)
}

fn verdict(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(_) => "accepted".to_owned(),
        Outcome::Rejected(rejection) => format!("rejected: {rejection}"),
    }
}

struct Collector<'a> {
    executor: &'a str,
    differences: Vec<Difference>,
}

impl Collector<'_> {
    fn add(
        &mut self,
        scope: Scope,
        field: &'static str,
        reference: impl ToString,
        candidate: impl ToString,
    ) -> &mut Difference {
        let should_be = ShouldBe::Reference(reference.to_string());
        let difference = Difference::new(scope, field, should_be, candidate, self.executor);
        self.differences.push(difference);
        self.differences.last_mut().expect("just pushed")
    }

    fn check<T: PartialEq>(
        &mut self,
        scope: Scope,
        field: &'static str,
        (reference, candidate): (&T, &T),
        show: impl Fn(&T) -> String,
    ) -> Option<&mut Difference> {
        (reference != candidate).then(|| self.add(scope, field, show(reference), show(candidate)))
    }

    fn rejections(&mut self, reference: &Rejection, candidate: &Rejection) {
        self.check(Scope::Rejection, "place", (&reference.at, &candidate.at), ToString::to_string);
        // A stranger's own name for a rule cannot be compared: then the place alone counts, and
        // the judge says so.
        if reference.rule.is_comparable(&candidate.rule) {
            let rules = (&reference.rule, &candidate.rule);
            self.check(Scope::Rejection, "rule", rules, ToString::to_string);
        }
    }

    fn block(&mut self, reference: &BlockOutcome, candidate: &BlockOutcome, hidden: Hidden) {
        if !hidden.gas_used {
            let gas = (&reference.gas_used, &candidate.gas_used);
            self.check(Scope::Block, "gas_used", gas, ToString::to_string);
        }
        if !hidden.blob_gas_used {
            let blob_gas = (&reference.blob_gas_used, &candidate.blob_gas_used);
            self.check(Scope::Block, "blob_gas_used", blob_gas, ToString::to_string);
        }
        if !hidden.requests {
            let requests = (&reference.requests, &candidate.requests);
            self.check(Scope::Block, "requests", requests, |requests| format!("{requests:?}"));
        }
        if !hidden.access_list && reference.access_list != candidate.access_list {
            self.access_lists(reference, candidate);
        }
    }

    fn access_lists(&mut self, reference: &BlockOutcome, candidate: &BlockOutcome) {
        let hash = |outcome: &BlockOutcome| match &outcome.access_list {
            Some(list) => alloy_eip7928::compute_block_access_list_hash(list).to_string(),
            None => "none".to_owned(),
        };
        self.add(Scope::Block, "access_list", hash(reference), hash(candidate));
    }

    fn receipts(&mut self, reference: &[Receipt], candidate: &[Receipt], with_status: bool) {
        let counts = (&reference.len(), &candidate.len());
        self.check(Scope::Block, "receipts", counts, |count| format!("{count} receipts"));
        for (index, (reference, candidate)) in reference.iter().zip(candidate).enumerate() {
            if reference != candidate {
                self.receipt(index, reference, candidate, with_status);
            }
        }
    }

    /// Where receipts have states, they have no status (EIP-658).
    fn receipt(
        &mut self,
        index: usize,
        reference: &Receipt,
        candidate: &Receipt,
        with_status: bool,
    ) {
        let first = self.differences.len();
        let s = Scope::Receipt;
        let types = (&reference.transaction_type, &candidate.transaction_type);
        self.check(s, "type", types, ToString::to_string);
        if with_status {
            let status = (&reference.success, &candidate.success);
            self.check(s, "status", status, |success| u8::from(*success).to_string());
        }
        let gas = (&reference.gas_used, &candidate.gas_used);
        self.check(s, "gas_used", gas, ToString::to_string);
        let cumulative = (&reference.cumulative_gas_used, &candidate.cumulative_gas_used);
        self.check(s, "cumulative_gas_used", cumulative, ToString::to_string);
        let logs = (&reference.logs, &candidate.logs);
        self.check(s, "logs", logs, |logs| {
            format!("{} logs with hash {}", logs.len(), roots::logs_hash(logs))
        });
        for difference in &mut self.differences[first..] {
            difference.tx = Some(index);
        }
    }

    /// The state after each transaction, where it is asked for: before Byzantium a receipt holds its root.
    fn intermediate_states(
        &mut self,
        pre: &PreState,
        reference: &BlockOutcome,
        candidate: &BlockOutcome,
    ) {
        // An executor that cannot give them is judged by the state after the block; the job counts that.
        let (Some(theirs), Some(ours)) =
            (&reference.changes_by_transaction, &candidate.changes_by_transaction)
        else {
            return;
        };
        let counts = (&theirs.len(), &ours.len());
        self.check(Scope::Block, "changes_by_transaction", counts, ToString::to_string);
        let start = |outcome: &BlockOutcome| {
            let changes = outcome.changes_before_transactions.as_ref();
            changes.map(StateChanges::by_account).unwrap_or_default()
        };
        let mut states = [start(reference), start(candidate)];
        let touched = states[0].keys().chain(states[1].keys()).copied();
        for address in touched.collect::<BTreeSet<Address>>() {
            let sides = states
                .each_ref()
                .map(|state| NormalAccount::new(pre, address, state.get(&address)));
            if sides[0] != sides[1] {
                let [reference, candidate] = sides.each_ref().map(describe_account);
                let field = "changes_before_transactions";
                self.add(Scope::Block, field, reference, candidate).address = Some(address);
                return;
            }
        }
        for (index, (reference, candidate)) in theirs.iter().zip(ours).enumerate() {
            let mut touched = BTreeSet::new();
            for (state, changes) in states.iter_mut().zip([reference, candidate]) {
                for (address, change) in changes.accounts.iter() {
                    touched.insert(address);
                    state.entry(address).or_default().extend(change);
                }
            }
            for address in touched {
                let [reference, candidate] = states
                    .each_ref()
                    .map(|state| NormalAccount::new(pre, address, state.get(&address)));
                if reference != candidate {
                    let sides = (describe_account(&reference), describe_account(&candidate));
                    let found = self.add(Scope::Receipt, STATE_AFTER_TRANSACTION, sides.0, sides.1);
                    found.tx = Some(index);
                    found.address = Some(address);
                    return;
                }
            }
        }
    }

    /// The roots of those states, where the candidate shows them alone.
    fn intermediate_roots(
        &mut self,
        pre: &PreState,
        reference: &BlockOutcome,
        candidate: &BlockOutcome,
    ) {
        let (Some(_), Some(ours)) =
            (&reference.changes_by_transaction, &candidate.roots_by_transaction)
        else {
            return;
        };
        let theirs = roots::intermediate_roots(pre, reference);
        let counts = (&theirs.len(), &ours.len());
        self.check(Scope::Block, "roots_by_transaction", counts, ToString::to_string);
        for (index, roots) in theirs.iter().zip(ours).enumerate() {
            if let Some(found) =
                self.check(Scope::Receipt, "state_root", roots, ToString::to_string)
            {
                found.tx = Some(index);
                return;
            }
        }
    }

    fn changes(&mut self, pre: &PreState, theirs: &NormalChanges, ours: &NormalChanges) {
        let mut missing = ours.missing_code.iter();
        if let Some((address, hash)) = missing.next() {
            let found =
                self.add(Scope::Account, "code", format!("code with hash {hash}"), "missing");
            found.address = Some(*address);
        }
        if theirs.accounts == ours.accounts {
            return;
        }
        let roots = [theirs, ours].map(|changes| roots::state_root(pre, changes));
        self.add(Scope::Block, "state_root", roots[0], roots[1]);
        let changed = theirs.accounts.keys().chain(ours.accounts.keys()).copied();
        let changed: BTreeSet<Address> = changed.collect();
        for address in changed {
            if self.differences.len() >= MOST_LISTED {
                return;
            }
            self.account(pre, theirs, ours, address);
        }
    }

    fn account(
        &mut self,
        pre: &PreState,
        theirs: &NormalChanges,
        ours: &NormalChanges,
        address: Address,
    ) {
        let [reference, candidate] =
            [theirs, ours].map(|changes| changes.account_after(pre, address));
        let first = self.differences.len();
        let s = Scope::Account;
        match (reference, candidate) {
            (Some(reference), Some(candidate)) => {
                let balances = (&reference.balance, &candidate.balance);
                self.check(s, "balance", balances, ToString::to_string);
                self.check(s, "nonce", (&reference.nonce, &candidate.nonce), ToString::to_string);
                let hashes = (&reference.code_hash, &candidate.code_hash);
                self.check(s, "code_hash", hashes, ToString::to_string);
            }
            (reference, candidate) => {
                let existence = (&reference.is_some(), &candidate.is_some());
                self.check(s, "existence", existence, |exists| {
                    (if *exists { "exists" } else { "does not exist" }).to_owned()
                });
            }
        }
        for difference in &mut self.differences[first..] {
            difference.address = Some(address);
        }
        let keys = |changes: &NormalChanges| {
            let account = changes.accounts.get(&address);
            account.map_or_else(Vec::new, |account: &NormalAccount| {
                account.storage.keys().copied().collect()
            })
        };
        let slots: BTreeSet<U256> = keys(theirs).into_iter().chain(keys(ours)).collect();
        for slot in slots {
            if self.differences.len() >= MOST_LISTED {
                return;
            }
            let [reference, candidate] =
                [theirs, ours].map(|changes| changes.slot_after(pre, address, slot));
            let values = (&reference, &candidate);
            let found = self.check(Scope::Storage, "value", values, |value| format!("{value:#x}"));
            if let Some(found) = found {
                found.address = Some(address);
                found.slot = Some(slot);
            }
        }
    }
}

fn describe_account(account: &NormalAccount) -> String {
    match account.info {
        None => "does not exist".to_owned(),
        Some(info) => format!(
            "balance {}, nonce {}, {} slots changed",
            info.balance,
            info.nonce,
            account.storage.len()
        ),
    }
}

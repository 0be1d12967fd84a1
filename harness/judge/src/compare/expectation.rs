//! Expectation against reference.

use crate::{
    chain::ExpectedEnd,
    consensus::Broken,
    difference::{Difference, Scope, ShouldBe},
    exceptions,
    expected::{
        Expectation, ExpectedAccount, ExpectedRejection, HeaderExpectation, Member, WidePrice,
    },
    state::{NormalChanges, PreState, TrieError, roots},
};
use alloy_eips::eip7685::Requests;
use alloy_primitives::{Address, B256, U256};
use lockstep_model::{
    AccountChange, AccountInfo, At, BlockOutcome, Case, Outcome, Rejection, Rule, StateChanges,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything in which the reference's outcome is not what the source expects.
pub fn compare_expectation(
    case: &Case,
    pre: &PreState,
    expectation: &Expectation,
    reference: &Outcome,
) -> Vec<Difference> {
    let mut found = Collector::new(expectation);
    match (reference, &expectation.rejection) {
        (Outcome::Accepted(outcome), None) => found.accepted(pre, expectation, outcome),
        (Outcome::Rejected(rejection), Some(expected)) => {
            found.rejection(expected, rejection);
            let pre = expectation.wide_price.as_ref().map_or(pre, |wide| &wide.pre);
            found.state_after_rejection(pre, expectation, case.block.beneficiary);
        }
        (Outcome::Accepted(_), Some(expected)) => {
            found.add(Scope::Rejection, "exception", &expected.names, "accepted");
        }
        (Outcome::Rejected(_), None) if !expectation.accepted => {}
        (Outcome::Rejected(rejection), None) => {
            let rejection = format!("rejected: {rejection}");
            found.add(Scope::Rejection, "verdict", "accepted", rejection);
        }
    }
    found.differences
}

/// As [`compare_expectation`], for a transaction that breaks a rule of its encoding.
pub fn compare_undecodable(
    pre: &PreState,
    expectation: &Expectation,
    rule: &Rule,
    beneficiary: Address,
) -> Vec<Difference> {
    let mut found = Collector::new(expectation);
    let rejection = Rejection { at: At::Transaction(0), rule: rule.clone() };
    match &expectation.rejection {
        Some(expected) => found.rejection(expected, &rejection),
        None => {
            found.add(Scope::Rejection, "verdict", "accepted", format!("rejected: {rejection}"));
        }
    }
    found.state_after_rejection(pre, expectation, beneficiary);
    found.differences
}

/// Everything in which a chain does not end as its source expects.
pub fn compare_end(head: B256, state: &PreState, end: &ExpectedEnd) -> Vec<Difference> {
    let mut found = Collector { differences: Vec::new() };
    found.check(Scope::Block, "last_block_hash", &end.head, &head);
    let expectation = Expectation {
        state_root: end.state_root,
        accounts: end.accounts.clone().unwrap_or_default(),
        accounts_are_complete: end.accounts.is_some() && end.accounts_are_complete,
        ..Expectation::default()
    };
    found.state(state, &expectation, &NormalChanges::default());
    found.differences
}

/// The members of a packed block whose own expectations the reference does not meet.
pub fn interfering_members(
    pre: &PreState,
    members: &[Member],
    reference: &BlockOutcome,
) -> Vec<usize> {
    let changes = NormalChanges::new(pre, &reference.changes);
    let fails = |member: &Member| {
        let mut found = Collector { differences: Vec::new() };
        found.member(pre, &changes, member, reference);
        !found.differences.is_empty()
    };
    members.iter().enumerate().filter(|(_, member)| fails(member)).map(|(at, _)| at).collect()
}

/// The changes with the rest of a price that executors do not see paid.
fn settled(
    wide: &WidePrice,
    pre: &PreState,
    changes: &NormalChanges,
    outcome: &BlockOutcome,
) -> StateChanges {
    let gas_used = outcome.receipts.first().map_or(0, |receipt| receipt.gas_used);
    let unused = wide.gas_limit.saturating_sub(gas_used);
    let mut settled = outcome.changes.clone();
    let mut balances = BTreeMap::new();
    for (address, gas) in [(wide.sender, unused), (wide.beneficiary, gas_used)] {
        let info = changes.account_after(pre, address).unwrap_or_default();
        let info: &mut AccountInfo = balances.entry(address).or_insert(info);
        info.balance = info.balance.wrapping_add(wide.excess.wrapping_mul(U256::from(gas)));
    }
    for (address, info) in balances {
        let change = AccountChange { info: Some(info), ..AccountChange::default() };
        settled.accounts.push(address, change);
    }
    settled
}

struct Collector {
    differences: Vec<Difference>,
}

impl Collector {
    fn new(expectation: &Expectation) -> Self {
        Self { differences: expectation.broken.clone() }
    }

    fn add(
        &mut self,
        scope: Scope,
        field: &'static str,
        expected: impl ToString,
        reference: impl ToString,
    ) -> &mut Difference {
        let should_be = ShouldBe::Expected(expected.to_string());
        let difference = Difference::new(scope, field, should_be, reference, "reference");
        self.differences.push(difference);
        self.differences.last_mut().expect("just pushed")
    }

    fn check<T: PartialEq + ToString>(
        &mut self,
        scope: Scope,
        field: &'static str,
        expected: &T,
        reference: &T,
    ) -> Option<&mut Difference> {
        (expected != reference)
            .then(|| self.add(scope, field, expected.to_string(), reference.to_string()))
    }

    fn rejection(&mut self, expected: &ExpectedRejection, rejection: &Rejection) {
        let broken = Broken::Execution(rejection.clone());
        let is_decidable = exceptions::undecidable(&expected.names).is_none();
        if is_decidable && !exceptions::matches(&expected.names, &broken) {
            self.add(Scope::Rejection, "exception", &expected.names, rejection);
        }
        let at = At::Transaction(expected.transaction);
        self.check(Scope::Rejection, "place", &at, &rejection.at);
    }

    /// A rejected transaction leaves the state as it was. Classic tests before EIP-158 were once filled
    /// with a touch of the fee recipient: there either root will do.
    fn state_after_rejection(
        &mut self,
        pre: &PreState,
        expectation: &Expectation,
        beneficiary: Address,
    ) {
        let mut changes = StateChanges::default();
        if expectation.rejection_may_touch_beneficiary
            && pre.state.get(beneficiary).is_none()
            && let Some(root) = expectation.state_root
        {
            let info = Some(AccountInfo::default());
            let mut touch = StateChanges::default();
            touch.accounts.push(beneficiary, AccountChange { info, ..AccountChange::default() });
            if roots::state_root(pre, &NormalChanges::new(pre, &touch)) == root {
                changes = touch;
            }
        }
        let changes = NormalChanges::new(pre, &changes);
        self.state(pre, expectation, &changes);
        self.logs(expectation, roots::logs_hash([]));
    }

    fn accepted(&mut self, pre: &PreState, expectation: &Expectation, outcome: &BlockOutcome) {
        let changes = NormalChanges::new(pre, &outcome.changes);
        match &expectation.wide_price {
            None => self.state(pre, expectation, &changes),
            Some(wide) => {
                let settled = settled(wide, pre, &changes, outcome);
                let settled = NormalChanges::new(&wide.pre, &settled);
                self.state(&wide.pre, expectation, &settled);
            }
        }
        if expectation.logs_hash.is_some() {
            let logs = outcome.receipts.iter().flat_map(|receipt| &receipt.logs);
            self.logs(expectation, roots::logs_hash(logs));
        }
        if let Some(header) = &expectation.header {
            self.header(header, outcome);
        }
        for member in &expectation.members {
            self.member(pre, &changes, member, outcome);
        }
    }

    fn logs(&mut self, expectation: &Expectation, logs_hash: B256) {
        if let Some(expected) = expectation.logs_hash {
            self.check(Scope::Block, "logs_hash", &expected, &logs_hash);
        }
    }

    fn state(&mut self, pre: &PreState, expectation: &Expectation, changes: &NormalChanges) {
        if let Some(expected) = expectation.state_root {
            self.state_root(pre, changes, expected);
        }
        for hash in expectation.deployed.iter().filter(|hash| !changes.deploys(**hash)) {
            let expected = format!("code with the hash {hash} before the block, or deployed by it");
            self.add(Scope::Block, "codes", expected, "neither");
        }
        for expected in &expectation.accounts {
            self.account(pre, changes, expected);
        }
        if expectation.accounts_are_complete {
            self.no_other_account(pre, changes, &expectation.accounts);
        }
    }

    fn state_root(&mut self, pre: &PreState, changes: &NormalChanges, expected: B256) {
        let proved = pre.proof.as_deref().map(|proof| roots::proved_state_root(proof, changes));
        match proved {
            // Not decidable from the witness at hand: the caller says so.
            Some(Err(TrieError::Missing { .. })) => {}
            Some(Ok(after)) if after.assumed > 0 && after.root != expected => {}
            Some(Err(error)) => {
                self.add(Scope::Block, "state_root", expected, format!("not computable: {error}"));
            }
            Some(Ok(after)) => {
                self.check(Scope::Block, "state_root", &expected, &after.root);
            }
            None => {
                let root = roots::state_root(pre, changes);
                self.check(Scope::Block, "state_root", &expected, &root);
            }
        }
    }

    fn account(&mut self, pre: &PreState, changes: &NormalChanges, expected: &ExpectedAccount) {
        let address = expected.address;
        let first = self.differences.len();
        let s = Scope::Account;
        match (expected.exists, changes.account_after(pre, address)) {
            (true, Some(info)) => {
                if let Some(balance) = expected.balance {
                    self.check(s, "balance", &balance, &info.balance);
                }
                if let Some(nonce) = expected.nonce {
                    self.check(s, "nonce", &nonce, &info.nonce);
                }
                if let Some(hash) = expected.code_hash {
                    self.check(s, "code", &hash, &info.code_hash);
                }
            }
            (false, None) => {}
            (true, None) => {
                self.add(s, "existence", "exists", "does not exist");
            }
            (false, Some(_)) => {
                self.add(s, "existence", "does not exist", "exists");
            }
        }
        self.storage(pre, changes, expected);
        for difference in &mut self.differences[first..] {
            difference.address = Some(address);
        }
    }

    fn storage(&mut self, pre: &PreState, changes: &NormalChanges, expected: &ExpectedAccount) {
        let address = expected.address;
        for (slot, value) in &expected.storage {
            let now = changes.slot_after(pre, address, *slot);
            self.slot(*slot, *value, now);
        }
        if !expected.storage_is_complete {
            return;
        }
        let listed: BTreeSet<U256> = expected.storage.iter().map(|(slot, _)| *slot).collect();
        for (slot, now) in changes.storage_after(pre, address) {
            if !listed.contains(&slot) {
                self.slot(slot, U256::ZERO, now);
            }
        }
    }

    fn slot(&mut self, slot: U256, expected: U256, now: U256) {
        if expected != now {
            let sides = (format!("{expected:#x}"), format!("{now:#x}"));
            self.add(Scope::Storage, "storage", sides.0, sides.1).slot = Some(slot);
        }
    }

    fn no_other_account(
        &mut self,
        pre: &PreState,
        changes: &NormalChanges,
        listed: &[ExpectedAccount],
    ) {
        let listed: BTreeSet<Address> = listed.iter().map(|account| account.address).collect();
        let before = pre.state.accounts().map(|(address, _)| *address);
        let mut others: Vec<_> = before.chain(changes.accounts.keys().copied()).collect();
        others.sort_unstable();
        others.dedup();
        for address in others {
            let exists = changes.account_after(pre, address).is_some();
            if exists && !listed.contains(&address) {
                self.add(Scope::Account, "existence", "does not exist", "exists").address =
                    Some(address);
            }
        }
    }

    fn header(&mut self, header: &HeaderExpectation, outcome: &BlockOutcome) {
        let s = Scope::Block;
        self.check(s, "gas_used", &header.gas_used, &outcome.gas_used);
        let bloom = roots::logs_bloom(&outcome.receipts);
        self.check(s, "logs_bloom", &*header.logs_bloom, &bloom);
        if let Some(expected) = header.receipts_root {
            let root = roots::receipts_root(&outcome.receipts);
            self.check(s, "receipts_root", &expected, &root);
        }
        if let Some(expected) = header.blob_gas_used.filter(|_| !outcome.hidden.blob_gas_used) {
            self.check(s, "blob_gas_used", &expected, &outcome.blob_gas_used);
        }
        if let Some(expected) = header.requests_hash {
            let hash = Requests::new(outcome.requests.clone()).requests_hash();
            self.check(s, "requests_hash", &expected, &hash);
        }
        if let Some(expected) =
            header.block_access_list_hash.filter(|_| !outcome.hidden.access_list)
        {
            let list = outcome.access_list.as_deref().unwrap_or_default();
            let hash = alloy_eip7928::compute_block_access_list_hash(list);
            self.check(s, "block_access_list_hash", &expected, &hash);
        }
    }

    fn member(
        &mut self,
        pre: &PreState,
        changes: &NormalChanges,
        member: &Member,
        outcome: &BlockOutcome,
    ) {
        let first = self.differences.len();
        if let (Some(expected), Some(receipt)) =
            (member.logs_hash, outcome.receipts.get(member.transaction))
        {
            let hash = roots::logs_hash(&receipt.logs);
            self.check(Scope::Receipt, "logs_hash", &expected, &hash);
        }
        for expected in &member.accounts {
            self.account(pre, changes, expected);
        }
        for difference in &mut self.differences[first..] {
            difference.tx = Some(member.transaction);
        }
    }
}

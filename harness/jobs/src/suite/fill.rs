//! What the reference makes of a block, and whether others say the same.

use super::{Draft, Ending, Member, Mutate, SuitePlan};
use lockstep_engine::{Candidate, NoExecution, Slot};
use lockstep_formats::{
    File, blockchain_test,
    export::{self, rebased, showable},
};
use lockstep_judge::{
    chain,
    compare::Comparison,
    consensus::{Broken, access_list},
    definition::{Body, Test},
    runnable::Runnable,
};
use lockstep_model::{
    At, Block, BlockOutcome, Case, ExecutorError, Outcome, Rejection, Rule, RunOptions,
};
use std::sync::Arc;

/// Why a block is not in the suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFilled {
    /// It cannot be written as a fixture, or would say nothing there.
    #[error("{0}")]
    Unfit(String),
    /// An implementation says something else: the reference may be wrong.
    #[error("{0}")]
    Disputed(String),
}

/// The reference, and those who must agree.
#[derive(Debug)]
pub struct Filler {
    reference: Slot,
    confirmers: Vec<Slot>,
}

/// What EEST calls a list with more items than the block's gas limit allows.
const LIST_TOO_LONG: &str = "BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED";

/// What EEST calls a header that commits to another list than the one that comes with the block.
const WRONG_LIST_HASH: &str = "INVALID_BAL_HASH";

/// Transactions of one block that may be invalid, at most.
const MOST_INVALID: usize = 8;

impl Filler {
    /// Executors of the plan.
    pub fn new(plan: &SuitePlan) -> Self {
        Self {
            reference: Slot::new(&Candidate::reference(&plan.reference)),
            confirmers: plan.confirmers.iter().map(Slot::new).collect(),
        }
    }

    /// The block with how it ends, if everybody who can run it agrees.
    ///
    /// # Errors
    /// Why it cannot be in the suite.
    pub fn fill(&mut self, draft: Draft) -> Result<Member, NotFilled> {
        showable(&draft.block.case).map_err(NotFilled::Unfit)?;
        let draft = Draft { block: rebased(&draft.block), ..draft };
        let outcome = self.refer(&draft.block.case)?;
        let ending = match draft.wrong_list {
            Some(mutate) => wrong_list(&draft, &outcome, mutate)?,
            None => self.ending(&draft.block, &outcome)?,
        };
        let confirmed_by = self.confirm(&draft.block, &outcome)?;
        let member = Member::new(draft, ending, confirmed_by)
            .map_err(|error| NotFilled::Unfit(error.to_string()))?;
        check_import(&member)?;
        Ok(member)
    }

    fn refer(&mut self, case: &Case) -> Result<Outcome, NotFilled> {
        let run = self.reference.execute(case, &RunOptions::of(case));
        let run = run.map_err(|failure| NotFilled::Unfit(failure.reason("reference")))?;
        Ok(run.outcome)
    }

    fn ending(&mut self, block: &Runnable, outcome: &Outcome) -> Result<Ending, NotFilled> {
        match outcome {
            Outcome::Accepted(stated) => {
                let list = stated.access_list.as_deref().unwrap_or_default();
                let limit = block.case.block.gas_limit;
                let broken = access_list::is_not_too_long(list, limit).err();
                let broken = broken.map(|_| Rule::Other(LIST_TOO_LONG.to_owned()));
                Ok(Ending { stated: (**stated).clone(), broken, listed: None })
            }
            Outcome::Rejected(Rejection { rule: Rule::Other(text), .. }) => {
                Err(NotFilled::Unfit(format!("the rule that it breaks has no name: {text}")))
            }
            Outcome::Rejected(rejection) => {
                let stated = self.without_the_invalid(&block.case, rejection.at)?;
                Ok(Ending { stated, broken: Some(rejection.rule.clone()), listed: None })
            }
        }
    }

    /// The outcome of the block without its invalid transactions. Nothing where the block is at fault and no
    /// transaction.
    fn without_the_invalid(&mut self, case: &Case, at: At) -> Result<BlockOutcome, NotFilled> {
        let (mut case, mut at) = (case.clone(), at);
        for _ in 0..MOST_INVALID {
            let At::Transaction(index) = at else { break };
            let mut transactions = case.block.transactions.clone();
            transactions.remove(index);
            case.block = Arc::new(Block { transactions, ..Block::clone(&case.block) });
            match self.refer(&case)? {
                Outcome::Accepted(outcome) => return Ok(*outcome),
                Outcome::Rejected(rejection) => at = rejection.at,
            }
        }
        Ok(BlockOutcome::default())
    }

    /// Who can run the block: all of them must say the same.
    fn confirm(&mut self, block: &Runnable, right: &Outcome) -> Result<Vec<String>, NotFilled> {
        let comparison = Comparison::new(&block.pre, right);
        let mut agreed = Vec::new();
        for confirmer in &mut self.confirmers {
            let name = confirmer.label.split('@').next().unwrap_or_default().to_owned();
            match confirmer.execute(&block.case, &RunOptions::of(&block.case)) {
                Ok(execution) => {
                    let differences = comparison.with(&execution.outcome, &name);
                    if let Some(first) = differences.first() {
                        return Err(NotFilled::Disputed(first.to_string()));
                    }
                    agreed.push(name);
                }
                Err(NoExecution::Broke(ExecutorError::Unsupported(_))) => {}
                Err(failure) => return Err(NotFilled::Disputed(failure.reason(&name))),
            }
        }
        Ok(agreed)
    }
}

/// A client looks at the header before it executes anything: what is read back must come to execution.
fn check_import(member: &Member) -> Result<(), NotFilled> {
    let draft = &member.draft;
    let text = export::file([(draft.id(), member.blockchain.clone())]);
    let file = File::of_text(draft.path(), &text);
    let read = blockchain_test::tests(&file).tests.pop();
    let Some(Test { id, body: Body::Chain(chain), .. }) = read else {
        return Err(NotFilled::Unfit("it cannot be read back".to_owned()));
    };
    let of_block = chain::refused(&chain, &id).into_iter().find_map(|broken| match broken {
        Broken::Block(rule) => Some(rule),
        _ => None,
    });
    match of_block {
        Some(rule) => Err(NotFilled::Unfit(format!("no header could have it: {rule}"))),
        None => Ok(()),
    }
}

/// A valid block whose header commits to a wrong list (EIP-7928).
fn wrong_list(draft: &Draft, outcome: &Outcome, mutate: Mutate) -> Result<Ending, NotFilled> {
    let unfit = |text: &str| NotFilled::Unfit(text.to_owned());
    let accepted = outcome.accepted().ok_or_else(|| unfit("it is invalid with its own list"))?;
    let right = accepted.access_list.clone().ok_or_else(|| unfit("it has no list"))?;
    let mut wrong = right.clone();
    if !mutate(&mut wrong, &draft.block.case) || wrong == right {
        return Err(unfit("its list cannot be made wrong in this way"));
    }
    let stated = BlockOutcome { access_list: Some(wrong), ..accepted.clone() };
    Ok(if draft.wrong_hash {
        let broken = Some(Rule::Other(WRONG_LIST_HASH.to_owned()));
        Ending { stated, broken, listed: Some(right) }
    } else {
        Ending { stated, broken: Some(Rule::InvalidBlockAccessList), listed: None }
    })
}

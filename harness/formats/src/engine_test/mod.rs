//! Engine tests: blocks as the consensus layer hands them over, by `engine_newPayloadVN`.
//!
//! One test for each test of a file. A payload must be answered with VALID, INVALID or an error code, as
//! the test states; in the end the head and the state must be those stated. Payloads may fork as a tree:
//! the last valid one is the head, as the test's `engine_forkchoiceUpdated` would have it.

mod format;
mod genesis;
mod payload;

use super::{
    File, Found, SourceError,
    accounts::JsonAccount,
    blockchain_test::{
        build::{Problem, check_genesis_blob_price, end, schedule},
        stated::Stated,
        unknown_names,
    },
    hex::Ordered,
    json,
};
use alloy_primitives::Address;
use format::EngineTest;
use genesis::NoGenesis;
pub use genesis::PreAllocs;
use lockstep_judge::{
    chain::{Chain, ExpectedEnd, Genesis},
    consensus::Schedule,
    definition::{Body, SkipReason, SourceKind, Test},
    expected::ExpectedAccount,
};

/// Reads every test of a file, in the order of the file. Tests that cannot be read are errors beside
/// those that can.
pub fn tests(file: &File, allocs: &PreAllocs) -> Found {
    let (suite, unreadable) = json::suite::<EngineTest>(file);
    let mut found = Found { unreadable, ..Found::default() };
    for (name, test) in suite {
        match read(file, &name, test, allocs) {
            Ok(test) => {
                if let Body::Chain(chain) = &test.body {
                    let unknown = unknown_names(file, &name, "engineNewPayloads", chain);
                    found.unreadable.extend(unknown);
                }
                found.tests.push(test);
            }
            // An error in a file that several tests name is reported once.
            Err(error) if !found.unreadable.contains(&error) => found.unreadable.push(error),
            Err(_) => {}
        }
    }
    found
}

fn read(
    file: &File,
    name: &str,
    test: EngineTest,
    allocs: &PreAllocs,
) -> Result<Test, SourceError> {
    let wrong = |(place, problem): Problem| {
        SourceError::place(&file.path, format!("{name}.{place}"), problem)
    };
    let schedule = schedule(&test.network, &test.config)
        .map_err(|(place, problem)| wrong((place.to_owned(), problem)))?;
    let (id, fork) = (format!("{}::{name}", file.path), test.network.clone());
    let body = if schedule.has_unsupported_rules() {
        Body::Skip(SkipReason::UnsupportedFork)
    } else {
        let mut stated = Stated::default();
        let shared = test.pre_hash.as_deref().map(|hash| allocs.get(file, hash, &schedule));
        let (genesis, broken) = match shared {
            None => (genesis::own(&test, &mut stated).map_err(wrong)?, Vec::new()),
            Some(Ok(shared)) if shared.network == test.network => {
                (shared.genesis.clone(), shared.broken.clone())
            }
            Some(Ok(shared)) => {
                let (genesis, test) = (&shared.network, &test.network);
                let problem =
                    format!("expected the network of the genesis, `{genesis}`, found `{test}`");
                return Err(wrong(("network".to_owned(), problem)));
            }
            Some(Err(NoGenesis::Unreadable(error))) => return Err(error),
            Some(Err(NoGenesis::LeftOut)) => {
                let body = Body::Skip(SkipReason::NoGenesis);
                return Ok(Test { id, source: SourceKind::EngineTest, fork, body });
            }
        };
        let mut chain = chain(schedule, genesis, test, stated).map_err(wrong)?;
        chain.broken.extend(broken);
        Body::Chain(Box::new(chain))
    };
    Ok(Test { id, source: SourceKind::EngineTest, fork, body })
}

fn chain(
    schedule: Schedule,
    genesis: Genesis,
    test: EngineTest,
    stated: Stated,
) -> Result<Chain, Problem> {
    if test.engine_new_payloads.is_empty() {
        let problem = "expected at least one payload, found none".to_owned();
        return Err(("engineNewPayloads".to_owned(), problem));
    }
    check_genesis_blob_price(&schedule, &genesis)?;
    let end = match &test.post_state_diff {
        Some(diff) => ExpectedEnd {
            head: test.last_block_hash,
            accounts: Some(changed(diff)),
            accounts_are_complete: false,
            state_root: test.post_state_hash,
        },
        None => end(test.last_block_hash, test.post_state.as_ref(), test.post_state_hash),
    };
    let calls = test.engine_new_payloads.into_iter().enumerate();
    let blocks = calls.map(|(index, call)| {
        payload::block(call)
            .map_err(|(place, problem)| (format!("engineNewPayloads[{index}].{place}"), problem))
    });
    let blocks = blocks.collect::<Result<_, _>>()?;
    Ok(Chain { schedule, genesis, blocks, end, broken: stated.into_differences() })
}

/// Expectations for the accounts that differ from the genesis.
fn changed(diff: &Ordered<Address, Option<JsonAccount>>) -> Vec<ExpectedAccount> {
    let account = |(address, account): &(Address, Option<JsonAccount>)| match account {
        Some(account) => account.expected(*address),
        None => ExpectedAccount::absent(*address),
    };
    diff.0.iter().map(account).collect()
}

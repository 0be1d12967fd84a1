//! From the file's shape to a chain.

use super::{
    format::{BlobSchedule, BlockchainTest, Config, JsonBlock, JsonReceipt},
    stated::Stated,
};
use crate::{File, SourceError, accounts::JsonAccounts, check_blob_price};
use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{B256, Log, LogData};
use lockstep_judge::{
    chain::{Chain, ChainBlock, ExpectedEnd, Genesis, StatedReceipt},
    consensus::{
        Schedule,
        decode::{decode, decode_header},
    },
    definition::{Body, SkipReason, SourceKind, Test},
    state::PreState,
};
use lockstep_model::memory_state::BlockHashes;
use std::sync::Arc;

/// Builds one test.
///
/// # Errors
/// When a part of it is not what such a part can be.
pub(super) fn test(file: &File, name: &str, test: BlockchainTest) -> Result<Test, SourceError> {
    let wrong = |place: &str, problem: String| {
        SourceError::place(&file.path, format!("{name}.{place}"), problem)
    };
    let schedule =
        schedule(&test.network, &test.config).map_err(|(place, problem)| wrong(place, problem))?;
    let id = format!("{}::{name}", file.path);
    let fork = test.network.clone();
    let body = if schedule.has_unsupported_rules() {
        Body::Skip(SkipReason::UnsupportedFork)
    } else {
        let chain = chain(schedule, test).map_err(|(place, problem)| wrong(&place, problem))?;
        Body::Chain(Box::new(chain))
    };
    Ok(Test { id, source: SourceKind::BlockchainTest, fork, body })
}

/// The rules of a network.
pub(crate) fn schedule(network: &str, config: &Config) -> Result<Schedule, (&'static str, String)> {
    if let Some(other) = &config.network
        && other != network
    {
        let problem = format!("expected the test's network `{network}`, found `{other}`");
        return Err(("config.network", problem));
    }
    let chain_id = match config.chainid {
        None => 1,
        Some(id) => {
            id.as_u64().ok_or_else(|| ("config.chainid", "expected at most 64 bits".to_owned()))?
        }
    };
    if let Some(schedule) = &config.blob_schedule
        && let Some((name, _)) = schedule.0.iter().find(|(_, blobs)| !is_possible(blobs))
    {
        let problem = format!(
            "expected for {name} a maximum and an update fraction above zero, and a target of at \
             most the maximum, which is at most {MOST_BLOBS}"
        );
        return Err(("config.blobSchedule", problem));
    }
    let blobs = |name: &str| {
        let schedule = config.blob_schedule.as_ref()?;
        let (_, blobs) = schedule.0.iter().find(|(known, _)| known == name)?;
        Some(BlobParams {
            target_blob_count: blobs.target,
            max_blob_count: blobs.max,
            update_fraction: blobs.base_fee_update_fraction.into(),
            ..BlobParams::cancun()
        })
    };
    let schedule = Schedule::of_network(network, chain_id, &blobs);
    schedule.map_err(|error| ("network", error.to_string()))
}

/// More blobs than any network will ever have in a block.
const MOST_BLOBS: u64 = 1 << 16;

fn is_possible(blobs: &BlobSchedule) -> bool {
    blobs.base_fee_update_fraction > 0
        && (1..=MOST_BLOBS).contains(&blobs.max)
        && blobs.target <= blobs.max
}

/// A place in a test, and the problem there.
pub(crate) type Problem = (String, String);

fn chain(schedule: Schedule, test: BlockchainTest) -> Result<Chain, Problem> {
    if test.blocks.is_empty() {
        return Err(("blocks".to_owned(), "expected at least one block, found none".to_owned()));
    }
    let mut stated = Stated::default();
    let genesis = genesis(&test, &mut stated)?;
    check_genesis_blob_price(&schedule, &genesis)?;
    let end = end(test.last_block_hash, test.post_state.as_ref(), test.post_state_hash);
    let blocks = test.blocks.into_iter().enumerate();
    let blocks = blocks.map(|(index, json)| {
        stated.enter_block(index);
        block(json, &mut stated)
            .map_err(|(place, problem)| (format!("blocks[{index}].{place}"), problem))
    });
    let blocks = blocks.collect::<Result<_, _>>()?;
    Ok(Chain { schedule, genesis, blocks, end, broken: stated.into_differences() })
}

/// A genesis whose blob gas has no price.
pub(crate) fn check_genesis_blob_price(
    schedule: &Schedule,
    genesis: &Genesis,
) -> Result<(), Problem> {
    for era in schedule.eras() {
        let excess = genesis.header.excess_blob_gas;
        check_blob_price(&schedule.rules(era, 0), excess)
            .map_err(|problem| ("genesisBlockHeader.excessBlobGas".to_owned(), problem))?;
    }
    Ok(())
}

/// The end of a chain as the file states it. An empty set of accounts is no expectation: every header
/// has the root.
pub(crate) fn end(
    head: B256,
    accounts: Option<&JsonAccounts>,
    state_root: Option<B256>,
) -> ExpectedEnd {
    let accounts = accounts.filter(|accounts| !accounts.0.is_empty());
    ExpectedEnd {
        head,
        accounts: accounts.map(JsonAccounts::expected),
        accounts_are_complete: true,
        state_root,
    }
}

fn genesis(test: &BlockchainTest, stated: &mut Stated) -> Result<Genesis, Problem> {
    let Some((header, hash)) = decode_header(&test.genesis_rlp.0) else {
        return Err(("genesisRLP".to_owned(), "expected the RLP of a block".to_owned()));
    };
    stated.header("genesisBlockHeader", &test.genesis_block_header, &header, hash);
    Ok(genesis_of(header, hash, &test.pre, stated))
}

/// A genesis with its state, which must be the one that its header names.
pub(crate) fn genesis_of(
    header: Header,
    hash: B256,
    pre: &JsonAccounts,
    stated: &mut Stated,
) -> Genesis {
    let state = PreState::new(pre.state(genesis_hashes(hash)));
    stated.genesis_root(&header, &state);
    Genesis { header, hash, state }
}

/// `BLOCKHASH` in the first block.
fn genesis_hashes(hash: B256) -> BlockHashes {
    BlockHashes::Known(Arc::new([(0, hash)].into_iter().collect()))
}

fn block(json: JsonBlock, stated: &mut Stated) -> Result<ChainBlock, Problem> {
    let decoded = decode(&json.rlp.0).map(Arc::new);
    if let Ok(block) = &decoded {
        stated.block(&json, block);
    }
    let receipts = json.receipts.map(receipts).transpose()?;
    let list = json.block_access_list.or(json.invalid.and_then(|block| block.block_access_list));
    Ok(ChainBlock {
        decoded,
        parent: decode_header(&json.rlp.0).map(|(header, _)| header.parent_hash),
        exception: json.expect_exception,
        access_list: list.map(|list| list.0.into()),
        receipts,
        call: None,
    })
}

fn receipts(receipts: Vec<JsonReceipt>) -> Result<Vec<StatedReceipt>, Problem> {
    let receipt = |(index, receipt): (usize, JsonReceipt)| {
        let narrow = |field: &str, value: crate::hex::Quantity| {
            let problem = "expected at most 64 bits".to_owned();
            value.as_u64().ok_or_else(|| (format!("receipts[{index}].{field}"), problem))
        };
        let kind = narrow("type", receipt.kind)?;
        let log = |log: super::format::JsonLog| {
            let data = LogData::new(log.topics, log.data.0);
            Some(Log { address: log.address, data: data? })
        };
        let logs: Option<Vec<Log>> = receipt.logs.into_iter().map(log).collect();
        let place = format!("receipts[{index}].logs");
        Ok(StatedReceipt {
            transaction_type: u8::try_from(kind).unwrap_or(u8::MAX),
            success: receipt.status,
            post_state: receipt.post_state,
            cumulative_gas_used: narrow("cumulativeGasUsed", receipt.cumulative_gas_used)?,
            bloom: receipt.bloom,
            logs: logs.ok_or((place, "expected at most four topics".to_owned()))?,
            transaction_hash: receipt.transaction_hash,
            encoded: receipt.rlp.map(|rlp| rlp.0),
        })
    };
    receipts.into_iter().enumerate().map(receipt).collect()
}

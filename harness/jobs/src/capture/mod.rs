//! Real blocks out of a node, with everything that proves their roots, in the layout that `check` reads.
//!
//! A block is executed by the reference on a state that fetches unknown values when they are read, each with
//! its proof from the parent's state root. Other answers of the node (an execution witness, an access list, a
//! prestate trace) only save requests: none of them is trusted.
//!
//! * `rpc`: requests, retries, errors. * `chain_state`: the state before a block.
//! * `prefetch`: a block's reads, as far as the node tells. * `siblings`: nodes that removals need.
//! * `layout`: the files of a block.

mod chain_state;
mod layout;
mod prefetch;
mod rpc;
mod siblings;

pub use layout::Row;
pub use prefetch::Source;
pub use rpc::{Endpoint, RpcError};

use crate::check::Judge;
use alloy_consensus::Header;
use alloy_rpc_types_eth::Block as RpcBlock;
use chain_state::{Captured, ChainState, tag};
use lockstep_engine::{Candidate, Factory, Slot};
use lockstep_formats::{
    File,
    networks::Network,
    real_block::{BlockAlone, BlockFiles, block_alone},
};
use lockstep_judge::state::{NormalChanges, PreState, RootAfter, roots::proved_state_root};
use lockstep_model::{BlockOutcome, Case, Outcome, Phases, RunOptions};
use rpc::Rpc;
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

/// A capture.
#[derive(Clone)]
pub struct CapturePlan {
    /// The node.
    pub endpoint: Endpoint,
    /// The source, where the user names one.
    pub source: Option<Source>,
    /// The network, where the user names it.
    pub network: Option<Arc<Network>>,
    /// Makes the reference.
    pub reference: Factory,
    /// The folder that receives the blocks' folders.
    pub out: PathBuf,
}

impl std::fmt::Debug for CapturePlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CapturePlan").field("out", &self.out).finish_non_exhaustive()
    }
}

/// A connection to a node, and the facts found out about it.
pub struct Capture {
    plan: CapturePlan,
    rpc: Arc<Rpc>,
    network: Arc<Network>,
    reference: Slot,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("rpc", &self.rpc).finish_non_exhaustive()
    }
}

/// A block that was captured.
#[derive(Debug, Clone)]
pub struct Done {
    /// Its row of the index.
    pub row: Row,
    /// Whether it was there already.
    pub was_there: bool,
}

impl Capture {
    /// Asks the node for its chain.
    ///
    /// # Errors
    /// When the node does not answer, or is on another chain than the user says.
    pub fn new(plan: CapturePlan) -> Result<Self, String> {
        let rpc = Arc::new(Rpc::new(plan.endpoint.clone()));
        let chain_id: alloy_primitives::U64 =
            rpc.call("eth_chainId", "a quantity", json!([])).map_err(|error| error.to_string())?;
        let chain_id: u64 = chain_id.to();
        let network = match &plan.network {
            Some(network) if network.chain_id != chain_id => {
                return Err(format!(
                    "{}: expected chain {} ({}), found chain {chain_id}",
                    rpc.server(),
                    network.chain_id,
                    network.name
                ));
            }
            Some(network) => network.clone(),
            None => Network::with_chain_id(chain_id).ok_or_else(|| {
                format!(
                    "{}: chain {chain_id} is no public network: name its genesis file with --network",
                    rpc.server()
                )
            })?,
        };
        let reference = Slot::new(&Candidate::reference(&plan.reference));
        Ok(Self { plan, rpc, network, reference })
    }

    /// Captures one block, unless it is there.
    ///
    /// # Errors
    /// When the node does not give a needed answer, or gives a wrong one. Nothing of the block is left then.
    pub fn block(&mut self, number: u64) -> Result<Done, String> {
        let folder = layout::folder(&self.plan.out, &self.network, number);
        let there = layout::row_of(&self.plan.out, &self.network, number)?;
        if number == 0 {
            return Err("block 0: the genesis block is not executed".to_owned());
        }
        let json = self.block_json(number)?;
        let alone = self.alone(&json)?;
        if alone.header.number != number {
            return Err(format!("block {number}: the node gives block {}", alone.header.number));
        }
        // The same block: a chain may have been made anew, or have given up a branch.
        let hash = alone.header.hash_slow();
        if let Some(row) = there.filter(|row| row.hash == hash && folder.is_dir()) {
            return Ok(Done { row, was_there: true });
        }
        let parent = self.parent(&alone.header)?;
        let state = Arc::new(ChainState::new(self.rpc.clone(), parent));
        let mut sources = prefetch::prefetch(&self.rpc, &state, &alone, self.plan.source)
            .map_err(|error| format!("block {number}: {error}"))?;
        sources.push("eth_getProof".to_owned());
        let outcome = self.execute(&alone, state.clone())?;
        state.complete_codes().map_err(|error| format!("block {number}: {error}"))?;
        let (captured, after) = self.with_root(&alone, &state, &outcome)?;
        let proves = after.is_some_and(|after| after.root == alone.header.state_root);
        // Without the root the node itself is asked for every value that the block left.
        let is_sure = proves || self.agrees_after(&captured, &state, &outcome)?;
        let files = layout::Files::of(&json, &alone, &captured, &outcome, is_sure)?;
        let verified = self.verify(&files, &alone, &folder)?;
        let row = Row::of(&alone, &self.network, sources, proves && verified);
        layout::write(&self.plan.out, &folder, &files, &row)?;
        Ok(Done { row, was_there: false })
    }

    fn block_json(&self, number: u64) -> Result<Value, String> {
        let params = json!([format!("{number:#x}"), true]);
        let json: Value = self
            .rpc
            .call("eth_getBlockByNumber", "a block", params)
            .map_err(|error| error.to_string())?;
        if json.is_null() {
            return Err(format!("block {number}: the node does not know it"));
        }
        Ok(json)
    }

    /// The block: its hash, roots and signatures fit.
    fn alone(&self, json: &Value) -> Result<BlockAlone, String> {
        let files = BlockFiles::alone(
            File::of_text("eth_getBlockByNumber", &json.to_string()),
            self.network.clone(),
        );
        block_alone(&files).map_err(|error| error.to_string())
    }

    fn parent(&self, header: &Header) -> Result<Header, String> {
        let params = json!([header.parent_hash, false]);
        let parent: Option<RpcBlock> = self
            .rpc
            .call("eth_getBlockByHash", "a block", params)
            .map_err(|error| error.to_string())?;
        let parent = parent.map(|block| block.header.inner);
        match parent {
            Some(parent) if parent.hash_slow() == header.parent_hash => Ok(parent),
            found => Err(format!(
                "eth_getBlockByHash: expected the parent {} of block {}, found {}",
                header.parent_hash,
                header.number,
                found.map_or("none".to_owned(), |parent| parent.hash_slow().to_string())
            )),
        }
    }

    /// Runs the block on the node's state, and holds the outcome against the header.
    fn execute(
        &mut self,
        alone: &BlockAlone,
        state: Arc<ChainState>,
    ) -> Result<Box<BlockOutcome>, String> {
        let number = alone.header.number;
        let case = Case {
            id: format!("block {number}").as_str().into(),
            rules: alone.network.rules(number, alone.header.timestamp),
            phases: Phases::Full,
            block: Arc::new(alone.block.clone()),
            pre_state: state.clone(),
        };
        let execution = self.reference.execute(&case, &RunOptions::of(&case));
        let execution = execution.map_err(|error| {
            // An executor may lose the error on its way.
            let unanswered = state.failure().unwrap_or_default();
            format!("block {number}: {}: {unanswered}", error.reason("reference"))
        })?;
        if let Some(unanswered) = state.failure() {
            return Err(format!("block {number}: {unanswered}"));
        }
        match execution.outcome {
            Outcome::Accepted(outcome) => Ok(outcome),
            Outcome::Rejected(rejection) => Err(format!(
                "block {number}: the reference rejects it: {rejection}; is it of another network?"
            )),
        }
    }

    /// The root after the block, with the nodes that removals need.
    fn with_root(
        &self,
        alone: &BlockAlone,
        state: &ChainState,
        outcome: &BlockOutcome,
    ) -> Result<(Captured, Option<RootAfter>), String> {
        let mut captured = state.finish();
        for is_last in [false, true] {
            let proof = Arc::new(captured.proved());
            let pre = PreState::proved(captured.state(&proof), proof.clone());
            let changes = NormalChanges::new(&pre, &outcome.changes);
            let after = proved_state_root(&proof, &changes);
            let is_right = after
                .as_ref()
                .is_ok_and(|after| after.root == alone.header.state_root && after.assumed == 0);
            if is_right || is_last {
                return Ok((captured, after.ok()));
            }
            // The node may not have the state after the block: then the root stays as it is.
            if siblings::fetch(state, &changes).is_err() {
                return Ok((captured, after.ok()));
            }
            captured = state.finish();
        }
        unreachable!("the last round returns")
    }

    /// Whether the node states the same changed accounts and slots after the block; false where it does not keep
    /// that state.
    fn agrees_after(
        &self,
        captured: &Captured,
        state: &ChainState,
        outcome: &BlockOutcome,
    ) -> Result<bool, String> {
        let proof = Arc::new(captured.proved());
        let pre = PreState::proved(captured.state(&proof), proof);
        for (address, change) in &NormalChanges::new(&pre, &outcome.changes).accounts {
            let slots: Vec<_> =
                change.storage.iter().map(|(slot, value)| (*slot, *value)).collect();
            match state.compare_after(*address, change.info, &slots) {
                Ok(None) => {}
                Ok(Some(what)) => {
                    return Err(format!("{what}: the reference and the node disagree"));
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads the files as `check` does, and judges them.
    fn verify(
        &self,
        files: &layout::Files,
        alone: &BlockAlone,
        folder: &std::path::Path,
    ) -> Result<bool, String> {
        let files = files.block_files(folder, self.network.clone());
        let test = lockstep_formats::real_block::test(&files).map_err(|error| error.to_string())?;
        let result = Judge::of_reference(&self.plan.reference).judge_alone(test);
        let is_root =
            |difference: &&lockstep_judge::difference::Difference| difference.field == "state_root";
        match result.differences.iter().find(|difference| !is_root(difference)) {
            Some(difference) => {
                Err(format!("block {}: not as its header says: {difference}", alone.header.number))
            }
            None if result.verdict == Some(lockstep_report::record::Verdict::Inconclusive) => {
                Err(format!("block {}: {}", alone.header.number, result.reason.unwrap_or_default()))
            }
            None => Ok(result.differences.is_empty()),
        }
    }
}

/// The number of the newest block.
///
/// # Errors
/// When the node does not answer.
pub fn newest(capture: &Capture) -> Result<u64, String> {
    let number: alloy_primitives::U64 = capture
        .rpc
        .call("eth_blockNumber", "a quantity", json!([]))
        .map_err(|error| error.to_string())?;
    Ok(number.to())
}

/// A block's number as a parameter.
fn number_tag(number: u64) -> Value {
    tag(number)
}

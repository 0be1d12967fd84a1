//! A tree of blocks, and what becomes of it.
//!
//! * [`Chain`]: a test's blocks as its source gives them.
//! * [`import`]: from a block's bytes to a case, through every rule of [`crate::consensus`].
//! * [`engine`]: what the Engine API asks of a block beside it.
//! * [`tree`]: the blocks imported so far, with their states.

pub mod engine;
pub mod import;
pub mod tree;

use crate::{
    consensus::{Broken, DecodedBlock, Schedule},
    difference::Difference,
    expected::ExpectedAccount,
    runnable::Runnable,
    state::PreState,
};
use alloy_consensus::Header;
use alloy_eip7928::AccountChanges;
use alloy_primitives::{B256, Bloom, Bytes, Log};
use std::sync::Arc;

/// The blocks of a test, in the order in which they are imported.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The rules.
    pub schedule: Schedule,
    /// The genesis block.
    pub genesis: Genesis,
    /// The blocks after it.
    pub blocks: Vec<ChainBlock>,
    /// Expectations on the chain after its last block.
    pub end: ExpectedEnd,
    /// Expectations that reading the source has already found broken.
    pub broken: Vec<Difference>,
}

/// The genesis of a chain: its header and state.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// Its header.
    pub header: Header,
    /// The keccak-256 of the header.
    pub hash: B256,
    /// Its state.
    pub state: Arc<PreState>,
}

/// Expectations on the chain after its last block.
#[derive(Debug, Clone)]
pub struct ExpectedEnd {
    /// The hash of the block at the head of the chain.
    pub head: B256,
    /// Accounts of its state.
    pub accounts: Option<Vec<ExpectedAccount>>,
    /// Whether those are the whole state: then no other account may exist.
    pub accounts_are_complete: bool,
    /// The root of its state.
    pub state_root: Option<B256>,
}

/// A block as it arrives.
#[derive(Debug, Clone)]
pub struct ChainBlock {
    /// The block, or the rule that its bytes break.
    pub decoded: Result<Arc<DecodedBlock>, Broken>,
    /// The parent that the bytes name, where they can be read so far.
    pub parent: Option<B256>,
    /// Exception names, `A|B`, one of which must be why the block is rejected. `None`: the block is
    /// valid.
    pub exception: Option<String>,
    /// The block access list that comes with the block, from Amsterdam on.
    pub access_list: Option<Arc<[AccountChanges]>>,
    /// Receipts as the source states them.
    pub receipts: Option<Vec<StatedReceipt>>,
    /// The call of the Engine API that the block comes with, where it comes with one.
    pub call: Option<engine::Call>,
}

/// A receipt as a source states it; what it does not state is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of receipts")]
pub struct StatedReceipt {
    pub transaction_type: u8,
    pub success: Option<bool>,
    /// The root of the state after the transaction, before Byzantium.
    pub post_state: Option<B256>,
    pub cumulative_gas_used: u64,
    pub bloom: Bloom,
    pub logs: Vec<Log>,
    pub transaction_hash: Option<B256>,
    /// EIP-2718 bytes.
    pub encoded: Option<Bytes>,
}

/// The block of a chain of one, ready to be executed on its genesis; `None` where there are several, or
/// the block is refused before execution.
pub fn only_block(chain: &Chain, id: &str) -> Option<Runnable> {
    let [block] = &chain.blocks[..] else { return None };
    let tree = tree::Tree::new(&chain.genesis);
    let case = import::import(chain, &tree, id, block).ok()?.case;
    let expectation = crate::expected::Expectation::default();
    Some(Runnable { case, pre: chain.genesis.state.clone(), expectation })
}

/// The rules that the block of a chain of one breaks before anything is executed; none where there are several.
pub fn refused(chain: &Chain, id: &str) -> Vec<Broken> {
    let [block] = &chain.blocks[..] else { return Vec::new() };
    let tree = tree::Tree::new(&chain.genesis);
    import::import(chain, &tree, id, block).err().unwrap_or_default()
}

impl Chain {
    /// The most gas that one of its transactions may use.
    pub fn gas_limit(&self) -> u64 {
        use alloy_consensus::Transaction as _;
        let blocks = self.blocks.iter().filter_map(|block| block.decoded.as_ref().ok());
        let transactions = blocks.flat_map(|block| &block.transactions);
        transactions.map(|transaction| transaction.gas_limit()).max().unwrap_or_default()
    }
}

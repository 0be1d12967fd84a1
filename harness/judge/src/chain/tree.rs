//! The blocks imported so far, by hash, each with its state.

use crate::{
    consensus::ommers::{Ancestor, GENERATIONS},
    state::PreState,
};
use alloy_consensus::Header;
use alloy_primitives::{B256, U256, map::B256Map};
use lockstep_model::{Fork, StateChanges, memory_state::BlockHashes};
use std::sync::Arc;

/// How far back `BLOCKHASH` sees.
const BLOCK_HASHES: usize = 256;

/// A valid block.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its header.
    pub header: Header,
    /// The keccak-256 of the header.
    pub hash: B256,
    /// Difficulty of all blocks up to and with it.
    pub total_difficulty: U256,
    /// Hashes of its ommers.
    pub ommers: Vec<B256>,
    /// Its state. `BLOCKHASH` on it answers for the next block.
    pub state: Arc<PreState>,
}

/// A tree of blocks.
#[derive(Debug)]
pub struct Tree {
    nodes: B256Map<Node>,
    head: B256,
}

impl Tree {
    /// A tree of one block.
    pub fn new(genesis: &super::Genesis) -> Self {
        let node = Node {
            header: genesis.header.clone(),
            hash: genesis.hash,
            total_difficulty: genesis.header.difficulty,
            ommers: Vec::new(),
            state: genesis.state.clone(),
        };
        Self { head: node.hash, nodes: [(node.hash, node)].into_iter().collect() }
    }

    /// The block with this hash.
    pub fn get(&self, hash: B256) -> Option<&Node> {
        self.nodes.get(&hash)
    }

    /// The block at the head of the canonical chain.
    pub fn head(&self) -> &Node {
        &self.nodes[&self.head]
    }

    /// The block and its ancestors, from it backwards.
    pub fn lineage(&self, from: &Node) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.get(from.hash), |node| self.get(node.header.parent_hash))
    }

    /// The ancestors that the ommers of a child of `parent` can name.
    pub fn ancestors<'a>(&'a self, parent: &Node) -> Vec<Ancestor<'a>> {
        let ancestor = |node: &'a Node| Ancestor {
            hash: node.hash,
            header: &node.header,
            total_difficulty: node.total_difficulty,
            ommers: &node.ommers,
        };
        self.lineage(parent).take(GENERATIONS + 2).map(ancestor).collect()
    }

    /// Adds a valid block. It becomes the head where its chain is the heaviest (Yellow Paper 10), or
    /// where there is no weight any more (EIP-3675): then blocks arrive in the order in which the
    /// consensus layer chooses them.
    pub fn insert(
        &mut self,
        fork: Fork,
        (header, hash): (Header, B256),
        ommers: Vec<B256>,
        changes: &StateChanges,
    ) {
        let parent = &self.nodes[&header.parent_hash];
        let total_difficulty = parent.total_difficulty.saturating_add(header.difficulty);
        let hashes = std::iter::once((header.number, hash));
        let before = self.lineage(parent).take(BLOCK_HASHES - 1);
        let hashes = hashes.chain(before.map(|node| (node.header.number, node.hash)));
        let block_hashes = BlockHashes::Known(Arc::new(hashes.collect()));
        let state = parent.state.after(changes, block_hashes);
        if fork >= Fork::Paris || total_difficulty > self.head().total_difficulty {
            self.head = hash;
        }
        self.nodes.insert(hash, Node { header, hash, total_difficulty, ommers, state });
    }
}

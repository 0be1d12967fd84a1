//! States as the judge holds them: whole or proved, in normal form, and their roots.
//!
//! * `pre_state`: the state before a block. * `normal`: changes in normal form. * `roots`: roots, blooms, hashes.
//! * `trie`: tries of which only some nodes are known. * `proved`: the state before a block that they prove.

mod normal;
mod pre_state;
mod proved;
pub mod roots;
mod trie;

pub use normal::{NormalAccount, NormalChanges};
pub use pre_state::{PreState, storage_root};
pub use proved::{ProvedState, RootAfter};
pub use trie::{Nodes, SparseTrie, TrieError};

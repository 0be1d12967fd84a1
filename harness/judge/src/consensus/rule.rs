//! The names of the rules.

use lockstep_model::{At, Rejection, Rule};
use std::fmt;

/// Why a block is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The block breaks a rule of its own.
    Block(BlockRule),
    /// One of its transactions, or a phase of its execution, does.
    Execution(Rejection),
}

impl Broken {
    /// A transaction that breaks a rule before it is executed.
    pub const fn transaction(index: usize, rule: Rule) -> Self {
        Self::Execution(Rejection { at: At::Transaction(index), rule })
    }
}

impl From<BlockRule> for Broken {
    fn from(rule: BlockRule) -> Self {
        Self::Block(rule)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(rule) => rule.fmt(f),
            Self::Execution(rejection) => rejection.fmt(f),
        }
    }
}

macro_rules! block_rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A rule of the block itself. Names are our own, finer than those of the fixtures: one
        /// table, [`crate::exceptions`], says which of them a fixture's exception stands for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BlockRule {
            $($(#[$doc])* $variant,)*
        }

        impl BlockRule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The rule's name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

block_rules! {
    /// Yellow Paper 4.4: the block, its header, its transactions, ommers and withdrawals have one
    /// encoding each.
    Encoding = "block encoding",
    /// EIP-4895: the body has a list of withdrawals.
    WithdrawalsInBody = "list of withdrawals in the body",
    /// EIP-4895: before Shanghai the body has no list of withdrawals.
    NoWithdrawalsInBody = "no list of withdrawals in the body",
    /// EIP-7934: the encoded block is at most 8 MiB long.
    BlockSize = "block size",

    /// Yellow Paper 4.4.4: the parent is a known, valid block.
    ParentKnown = "parent known",
    /// Yellow Paper (47): one more than the parent's number.
    Number = "block number",
    /// Yellow Paper (48): later than the parent.
    Timestamp = "timestamp",
    /// Yellow Paper (50): at most 32 bytes.
    ExtraDataSize = "extra data size",
    /// EIP-779: `dao-hard-fork` in the fork block and the nine after it.
    ExtraDataOfDao = "extra data of the DAO fork",
    /// Yellow Paper (53): at most the gas limit.
    GasUsedWithinLimit = "gas used within the limit",
    /// Yellow Paper (46): within a 1024th of the parent's, and at least 5000.
    GasLimitBounds = "gas limit bounds",
    /// EIP-1985: at most 2^63 - 1.
    GasLimitSize = "gas limit size",
    /// Yellow Paper (41): follows from the parent's, before Paris.
    Difficulty = "difficulty",
    /// EIP-1559: a base fee, from London on.
    BaseFeePresent = "base fee present",
    /// EIP-1559: no base fee before London.
    BaseFeeAbsent = "base fee absent",
    /// EIP-1559: follows from the parent's.
    BaseFee = "base fee",
    /// EIP-3675: zero.
    DifficultyZero = "difficulty zero",
    /// EIP-3675: zero.
    NonceZero = "nonce zero",
    /// EIP-3675: no ommers.
    NoOmmers = "no ommers",
    /// EIP-4895, EIP-4844, EIP-4788, EIP-7685, EIP-7928, EIP-7843: the header has the fields of
    /// its fork.
    FieldsPresent = "fields of the fork present",
    /// The same: and none of a later fork.
    FieldsAbsent = "fields of later forks absent",
    /// EIP-4844: at most the maximum for a block.
    BlobGasWithinLimit = "blob gas within the limit",
    /// EIP-4844: whole blobs.
    BlobGasMultiple = "blob gas of whole blobs",
    /// EIP-4844, EIP-7918: follows from the parent's.
    ExcessBlobGas = "excess blob gas",

    /// Yellow Paper (33): the root of the transactions.
    TransactionsRoot = "transactions root",
    /// Yellow Paper (33): the hash of the ommers.
    OmmersHash = "ommers hash",
    /// EIP-4895: the root of the withdrawals.
    WithdrawalsRoot = "withdrawals root",
    /// EIP-4844: the blob gas of the transactions.
    BlobGasUsed = "blob gas used",

    /// Yellow Paper 11.1: at most two.
    OmmerCount = "number of ommers",
    /// Yellow Paper 11.1: each once.
    OmmerOnce = "ommer named once",
    /// Yellow Paper 11.1: not one that an ancestor has named.
    OmmerNew = "ommer not named before",
    /// Yellow Paper 11.1: not an ancestor itself.
    OmmerNotAncestor = "ommer not an ancestor",
    /// Yellow Paper 11.1: a child of an ancestor within six generations, the parent aside.
    OmmerKin = "ommer's parent",

    /// Yellow Paper (53): what execution used.
    GasUsed = "gas used",
    /// Yellow Paper (33): the bloom of the logs.
    LogsBloom = "logs bloom",
    /// Yellow Paper (33): the root of the receipts.
    ReceiptsRoot = "receipts root",
    /// Yellow Paper (33): the root of the state.
    StateRoot = "state root",
    /// EIP-7685: the hash of the requests.
    RequestsHash = "requests hash",

    /// Engine API: the payload states the hash of the block that its fields make up.
    BlockHash = "block hash of the payload",
    /// Engine API, EIP-4844: the hashes of blobs beside the payload are those of its transactions.
    VersionedHashes = "versioned hashes beside the payload",
    /// Engine API: the parameters have the form of their version.
    EngineParameters = "form of the Engine API's parameters",
    /// Engine API: each version of a method belongs to certain forks.
    EngineFork = "fork of the Engine API's method",

    /// EIP-7928: the list has one form.
    AccessListForm = "access list form",
    /// EIP-7928: at most an item for every 2000 gas of the block's limit.
    AccessListSize = "access list size",
    /// EIP-7928: the header has the hash of the list that came with the block.
    AccessListHash = "access list hash",
    /// EIP-7928: the list is that of the execution.
    AccessList = "access list",
}

impl fmt::Display for BlockRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

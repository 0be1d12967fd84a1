//! Features of generated blocks.

use super::chooser::Chooser;
use lockstep_model::Fork;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// Something that a block may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Feature {
    /// Native transfers, of nothing too.
    Transfers,
    /// Calls of contracts.
    Calls,
    /// Creation of contracts, by transactions and by contracts.
    Creation,
    /// The same by CREATE2, again at the same address.
    Revival,
    /// SELFDESTRUCT.
    Destruction,
    /// Calls between contracts: CALL, CALLCODE, DELEGATECALL, STATICCALL.
    NestedCalls,
    /// REVERT and failure deep in the call tree, and questions about returned data.
    Reverts,
    /// Decisions by what gas is left, and too little of it.
    Gas,
    /// Balances of others.
    Balances,
    /// Codes of others.
    Codes,
    /// Logs.
    Logs,
    /// Environment: BLOCKHASH, COINBASE, TIMESTAMP and the like.
    Environment,
    /// Precompiles, as targets of calls and of transfers.
    Precompiles,
    /// Transient storage (EIP-1153).
    Transient,
    /// EIP-2930 lists.
    AccessLists,
    /// EIP-1559 fees.
    DynamicFees,
    /// EIP-4844 transactions.
    Blobs,
    /// EIP-7702 authorisations.
    Delegations,
    /// The fee recipient takes part: as sender, recipient, contract.
    FeeRecipient,
    /// Senders who are funded in the block.
    Funding,
    /// Accounts that are empty, or absent.
    Empty,
    /// Withdrawals (EIP-4895).
    Withdrawals,
    /// System contracts: beacon roots, history, requests.
    SystemContracts,
    /// A transaction that must be rejected.
    Invalid,
    /// A block without room for all.
    Full,
    /// Accounts that are not there, met without a change and then used: as authority, recipient, creator,
    /// fee recipient.
    Absent,
    /// Accounts with storage and neither code nor nonce (EIP-7610): some empty, some where a contract is
    /// to be created.
    OrphanStorage,
    /// Prices, values, nonces and balances at the edge of their types.
    Edges,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 28] = [
        Self::Transfers,
        Self::Calls,
        Self::Creation,
        Self::Revival,
        Self::Destruction,
        Self::NestedCalls,
        Self::Reverts,
        Self::Gas,
        Self::Balances,
        Self::Codes,
        Self::Logs,
        Self::Environment,
        Self::Precompiles,
        Self::Transient,
        Self::AccessLists,
        Self::DynamicFees,
        Self::Blobs,
        Self::Delegations,
        Self::FeeRecipient,
        Self::Funding,
        Self::Empty,
        Self::Withdrawals,
        Self::SystemContracts,
        Self::Invalid,
        Self::Full,
        Self::Absent,
        Self::OrphanStorage,
        Self::Edges,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Calls => "calls",
            Self::Creation => "creation",
            Self::Revival => "revival",
            Self::Destruction => "destruction",
            Self::NestedCalls => "nested-calls",
            Self::Reverts => "reverts",
            Self::Gas => "gas",
            Self::Balances => "balances",
            Self::Codes => "codes",
            Self::Logs => "logs",
            Self::Environment => "environment",
            Self::Precompiles => "precompiles",
            Self::Transient => "transient",
            Self::AccessLists => "access-lists",
            Self::DynamicFees => "dynamic-fees",
            Self::Blobs => "blobs",
            Self::Delegations => "delegations",
            Self::FeeRecipient => "fee-recipient",
            Self::Funding => "funding",
            Self::Empty => "empty",
            Self::Withdrawals => "withdrawals",
            Self::SystemContracts => "system-contracts",
            Self::Invalid => "invalid",
            Self::Full => "full",
            Self::Absent => "absent",
            Self::OrphanStorage => "orphan-storage",
            Self::Edges => "edges",
        }
    }

    /// The first fork that has it.
    const fn since(self) -> Fork {
        match self {
            Self::Reverts => Fork::Byzantium,
            Self::Revival => Fork::Petersburg,
            Self::AccessLists => Fork::Berlin,
            Self::DynamicFees => Fork::London,
            Self::Withdrawals => Fork::Shanghai,
            Self::Transient | Self::Blobs | Self::SystemContracts => Fork::Cancun,
            Self::Delegations => Fork::Prague,
            _ => Fork::Frontier,
        }
    }

    /// Percentage of blocks that have it. A feature that ends a block early is rare: nothing behind it runs.
    const fn percent(self) -> u8 {
        match self {
            Self::Invalid => 8,
            Self::Full => 4,
            Self::OrphanStorage => 25,
            Self::Edges => 15,
            Self::Transfers | Self::Calls => 75,
            _ => 50,
        }
    }
}

/// Some features.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Features(u32);

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Feature::name)).finish()
    }
}

impl Features {
    /// Every feature.
    pub const fn all() -> Self {
        Self((1 << Feature::ALL.len()) - 1)
    }

    /// No feature.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Whether it is among them.
    pub const fn has(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u8 != 0
    }

    /// These and others.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These, but those of `some` only where `others` have them.
    pub(super) fn only(self, others: Self, some: &[Feature]) -> Self {
        self.iter().filter(|feature| !some.contains(feature) || others.has(*feature)).collect()
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |feature| self.has(*feature))
    }

    /// Some of `allowed` that the fork has; transfers where nothing else would happen.
    pub(super) fn choose(chooser: &mut Chooser<'_>, fork: Fork, allowed: Self) -> Self {
        let mut chosen: Self = Feature::ALL
            .into_iter()
            .filter(|feature| {
                let wanted = chooser.chance(feature.percent());
                wanted && allowed.has(*feature) && fork >= feature.since()
            })
            .collect();
        if !chosen.has(Feature::Calls) && !chosen.has(Feature::Creation) {
            chosen = chosen.with([Feature::Transfers].into_iter().collect());
        }
        chosen
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Feature::name))
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let feature = |name: &String| {
            let found = Feature::ALL.into_iter().find(|feature| feature.name() == name);
            found.ok_or_else(|| D::Error::custom(format!("unknown feature `{name}`")))
        };
        names.iter().map(feature).collect()
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::none(), |all, feature| Self(all.0 | 1 << feature as u8))
    }
}

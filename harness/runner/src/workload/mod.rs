//! Workloads: blocks of a kind and a size, from a seed, for benchmarks.
//!
//! * `draft`: one block in the making: accounts, contracts, transactions.
//! * `contracts`: the compiled contracts of `corpora/contracts`, their calls and storage.
//! * `transfers`, `tokens`, `swaps`: what happens in the block.
//!
//! Every transaction succeeds.

mod contracts;
mod draft;
mod swaps;
mod tokens;
mod transfers;

use crate::test::Runnable;
use draft::Draft;

/// A kind of block.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What happens in it, in one line.
    pub about: &'static str,
    /// Gas that one transaction uses, about.
    gas_per_transaction: u64,
    fill: fn(&mut Draft, usize),
}

/// Whether the transactions of a workload carry real signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures {
    /// A placeholder: execution never looks at it.
    Placeholder,
    /// Real ones, for imports that recover senders. Takes some 0.1 ms a transaction to make.
    Real,
}

/// Every workload.
pub const ALL: [Workload; 7] = [
    Workload {
        name: "transfers",
        about: "native transfers, every sender and recipient once",
        gas_per_transaction: 21_000,
        fill: transfers::independent,
    },
    Workload {
        name: "transfers-chain",
        about: "native transfers, each sends on what the one before has sent",
        gas_per_transaction: 21_000,
        fill: transfers::chain,
    },
    Workload {
        name: "erc20",
        about: "transfers of one ERC-20 token, every sender and recipient once",
        gas_per_transaction: tokens::GAS,
        fill: tokens::independent,
    },
    Workload {
        name: "erc20-hot",
        about: "transfers of one ERC-20 token, 30 % of them to 10 % of the accounts",
        gas_per_transaction: tokens::GAS,
        fill: tokens::hot,
    },
    Workload {
        name: "erc20-chain",
        about: "transfers of one ERC-20 token, each sends on what the one before has sent",
        gas_per_transaction: tokens::GAS,
        fill: tokens::chain,
    },
    Workload {
        name: "swaps",
        about: "swaps through two constant-product markets, every trader and market once",
        gas_per_transaction: swaps::GAS,
        fill: swaps::independent,
    },
    Workload {
        name: "swaps-hot",
        about: "swaps of many traders through two of ten markets",
        gas_per_transaction: swaps::GAS,
        fill: swaps::hot,
    },
];

impl Workload {
    /// The workload of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|workload| workload.name == name)
    }

    /// A block that uses about this much gas.
    pub fn block(&self, seed: u64, gas: u64, signatures: Signatures) -> Runnable {
        let transactions = usize::try_from(gas / self.gas_per_transaction).unwrap_or(usize::MAX);
        let mut draft = Draft::new(seed, signatures);
        (self.fill)(&mut draft, transactions.max(1));
        draft.finish(&self.id(seed, gas))
    }

    /// The id of such a block.
    pub fn id(&self, seed: u64, gas: u64) -> String {
        format!("workload::{}[{gas},seed={seed}]", self.name)
    }
}

//! The profile of a block: what keeps it from running in parallel.
//!
//! * `text`: for a terminal, and as Markdown. * `page`: a page with the graph.

mod page;
mod text;

pub use page::page;
pub use text::{markdown, terminal};

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// A block, and what its transactions wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The block.
    pub block: String,
    /// Its transactions.
    pub transactions: usize,
    /// Gas of all of them.
    pub gas_used: u64,
    /// Time of all transactions on one thread, one after the other, in ns.
    pub work_ns: u64,
    /// Time of the longest chain of transactions that wait for each other, in ns.
    pub chain_ns: u64,
    /// Gas of that chain.
    pub chain_gas: u64,
    /// Time of the longest transaction, in ns.
    pub longest_ns: u64,
    /// Transactions that wait for no other.
    pub independent: usize,
    /// The chain, in order.
    pub chain: Vec<Link>,
    /// Time on so many cores where every dependency is known beforehand and nothing else takes time.
    pub ideal: Vec<CoreTime>,
    /// The places that serialise it most, one more each time.
    pub together: Vec<Together>,
    /// Places at which transactions wait, those on the chain first.
    pub hot: Vec<Hot>,
    /// Contracts at whose storage the chain waits.
    pub contracts: Vec<SerialContract>,
    /// The transactions, for the graph.
    pub nodes: Vec<Node>,
    /// Who waits for whom.
    pub edges: Vec<Edge>,
}

/// A transaction of the longest chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its index in the block.
    pub transaction: u32,
    /// Whom it calls.
    pub to: String,
    /// How long it takes on one thread, in ns.
    pub time_ns: u64,
    /// Gas that it uses.
    pub gas_used: u64,
    /// The places at which it waits for the one before.
    pub waits_at: Vec<String>,
}

/// Time on a number of cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreTime {
    /// How many.
    pub cores: usize,
    /// The time, in ns.
    pub time_ns: u64,
}

/// The block as it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// Time of the longest chain then, in ns.
    pub chain_ns: u64,
    /// Time on these cores then, in ns, as in [`Profile::ideal`].
    pub ideal_ns: u64,
    /// How many cores.
    pub cores: usize,
}

/// A profile in one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The block.
    pub block: String,
    /// Its transactions.
    pub transactions: usize,
    /// The bound of dependencies.
    pub bound: f64,
    /// The longest chain: its transactions, and its part of the time of all.
    pub chain: (usize, f64),
    /// M = (T - A) / (T - L) of an ideal schedule on so many cores. `None` where nothing can be won.
    pub score: Option<(usize, f64)>,
    /// The place at which the chain waits most, and the bound if nobody had to wait there.
    pub hottest: Option<(String, f64)>,
}

/// A place at which transactions wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hot {
    /// Its name.
    pub name: String,
    /// `balance`, `nonce`, `code`, `fee recipient`, `slot` or `storage`.
    pub kind: String,
    /// The account.
    pub account: Address,
    /// Transactions that wait there.
    pub waiting: usize,
    /// Their time, in ns.
    pub waiting_ns: u64,
    /// Links of the longest chain that wait there.
    pub links: usize,
    /// If nobody had to wait there: if what is done there commuted.
    pub if_commuted: WhatIf,
    /// If each sender had a part of its own; only of slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_sharded: Option<WhatIf>,
}

/// One more place that nobody had to wait at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// The place, besides those before it in the list.
    pub also: String,
    /// The block then.
    pub what_if: WhatIf,
}

/// A contract at whose storage the chain waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SerialContract {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// The hash of its code.
    pub code_hash: Option<B256>,
    /// Links of the chain that wait there.
    pub links: usize,
    /// Time of those that wait, in ns.
    pub time_ns: u64,
}

/// A transaction in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its index.
    pub transaction: u32,
    /// Whom it calls.
    pub to: String,
    /// Time on one thread, in ns.
    pub time_ns: u64,
    /// Gas that it uses.
    pub gas_used: u64,
    /// Whether it is one of the longest chain.
    pub on_chain: bool,
}

/// A transaction waits for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The one before.
    pub from: u32,
    /// The one that waits.
    pub to: u32,
    /// At these places.
    pub places: Vec<String>,
    /// Whether it is a link of the longest chain.
    pub on_chain: bool,
}

impl Profile {
    /// Whether a text is what `lockstep profile --format json` writes.
    pub fn is_one(text: &str) -> bool {
        crate::first_line(text).get("chain_ns").is_some()
    }

    /// The bound of dependencies: work over the longest chain.
    pub fn bound(&self) -> f64 {
        ratio(self.work_ns, self.chain_ns)
    }

    /// How much of what could be won in `time_ns` is won: (T - A) / (T - L), where T is all work, A the time that
    /// it takes, and L the longest chain. `None` where nothing can be won.
    pub fn score(&self, time_ns: u64) -> Option<f64> {
        let possible = self.work_ns.checked_sub(self.chain_ns).filter(|possible| *possible > 0)?;
        Some((self.work_ns as f64 - time_ns as f64) / possible as f64)
    }

    /// The place at which the longest chain waits most, if it waits anywhere.
    pub fn hottest(&self) -> Option<&Hot> {
        self.hot.iter().max_by_key(|hot| (hot.links, hot.waiting_ns)).filter(|hot| hot.links > 0)
    }

    /// The profile in one row.
    pub fn in_one_row(&self) -> Score {
        let score = self.ideal.first().and_then(|at| Some((at.cores, self.score(at.time_ns)?)));
        let then = |hot: &Hot| ratio(self.work_ns, hot.if_commuted.chain_ns);
        Score {
            block: self.block.clone(),
            transactions: self.transactions,
            bound: self.bound(),
            chain: (self.chain.len(), 1.0 / self.bound()),
            score,
            hottest: self.hottest().map(|hot| (short(&hot.name), then(hot))),
        }
    }

    /// The speedup in `time_ns`.
    pub fn speedup(&self, time_ns: u64) -> f64 {
        ratio(self.work_ns, time_ns)
    }
}

fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 { 1.0 } else { whole as f64 / part as f64 }
}

/// Addresses and hashes in short: `0x1234…cdef`.
fn short(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some(at) = rest.find("0x") {
        let digits = rest[at + 2..].find(|letter: char| !letter.is_ascii_hexdigit());
        let end = digits.map_or(rest.len(), |digits| at + 2 + digits);
        let hex = &rest[at..end];
        text.push_str(&rest[..at]);
        if hex.len() > 14 {
            text.push_str(&format!("{}…{}", &hex[..6], &hex[hex.len() - 4..]));
        } else {
            text.push_str(hex);
        }
        rest = &rest[end..];
    }
    text + rest
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Profile {
        let what_if = WhatIf { chain_ns: 25, ideal_ns: 30, cores: 16 };
        let token = "balanceOf[0x1111111111111111111111111111111111111111] of <Token>".to_owned();
        let node = |transaction| Node {
            transaction,
            to: "<Token>".to_owned(),
            time_ns: 50,
            gas_used: 21_000,
            on_chain: true,
        };
        Profile {
            block: "a <block>".to_owned(),
            transactions: 2,
            gas_used: 42_000,
            work_ns: 100,
            chain_ns: 100,
            chain_gas: 42_000,
            longest_ns: 50,
            independent: 1,
            chain: (0..2)
                .map(|transaction| Link {
                    transaction,
                    to: "<Token>".to_owned(),
                    time_ns: 50,
                    gas_used: 21_000,
                    waits_at: if transaction == 0 { Vec::new() } else { vec![token.clone()] },
                })
                .collect(),
            ideal: vec![CoreTime { cores: 2, time_ns: 100 }, CoreTime { cores: 16, time_ns: 100 }],
            together: vec![Together { also: token.clone(), what_if }],
            hot: vec![Hot {
                name: token.clone(),
                kind: "slot".to_owned(),
                account: Address::ZERO,
                waiting: 1,
                waiting_ns: 50,
                links: 1,
                if_commuted: what_if,
                if_sharded: Some(what_if),
            }],
            contracts: vec![SerialContract {
                name: "<Token>".to_owned(),
                address: Address::ZERO,
                code_hash: None,
                links: 1,
                time_ns: 50,
            }],
            nodes: vec![node(0), node(1)],
            edges: vec![Edge { from: 0, to: 1, places: vec![token], on_chain: true }],
        }
    }

    #[test]
    fn names_are_shortened_and_scores_are_of_what_can_be_won() {
        let name = "balance of 0x1111111111111111111111111111111111112222, 0x12 and 0x";
        assert_eq!(short(name), "balance of 0x1111…2222, 0x12 and 0x");
        let profile = Profile { chain_ns: 50, ..example() };
        assert_eq!(profile.score(75), Some(0.5));
        assert_eq!(profile.score(50), Some(1.0));
        assert_eq!(example().score(100), None);
        assert_eq!((profile.bound(), profile.speedup(25)), (2.0, 4.0));
    }
}

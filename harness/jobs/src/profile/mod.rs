//! `lockstep profile`: what keeps a block from running in parallel, by name and in time.
//!
//! * `names`: what a slot is called. * `ideal`: the block where everything is known beforehand.

pub(crate) mod ideal;
mod names;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes};
use lockstep_cases::layouts::Layouts;
use lockstep_judge::runnable::Runnable;
use lockstep_model::{Case, Contention, ExecutorError, Place};
use lockstep_report::profile::{
    CoreTime, Edge, Hot, Link, Node, Profile, SerialContract, Together, WhatIf,
};
use names::Names;
use std::collections::{BTreeMap, BTreeSet};

/// What a profile is made from.
#[derive(Debug, Clone, Copy)]
pub struct Sources {
    /// What each transaction waits for.
    pub contention: fn(&Case) -> Result<Contention, ExecutorError>,
    /// What the block has hashed.
    pub preimages: fn(&Case) -> Result<BTreeMap<B256, Bytes>, ExecutorError>,
}

/// Numbers of cores of which the profile tells.
pub const CORES: [usize; 5] = [2, 4, 8, 16, 64];

/// The cores that what-ifs are told for.
const MANY: usize = 16;

/// Runs of the block; of each transaction the shortest counts.
const RUNS: usize = 3;

/// Hot places that are told.
const MOST_HOT: usize = 20;

/// Places that are freed together, one after the other.
const MOST_TOGETHER: usize = 8;

/// A block of fewer transactions has no graph worth drawing, and one of more none that can be seen.
const MOST_NODES: usize = 3_000;

/// The profile of a block.
///
/// # Errors
/// When the block cannot be executed to its end, or is invalid.
pub fn profile(
    block: &Runnable,
    sources: &Sources,
    layouts: &Layouts,
) -> Result<Profile, ExecutorError> {
    let case = &block.case;
    let mut contention = (sources.contention)(case)?;
    for _ in 1..RUNS {
        contention = contention.fastest(&(sources.contention)(case)?);
    }
    let names = Names::new(case, layouts, (sources.preimages)(case)?);
    Ok(Profiler { case, contention: &contention, names: &names }.profile())
}

struct Profiler<'a> {
    case: &'a Case,
    contention: &'a Contention,
    names: &'a Names<'a>,
}

impl Profiler<'_> {
    fn profile(&self) -> Profile {
        let dependencies = self.contention.dependencies();
        let work_ns = dependencies.work_ns();
        let chain = dependencies.critical_path();
        let chain_ns = dependencies.critical_path_ns();
        let core_time = |cores| CoreTime { cores, time_ns: ideal::time_ns(&dependencies, cores) };
        let ideal: Vec<CoreTime> = CORES.into_iter().map(core_time).collect();
        let hot = self.hot(&chain);
        let gas = |index: &u32| self.contention.transactions[*index as usize].gas_used;
        Profile {
            block: self.case.id.to_string(),
            transactions: self.contention.transactions.len(),
            gas_used: self.contention.transactions.iter().map(|one| one.gas_used).sum(),
            work_ns,
            chain_ns,
            chain_gas: chain.iter().map(gas).sum(),
            longest_ns: dependencies.longest_ns(),
            independent: dependencies
                .transactions
                .iter()
                .filter(|one| one.after.is_empty())
                .count(),
            chain: self.links(&chain),
            ideal,
            together: self.together(&hot),
            hot: hot.into_iter().map(|(_, hot)| hot).collect(),
            contracts: self.contracts(&chain),
            nodes: self.nodes(&chain),
            edges: self.edges(&chain),
        }
    }

    fn transaction_name(&self, index: u32) -> String {
        match self.case.block.transactions[index as usize].envelope.to() {
            Some(to) => self.names.account(to),
            None => "a creation".to_owned(),
        }
    }

    /// The places at which `index` waits for `on`.
    fn places_between(&self, on: u32, index: u32) -> impl Iterator<Item = &Place> {
        let waits = self.contention.transactions[index as usize].waits.iter();
        waits.filter(move |wait| wait.after.contains(&on)).map(|wait| &wait.place)
    }

    fn links(&self, chain: &[u32]) -> Vec<Link> {
        let mut before = None;
        let mut links = Vec::with_capacity(chain.len());
        for index in chain {
            let transaction = &self.contention.transactions[*index as usize];
            let waits = before.map_or(Vec::new(), |before| {
                self.places_between(before, *index).map(|place| self.names.place(place)).collect()
            });
            links.push(Link {
                transaction: *index,
                to: self.transaction_name(*index),
                time_ns: transaction.time_ns,
                gas_used: transaction.gas_used,
                waits_at: waits,
            });
            before = Some(*index);
        }
        links
    }

    /// Places by how much time waits at them, those on the chain first.
    fn hot(&self, chain: &[u32]) -> Vec<(Place, Hot)> {
        let mut by_place: BTreeMap<Place, (usize, u64)> = BTreeMap::new();
        for transaction in &self.contention.transactions {
            for wait in &transaction.waits {
                let (waiting, time_ns) = by_place.entry(wait.place).or_default();
                *waiting += 1;
                *time_ns += transaction.time_ns;
            }
        }
        let links = chain.windows(2).flat_map(|pair| self.places_between(pair[0], pair[1]));
        let mut on_chain: BTreeMap<Place, usize> = BTreeMap::new();
        links.for_each(|place| *on_chain.entry(*place).or_default() += 1);
        let mut places: Vec<_> = by_place.into_iter().collect();
        let links_at = |place: &Place| on_chain.get(place).copied().unwrap_or_default();
        places.sort_by_key(|(place, (_, time_ns))| std::cmp::Reverse((links_at(place), *time_ns)));
        places.truncate(MOST_HOT);
        let hot = |(place, (waiting, time_ns))| {
            let hot = Hot {
                name: self.names.place(&place),
                kind: kind(&place).to_owned(),
                account: place.address(),
                waiting,
                waiting_ns: time_ns,
                links: links_at(&place),
                if_commuted: self.without(&|other| *other == place),
                if_sharded: self.sharded(&place),
            };
            (place, hot)
        };
        places.into_iter().map(hot).collect()
    }

    fn without(&self, is_free: &dyn Fn(&Place) -> bool) -> WhatIf {
        what_if(&self.contention.dependencies_without(is_free))
    }

    /// Only a slot can have a part for each sender.
    fn sharded(&self, place: &Place) -> Option<WhatIf> {
        let Place::Slot(address, slot) = *place else { return None };
        let senders: Vec<Address> =
            self.case.block.transactions.iter().map(|transaction| transaction.sender).collect();
        Some(what_if(&self.contention.dependencies_sharded((address, slot), &senders)))
    }

    /// The chain without the places that serialise it most, one more each time: what is next when one is gone.
    fn together(&self, hot: &[(Place, Hot)]) -> Vec<Together> {
        let mut freed = BTreeSet::new();
        let mut together = Vec::new();
        let mut known: BTreeMap<Place, String> =
            hot.iter().map(|(place, hot)| (*place, hot.name.clone())).collect();
        for _ in 0..MOST_TOGETHER {
            let left = self.contention.dependencies_without(&|place| freed.contains(place));
            let chain = left.critical_path();
            let mut counts: BTreeMap<Place, usize> = BTreeMap::new();
            for pair in chain.windows(2) {
                let places = self.places_between(pair[0], pair[1]);
                let left = places.filter(|place| !freed.contains(*place));
                left.for_each(|place| *counts.entry(*place).or_default() += 1);
            }
            let Some((place, _)) = counts.into_iter().max_by_key(|(place, count)| (*count, *place))
            else {
                break;
            };
            let name = known.entry(place).or_insert_with(|| self.names.place(&place)).clone();
            freed.insert(place);
            let what_if = self.without(&|place| freed.contains(place));
            together.push(Together { also: name, what_if });
        }
        together
    }

    /// Contracts at whose slots the chain waits, by the time of the transactions that wait there.
    fn contracts(&self, chain: &[u32]) -> Vec<SerialContract> {
        let mut by_account: BTreeMap<Address, (usize, u64)> = BTreeMap::new();
        for pair in chain.windows(2) {
            let accounts: BTreeSet<Address> = self
                .places_between(pair[0], pair[1])
                .filter(|place| matches!(place, Place::Slot(..) | Place::Storage(_)))
                .map(Place::address)
                .collect();
            for account in accounts {
                let (links, time_ns) = by_account.entry(account).or_default();
                *links += 1;
                *time_ns += self.contention.transactions[pair[1] as usize].time_ns;
            }
        }
        let contract = |(address, (links, time_ns))| SerialContract {
            name: self.names.account(address),
            address,
            code_hash: self.names.code_hash(address),
            links,
            time_ns,
        };
        let mut contracts: Vec<_> = by_account.into_iter().map(contract).collect();
        contracts.sort_by_key(|contract| std::cmp::Reverse(contract.time_ns));
        contracts
    }

    fn nodes(&self, chain: &[u32]) -> Vec<Node> {
        let on_chain: BTreeSet<u32> = chain.iter().copied().collect();
        let transactions = (0_u32..).zip(&self.contention.transactions).take(MOST_NODES);
        let node = |(index, one): (u32, &lockstep_model::Contender)| Node {
            transaction: index,
            to: self.transaction_name(index),
            time_ns: one.time_ns,
            gas_used: one.gas_used,
            on_chain: on_chain.contains(&index),
        };
        transactions.map(node).collect()
    }

    fn edges(&self, chain: &[u32]) -> Vec<Edge> {
        let links: BTreeSet<(u32, u32)> = chain.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let mut by_pair: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
        for (index, transaction) in (0_u32..).zip(&self.contention.transactions).take(MOST_NODES) {
            for wait in &transaction.waits {
                // Everyone below pays the fee recipient: the last one stands for all.
                let after = match wait.place {
                    Place::FeeRecipient(_) => &wait.after[wait.after.len() - 1..],
                    _ => &wait.after[..],
                };
                for on in after {
                    by_pair.entry((*on, index)).or_default().push(self.names.place(&wait.place));
                }
            }
        }
        let edge =
            |((from, to), places)| Edge { from, to, places, on_chain: links.contains(&(from, to)) };
        by_pair.into_iter().map(edge).collect()
    }
}

fn what_if(dependencies: &lockstep_model::Dependencies) -> WhatIf {
    WhatIf {
        chain_ns: dependencies.critical_path_ns(),
        ideal_ns: ideal::time_ns(dependencies, MANY),
        cores: MANY,
    }
}

const fn kind(place: &Place) -> &'static str {
    match place {
        Place::Balance(_) => "balance",
        Place::Nonce(_) => "nonce",
        Place::Code(_) => "code",
        Place::FeeRecipient(_) => "fee recipient",
        Place::Slot(..) => "slot",
        Place::Storage(_) => "storage",
    }
}

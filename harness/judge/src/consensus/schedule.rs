//! Which rules hold for a block: the networks of the official tests.
//!
//! A network is one fork (`Cancun`), or two with the point where the second begins
//! (`CancunToPragueAtTime15k`, `FrontierToHomesteadAt5`, `ArrowGlacierToParisAtDiffC0000`).

use alloy_eips::eip7840::BlobParams;
use alloy_primitives::U256;
use lockstep_model::{Fork, Rules};

/// The rules of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    chain_id: u64,
    first: Era,
    second: Option<(Activation, Era)>,
}

/// The rules between two forks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// The rules of execution.
    pub fork: Fork,
    /// By how many blocks the difficulty bomb is put off (EIP-649 and its successors).
    pub bomb_delay: u64,
    /// Blob parameters, from Cancun on.
    pub blobs: Option<BlobParams>,
    /// The number of the DAO fork's block (EIP-779).
    pub dao_fork: Option<u64>,
}

/// Activation condition of an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activation {
    Number(u64),
    Timestamp(u64),
    /// The parent's total difficulty (EIP-3675).
    TotalDifficulty(U256),
}

/// A network that no rules answer to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown network `{0}`, expected a fork from Frontier to Amsterdam, or two of them as in \
     `CancunToPragueAtTime15k`, `FrontierToHomesteadAt5` or `ArrowGlacierToParisAtDiffC0000`"
)]
pub struct UnknownNetwork(pub String);

impl Schedule {
    /// The rules of a network. `blobs` gives the blob parameters of a fork by its name, where the
    /// fixture has them.
    ///
    /// # Errors
    /// When the name is not that of a network.
    pub fn of_network(
        name: &str,
        chain_id: u64,
        blobs: &dyn Fn(&str) -> Option<BlobParams>,
    ) -> Result<Self, UnknownNetwork> {
        let unknown = || UnknownNetwork(name.to_owned());
        let Some((first, second, activation)) = transition(name) else {
            return match era(name, blobs) {
                Some(first) if name != "Dao" => Ok(Self { chain_id, first, second: None }),
                _ => Err(unknown()),
            };
        };
        let first = era(first, blobs).ok_or_else(unknown)?;
        let mut second = era(second, blobs).ok_or_else(unknown)?;
        if let (Some(fork), Activation::Number(number)) = (&mut second.dao_fork, activation) {
            *fork = number;
        }
        Ok(Self { chain_id, first, second: Some((activation, second)) })
    }

    /// The rules for a block of this number and time on top of a chain of this total difficulty.
    pub fn era(&self, number: u64, timestamp: u64, parent_total_difficulty: U256) -> &Era {
        let Some((activation, second)) = &self.second else { return &self.first };
        let active = match activation {
            Activation::Number(first) => number >= *first,
            Activation::Timestamp(first) => timestamp >= *first,
            Activation::TotalDifficulty(total) => parent_total_difficulty >= *total,
        };
        if active { second } else { &self.first }
    }

    /// The rules of execution for a block of this number in this era.
    pub fn rules(&self, era: &Era, number: u64) -> Rules {
        Rules {
            chain_id: self.chain_id,
            blobs: era.blobs.map(|blobs| lockstep_model::BlobParams {
                max: blobs.max_blob_count,
                update_fraction: u64::try_from(blobs.update_fraction).unwrap_or(u64::MAX),
            }),
            dao_drain: era.dao_fork == Some(number),
            ..Rules::mainnet(era.fork)
        }
    }

    /// The eras, in order.
    pub fn eras(&self) -> impl Iterator<Item = &Era> {
        std::iter::once(&self.first).chain(self.second.as_ref().map(|(_, era)| era))
    }

    /// Whether one of the eras has rules that no executor here has: Constantinople without
    /// Petersburg.
    pub fn has_unsupported_rules(&self) -> bool {
        self.eras().any(|era| era.fork == Fork::Constantinople)
    }
}

/// `AToBAtX` in its parts.
fn transition(name: &str) -> Option<(&str, &str, Activation)> {
    let (forks, point) = name.rsplit_once("At")?;
    let (first, second) = forks.split_once("To")?;
    let activation = if let Some(time) = point.strip_prefix("Time") {
        Activation::Timestamp(match time.strip_suffix('k') {
            Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000)?,
            None => time.parse().ok()?,
        })
    } else if let Some(difficulty) = point.strip_prefix("Diff") {
        Activation::TotalDifficulty(U256::from_str_radix(difficulty, 16).ok()?)
    } else {
        Activation::Number(point.parse().ok()?)
    };
    Some((first, second, activation))
}

fn era(name: &str, blobs: &dyn Fn(&str) -> Option<BlobParams>) -> Option<Era> {
    let fork = fork(name)?;
    Some(Era {
        fork,
        bomb_delay: bomb_delay(name, fork),
        blobs: (fork >= Fork::Cancun).then(|| with_rules_of(fork, blobs(name), name)),
        dao_fork: (name == "Dao").then_some(0),
    })
}

fn fork(name: &str) -> Option<Fork> {
    match name {
        // Homestead's rules, beside the irregular state change.
        "Dao" => Some(Fork::Homestead),
        // EIP-7892: forks that change blob parameters alone.
        _ if name.strip_prefix("BPO").is_some_and(is_number) => Some(Fork::Osaka),
        _ => name.parse().ok(),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Blocks by which the bomb is put off: EIP-649, EIP-1234, EIP-2384, EIP-3554, EIP-4345, EIP-5133.
fn bomb_delay(name: &str, fork: Fork) -> u64 {
    match (name, fork) {
        ("MuirGlacier", _) | (_, Fork::Berlin) => 9_000_000,
        ("ArrowGlacier", _) => 10_700_000,
        ("GrayGlacier", _) => 11_400_000,
        (_, Fork::Byzantium) => 3_000_000,
        (_, Fork::Constantinople | Fork::Petersburg | Fork::Istanbul) => 5_000_000,
        (_, Fork::London) => 9_700_000,
        _ => 0,
    }
}

/// A schedule's three numbers with what else a fork says of blobs: EIP-7594 and EIP-7918.
fn with_rules_of(fork: Fork, scheduled: Option<BlobParams>, name: &str) -> BlobParams {
    let own = match (fork, name) {
        (Fork::Cancun, _) => BlobParams::cancun(),
        (Fork::Prague, _) => BlobParams::prague(),
        (_, "BPO1") => BlobParams::bpo1(),
        (Fork::Osaka, "Osaka") => BlobParams::osaka(),
        _ => BlobParams::bpo2(),
    };
    let Some(scheduled) = scheduled else { return own };
    BlobParams {
        target_blob_count: scheduled.target_blob_count,
        max_blob_count: scheduled.max_blob_count,
        update_fraction: scheduled.update_fraction,
        ..own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(name: &str) -> Schedule {
        Schedule::of_network(name, 1, &|_| None).unwrap()
    }

    fn forks(name: &str, points: [(u64, u64, u64); 2]) -> [Fork; 2] {
        let schedule = schedule(name);
        points.map(|(number, time, total)| schedule.era(number, time, U256::from(total)).fork)
    }

    #[test]
    fn transitions_begin_where_their_name_says() {
        use Fork::{Cancun, Frontier, Homestead, London, Paris, Prague};
        let by_number = forks("FrontierToHomesteadAt5", [(4, 0, 0), (5, 0, 0)]);
        assert_eq!(by_number, [Frontier, Homestead]);
        let by_time = forks("CancunToPragueAtTime15k", [(9, 14_999, 0), (1, 15_000, 0)]);
        assert_eq!(by_time, [Cancun, Prague]);
        let by_difficulty =
            forks("ArrowGlacierToParisAtDiffC0000", [(9, 9, 0xbffff), (1, 1, 0xc0000)]);
        assert_eq!(by_difficulty, [London, Paris]);
    }

    #[test]
    fn the_dao_fork_drains_in_its_first_block() {
        let schedule = schedule("HomesteadToDaoAt5");
        let drains = |number| {
            let era = schedule.era(number, 0, U256::ZERO);
            schedule.rules(era, number).dao_drain
        };
        assert_eq!([4, 5, 6].map(drains), [false, true, false]);
    }

    #[test]
    fn blob_parameters_come_from_the_schedule() {
        let given = BlobParams { max_blob_count: 33, ..BlobParams::cancun() };
        let blobs = |name: &str| (name == "BPO3").then_some(given);
        let schedule = Schedule::of_network("BPO2ToBPO3AtTime15k", 1, &blobs).unwrap();
        let at = |time| schedule.era(1, time, U256::ZERO).blobs.unwrap();
        assert_eq!(at(0).max_blob_count, BlobParams::bpo2().max_blob_count);
        assert_eq!(at(15_000).max_blob_count, 33);
        assert_eq!(at(15_000).blob_base_cost, BlobParams::osaka().blob_base_cost);
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "Dao", "BPO", "Atlantis", "CancunToAtlantisAtTime15k", "CancunToPragueAtX"]
        {
            let error = Schedule::of_network(name, 1, &|_| None).unwrap_err();
            assert_eq!(error, UnknownNetwork(name.to_owned()));
        }
    }
}

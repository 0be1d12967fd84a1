//! The difficulty of a block before Paris.

use super::Era;
use alloy_consensus::{Header, constants::EMPTY_OMMER_ROOT_HASH};
use alloy_primitives::U256;
use lockstep_model::Fork;

/// Yellow Paper (44): the least difficulty.
const MINIMUM: U256 = U256::from_limbs([131_072, 0, 0, 0]);

/// Blocks after which the bomb doubles.
const BOMB_PERIOD: u64 = 100_000;

/// The difficulty that a block of this time must have on top of `parent`, after `D(H)` in Yellow
/// Paper 4.4.4 and the EIPs named beside the steps.
pub fn expected(era: &Era, parent: &Header, timestamp: u64) -> U256 {
    let step = parent.difficulty / U256::from(2048);
    let (up, down) = adjustment(era.fork, parent, timestamp.saturating_sub(parent.timestamp));
    let raised = parent.difficulty.saturating_add(step.saturating_mul(U256::from(up)));
    let adjusted = raised.saturating_sub(step.saturating_mul(U256::from(down)));
    adjusted.max(MINIMUM).saturating_add(bomb(era, parent.number))
}

/// By how many steps the difficulty goes up or down; one of the two is zero.
fn adjustment(fork: Fork, parent: &Header, seconds: u64) -> (u64, u64) {
    if fork < Fork::Homestead {
        return if seconds < 13 { (1, 0) } else { (0, 1) };
    }
    let (most, slow) = if fork < Fork::Byzantium {
        // EIP-2
        (1, seconds / 10)
    } else {
        // EIP-100
        let has_ommers = parent.ommers_hash != EMPTY_OMMER_ROOT_HASH;
        (1 + u64::from(has_ommers), seconds / 9)
    };
    (most.saturating_sub(slow), slow.saturating_sub(most).min(99))
}

/// The bomb: doubles every 100,000 blocks, counted from where the fork has put it off to.
fn bomb(era: &Era, parent_number: u64) -> U256 {
    let number = if era.bomb_delay == 0 {
        parent_number + 1
    } else {
        (parent_number + 1).saturating_sub(era.bomb_delay)
    };
    let period = number / BOMB_PERIOD;
    if period < 2 { U256::ZERO } else { U256::from(1) << (period - 2).min(255) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::Schedule;

    fn difficulty(network: &str, parent: &Header, seconds: u64) -> u64 {
        let schedule = Schedule::of_network(network, 1, &|_| None).unwrap();
        let era = schedule.era(parent.number + 1, 0, U256::ZERO);
        expected(era, parent, parent.timestamp + seconds).to()
    }

    fn parent(difficulty: u64, number: u64) -> Header {
        Header {
            difficulty: U256::from(difficulty),
            number,
            timestamp: 1000,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            ..Header::default()
        }
    }

    #[test]
    fn it_follows_the_pace_of_blocks() {
        let parent = parent(2_048_000, 1);
        assert_eq!(difficulty("Frontier", &parent, 12), 2_049_000);
        assert_eq!(difficulty("Frontier", &parent, 13), 2_047_000);
        assert_eq!(difficulty("Homestead", &parent, 9), 2_049_000);
        assert_eq!(difficulty("Homestead", &parent, 10), 2_048_000);
        assert_eq!(difficulty("Homestead", &parent, 35), 2_046_000);
        assert_eq!(difficulty("Homestead", &parent, 100_000), 2_048_000 - 99_000);
        assert_eq!(difficulty("Byzantium", &parent, 8), 2_049_000);
        let with_ommers = Header { ommers_hash: Default::default(), ..parent };
        assert_eq!(difficulty("Byzantium", &with_ommers, 8), 2_050_000);
    }

    #[test]
    fn it_never_falls_below_the_minimum() {
        assert_eq!(difficulty("Frontier", &parent(131_072, 1), 1000), 131_072);
    }

    /// Mainnet block 4,369,999 had the bomb of 43 periods; Byzantium put it off at 4,370,000.
    #[test]
    fn the_bomb_is_put_off() {
        let late = parent(131_072, 4_369_998);
        assert_eq!(difficulty("SpuriousDragon", &late, 10), 131_072 + (1 << 41));
        assert_eq!(difficulty("Byzantium", &late, 10), 131_072 + (1 << 11));
        assert_eq!(difficulty("Istanbul", &late, 10), 131_072);
        assert_eq!(difficulty("Frontier", &parent(131_072, 199_999), 1), 131_072 + 64 + 1);
    }
}

//! A case's rules as alloy's hardfork schedule.

use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, U256};
use lockstep_model::{Fork, Rules};

/// "Every fork up to mine is active since genesis."
#[derive(Debug, Clone, Copy)]
pub struct Hardforks {
    fork: Fork,
    deposit_contract: Address,
}

impl Hardforks {
    /// The schedule of a case.
    pub(crate) const fn of(rules: &Rules) -> Self {
        Self { fork: rules.fork, deposit_contract: rules.deposit_contract }
    }
}

/// The first of our rule sets in which alloy's fork is active. `None` for the DAO fork (its
/// irregular change is ours to apply, see the corrections) and for forks of the future.
const fn first_rules(fork: EthereumHardfork) -> Option<Fork> {
    use EthereumHardfork as H;
    Some(match fork {
        H::Frontier => Fork::Frontier,
        H::Homestead => Fork::Homestead,
        H::Tangerine => Fork::Tangerine,
        H::SpuriousDragon => Fork::SpuriousDragon,
        H::Byzantium => Fork::Byzantium,
        H::Constantinople => Fork::Constantinople,
        H::Petersburg => Fork::Petersburg,
        H::Istanbul | H::MuirGlacier => Fork::Istanbul,
        H::Berlin => Fork::Berlin,
        H::London | H::ArrowGlacier | H::GrayGlacier => Fork::London,
        H::Paris => Fork::Paris,
        H::Shanghai => Fork::Shanghai,
        H::Cancun => Fork::Cancun,
        H::Prague => Fork::Prague,
        H::Osaka => Fork::Osaka,
        H::Amsterdam => Fork::Amsterdam,
        _ => return None,
    })
}

impl EthereumHardforks for Hardforks {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        let Some(first) = first_rules(fork).filter(|first| *first <= self.fork) else {
            return ForkCondition::Never;
        };
        if first >= Fork::Shanghai {
            ForkCondition::ZERO_TIMESTAMP
        } else if first == Fork::Paris {
            ForkCondition::TTD {
                activation_block_number: 0,
                fork_block: None,
                total_difficulty: U256::ZERO,
            }
        } else {
            ForkCondition::ZERO_BLOCK
        }
    }
}

impl EthExecutorSpec for Hardforks {
    fn deposit_contract_address(&self) -> Option<Address> {
        Some(self.deposit_contract)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_are_active_from_genesis_up_to_the_rules() {
        let paris = Hardforks::of(&Rules::mainnet(Fork::Paris));
        assert!(paris.is_paris_active_at_block(0));
        assert!(paris.is_london_active_at_block(0));
        assert!(!paris.is_shanghai_active_at_timestamp(u64::MAX));
        let london = Hardforks::of(&Rules::mainnet(Fork::London));
        assert!(!london.is_paris_active_at_block(u64::MAX));
        assert!(Hardforks::of(&Rules::mainnet(Fork::Osaka)).is_prague_active_at_timestamp(0));
        assert!(
            !Hardforks::of(&Rules::mainnet(Fork::Osaka)).is_amsterdam_active_at_timestamp(u64::MAX)
        );
    }
}

//! The rule sets of mainnet, by name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A mainnet rule set, in order of activation.
///
/// Only forks that change execution are listed. The difficulty bombs (Muir, Arrow and Gray
/// Glacier) and the blob-parameter-only forks (BPO 1 and later) are the rule set below them with
/// other header or [`BlobParams`](crate::BlobParams).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Fork {
    Frontier,
    Homestead,
    Tangerine,
    SpuriousDragon,
    Byzantium,
    /// Constantinople without Petersburg: EIP-1283 is active. It ran on test networks only.
    Constantinople,
    Petersburg,
    Istanbul,
    Berlin,
    London,
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
    Amsterdam,
}

impl Fork {
    /// Every rule set, oldest first.
    pub const ALL: [Self; 16] = [
        Self::Frontier,
        Self::Homestead,
        Self::Tangerine,
        Self::SpuriousDragon,
        Self::Byzantium,
        Self::Constantinople,
        Self::Petersburg,
        Self::Istanbul,
        Self::Berlin,
        Self::London,
        Self::Paris,
        Self::Shanghai,
        Self::Cancun,
        Self::Prague,
        Self::Osaka,
        Self::Amsterdam,
    ];

    /// The name that reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frontier => "Frontier",
            Self::Homestead => "Homestead",
            Self::Tangerine => "Tangerine",
            Self::SpuriousDragon => "SpuriousDragon",
            Self::Byzantium => "Byzantium",
            Self::Constantinople => "Constantinople",
            Self::Petersburg => "Petersburg",
            Self::Istanbul => "Istanbul",
            Self::Berlin => "Berlin",
            Self::London => "London",
            Self::Paris => "Paris",
            Self::Shanghai => "Shanghai",
            Self::Cancun => "Cancun",
            Self::Prague => "Prague",
            Self::Osaka => "Osaka",
            Self::Amsterdam => "Amsterdam",
        }
    }
}

impl Fork {
    /// The name that official fixtures have for it.
    pub const fn fixture_name(self) -> &'static str {
        match self {
            Self::Tangerine => "EIP150",
            Self::SpuriousDragon => "EIP158",
            Self::Petersburg => "ConstantinopleFix",
            _ => self.name(),
        }
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fork name that no rule set answers to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown fork `{0}`, expected a mainnet fork from Frontier to Amsterdam")]
pub struct UnknownFork(pub String);

impl FromStr for Fork {
    type Err = UnknownFork;

    /// Accepts our own names and the fixtures' spellings (`EIP150`, `ConstantinopleFix`, ...).
    fn from_str(name: &str) -> Result<Self, UnknownFork> {
        Ok(match name {
            "EIP150" | "TangerineWhistle" => Self::Tangerine,
            "EIP158" => Self::SpuriousDragon,
            "ConstantinopleFix" => Self::Petersburg,
            "MuirGlacier" => Self::Istanbul,
            "ArrowGlacier" | "GrayGlacier" => Self::London,
            "Merge" => Self::Paris,
            _ => {
                return Self::ALL
                    .into_iter()
                    .find(|fork| fork.name() == name)
                    .ok_or_else(|| UnknownFork(name.to_owned()));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for fork in Fork::ALL {
            assert_eq!(fork.name().parse(), Ok(fork));
        }
    }

    #[test]
    fn fixture_spellings_are_known() {
        assert_eq!("EIP158".parse(), Ok(Fork::SpuriousDragon));
        assert_eq!("ConstantinopleFix".parse(), Ok(Fork::Petersburg));
        assert_eq!("Merge".parse(), Ok(Fork::Paris));
        assert_eq!("Atlantis".parse::<Fork>(), Err(UnknownFork("Atlantis".into())));
    }

    #[test]
    fn order_is_activation_order() {
        assert!(Fork::ALL.is_sorted());
    }
}

//! Workloads: blocks of a kind and a size, from a seed, for benchmarks.
//!
//! * `draft`: one block in the making: accounts, contracts, transactions.
//! * `contention`: how much transactions want the same things.
//! * `contracts`: the compiled contracts of `corpora/contracts`, their calls and storage.
//! * a file for each kind of thing that happens in a block: `transfers`, `tokens`, `swaps` and so on.
//!
//! Every transaction succeeds. Most kinds come in two styles: as a contract is written first, and as one
//! that leaves its users alone with each other.

mod accounts;
mod assets;
mod bridge;
mod compute;
mod contention;
mod contracts;
mod dao;
mod draft;
mod game;
mod islands;
mod lending;
mod mix;
mod nft;
mod payments;
mod provenance;
mod subscriptions;
mod swaps;
mod tokens;
mod transfers;

pub use contention::Contention;
pub(crate) use contracts::compiled;
use draft::Draft;
use lockstep_judge::runnable::Runnable;

/// A kind of block.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// Its description, in one line.
    pub about: &'static str,
    /// How its contracts are written.
    pub style: Style,
    /// Gas that one transaction uses, about.
    gas_per_transaction: u64,
    scene: fn(&mut Draft, usize) -> Box<dyn Scene>,
}

/// How the contracts of a workload are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In the only way.
    Only,
    /// As one writes them first: every call changes something that all share.
    Naive,
    /// So that calls of different people have little in common.
    Friendly,
}

/// Something that happens again and again in a block.
trait Scene {
    /// Adds one transaction, and what it needs in the pre-state.
    fn act(&mut self, draft: &mut Draft);

    /// Adds the contracts.
    fn deploy(self: Box<Self>, draft: &mut Draft);
}

/// Whether the transactions of a workload carry real signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signatures {
    /// A placeholder: execution never looks at it.
    #[default]
    Placeholder,
    /// Real ones, for imports that recover senders. Takes some 0.1 ms a transaction to make.
    Real,
}

/// Which block of a workload.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Size {
    /// Same seed, same block.
    pub seed: u64,
    /// Gas that it uses, about.
    pub gas: u64,
    /// The workload's own where it is `None`.
    pub contention: Option<Contention>,
    /// Whether its transactions carry real signatures.
    pub signatures: Signatures,
}

/// Every workload.
pub const ALL: &[Workload] = &[
    Workload {
        name: "transfers",
        about: "native transfers, every sender and recipient once",
        style: Style::Only,
        gas_per_transaction: 21_000,
        scene: transfers::Transfers::scene,
    },
    Workload {
        name: "transfers-chain",
        about: "native transfers, each sends on what the one before has sent",
        style: Style::Only,
        gas_per_transaction: 21_000,
        scene: transfers::Chain::scene,
    },
    Workload {
        name: "erc20",
        about: "transfers of one ERC-20 token, every sender and recipient once",
        style: Style::Only,
        gas_per_transaction: 33_000,
        scene: tokens::Tokens::scene,
    },
    Workload {
        name: "erc20-hot",
        about: "transfers of one ERC-20 token, 30 % of them to 10 % of the accounts",
        style: Style::Only,
        gas_per_transaction: 33_000,
        scene: tokens::hot,
    },
    Workload {
        name: "erc20-chain",
        about: "transfers of one ERC-20 token, each sends on what the one before has sent",
        style: Style::Only,
        gas_per_transaction: 33_000,
        scene: tokens::Chain::scene,
    },
    Workload {
        name: "islands",
        about: "transfers of sixteen ERC-20 tokens, each in a group of its own; `--contention foreign:PART` of them to the \
                next group's",
        style: Style::Only,
        gas_per_transaction: 33_000,
        scene: islands::Islands::scene,
    },
    Workload {
        name: "swaps",
        about: "swaps through two constant-product markets, every trader and market once",
        style: Style::Only,
        gas_per_transaction: 150_000,
        scene: swaps::Independent::scene,
    },
    Workload {
        name: "swaps-hot",
        about: "a DEX at peak hours: many traders, two of ten markets each",
        style: Style::Naive,
        gas_per_transaction: 123_000,
        scene: swaps::hot,
    },
    Workload {
        name: "swaps-sharded",
        about: "the same DEX with its markets in shards",
        style: Style::Friendly,
        gas_per_transaction: 150_000,
        scene: swaps::sharded,
    },
    Workload {
        name: "payments-naive",
        about: "stablecoin payments with a fee, all counted in one place",
        style: Style::Naive,
        gas_per_transaction: 49_600,
        scene: payments::Payments::naive,
    },
    Workload {
        name: "payments",
        about: "stablecoin payments with a fee that waits with the payer",
        style: Style::Friendly,
        gas_per_transaction: 60_000,
        scene: payments::Payments::friendly,
    },
    Workload {
        name: "lending-naive",
        about: "deposits, loans, repayments, liquidations; interest and totals in one place",
        style: Style::Naive,
        gas_per_transaction: 60_000,
        scene: lending::Lending::naive,
    },
    Workload {
        name: "lending",
        about: "the same with interest by time and totals in many places",
        style: Style::Friendly,
        gas_per_transaction: 60_000,
        scene: lending::Lending::friendly,
    },
    Workload {
        name: "nft-naive",
        about: "NFTs numbered one after the other, royalties paid at each sale",
        style: Style::Naive,
        gas_per_transaction: 75_000,
        scene: nft::Nft::naive,
    },
    Workload {
        name: "nft",
        about: "NFTs numbered by minter, royalties to be fetched",
        style: Style::Friendly,
        gas_per_transaction: 90_000,
        scene: nft::Nft::friendly,
    },
    Workload {
        name: "provenance-naive",
        about: "scans of items and pallets, one chain of hashes through all",
        style: Style::Naive,
        gas_per_transaction: 46_000,
        scene: provenance::Provenance::naive,
    },
    Workload {
        name: "provenance",
        about: "scans of items and pallets, a chain of hashes for each item",
        style: Style::Friendly,
        gas_per_transaction: 75_000,
        scene: provenance::Provenance::friendly,
    },
    Workload {
        name: "dao-naive",
        about: "votes of many on four proposals, payments from one treasury",
        style: Style::Naive,
        gas_per_transaction: 60_000,
        scene: dao::Dao::naive,
    },
    Workload {
        name: "dao",
        about: "the same with sums for groups of voters",
        style: Style::Friendly,
        gas_per_transaction: 60_000,
        scene: dao::Dao::friendly,
    },
    Workload {
        name: "assets-naive",
        about: "shares of an asset under transfer rules, the register counts all",
        style: Style::Naive,
        gas_per_transaction: 60_000,
        scene: assets::Assets::naive,
    },
    Workload {
        name: "assets",
        about: "shares of an asset under transfer rules, nothing counted",
        style: Style::Friendly,
        gas_per_transaction: 40_700,
        scene: assets::Assets::friendly,
    },
    Workload {
        name: "game-naive",
        about: "rounds of a game: one source of chance, one pot, one leader",
        style: Style::Naive,
        gas_per_transaction: 60_000,
        scene: game::Game::naive,
    },
    Workload {
        name: "game",
        about: "rounds of a game: chance by player, a pot for each table",
        style: Style::Friendly,
        gas_per_transaction: 60_000,
        scene: game::Game::friendly,
    },
    Workload {
        name: "subscriptions-naive",
        about: "renewals; creators and the platform are paid at once",
        style: Style::Naive,
        gas_per_transaction: 70_000,
        scene: subscriptions::Subscriptions::naive,
    },
    Workload {
        name: "subscriptions",
        about: "renewals; what creators are owed waits with the reader",
        style: Style::Friendly,
        gas_per_transaction: 70_000,
        scene: subscriptions::Subscriptions::friendly,
    },
    Workload {
        name: "bundles-naive",
        about: "ERC-4337-style bundles of four operations, four bundlers, one sum of fees",
        style: Style::Naive,
        gas_per_transaction: 250_000,
        scene: accounts::Bundles::naive,
    },
    Workload {
        name: "bundles",
        about: "ERC-4337-style bundles of four operations, a bundler and a sum for each",
        style: Style::Friendly,
        gas_per_transaction: 250_000,
        scene: accounts::Bundles::friendly,
    },
    Workload {
        name: "batches",
        about: "EIP-7702 accounts that make four payments in one transaction",
        style: Style::Only,
        gas_per_transaction: 133_000,
        scene: accounts::Batches::scene,
    },
    Workload {
        name: "bridge-naive",
        about: "claims with Merkle proofs, 256 to a slot, one sum",
        style: Style::Naive,
        gas_per_transaction: 70_000,
        scene: bridge::Bridges::naive,
    },
    Workload {
        name: "bridge",
        about: "claims with Merkle proofs, a slot for each",
        style: Style::Friendly,
        gas_per_transaction: 70_000,
        scene: bridge::Bridges::friendly,
    },
    Workload {
        name: "compute",
        about: "hashes and powers in one contract without state",
        style: Style::Only,
        gas_per_transaction: 90_000,
        scene: compute::Compute::scene,
    },
    Workload {
        name: "compute-cells",
        about: "hashes, each sender in a contract of its own",
        style: Style::Only,
        gas_per_transaction: 90_000,
        scene: compute::Cells::scene,
    },
    Workload {
        name: "mix",
        about: "transfers, tokens, swaps and the rest, weighted like mainnet",
        style: Style::Only,
        gas_per_transaction: 51_000,
        scene: mix::Mix::scene,
    },
];

impl Workload {
    /// The workload of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|workload| workload.name == name)
    }

    /// A block that uses about this much gas.
    pub fn block(&self, seed: u64, gas: u64, signatures: Signatures) -> Runnable {
        self.sized(Size { seed, gas, contention: None, signatures })
    }

    /// The block that was asked for.
    pub fn sized(&self, size: Size) -> Runnable {
        let transactions =
            usize::try_from(size.gas / self.gas_per_transaction).unwrap_or(usize::MAX).max(1);
        let mut draft = Draft::new(size.seed, size.signatures, size.contention);
        let mut scene = (self.scene)(&mut draft, transactions);
        (0..transactions).for_each(|_| scene.act(&mut draft));
        scene.deploy(&mut draft);
        draft.finish(&self.id(size))
    }

    /// The same kind of block with contracts that were written first, where this one is the better.
    pub fn naive(&self) -> Option<Self> {
        let kind = self.name.split('-').next().unwrap_or(self.name);
        let is_its_own = |other: &Self| {
            other.style == Style::Naive && other.name.split('-').next() == Some(kind)
        };
        ALL.iter().copied().find(is_its_own).filter(|_| self.style == Style::Friendly)
    }

    /// The id of such a block: all that it takes to make it again.
    pub fn id(&self, size: Size) -> String {
        let mut parts = vec![size.gas.to_string(), format!("seed={}", size.seed)];
        parts.extend(size.contention.map(|contention| contention.to_string()));
        if size.signatures == Signatures::Real {
            parts.push(SIGNED.to_owned());
        }
        format!("workload::{}[{}]", self.name, parts.join(","))
    }

    /// The workload and the block that an id names.
    pub fn of_id(id: &str) -> Option<(Self, Size)> {
        let (name, size) = id.strip_prefix("workload::")?.strip_suffix(']')?.split_once('[')?;
        let mut parts = size.split(',');
        let (gas, seed) = (parts.next()?, parts.next()?.strip_prefix("seed=")?);
        let (gas, seed) = (gas.parse().ok()?, seed.parse().ok()?);
        let mut size = Size { seed, gas, ..Size::default() };
        for part in parts {
            if part == SIGNED {
                size.signatures = Signatures::Real;
            } else {
                size.contention = Some(part.parse().ok()?);
            }
        }
        Some((Self::named(name)?, size))
    }
}

/// In an id: its transactions carry real signatures, and so have other senders.
const SIGNED: &str = "signed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_how_to_make_the_block() {
        let size = Size {
            seed: 7,
            gas: 2_000_000,
            contention: Some(Contention::Zipf(1.1)),
            signatures: Signatures::Placeholder,
        };
        let own = Size { contention: None, ..size };
        let signed = Size { signatures: Signatures::Real, ..size };
        for size in [size, own, signed, Size { contention: None, ..signed }] {
            let workload = Workload::named("payments").unwrap();
            let (found, of_id) = Workload::of_id(&workload.id(size)).unwrap();
            assert_eq!((found.name, of_id), ("payments", size));
        }
        for wrong in ["", "workload::x[1,seed=1]", "workload::mix[1]", "mix[1,seed=1]"] {
            assert!(Workload::of_id(wrong).is_none(), "{wrong}");
        }
    }
}

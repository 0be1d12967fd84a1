//! The participants of a block: senders, contracts, the fee recipient, and accounts that hardly exist.

use super::{
    chooser::Chooser,
    code::{self, ABSENT, Surroundings},
    features::{Feature, Features},
};
use alloy_eips::{
    eip4895::Withdrawal,
    eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS,
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    eip8282::{BUILDER_DEPOSIT_CONTRACT_ADDRESS, BUILDER_EXIT_CONTRACT_ADDRESS},
};
use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use lockstep_formats::{keys, system_contracts};
use lockstep_model::{Block, Fork, MemoryState, memory_state::BlockHashes};

pub(super) const BASE_FEE: u64 = 7;

/// More than any block can cost.
const RICH: u128 = 1_000_000_000_000_000_000_000_000;

/// The first of the senders who have nothing before the block.
pub(super) const FIRST_POOR: usize = 40;

/// Keys of accounts that are not there, and that nothing but chance funds.
pub(super) const ABSENT_KEYS: std::ops::Range<usize> = 56..60;

/// Keys of accounts with storage and neither code nor nonce: the first is empty, as far as it may be.
pub(super) const ORPHANS: [usize; 2] = [60, 61];

/// The key of a sender who can pay any price.
pub(super) const RICHEST: usize = 62;

/// The key of a sender whose nonce is near its maximum (EIP-2681).
pub(super) const NEARLY_DONE: usize = 63;

/// The key of an account with code: it cannot send (EIP-3607), nor authorise (EIP-7702).
pub(super) const CODED: usize = 64;

/// The nonce of [`NEARLY_DONE`]: two transactions are left.
const LAST_NONCES: u64 = u64::MAX - 2;

/// Senders who may have delegated before the block.
const DELEGATED: std::ops::Range<usize> = 2..4;

const FEE_RECIPIENT: Address = address!("0xfee0000000000000000000000000000000000fee");
const EMPTY: Address = address!("0xe4000000000000000000000000000000000000e4");
const FIRST_CONTRACT: u64 = 0xc0de_0000;

/// A contract, as far as transactions care.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contract {
    pub(super) address: Address,
    pub(super) is_dangerous: bool,
}

/// Those who take part, for the next block of a chain.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    places: Vec<Address>,
    contracts: Vec<Contract>,
    factory: Option<Address>,
}

/// A block in the making, and those who take part.
pub(super) struct World {
    pub(super) fork: Fork,
    pub(super) features: Features,
    pub(super) state: MemoryState,
    pub(super) block: Block,
    /// All targets of calls and transfers.
    pub(super) places: Vec<Address>,
    pub(super) contracts: Vec<Contract>,
    pub(super) factory: Option<Address>,
    /// The next nonce of each known key, as far as can be seen.
    pub(super) nonces: [u64; keys::COUNT],
    /// Whether nobody pays the fee recipient anything: its reward is a touch alone.
    pub(super) is_free: bool,
    /// Whether a system contract fails, and the block with it.
    pub(super) breaks_system_contracts: bool,
}

impl World {
    pub(super) fn new(chooser: &mut Chooser<'_>, fork: Fork, features: Features) -> Self {
        let mut world = Self {
            fork,
            features,
            state: MemoryState::new(BlockHashes::OfNumber),
            block: block(chooser, fork),
            places: Vec::new(),
            contracts: Vec::new(),
            factory: None,
            nonces: [0; keys::COUNT],
            is_free: false,
            breaks_system_contracts: false,
        };
        world.add_senders();
        world.add_hardly_there(chooser);
        world.add_system_contracts();
        world.break_system_contracts(chooser);
        let contracts = 1 + chooser.below(5) as u64;
        let addresses: Vec<Address> = (0..contracts).map(contract_address).collect();
        world.places.extend(&addresses);
        world.choose_fee_recipient(chooser, &addresses);
        if features.has(Feature::Revival) {
            world.add_factory(contract_address(contracts));
        }
        let ledger = contract_address(contracts + 2);
        let has_ledger = features.has(Feature::NestedCalls) && chooser.chance(40);
        if has_ledger {
            world.state.insert(ledger, U256::ZERO, 1, code::ledger(), []);
            world.contracts.push(Contract { address: ledger, is_dangerous: false });
        }
        for address in addresses {
            world.add_contract(chooser, address, has_ledger.then_some(ledger));
        }
        // Seldom: a dive takes as long as a hundred other calls.
        if features.has(Feature::NestedCalls) && fork < Fork::Tangerine && chooser.chance(20) {
            world.add_diver(contract_address(contracts + 1));
        }
        if features.has(Feature::Delegations) {
            world.add_delegated(chooser);
        }
        if features.has(Feature::Withdrawals) {
            world.block.withdrawals = Some(world.withdrawals(chooser));
        }
        world
    }

    /// The world of the next block of a chain: the same cast on the state that the block before left.
    pub(super) fn after(
        chooser: &mut Chooser<'_>,
        features: Features,
        (before, rules): (&Block, Fork),
        cast: &Cast,
        state: MemoryState,
    ) -> Self {
        let Cast { places, contracts, factory } = cast.clone();
        let nonce = |key| state.get(keys::address(key)).map_or(0, |account| account.info.nonce);
        let nonces = std::array::from_fn(nonce);
        let fee_recipients = [before.beneficiary, *chooser.pick(&places)];
        let mut world = Self {
            fork: rules,
            features,
            state,
            block: Block {
                number: before.number + 1,
                timestamp: before.timestamp + 12,
                beneficiary: *chooser.pick(&fee_recipients),
                ..block(chooser, rules)
            },
            places,
            contracts,
            factory,
            nonces,
            is_free: false,
            breaks_system_contracts: false,
        };
        if features.has(Feature::Withdrawals) {
            world.block.withdrawals = Some(world.withdrawals(chooser));
        }
        world
    }

    /// Those who take part.
    pub(super) fn cast(&self) -> Cast {
        let contracts = self.contracts.clone();
        Cast { places: self.places.clone(), contracts, factory: self.factory }
    }

    pub(super) fn has(&self, feature: Feature) -> bool {
        self.features.has(feature)
    }

    fn add_senders(&mut self) {
        for index in 0..FIRST_POOR {
            let address = keys::address(index);
            self.state.insert(address, U256::from(RICH), 0, Bytes::new(), []);
        }
        if self.has(Feature::Edges) {
            self.add_edges();
        }
        let stop = Bytes::from_static(&[0x00]);
        self.state.insert(keys::address(CODED), U256::from(RICH), 1, stop, []);
        self.nonces[CODED] = 1;
        // Some of them are looked at and paid as well.
        self.places.extend([0, 1, FIRST_POOR].map(keys::address));
    }

    fn add_edges(&mut self) {
        let most = U256::MAX >> 8;
        self.state.insert(keys::address(RICHEST), most, 0, Bytes::new(), []);
        let rich = U256::from(RICH);
        self.state.insert(keys::address(NEARLY_DONE), rich, LAST_NONCES, Bytes::new(), []);
        self.nonces[NEARLY_DONE] = LAST_NONCES;
    }

    /// Accounts with storage and nothing else; EIP-7610 is about those where a contract is to be created.
    fn add_orphans(&mut self, chooser: &mut Chooser<'_>) {
        let slots = [(U256::ZERO, U256::from(3)), (U256::from(1), U256::from(4))];
        let created = keys::address(chooser.below(3)).create(chooser.below(2) as u64);
        let [poor, funded] = ORPHANS.map(keys::address);
        // From Paris on no account is empty (EIP-7523).
        let least = usize::from(self.fork >= Fork::Paris);
        for (address, balance) in
            [(poor, least), (funded, 5), (created, chooser.below(2).max(least))]
        {
            self.state.insert(address, U256::from(balance), 0, Bytes::new(), slots);
            self.places.push(address);
        }
    }

    fn add_hardly_there(&mut self, chooser: &mut Chooser<'_>) {
        self.places.push(ABSENT);
        if self.has(Feature::Absent) {
            let absent = ABSENT_KEYS.chain(FIRST_POOR..FIRST_POOR + 2);
            self.places.extend(absent.map(keys::address));
        }
        if self.has(Feature::OrphanStorage) {
            self.add_orphans(chooser);
        }
        if self.has(Feature::Empty) {
            self.places.push(EMPTY);
            // From Spurious Dragon on only a pre-state of before can hold one (EIP-161), and from Paris on
            // none is left (EIP-7523).
            if self.fork < Fork::Paris {
                self.state.insert(EMPTY, U256::ZERO, 0, Bytes::new(), []);
            }
        }
        if self.has(Feature::Precompiles) {
            let precompiles = (1..=4).map(Address::with_last_byte);
            self.places.extend(precompiles.clone());
            // Left by old chains: anybody could touch one into being before Spurious Dragon.
            if self.has(Feature::Empty) && self.fork < Fork::Paris {
                for address in precompiles.filter(|_| chooser.chance(50)) {
                    self.state.insert(address, U256::ZERO, 0, Bytes::new(), []);
                }
            }
        }
    }

    fn add_system_contracts(&mut self) {
        if self.fork >= Fork::Prague {
            let (address, code) = (MAINNET_DEPOSIT_CONTRACT_ADDRESS, code::deposit());
            self.state.insert(address, U256::ZERO, 1, code, []);
        }
        for (address, code) in system_contracts::of(self.fork) {
            self.state.insert(address, U256::ZERO, 1, code, []);
            if self.has(Feature::SystemContracts) {
                self.places.push(address);
            }
        }
    }

    /// A request contract that is not there, or fails, makes the block invalid (EIP-7002, EIP-7251, EIP-8282), and so
    /// does a deposit that is laid out otherwise (EIP-6110).
    fn break_system_contracts(&mut self, chooser: &mut Chooser<'_>) {
        const REVERTS: &[u8] = &[0x60, 0x00, 0x60, 0x00, 0xfd];
        const HALTS: &[u8] = &[0xfe];
        let can = self.has(Feature::Invalid) && self.fork >= Fork::Prague;
        self.breaks_system_contracts = can && chooser.chance(30);
        if !self.breaks_system_contracts {
            return;
        }
        let code = match chooser.below(6) {
            0..=2 => {
                let (address, code) =
                    (MAINNET_DEPOSIT_CONTRACT_ADDRESS, code::wrong_deposit(chooser));
                self.state.insert(address, U256::ZERO, 1, code, []);
                return;
            }
            3 => Bytes::new(),
            4 => Bytes::from_static(REVERTS),
            _ => Bytes::from_static(HALTS),
        };
        let requests = [
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            BUILDER_DEPOSIT_CONTRACT_ADDRESS,
            BUILDER_EXIT_CONTRACT_ADDRESS,
        ];
        let known = if self.fork >= Fork::Amsterdam { &requests[..] } else { &requests[..2] };
        self.state.insert(*chooser.pick(known), U256::ZERO, 1, code, []);
    }

    fn choose_fee_recipient(&mut self, chooser: &mut Chooser<'_>, contracts: &[Address]) {
        let takes_part = self.has(Feature::FeeRecipient);
        self.is_free = (takes_part || self.has(Feature::Absent)) && chooser.chance(12);
        self.block.beneficiary = match chooser.below(6) {
            0 if takes_part => keys::address(0),
            // One that ends and is created anew, and is paid in between and afterwards.
            1 if takes_part && self.has(Feature::Revival) && chooser.chance(50) => {
                code::revived(contract_address(contracts.len() as u64), 0)
            }
            1 if takes_part => *chooser.pick(contracts),
            2 => {
                self.state.insert(FEE_RECIPIENT, U256::from(1), 0, Bytes::new(), []);
                FEE_RECIPIENT
            }
            3 if self.has(Feature::Absent) => keys::address(ABSENT_KEYS.start),
            4 if self.has(Feature::OrphanStorage) => keys::address(*chooser.pick(&ORPHANS)),
            5 if self.has(Feature::Edges) => {
                self.state.insert(FEE_RECIPIENT, nearly_full(chooser), 0, Bytes::new(), []);
                FEE_RECIPIENT
            }
            _ => FEE_RECIPIENT,
        };
        // An amount that does not fit into a balance is outside of the protocol; a reward alone is left out.
        let is_nearly_full = self
            .state
            .get(self.block.beneficiary)
            .is_some_and(|account| account.info.balance.bit_len() > 250);
        if takes_part && !is_nearly_full {
            self.places.push(self.block.beneficiary);
        }
    }

    fn add_factory(&mut self, address: Address) {
        self.state.insert(address, U256::ZERO, 1, code::factory(), []);
        self.factory = Some(address);
        self.places.extend([0, 1].map(|salt| code::revived(address, salt)));
        self.places.push(address);
    }

    /// One that calls itself as deep as calls go. From EIP-150 on no transaction has the gas for it.
    fn add_diver(&mut self, address: Address) {
        self.state.insert(address, U256::ZERO, 1, code::diver(), []);
        self.contracts.push(Contract { address, is_dangerous: true });
    }

    fn add_contract(
        &mut self,
        chooser: &mut Chooser<'_>,
        address: Address,
        ledger: Option<Address>,
    ) {
        let (fork, features, places) = (self.fork, self.features, &self.places);
        let around = Surroundings { fork, features, places, ledger };
        let written = code::contract(chooser, around);
        let balance = *chooser.pick(&[0_u64, 1_000_000]);
        let slots = (0..chooser.below(3)).map(|slot| (U256::from(slot), U256::from(slot + 1)));
        // One at the end of its nonces cannot create (EIP-2681).
        let is_done = self.has(Feature::Edges) && chooser.chance(20);
        let nonce = if is_done { u64::MAX } else { 1 };
        self.state.insert(
            address,
            U256::from(balance),
            nonce,
            written.code,
            slots.collect::<Vec<_>>(),
        );
        self.contracts.push(Contract { address, is_dangerous: written.is_dangerous });
    }

    /// Senders who have delegated to a contract before the block, and have storage.
    fn add_delegated(&mut self, chooser: &mut Chooser<'_>) {
        let safe = self.contracts.iter().filter(|contract| !contract.is_dangerous);
        let safe: Vec<Address> = safe.map(|contract| contract.address).collect();
        for key in DELEGATED {
            if safe.is_empty() || chooser.chance(40) {
                continue;
            }
            let code = [&[0xef, 0x01, 0x00], chooser.pick(&safe).as_slice()].concat();
            let slots = [(U256::from(1), U256::from(5))];
            let address = keys::address(key);
            self.state.insert(address, U256::from(RICH), 1, code.into(), slots);
            self.nonces[key] = 1;
            self.places.push(address);
        }
    }

    fn withdrawals(&self, chooser: &mut Chooser<'_>) -> Vec<Withdrawal> {
        let mut withdrawal = |index| Withdrawal {
            index,
            validator_index: index,
            address: *chooser.pick(&self.places),
            // Gwei; nothing must not create its recipient.
            amount: *chooser.pick(&[0, 1, 1_000]),
        };
        (0..4).map(&mut withdrawal).collect()
    }
}

/// Balances that a large reward does not fit into, or that are just small enough. Block rewards and
/// withdrawals always fit.
fn nearly_full(chooser: &mut Chooser<'_>) -> U256 {
    let bit = |bit: usize| U256::from(1) << bit;
    *chooser.pick(&[U256::MAX - bit(104), bit(255), bit(254), bit(254) - bit(104)])
}

fn contract_address(index: u64) -> Address {
    Address::left_padding_from(&(FIRST_CONTRACT + index).to_be_bytes())
}

fn block(chooser: &mut Chooser<'_>, fork: Fork) -> Block {
    let since = |first| fork >= first;
    Block {
        number: 1_000,
        timestamp: 1_000_000,
        difficulty: if since(Fork::Paris) { U256::ZERO } else { U256::from(0x20000) },
        prev_randao: since(Fork::Paris).then(|| B256::with_last_byte(chooser.byte())),
        base_fee: if since(Fork::London) { BASE_FEE } else { 0 },
        excess_blob_gas: since(Fork::Cancun).then_some(0),
        // What BLOCKHASH says of it: see `BlockHashes::OfNumber`.
        parent_hash: keccak256("999"),
        parent_beacon_block_root: since(Fork::Cancun).then(|| B256::repeat_byte(0x22)),
        slot_number: since(Fork::Amsterdam).then_some(9),
        withdrawals: since(Fork::Shanghai).then(Vec::new),
        ..Block::default()
    }
}

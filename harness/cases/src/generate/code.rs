//! Contracts from weighted statements.

use super::{
    assembler::{Assembler, init_code, op},
    chooser::Chooser,
    features::{Feature, Features},
};
use alloy_primitives::{Address, B256, Bytes, address, b256};
use lockstep_model::Fork;

/// More code than this is one statement too many.
const LONGEST: usize = 1_500;

/// Slots that statements agree on.
const SLOTS: usize = 4;

/// `storage[0] += 1`, and SELFDESTRUCT to the caller where the first word of calldata is not zero.
///
/// ```text
/// PUSH1 1 PUSH1 0 SLOAD ADD PUSH1 0 SSTORE
/// PUSH1 0 CALLDATALOAD PUSH1 16 JUMPI STOP
/// JUMPDEST CALLER SELFDESTRUCT
/// ```
pub(super) const MORTAL: &[u8] = &[
    0x60, 0x01, 0x60, 0x00, 0x54, 0x01, 0x60, 0x00, 0x55, 0x60, 0x00, 0x35, 0x60, 0x10, 0x57, 0x00,
    0x5b, 0x33, 0xff,
];

/// Code that is left behind by init code: nothing, a counter that can die, one that reverts
/// (`PUSH1 0 PUSH1 0 REVERT`), one that is refused (EIP-3541).
const RUNTIMES: [&[u8]; 4] = [&[], MORTAL, &[0x60, 0x00, 0x60, 0x00, 0xfd], &[0xef, 0x00]];

/// Precompiles, each with a length of input that is right: from Frontier to Osaka.
const PRECOMPILES: [(u64, u64); 18] = [
    (0x01, 128),
    (0x02, 64),
    (0x03, 64),
    (0x04, 64),
    (0x05, 96),
    (0x06, 128),
    (0x07, 96),
    (0x08, 192),
    (0x09, 213),
    (0x0a, 192),
    (0x0b, 256),
    (0x0c, 160),
    (0x0d, 512),
    (0x0e, 288),
    (0x0f, 384),
    (0x10, 64),
    (0x11, 128),
    (0x100, 160),
];

/// The surroundings that code can refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) fork: Fork,
    pub(super) features: Features,
    /// All participants.
    pub(super) places: &'a [Address],
    /// The [`ledger`], if there is one.
    pub(super) ledger: Option<Address>,
}

/// A contract, and what to know of it before an account delegates to it.
pub(super) struct Written {
    pub(super) code: Bytes,
    /// Whether it could move the nonce or all the balance of an account that runs it as its own.
    pub(super) is_dangerous: bool,
}

/// A contract of a few statements.
pub(super) fn contract(chooser: &mut Chooser<'_>, around: Surroundings<'_>) -> Written {
    let mut writer = Writer { around, code: Assembler::default(), is_dangerous: false };
    let statements = 1 + chooser.below(8);
    for _ in 0..statements {
        writer.statement(chooser, 1);
    }
    writer.end(chooser);
    Written { code: writer.code.finish(), is_dangerous: writer.is_dangerous }
}

/// `CREATE2` of [`MORTAL`] with the first word of calldata as salt; the address is stored.
pub(super) fn factory() -> Bytes {
    let mut code = Assembler::default();
    let init = init_code(MORTAL, None);
    code.remember(&init);
    code.number(0).op(op::CALLDATALOAD).number(init.len() as u64).number(0).number(0);
    code.op(op::CREATE2).number(0).op(op::SSTORE);
    code.finish()
}

/// Logs a deposit (EIP-6110) as the deposit contract lays it out, with the first word of calldata as
/// the beginning of its public key.
pub(super) fn deposit() -> Bytes {
    laid_out([(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)], 576)
}

/// As [`deposit`], with its last field somewhere else, or with more data behind it.
pub(super) fn wrong_deposit(chooser: &mut Chooser<'_>) -> Bytes {
    let (last, length) = *chooser.pick(&[(544, 576), (512, 608)]);
    laid_out([(160, 48), (256, 32), (320, 8), (384, 96), (last, 8)], length)
}

/// A log of so many bytes with five fields, by where each begins and how long it is.
fn laid_out(fields: [(u64, u64); 5], bytes: u64) -> Bytes {
    const EVENT: B256 = b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
    let mut code = Assembler::default();
    for (index, (offset, length)) in fields.into_iter().enumerate() {
        code.number(offset).number(32 * index as u64).op(op::MSTORE);
        code.number(length).number(offset).op(op::MSTORE);
    }
    code.number(0).op(op::CALLDATALOAD).number(192).op(op::MSTORE);
    code.push(EVENT.as_slice()).number(bytes).number(0).op(op::LOG0 + 1);
    code.finish()
}

/// Adds the first word of calldata to its first slot, and answers with what is there then.
pub(super) fn ledger() -> Bytes {
    let mut code = Assembler::default();
    code.number(0).op(op::CALLDATALOAD);
    let skip = code.skip_where_zero();
    code.number(0).op(op::CALLDATALOAD).number(0).op(op::SLOAD).op(op::ADD);
    code.number(0).op(op::SSTORE);
    code.land(skip);
    code.number(0).op(op::SLOAD).number(0).op(op::MSTORE);
    code.number(32).number(0).op(op::RETURN);
    code.finish()
}

/// Calls itself until calls go no deeper; there it tries to create, and stores the result.
pub(super) fn diver() -> Bytes {
    // Each level keeps back what it needs after its call.
    const KEPT: u64 = 90;
    let mut code = Assembler::default();
    for _ in 0..5 {
        code.number(0);
    }
    code.op(op::ADDRESS).number(KEPT).op(op::GAS).op(op::SUB).op(op::CALL).op(op::ISZERO);
    let skip = code.skip_where_zero();
    code.number(0).number(0).number(0).op(op::CREATE).number(0).op(op::SSTORE);
    code.land(skip);
    code.op(op::STOP);
    code.finish()
}

struct Writer<'a> {
    around: Surroundings<'a>,
    code: Assembler,
    is_dangerous: bool,
}

#[derive(Debug, Clone, Copy)]
enum Statement {
    Store,
    Carry,
    StoreTransient,
    Log,
    Call,
    Create,
    Destroy,
    When,
    Revert,
    Hash,
    Derive,
    Precompile,
}

impl Writer<'_> {
    fn has(&self, feature: Feature) -> bool {
        self.around.features.has(feature)
    }

    fn since(&self, fork: Fork) -> bool {
        self.around.fork >= fork
    }

    fn statement(&mut self, chooser: &mut Chooser<'_>, depth: usize) {
        if self.code.len() > LONGEST {
            return;
        }
        let mut choices = vec![Statement::Store, Statement::Store, Statement::Carry];
        let mut offer = |statement, wanted: bool| choices.extend(wanted.then_some(statement));
        offer(Statement::StoreTransient, self.has(Feature::Transient));
        offer(Statement::Log, self.has(Feature::Logs));
        offer(Statement::Call, self.has(Feature::NestedCalls));
        offer(Statement::Call, self.has(Feature::NestedCalls));
        offer(Statement::Create, self.has(Feature::Creation));
        offer(Statement::Destroy, self.has(Feature::Destruction) && depth > 1);
        offer(Statement::When, depth < 3);
        offer(Statement::Revert, self.has(Feature::Reverts) && depth > 1);
        offer(Statement::Hash, true);
        offer(Statement::Derive, true);
        offer(Statement::Precompile, self.has(Feature::Precompiles));
        match *chooser.pick(&choices) {
            Statement::Store => {
                self.expression(chooser);
                self.slot(chooser);
                self.code.op(op::SSTORE);
            }
            Statement::Carry => self.carry(chooser),
            Statement::StoreTransient => {
                self.expression(chooser);
                self.slot(chooser);
                self.code.op(op::TSTORE);
            }
            Statement::Log => self.log(chooser),
            Statement::Call => self.call(chooser),
            Statement::Create => self.create(chooser),
            Statement::Destroy => self.destroy(chooser),
            Statement::When => self.when(chooser, depth),
            Statement::Revert => {
                self.code.number(chooser.below(33) as u64).number(0).op(op::REVERT);
            }
            Statement::Precompile => self.precompile(chooser),
            Statement::Derive => self.derive(chooser),
            Statement::Hash => {
                self.code.number(32).number(0).op(op::KECCAK256).number(0).op(op::MSTORE);
            }
        }
    }

    /// `storage[word + step] = storage[word] + word`: what it depends on is the transaction's choice.
    fn carry(&mut self, chooser: &mut Chooser<'_>) {
        self.code.number(0).op(op::CALLDATALOAD).op(op::SLOAD);
        self.code.number(32).op(op::CALLDATALOAD).op(op::ADD);
        self.code.number(0).op(op::CALLDATALOAD).number(chooser.below(2) as u64).op(op::ADD);
        self.code.op(op::SSTORE);
    }

    /// Does something with a shared slot that is more than to add to it: what is right for one value of it is
    /// wrong for another.
    fn derive(&mut self, chooser: &mut Chooser<'_>) {
        let slot = chooser.below(2) as u64;
        let other = (SLOTS - 1) as u64;
        self.code.number(slot).op(op::SLOAD);
        match chooser.below(6) {
            // A word of a log.
            0 if self.has(Feature::Logs) => {
                self.code.number(0).op(op::MSTORE).number(32).number(0).op(op::LOG0);
            }
            // A hash, and a slot that is named by it.
            1 => {
                self.code.number(0).op(op::MSTORE).number(32).number(0).op(op::KECCAK256);
                self.code.number(1).op(op::AND).number(other).op(op::SSTORE);
            }
            // From zero to one and back.
            2 if chooser.chance(50) => drop(self.code.op(op::ISZERO).number(slot).op(op::SSTORE)),
            // To zero or one, from anything.
            2 => drop(self.code.number(1).op(op::AND).number(slot).op(op::SSTORE)),
            // A branch.
            3 => {
                self.code.number(2).op(op::LT);
                let skip = self.code.skip_where_zero();
                self.code.number(7).number(other).op(op::SSTORE);
                self.code.land(skip);
            }
            // The answer to a question.
            4 if self.has(Feature::NestedCalls) => {
                self.code.op(op::POP);
                self.ask(chooser);
                self.code.number(0).op(op::MLOAD).number(other).op(op::SSTORE);
            }
            _ => drop(self.code.number(1).op(op::ADD).number(slot).op(op::SSTORE)),
        }
    }

    /// Calls a participant with nothing, mostly the ledger; what it returns is the first word of memory.
    fn ask(&mut self, chooser: &mut Chooser<'_>) {
        self.code.number(32).number(0).number(0).number(0).number(0);
        match self.around.ledger.filter(|_| chooser.chance(70)) {
            Some(ledger) => drop(self.code.address(ledger)),
            None => self.place(chooser),
        }
        self.code.number(30_000).op(op::CALL).op(op::POP);
    }

    /// Pushes a key of storage.
    fn slot(&mut self, chooser: &mut Chooser<'_>) {
        match chooser.below(4) {
            0 => self.code.number(chooser.below(SLOTS) as u64),
            1 => self.code.op(op::CALLER),
            2 => self.code.number(0).op(op::CALLDATALOAD),
            _ => self.code.number(0).op(op::CALLDATALOAD).number(SLOTS as u64 - 1).op(op::AND),
        };
    }

    /// Pushes the address of a participant.
    fn place(&mut self, chooser: &mut Chooser<'_>) {
        match chooser.below(10) {
            0 => self.code.op(op::CALLER),
            1 => self.code.op(op::COINBASE),
            2 => self.code.op(op::ADDRESS),
            _ => self.code.address(*chooser.pick(self.around.places)),
        };
    }

    /// Pushes a value.
    fn expression(&mut self, chooser: &mut Chooser<'_>) {
        match chooser.below(9) {
            0 => self.constant(chooser),
            1 | 2 => {
                self.slot(chooser);
                self.code.op(op::SLOAD).number(chooser.below(3) as u64).op(op::ADD);
            }
            3 => drop(self.code.number(32).op(op::CALLDATALOAD)),
            4 if self.has(Feature::Balances) => self.balance(chooser),
            5 if self.has(Feature::Codes) => self.code_of(chooser),
            6 if self.has(Feature::Environment) => self.environment(chooser),
            7 if self.has(Feature::Gas) => {
                let threshold = 10_000 + chooser.below(60_000) as u64;
                self.code.number(threshold).op(op::GAS).op(op::LT);
            }
            8 if self.has(Feature::Transient) => {
                self.slot(chooser);
                self.code.op(op::TLOAD);
            }
            _ => drop(self.code.number(0).op(op::MLOAD)),
        }
    }

    fn constant(&mut self, chooser: &mut Chooser<'_>) {
        let value = *chooser.pick(&[0, 1, 2, u64::MAX]);
        self.code.number(value);
    }

    fn balance(&mut self, chooser: &mut Chooser<'_>) {
        if self.since(Fork::Istanbul) && chooser.chance(25) {
            self.code.op(op::SELFBALANCE);
        } else {
            self.place(chooser);
            self.code.op(op::BALANCE);
        }
    }

    fn code_of(&mut self, chooser: &mut Chooser<'_>) {
        self.place(chooser);
        let hash = self.since(Fork::Petersburg) && chooser.chance(50);
        self.code.op(if hash { op::EXTCODEHASH } else { op::EXTCODESIZE });
    }

    fn environment(&mut self, chooser: &mut Chooser<'_>) {
        const ALWAYS: [u8; 8] = [
            op::COINBASE,
            op::TIMESTAMP,
            op::NUMBER,
            op::PREVRANDAO,
            op::GASLIMIT,
            op::ORIGIN,
            op::CALLVALUE,
            op::GASPRICE,
        ];
        match chooser.below(4) {
            0 => drop(self.code.number(990 + chooser.below(12) as u64).op(op::BLOCKHASH)),
            1 if self.since(Fork::Cancun) && chooser.chance(50) => {
                self.code.op(op::BLOBBASEFEE);
            }
            2 if self.since(Fork::Istanbul) && chooser.chance(50) => {
                self.code.op(op::CHAINID);
            }
            1 if self.since(Fork::London) => drop(self.code.op(op::BASEFEE)),
            2 if self.since(Fork::Cancun) => drop(self.code.number(0).op(op::BLOBHASH)),
            3 if self.since(Fork::Byzantium) => drop(self.code.op(op::RETURNDATASIZE)),
            _ => drop(self.code.op(*chooser.pick(&ALWAYS))),
        }
    }

    fn log(&mut self, chooser: &mut Chooser<'_>) {
        let topics = chooser.below(4) as u8;
        for _ in 0..topics {
            self.expression(chooser);
        }
        let length = *chooser.pick(&[0, 1, 32, 40]);
        self.code.number(length).number(0).op(op::LOG0 + topics);
    }

    fn call(&mut self, chooser: &mut Chooser<'_>) {
        let mut kinds = vec![op::CALL, op::CALL, op::CALLCODE];
        kinds.extend(self.since(Fork::Homestead).then_some(op::DELEGATECALL));
        kinds.extend(self.since(Fork::Byzantium).then_some(op::STATICCALL));
        let kind = *chooser.pick(&kinds);
        // The input of the call: two words, the first of them from storage or calldata.
        self.expression(chooser);
        self.code.number(0).op(op::MSTORE);
        self.code.number(32).number(0).number(64).number(0);
        if matches!(kind, op::CALL | op::CALLCODE) {
            let value = *chooser.pick(&[0, 0, 1, 1_000]);
            self.code.number(value);
        }
        self.place(chooser);
        self.passed_gas(chooser);
        self.code.op(kind);
        self.keep(chooser);
    }

    /// Pushes the gas that a call passes on. Seldom all: contracts that call each other in turn would
    /// burn it, and the time of the campaign with it.
    fn passed_gas(&mut self, chooser: &mut Chooser<'_>) {
        match chooser.below(10) {
            // Before EIP-150 asking for more than there is fails.
            0 | 1 if self.since(Fork::Tangerine) => drop(self.code.op(op::GAS)),
            0..=5 => drop(self.code.number(4).op(op::GAS).op(op::DIV)),
            _ => drop(self.code.number(*chooser.pick(&[2_300, 9_000, 30_000]))),
        }
    }

    /// Calls a precompile with an input of the right length, or of another: memory is mostly zeros, which
    /// is a point of every curve.
    fn precompile(&mut self, chooser: &mut Chooser<'_>) {
        let (address, length) = *chooser.pick(&PRECOMPILES);
        let length = if chooser.chance(25) { length - 1 } else { length };
        // Behind what statements leave in memory, or on it.
        let offset = *chooser.pick(&[32, 32, 0]);
        let kind = if self.since(Fork::Byzantium) { op::STATICCALL } else { op::CALL };
        self.code.number(32).number(0).number(length).number(offset);
        if kind == op::CALL {
            self.code.number(0);
        }
        self.code.number(address);
        if self.since(Fork::Tangerine) && chooser.chance(70) {
            self.code.op(op::GAS);
        } else {
            self.code.number(*chooser.pick(&[100, 30_000]));
        }
        self.code.op(kind);
        self.keep(chooser);
    }

    /// Stores what is on the stack, or drops it.
    fn keep(&mut self, chooser: &mut Chooser<'_>) {
        if chooser.chance(40) {
            self.slot(chooser);
            self.code.op(op::SSTORE);
        } else {
            self.code.op(op::POP);
        }
    }

    fn create(&mut self, chooser: &mut Chooser<'_>) {
        self.is_dangerous = true;
        let slot = chooser.chance(30).then_some((1, 7));
        let init = init(chooser, slot);
        self.code.remember(&init);
        let value = *chooser.pick(&[0, 0, 1]);
        if self.has(Feature::Revival) && chooser.chance(60) {
            let salt = chooser.below(2) as u64;
            self.code.number(salt).number(init.len() as u64).number(0).number(value);
            self.code.op(op::CREATE2);
        } else {
            self.code.number(init.len() as u64).number(0).number(value).op(op::CREATE);
        }
        self.keep(chooser);
    }

    fn destroy(&mut self, chooser: &mut Chooser<'_>) {
        self.is_dangerous = true;
        self.place(chooser);
        self.code.op(op::SELFDESTRUCT);
    }

    fn when(&mut self, chooser: &mut Chooser<'_>, depth: usize) {
        self.expression(chooser);
        let skip = self.code.skip_where_zero();
        self.statement(chooser, depth + 1);
        self.code.land(skip);
    }

    fn end(&mut self, chooser: &mut Chooser<'_>) {
        match chooser.below(12) {
            0 if self.has(Feature::Reverts) => drop(self.code.number(32).number(0).op(op::REVERT)),
            1 if self.has(Feature::Gas) && chooser.chance(50) => drop(self.code.op(op::INVALID)),
            // Without what it takes from the stack.
            1 if self.has(Feature::Gas) => drop(self.code.op(op::BALANCE)),
            2 if self.has(Feature::Destruction) => self.destroy(chooser),
            3..=5 => drop(self.code.number(32).number(0).op(op::RETURN)),
            // The answer to a question: a shared slot.
            6 | 7 => {
                self.code.number(chooser.below(2) as u64).op(op::SLOAD).number(0).op(op::MSTORE);
                self.code.number(32).number(0).op(op::RETURN);
            }
            _ => drop(self.code.op(op::STOP)),
        }
    }
}

/// Init code of a creating transaction.
pub(super) fn creation(chooser: &mut Chooser<'_>) -> Bytes {
    let slot = chooser.chance(50).then(|| (chooser.below(SLOTS) as u64, 9));
    init(chooser, slot)
}

/// Init code: mostly of [`RUNTIMES`], sometimes one that gives its failure a reason, leaves more than a
/// contract may have (EIP-170), or ends at once.
fn init(chooser: &mut Chooser<'_>, slot: Option<(u64, u64)>) -> Bytes {
    match chooser.below(12) {
        0 => {
            let mut code = Assembler::default();
            code.number(7).number(0).op(op::MSTORE).number(32).number(0).op(op::REVERT);
            code.finish()
        }
        1 => {
            let mut code = Assembler::default();
            code.number((24 << 10) + 1).number(0).op(op::RETURN);
            code.finish()
        }
        2 => {
            let mut code = Assembler::default();
            code.op(op::CALLER).op(op::SELFDESTRUCT);
            code.finish()
        }
        _ => init_code(RUNTIMES[chooser.below(RUNTIMES.len())], slot),
    }
}

/// The address of the contract that [`factory`] at this address creates with a salt (EIP-1014).
pub(super) fn revived(factory: Address, salt: u64) -> Address {
    let salt = alloy_primitives::U256::from(salt).to_be_bytes::<32>();
    factory.create2_from_code(salt, init_code(MORTAL, None))
}

/// An account that is never there.
pub(super) const ABSENT: Address = address!("0xab5e00000000000000000000000000000000ab5e");

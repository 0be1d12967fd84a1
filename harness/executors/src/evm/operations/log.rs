//! The operations of one transaction on the slots that it read.

use super::arithmetic;
use alloy_primitives::{Address, Log, U256};
use lockstep_faults::mending::{
    BRANCH_UNGUARDED, LOG_DATA_STALE, REFUND_UNGUARDED, STORE_GAS_UNGUARDED,
};

/// The number of a node.
pub(super) type NodeId = u32;

/// A word of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The same in every execution that takes the same steps.
    Known(U256),
    /// The result of a recorded operation.
    Node(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// The transaction's read of a slot with this number.
    Read(u32),
    /// A pure instruction.
    Apply { opcode: u8, operands: [Word; 3] },
}

#[derive(Debug, Clone, Copy)]
struct Node {
    source: Source,
    value: U256,
}

/// What must hold in another execution, or it takes other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// The node has the value that it had.
    Same(NodeId),
    /// The node is zero if it was.
    SameTruth(NodeId),
    /// `SSTORE` costs the same, and refunds the same.
    SameStore(Store),
}

/// The operands of an `SSTORE` that decide on its gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) original: Word,
    pub(super) present: Word,
    pub(super) new: Word,
}

/// A slot with a value that is a node, or was.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredWord {
    pub(super) address: Address,
    pub(super) slot: U256,
    pub(super) original: Word,
    pub(super) present: Word,
}

/// A word in the data of a log.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogWord {
    /// Number of the log in its transaction.
    pub(super) log: u32,
    pub(super) offset: usize,
    pub(super) node: NodeId,
}

/// The operations of one transaction.
#[derive(Debug, Default)]
pub(crate) struct OperationLog {
    nodes: Vec<Node>,
    guards: Vec<Guard>,
    pub(super) stored: Vec<StoredWord>,
    pub(super) logged: Vec<LogWord>,
    /// Where in the code each read of a slot was, by its number.
    sites: Vec<Sites>,
}

/// Places in the code where slots are read, as a set of 64 classes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sites(pub(crate) u64);

impl Sites {
    /// A place.
    pub(super) fn at(code: Address, counter: usize) -> Self {
        // The low bits of an address are as good as random.
        let low = u64::from_be_bytes(code[12..].try_into().expect("eight bytes"));
        let mixed = (low ^ counter as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(1 << (mixed >> 58))
    }

    /// Whether the place is among these. All places are, as long as none is known.
    pub(super) const fn may_hold(self, place: Self) -> bool {
        self.0 == 0 || self.0 & place.0 != 0
    }
}

/// The nodes computed again, with every guard in place.
#[derive(Debug)]
pub(crate) struct Mended<'a> {
    log: &'a OperationLog,
    values: Vec<U256>,
}

/// A slot after the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MendedSlot {
    pub(crate) address: Address,
    pub(crate) slot: U256,
    /// Its value before the transaction.
    pub(crate) original: U256,
    /// Its value after the transaction.
    pub(crate) present: U256,
}

impl OperationLog {
    /// Forgets everything and keeps the room.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.guards.clear();
        self.stored.clear();
        self.logged.clear();
        self.sites.clear();
    }

    /// The read of a slot with this number was at this place.
    pub(super) fn read_at(&mut self, read: usize, site: Sites) {
        self.sites.resize(read, Sites::default());
        self.sites.push(site);
    }

    /// Where the read with this number was.
    pub(crate) fn site(&self, read: usize) -> Sites {
        self.sites.get(read).copied().unwrap_or_default()
    }

    /// Nodes and guards together.
    pub(super) const fn len(&self) -> usize {
        self.nodes.len() + self.guards.len()
    }

    /// A word as the recorded execution had it.
    pub(super) fn value_then(&self, word: Word) -> U256 {
        match word {
            Word::Known(value) => value,
            Word::Node(id) => self.nodes[id as usize].value,
        }
    }

    pub(super) fn push(&mut self, source: Source, value: U256) -> NodeId {
        self.nodes.push(Node { source, value });
        (self.nodes.len() - 1) as NodeId
    }

    pub(super) fn guard(&mut self, guard: Guard) {
        if self.guards.last() != Some(&guard) {
            self.guards.push(guard);
        }
    }

    /// The place in [`Self::stored`] of a slot.
    pub(super) fn stored_at(&self, address: Address, slot: U256) -> Option<usize> {
        self.stored.iter().position(|word| word.slot == slot && word.address == address)
    }

    /// Whether the transaction's read of a slot with this number is a node.
    pub(crate) fn has_read(&self, read: usize) -> bool {
        self.nodes.iter().any(|node| matches!(node.source, Source::Read(at) if at as usize == read))
    }

    /// Computes the nodes again, where `fresh` gives the value of a read. `None` if a guard does not hold.
    pub(crate) fn mend(&self, fresh: impl Fn(usize) -> Option<U256>) -> Option<Mended<'_>> {
        let mut values: Vec<U256> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = match node.source {
                Source::Read(read) => fresh(read as usize).unwrap_or(node.value),
                Source::Apply { opcode, operands } => {
                    arithmetic::apply(opcode, operands.map(|word| value_of(&values, word)))
                }
            };
            values.push(value);
        }
        let holds = |guard: &Guard| self.holds(*guard, &values);
        self.guards.iter().all(holds).then_some(Mended { log: self, values })
    }

    fn holds(&self, guard: Guard, values: &[U256]) -> bool {
        let node = |id: NodeId| (self.nodes[id as usize].value, values[id as usize]);
        match guard {
            Guard::Same(id) => {
                let (then, now) = node(id);
                then == now
            }
            Guard::SameTruth(id) => {
                let (then, now) = node(id);
                then.is_zero() == now.is_zero() || BRANCH_UNGUARDED.is_planted()
            }
            Guard::SameStore(store) => {
                let then = store.map(|word| self.value_then(word));
                then == store.map(|word| value_of(values, word))
            }
        }
    }
}

fn value_of(values: &[U256], word: Word) -> U256 {
    match word {
        Word::Known(value) => value,
        Word::Node(id) => values[id as usize],
    }
}

/// The comparisons that decide on the gas of an `SSTORE`.
#[derive(Debug, PartialEq, Eq)]
struct StoreClass {
    is_changed: bool,
    is_first: bool,
    is_restored: bool,
    zeros: [bool; 3],
}

impl Store {
    pub(super) const fn has_node(&self) -> bool {
        matches!(self.original, Word::Node(_))
            || matches!(self.present, Word::Node(_))
            || matches!(self.new, Word::Node(_))
    }

    fn map(&self, value: impl Fn(Word) -> U256) -> StoreClass {
        let [original, present, new] = [self.original, self.present, self.new].map(value);
        let mut class = StoreClass {
            is_changed: present != new,
            is_first: original == present,
            is_restored: original == new,
            zeros: [original, present, new].map(|value| value.is_zero()),
        };
        if STORE_GAS_UNGUARDED.is_planted() {
            (class.is_changed, class.is_first) = (true, true);
            (class.zeros[0], class.zeros[1]) = (true, true);
        }
        if REFUND_UNGUARDED.is_planted() {
            class.zeros[2] = true;
        }
        class
    }
}

impl Mended<'_> {
    /// Every slot that ends with a node, or began with one.
    pub(crate) fn slots(&self) -> impl Iterator<Item = MendedSlot> {
        self.log.stored.iter().map(|word| MendedSlot {
            address: word.address,
            slot: word.slot,
            original: value_of(&self.values, word.original),
            present: value_of(&self.values, word.present),
        })
    }

    /// Puts the words of the logs into them.
    pub(crate) fn mend_logs(&self, logs: &mut [Log]) {
        if LOG_DATA_STALE.is_planted() {
            return;
        }
        for word in &self.log.logged {
            let data = &mut logs[word.log as usize].data.data;
            let mut bytes = data.to_vec();
            let value: [u8; 32] = self.values[word.node as usize].to_be_bytes();
            bytes[word.offset..word.offset + 32].copy_from_slice(&value);
            *data = bytes.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use revm::bytecode::opcode::{ADD, LT};

    const fn word(value: u64) -> U256 {
        U256::from_limbs([value, 0, 0, 0])
    }

    /// `slot 0 := slot 0 + 5`, if it is less than 100.
    fn increment(read: u64) -> OperationLog {
        let mut log = OperationLog::default();
        let loaded = log.push(Source::Read(0), word(read));
        let operands = [Word::Node(loaded), Word::Known(word(100)), Word::Known(U256::ZERO)];
        let is_less = log.push(Source::Apply { opcode: LT, operands }, U256::from(read < 100));
        log.guard(Guard::SameTruth(is_less));
        let operands = [Word::Node(loaded), Word::Known(word(5)), Word::Known(U256::ZERO)];
        let sum = log.push(Source::Apply { opcode: ADD, operands }, word(read + 5));
        let (original, new) = (Word::Node(loaded), Word::Node(sum));
        log.guard(Guard::SameStore(Store { original, present: original, new }));
        log.stored.push(StoredWord {
            address: Address::ZERO,
            slot: U256::ZERO,
            original,
            present: new,
        });
        log.logged.push(LogWord { log: 0, offset: 1, node: sum });
        log
    }

    fn mended(log: &OperationLog, read: u64) -> Option<(MendedSlot, Log)> {
        let mended = log.mend(|at| (at == 0).then_some(word(read)))?;
        let mut logs = [Log::new_unchecked(Address::ZERO, Vec::new(), vec![7; 34].into())];
        mended.mend_logs(&mut logs);
        let [emitted] = logs;
        Some((mended.slots().next()?, emitted))
    }

    #[test]
    fn another_value_goes_through_to_slot_and_log() {
        let log = increment(10);
        let (slot, emitted) = mended(&log, 20).unwrap();
        assert_eq!((slot.original, slot.present), (word(20), word(25)));
        assert_eq!(emitted.data.data[..2], [7, 0]);
        assert_eq!(emitted.data.data[32..], [25, 7]);
    }

    #[test]
    fn a_branch_that_would_turn_is_not_mended() {
        assert!(mended(&increment(10), 100).is_none());
        assert!(mended(&increment(100), 99).is_none());
    }

    #[test]
    fn a_store_that_would_cost_another_gas_is_not_mended() {
        assert!(mended(&increment(10), 0).is_none(), "from zero a store costs more");
        assert!(mended(&increment(0), 10).is_none());
        assert!(mended(&increment(0), 0).is_some());
    }
}

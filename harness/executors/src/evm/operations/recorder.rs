//! Follows an execution step by step, and writes down what becomes of the slots that it reads.

use super::{
    super::StorageProbe,
    arithmetic::{apply, operands},
    log::{Guard, LogWord, OperationLog, Sites, Source, Store, StoredWord, Word},
    shadows::{ByteShadow, StackShadow},
};
use alloy_evm::eth::EthEvmContext;
use alloy_primitives::{Address, U256};
use lockstep_faults::mending::{
    FAILED_FRAME_STORES, HALTED_STORE_UNGUARDED, HASH_UNGUARDED, RETURN_DATA_STALE,
};
use revm::{
    bytecode::opcode::{self, OpCode},
    handler::FrameResult,
    interpreter::{
        GasTable, InstructionResult, InstructionTable, Interpreter, InterpreterAction,
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, Jumps, LoopControl},
    },
};
use std::ops::Range;

/// Nodes and guards of the longest log: a longer one costs more than executing again.
const MOST_OPERATIONS: usize = 1 << 14;

/// One call frame.
#[derive(Debug, Default)]
struct Frame {
    stack: StackShadow,
    memory: ByteShadow,
    input: ByteShadow,
    /// The return data of the last call.
    returned: ByteShadow,
    /// What it will return.
    output: ByteShadow,
    is_create: bool,
    /// Where the undo list and the logs stood when it began.
    undo: usize,
    logs: usize,
}

/// What an instruction can look at or move.
#[derive(Clone, Copy)]
struct Reach {
    /// So many words from the top of the stack.
    words: u16,
    bytes: Bytes,
}

#[derive(Clone, Copy)]
enum Bytes {
    None,
    /// Memory, call data, return data.
    Some,
    /// Slots.
    Storage,
}

static REACHES: [Reach; 256] = {
    let mut reaches = [Reach { words: 0, bytes: Bytes::None }; 256];
    let mut code = 0;
    while code < 256 {
        reaches[code] = reach(code as u8);
        code += 1;
    }
    reaches
};

const fn reach(code: u8) -> Reach {
    let inputs = match OpCode::info_by_op(code) {
        Some(info) => info.inputs() as u16,
        None => 0,
    };
    let words = match code {
        opcode::DUP1..=opcode::DUP16 => (code - opcode::DUP1) as u16 + 1,
        opcode::SWAP1..=opcode::SWAP16 => (code - opcode::SWAP1) as u16 + 2,
        // They tell in the code how deep.
        opcode::DUPN | opcode::SWAPN | opcode::EXCHANGE => 1024,
        _ => inputs,
    };
    let bytes = match code {
        opcode::SLOAD | opcode::SSTORE => Bytes::Storage,
        opcode::KECCAK256
        | opcode::CALLDATALOAD
        | opcode::CALLDATACOPY
        | opcode::CODECOPY
        | opcode::EXTCODECOPY
        | opcode::RETURNDATACOPY
        | opcode::MLOAD
        | opcode::MSTORE
        | opcode::MSTORE8
        | opcode::MCOPY
        | opcode::LOG0..=opcode::LOG4
        | opcode::CREATE..=opcode::SELFDESTRUCT => Bytes::Some,
        _ => Bytes::None,
    };
    Reach { words, bytes }
}

/// What is still to do after a step.
enum Then {
    Nothing,
    Applied { opcode: u8, operands: [Word; 3] },
    Loaded { slot: U256, reads: usize },
    Stored { slot: U256, new: Word, reads: usize, before: Option<U256> },
}

/// Writes the operations of one transaction down.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    log: Box<OperationLog>,
    sites: Sites,
    /// Those in use, and room for more.
    frames: Vec<Frame>,
    depth: usize,
    /// Stored words and what they were before, for frames that fail.
    undo: Vec<(usize, Word)>,
    /// The call data of a call that is about to begin.
    passed: ByteShadow,
    /// What the frame that ended last has returned.
    result: ByteShadow,
}

impl Recorder {
    /// A transaction begins. Of the slots that it reads those at certain `sites` are nodes. Its operations are
    /// written into `log`, whatever that was.
    pub(crate) fn begin(&mut self, log: Box<OperationLog>, sites: Sites) {
        (self.log, self.sites) = (log, sites);
        self.log.clear();
        self.undo.clear();
        self.depth = 0;
        self.passed.clear();
        self.result.clear();
    }

    /// The operations of the transaction, and whether they are all of them.
    pub(crate) fn take(&mut self) -> (Box<OperationLog>, bool) {
        let log = std::mem::take(&mut self.log);
        let is_whole = log.len() <= MOST_OPERATIONS;
        (log, is_whole)
    }

    /// A frame begins. So many logs are there.
    pub(crate) fn enter(&mut self, is_create: bool, logs: usize) {
        if self.frames.len() == self.depth {
            self.frames.push(Frame::default());
        }
        let frame = &mut self.frames[self.depth];
        self.depth += 1;
        frame.stack.clear();
        frame.memory.clear();
        frame.returned.clear();
        frame.output.clear();
        frame.input = std::mem::take(&mut self.passed);
        (frame.is_create, frame.undo, frame.logs) = (is_create, self.undo.len(), logs);
    }

    /// A call ended without a frame: it was a precompile's, or of no code, or was refused. Its result is known
    /// for this very input.
    pub(crate) fn end_without_frame(&mut self) {
        for node in self.passed.drain() {
            self.log.guard(Guard::Same(node));
        }
        self.result.clear();
    }

    /// The frame has ended.
    pub(crate) fn leave(&mut self, ended: InstructionResult) {
        self.depth -= 1;
        let frame = &mut self.frames[self.depth];
        self.result = std::mem::take(&mut frame.output);
        // By a call or a return that halted, after what it would have passed was noted.
        self.passed.clear();
        if !ended.is_ok_or_revert() {
            self.result.clear();
        }
        if ended.is_ok() {
            return;
        }
        if FAILED_FRAME_STORES.is_planted() {
            return;
        }
        for (at, before) in self.undo.drain(frame.undo..).rev() {
            self.log.stored[at].present = before;
        }
        let logs = frame.logs;
        self.log.logged.retain(|word| (word.log as usize) < logs);
    }

    /// The result of a call goes to its caller, if there is one.
    pub(crate) fn accept(&mut self, result: &FrameResult) {
        let returned = std::mem::take(&mut self.result);
        let Some(frame) = self.depth.checked_sub(1).map(|at| &mut self.frames[at]) else { return };
        let log = &mut self.log;
        match result {
            FrameResult::Call(outcome) => {
                if outcome.instruction_result().is_ok_or_revert() {
                    let start = outcome.memory_start();
                    let copied = outcome.memory_length().min(outcome.result.output.len());
                    let guard = |node| log.guard(Guard::Same(node));
                    frame.memory.overwrite(start..start + copied, guard);
                    let part = returned.slice(0..copied, |node| log.guard(Guard::Same(node)));
                    frame.memory.paste(start, &part);
                }
            }
            // A creation has guarded what it returned.
            FrameResult::Create(_) => {}
        }
        frame.returned = returned;
    }

    /// Runs the interpreter of the frame on top until it stops: revm's `Interpreter::run_plain`, observed.
    pub(crate) fn run<DB: StorageProbe>(
        &mut self,
        interpreter: &mut Interpreter,
        instructions: &InstructionTable<EthInterpreter, EthEvmContext<DB>>,
        gas: &GasTable,
        context: &mut EthEvmContext<DB>,
    ) -> InterpreterAction {
        let mut held = self.frames[self.depth - 1].held();
        let ended = loop {
            let code = interpreter.bytecode.opcode();
            if held.is_untouched_by(code, interpreter.stack.len()) {
                if let Err(ended) = interpreter.step(instructions, gas, context) {
                    break ended;
                }
                continue;
            }
            let then = self.before(code, interpreter, context);
            if let Err(ended) = interpreter.step(instructions, gas, context) {
                // With other values it may have had gas enough. The frame takes the store back.
                if matches!(then, Then::Stored { .. }) && !HALTED_STORE_UNGUARDED.is_planted() {
                    self.after(then, interpreter, context);
                }
                break ended;
            }
            self.after(then, interpreter, context);
            held = self.frames[self.depth - 1].held();
        };
        if interpreter.bytecode.action().is_none() {
            interpreter.halt(ended);
        }
        interpreter.take_next_action()
    }

    fn before<DB: StorageProbe>(
        &mut self,
        code: u8,
        interpreter: &Interpreter,
        context: &EthEvmContext<DB>,
    ) -> Then {
        let frame = &mut self.frames[self.depth - 1];
        let Some(info) = OpCode::info_by_op(code) else { return Then::Nothing };
        let top = interpreter.stack.len();
        if top < usize::from(info.inputs()) || self.log.len() > MOST_OPERATIONS {
            // The step halts; or the log is too long to be used.
            return Then::Nothing;
        }
        Step { log: &mut self.log, frame, passed: &mut self.passed, interpreter, context, top }
            .begin(code, usize::from(info.inputs()))
    }

    fn after<DB: StorageProbe>(
        &mut self,
        then: Then,
        interpreter: &Interpreter,
        context: &EthEvmContext<DB>,
    ) {
        let top = interpreter.stack.len();
        let own = || interpreter.input.target_address();
        match then {
            Then::Nothing => {}
            Then::Applied { opcode, operands } => {
                let value = interpreter.stack.data()[top - 1];
                debug_assert_eq!(
                    value,
                    apply(opcode, operands.map(|word| self.log.value_then(word))),
                    "{opcode:#04x}"
                );
                let node = self.log.push(Source::Apply { opcode, operands }, value);
                self.frames[self.depth - 1].stack.put(top - 1, node);
            }
            Then::Loaded { slot, reads } => {
                let at = self.stored_at(own(), slot, reads, (interpreter, context));
                debug_assert_eq!(
                    at.map(|at| self.log.value_then(self.log.stored[at].present)),
                    at.map(|_| interpreter.stack.data()[top - 1]),
                    "{:?} {slot}",
                    at.map(|at| (at, self.log.stored.len(), self.log.stored[at])),
                );
                if let Some(Word::Node(node)) = at.map(|at| self.log.stored[at].present) {
                    self.frames[self.depth - 1].stack.put(top - 1, node);
                }
            }
            Then::Stored { slot, new, reads, before } => {
                let address = own();
                let at =
                    self.stored_at(address, slot, reads, (interpreter, context)).or_else(|| {
                        let Word::Node(_) = new else { return None };
                        let original = original(context, address, slot)?;
                        let present = before.unwrap_or(original);
                        let (original, present) = (Word::Known(original), Word::Known(present));
                        self.log.stored.push(StoredWord { address, slot, original, present });
                        Some(self.log.stored.len() - 1)
                    });
                if let Some(at) = at {
                    self.store(at, new);
                }
            }
        }
    }

    /// The place of the slot in the log, if it has one or has just been read and may change.
    fn stored_at<DB: StorageProbe>(
        &mut self,
        address: Address,
        slot: U256,
        reads: usize,
        (interpreter, context): (&Interpreter, &EthEvmContext<DB>),
    ) -> Option<usize> {
        if let Some(value) = self.fresh_read(reads, interpreter, context) {
            let node = Word::Node(self.log.push(Source::Read(reads as u32), value));
            self.log.stored.push(StoredWord { address, slot, original: node, present: node });
            return Some(self.log.stored.len() - 1);
        }
        self.log.stored_at(address, slot)
    }

    /// The value of a slot that has just been read, if it is one that may change.
    fn fresh_read<DB: StorageProbe>(
        &mut self,
        reads: usize,
        interpreter: &Interpreter,
        context: &EthEvmContext<DB>,
    ) -> Option<U256> {
        let value = context.journaled_state.database.slot_read(reads)?;
        let code = interpreter.input.bytecode_address().copied();
        let code = code.unwrap_or_else(|| interpreter.input.target_address());
        let site = Sites::at(code, interpreter.bytecode.pc());
        self.log.read_at(reads, site);
        self.sites.may_hold(site).then_some(value)
    }

    fn store(&mut self, at: usize, new: Word) {
        let word = &mut self.log.stored[at];
        let store = Store { original: word.original, present: word.present, new };
        self.undo.push((at, std::mem::replace(&mut word.present, new)));
        if store.has_node() {
            self.log.guard(Guard::SameStore(store));
        }
    }
}

impl Frame {
    fn held(&self) -> Held {
        let has_bytes =
            !(self.memory.is_empty() && self.input.is_empty() && self.returned.is_empty());
        Held { height: self.stack.height(), has_bytes }
    }
}

/// Where a frame holds nodes, in short.
#[derive(Clone, Copy)]
struct Held {
    /// One more than the height of the highest on the stack.
    height: usize,
    /// Whether there are any in memory, call data or return data.
    has_bytes: bool,
}

impl Held {
    /// Whether the instruction neither moves nor looks at a node, and can make none.
    #[inline(always)]
    fn is_untouched_by(self, code: u8, top: usize) -> bool {
        let reach = REACHES[usize::from(code)];
        self.height + usize::from(reach.words) <= top
            && match reach.bytes {
                Bytes::None => true,
                Bytes::Some => !self.has_bytes,
                Bytes::Storage => false,
            }
    }
}

/// The value of a slot before the transaction, where the journal holds it.
fn original<DB: StorageProbe>(
    context: &EthEvmContext<DB>,
    address: Address,
    slot: U256,
) -> Option<U256> {
    let account = context.journaled_state.inner.state.get(&address)?;
    Some(account.storage.get(&slot)?.original_value())
}

/// A step that is about to be taken.
struct Step<'a, DB: StorageProbe> {
    log: &'a mut OperationLog,
    frame: &'a mut Frame,
    passed: &'a mut ByteShadow,
    interpreter: &'a Interpreter,
    context: &'a EthEvmContext<DB>,
    /// Words on the stack.
    top: usize,
}

impl<DB: StorageProbe> Step<'_, DB> {
    fn begin(mut self, code: u8, inputs: usize) -> Then {
        if let Some(operands) = operands(code) {
            return self.apply(code, operands);
        }
        match code {
            opcode::POP => drop(self.frame.stack.take(self.top - 1)),
            opcode::DUP1..=opcode::DUP16 => {
                let from = usize::from(code - opcode::DUP1) + 1;
                if let Some(node) =
                    self.top.checked_sub(from).and_then(|at| self.frame.stack.at(at))
                {
                    self.frame.stack.put(self.top, node);
                }
            }
            opcode::SWAP1..=opcode::SWAP16 => {
                let with = usize::from(code - opcode::SWAP1) + 2;
                if self.top >= with {
                    self.frame.stack.swap(self.top - 1, self.top - with);
                }
            }
            // Their operands stand in the code.
            opcode::DUPN | opcode::SWAPN | opcode::EXCHANGE => {
                let log = &mut self.log;
                self.frame.stack.drain().for_each(|node| log.guard(Guard::Same(node)));
            }
            opcode::JUMPI => {
                self.fix(0);
                if let Some(condition) = self.frame.stack.take(self.top - 2) {
                    self.log.guard(Guard::SameTruth(condition));
                }
            }
            opcode::SLOAD => {
                self.fix(0);
                return Then::Loaded { slot: self.peek(0), reads: self.reads() };
            }
            opcode::SSTORE => return self.store(),
            opcode::MLOAD | opcode::CALLDATALOAD => self.load(code),
            opcode::MSTORE => self.store_word(),
            _ => self.rest(code, inputs),
        }
        Then::Nothing
    }

    /// Instructions that look at all their operands, and at stretches of bytes.
    fn rest(&mut self, code: u8, inputs: usize) {
        (0..inputs).for_each(|nth| self.fix(nth));
        match code {
            opcode::MSTORE8 => self.overwrite(self.range_of_length(0, 1)),
            opcode::KECCAK256 if HASH_UNGUARDED.is_planted() => {}
            opcode::KECCAK256 | opcode::CREATE | opcode::CREATE2 => {
                let first = usize::from(code != opcode::KECCAK256);
                let range = self.range(first, first + 1);
                self.fix_memory(range);
            }
            opcode::CALLDATACOPY => self.copy(0, |frame| &frame.input),
            opcode::RETURNDATACOPY => self.copy(0, |frame| &frame.returned),
            opcode::MCOPY => self.copy(0, |frame| &frame.memory),
            opcode::CODECOPY => self.overwrite(self.range(0, 2)),
            opcode::EXTCODECOPY => self.overwrite(self.range(1, 3)),
            opcode::LOG0..=opcode::LOG4 => self.emit(),
            opcode::CALL | opcode::CALLCODE => *self.passed = self.slice_of_memory(3, 4),
            opcode::DELEGATECALL | opcode::STATICCALL => *self.passed = self.slice_of_memory(2, 3),
            opcode::RETURN | opcode::REVERT => self.give_back(),
            _ => {}
        }
    }

    fn peek(&self, nth: usize) -> U256 {
        self.interpreter.stack.data()[self.top - 1 - nth]
    }

    /// The stretch of bytes that two operands give. Empty where there is none, and where it is so long that
    /// the step halts.
    fn range(&self, offset: usize, length: usize) -> Range<usize> {
        let length = u32::try_from(self.peek(length)).map_or(0, |length| length as usize);
        self.range_of_length(offset, length)
    }

    fn range_of_length(&self, offset: usize, length: usize) -> Range<usize> {
        match u32::try_from(self.peek(offset)) {
            Ok(offset) if length > 0 => offset as usize..offset as usize + length,
            _ => 0..0,
        }
    }

    fn reads(&self) -> usize {
        self.context.journaled_state.database.slot_reads()
    }

    /// The operand must stay what it is.
    fn fix(&mut self, nth: usize) {
        if let Some(node) = self.frame.stack.take(self.top - 1 - nth) {
            self.log.guard(Guard::Same(node));
        }
    }

    fn take(&mut self, nth: usize) -> Word {
        match self.frame.stack.take(self.top - 1 - nth) {
            Some(node) => Word::Node(node),
            None => Word::Known(self.peek(nth)),
        }
    }

    fn apply(&mut self, opcode: u8, count: usize) -> Then {
        if opcode == opcode::EXP {
            self.fix(1);
        }
        let mut operands = [Word::Known(U256::ZERO); 3];
        let mut has_node = false;
        for (nth, operand) in operands.iter_mut().enumerate().take(count) {
            *operand = self.take(nth);
            has_node |= matches!(operand, Word::Node(_));
        }
        if has_node { Then::Applied { opcode, operands } } else { Then::Nothing }
    }

    fn store(&mut self) -> Then {
        self.fix(0);
        let (slot, new) = (self.peek(0), self.take(1));
        let before = || {
            let address = self.interpreter.input.target_address();
            let account = self.context.journaled_state.inner.state.get(&address)?;
            Some(account.storage.get(&slot)?.present_value())
        };
        let before = if let Word::Node(_) = new { before() } else { None };
        Then::Stored { slot, new, reads: self.reads(), before }
    }

    /// A word of memory or call data goes onto the stack, where its offset was.
    fn load(&mut self, code: u8) {
        self.fix(0);
        let range = self.range_of_length(0, 32);
        let bytes = if code == opcode::MLOAD { &self.frame.memory } else { &self.frame.input };
        if let Some(node) = bytes.at(range.start).filter(|_| !range.is_empty()) {
            self.frame.stack.put(self.top - 1, node);
            return;
        }
        for node in bytes.overlapping(range) {
            self.log.guard(Guard::Same(node));
        }
    }

    fn store_word(&mut self) {
        self.fix(0);
        let (range, new) = (self.range_of_length(0, 32), self.take(1));
        self.overwrite(range.clone());
        if let (Word::Node(node), false) = (new, range.is_empty()) {
            self.frame.memory.put(range.start, node);
        }
    }

    fn overwrite(&mut self, range: Range<usize>) {
        let log = &mut self.log;
        self.frame.memory.overwrite(range, |node| log.guard(Guard::Same(node)));
    }

    fn fix_memory(&mut self, range: Range<usize>) {
        for node in self.frame.memory.overlapping(range) {
            self.log.guard(Guard::Same(node));
        }
    }

    /// Copies into memory: operands are destination, source and length.
    fn copy(&mut self, first: usize, source: impl Fn(&Frame) -> &ByteShadow) {
        let (to, from) = (self.range(first, first + 2), self.range(first + 1, first + 2));
        let log = &mut self.log;
        let copied = source(self.frame).slice(from, |node| log.guard(Guard::Same(node)));
        self.overwrite(to.clone());
        self.frame.memory.paste(to.start, &copied);
    }

    fn slice_of_memory(&mut self, offset: usize, length: usize) -> ByteShadow {
        let range = self.range(offset, length);
        let log = &mut self.log;
        self.frame.memory.slice(range, |node| log.guard(Guard::Same(node)))
    }

    fn emit(&mut self) {
        let number = self.context.journaled_state.inner.logs.len() as u32;
        let words = self.slice_of_memory(0, 1);
        let words = words.iter().map(|(offset, node)| LogWord { log: number, offset, node });
        self.log.logged.extend(words);
    }

    fn give_back(&mut self) {
        let output = self.slice_of_memory(0, 1);
        if self.frame.is_create {
            // The code of a contract, or why there is none.
            output.iter().for_each(|(_, node)| self.log.guard(Guard::Same(node)));
        } else if !RETURN_DATA_STALE.is_planted() {
            self.frame.output = output;
        }
    }
}

//! revm with the rules that it leaves out.
//!
//! * EIP-7610: a creation at an address that has storage, but neither code nor nonce, fails like
//!   any other collision. Shown by `eip7610_create_collision` and `create2collisionStorage`.
//! * System calls get 30,000,000 gas before Amsterdam (EIP-4788, EIP-2935, EIP-7002, EIP-7251),
//!   not the budget that EIP-8037 will give them. Shown by `system_contract_out_of_gas`.
//! * A transaction that fails as a whole touches nothing (Yellow Paper 6.2, the substate of a failed
//!   execution is empty), an empty 0x03 included. revm keeps its touch in every reverted frame, for the
//!   sake of mainnet block 2675119, where a child frame had touched it; the execution specs and Besu keep
//!   it in child frames alone. No chain with Spurious Dragon has an empty 0x03 left.
//!
//! It adds nothing else: every other step is revm's own.

use super::operations::Recorder;
use alloy_evm::{EvmEnv, eth::EthEvmContext, precompiles::PrecompilesMap};
use alloy_primitives::{Address, Bytes, U256};
use lockstep_faults::{
    destruction::STORAGE_ONLY_ACCOUNT_DOES_NOT_COLLIDE,
    empty_accounts::RIPEMD_ENDS_WITH_FAILED_TRANSACTION, memory::PAYABILITY_UNRECORDED,
};
use revm::{
    Context, Database, MainContext,
    bytecode::opcode,
    context::{
        BlockEnv, CfgEnv, Evm as RevmEvm, FrameStack, JournalTr, TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, ResultAndState},
    },
    handler::{
        EthFrame, EvmTr, FrameInitOrResult, Handler, ItemOrResult, MainnetHandler, SystemCallTx,
        evm::{ContextDbError, FrameInitResult},
        instructions::{EthInstructions, InstructionProvider},
    },
    inspector::NoOpInspector,
    interpreter::{
        CreateInputs, FrameInput, Instruction, interpreter::EthInterpreter,
        interpreter_action::FrameInit,
    },
    precompile::{PrecompileSpecId, Precompiles},
    primitives::{KECCAK_EMPTY, constants::CALL_STACK_LIMIT, hardfork::SpecId},
    state::EvmState,
};

/// Gas of a system call before Amsterdam (EIP-4788).
const SYSTEM_CALL_GAS: u64 = 30_000_000;

/// The precompile whose touch outlives the revert of a child frame.
const RIPEMD160: Address = revm::precompile::u64_to_address(3);

/// Takes back the touch of an empty 0x03 by a transaction that failed as a whole. The fee recipient is
/// touched by its reward.
pub(super) fn untouch_ripemd160(state: &mut EvmState, succeeded: bool, beneficiary: Address) {
    if succeeded || beneficiary == RIPEMD160 || RIPEMD_ENDS_WITH_FAILED_TRANSACTION.is_planted() {
        return;
    }
    if let Some(account) = state.get_mut(&RIPEMD160)
        && account.is_empty()
    {
        account.unmark_touch();
    }
}

/// Queries and notices from the strict EVM to the state, beside revm's reads.
pub(crate) trait StorageProbe: alloy_evm::Database {
    /// Whether any slot of the account is not zero (EIP-7610).
    fn has_storage(&mut self, address: Address) -> Result<bool, Self::Error>;

    /// From here on the transaction may depend on the account's very balance. For an account that was
    /// loaded without this, at most whether it exists and whether it is empty has been seen.
    fn observe_balance(&mut self, _address: Address) {}

    /// Reads of slots by this transaction so far.
    fn slot_reads(&self) -> usize {
        0
    }

    /// The value of the read of a slot with this number, if there was one.
    fn slot_read(&self, _read: usize) -> Option<U256> {
        None
    }

    /// Whether a planted fault takes the account for one that this transaction has created.
    fn is_of_this_transaction(&mut self, _address: Address) -> bool {
        false
    }
}

type Inner<DB> = RevmEvm<
    EthEvmContext<DB>,
    NoOpInspector,
    EthInstructions<EthInterpreter, EthEvmContext<DB>>,
    PrecompilesMap,
    EthFrame,
>;

/// The EVM that every executor of this crate runs.
pub(crate) struct StrictEvm<DB: Database> {
    inner: Inner<DB>,
    /// Where operations are to be written down.
    recorder: Option<Box<Recorder>>,
}

impl<DB: Database> StrictEvm<DB> {
    pub(crate) fn new(db: DB, env: EvmEnv) -> Self {
        let spec = env.cfg_env.spec;
        let precompiles = Precompiles::new(PrecompileSpecId::from_spec_id(spec));
        let context =
            Context::mainnet().with_block(env.block_env).with_cfg(env.cfg_env).with_db(db);
        let inner = RevmEvm {
            ctx: context,
            inspector: NoOpInspector,
            instruction: EthInstructions::new_mainnet_with_spec(spec),
            precompiles: PrecompilesMap::from_static(precompiles),
            // Frames come as they are needed: eight at once, as revm's builder has them, take longer
            // than a small block.
            frame_stack: FrameStack::new(),
        };
        Self { inner, recorder: None }
    }

    /// The operations of transactions are written down, or not, from the next one on.
    pub(crate) fn record_with(&mut self, recorder: Option<Box<Recorder>>) {
        self.recorder = recorder;
    }

    /// Takes the recorder away.
    pub(crate) const fn take_recorder(&mut self) -> Option<Box<Recorder>> {
        self.recorder.take()
    }

    pub(crate) const fn db_mut(&mut self) -> &mut DB {
        &mut self.inner.ctx.journaled_state.database
    }

    pub(crate) const fn context(&mut self) -> &mut EthEvmContext<DB> {
        &mut self.inner.ctx
    }
}

impl<DB: StorageProbe> StrictEvm<DB> {
    /// Tells the database which balances the code looks at, from now on.
    pub(crate) fn watch_balances(&mut self) {
        let table = self.inner.instruction.instruction_table_mut();
        table[usize::from(opcode::BALANCE)] = Instruction::new(watched::balance);
        table[usize::from(opcode::SELFBALANCE)] = Instruction::new(watched::selfbalance);
        table[usize::from(opcode::SELFDESTRUCT)] = Instruction::new(watched::selfdestruct);
    }

    /// A frame that moves value looks at the balance that it comes from.
    fn observe_value(&mut self, frame: &FrameInput) {
        if PAYABILITY_UNRECORDED.is_planted() {
            return;
        }
        match frame {
            FrameInput::Call(inputs) if inputs.transfers_value() => {
                self.db_mut().observe_balance(inputs.caller);
            }
            FrameInput::Create(inputs) if !inputs.value().is_zero() => {
                self.db_mut().observe_balance(inputs.caller());
            }
            _ => {}
        }
    }

    /// Whether this creation would get past revm's collision check only because the account's
    /// storage is not part of it.
    fn collides_with_storage(
        &mut self,
        inputs: &CreateInputs,
        depth: usize,
    ) -> Result<bool, DB::Error> {
        if STORAGE_ONLY_ACCOUNT_DOES_NOT_COLLIDE.is_planted() {
            return Ok(false);
        }
        let journal = &mut self.inner.ctx.journaled_state;
        let caller = journal.load_account(inputs.caller())?.data.info.clone();
        // In these cases the frame ends before the address is looked at, and so must we: looking
        // warms it.
        if depth > CALL_STACK_LIMIT as usize
            || caller.balance < inputs.value()
            || caller.nonce == u64::MAX
        {
            return Ok(false);
        }
        let address = inputs.created_address(caller.nonce);
        let target = &journal.load_account(address)?.data;
        let collides_anyway = target.info.code_hash != KECCAK_EMPTY || target.info.nonce != 0;
        // In a journal that is kept over several transactions, destroyed by one before.
        if collides_anyway || target.is_selfdestructed() {
            return Ok(false);
        }
        self.db_mut().has_storage(address)
    }

    /// Lets revm's own collision path run, by showing it a nonce for the length of the check.
    fn fail_creation(
        &mut self,
        address: Address,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, EthFrame>, ContextDbError<EthEvmContext<DB>>> {
        self.set_nonce(address, 1);
        let outcome = match self.inner.frame_init(init) {
            Ok(ItemOrResult::Result(result)) => Ok(result),
            Ok(ItemOrResult::Item(_)) => unreachable!("an account with a nonce always collides"),
            Err(error) => Err(error),
        };
        self.set_nonce(address, 0);
        outcome.map(ItemOrResult::Result)
    }

    fn set_nonce(&mut self, address: Address, nonce: u64) {
        let account = self.inner.ctx.journaled_state.inner.state.get_mut(&address);
        account.expect("the collision check loaded it").info.nonce = nonce;
    }
}

/// The instructions that look at a balance: revm's own, which tell before they look.
mod watched {
    use super::{EthEvmContext, StorageProbe};
    use alloy_primitives::Address;
    use lockstep_faults::destruction::CREATED_IN_BLOCK_COUNTS_AS_IN_TRANSACTION;
    use revm::interpreter::{
        InstructionContext, InstructionExecResult, instructions::host, interpreter::EthInterpreter,
        interpreter_types::InputsTr,
    };

    type Context<'a, DB> = InstructionContext<'a, EthEvmContext<DB>, EthInterpreter>;

    pub(super) fn balance<DB: StorageProbe>(mut context: Context<'_, DB>) -> InstructionExecResult {
        observe_top(&mut context);
        host::balance(context)
    }

    pub(super) fn selfbalance<DB: StorageProbe>(
        mut context: Context<'_, DB>,
    ) -> InstructionExecResult {
        let own = context.interpreter.input.target_address();
        observe(&mut context, own);
        host::selfbalance(context)
    }

    fn observe_top<DB: StorageProbe>(context: &mut Context<'_, DB>) {
        // Without an operand the instruction halts on its own.
        if let Ok(address) = context.interpreter.stack.peek(0) {
            observe(context, Address::from_word(address.into()));
        }
    }

    fn observe<DB: StorageProbe>(context: &mut Context<'_, DB>, address: Address) {
        context.host.journaled_state.database.observe_balance(address);
    }

    pub(super) fn selfdestruct<DB: StorageProbe>(
        mut context: Context<'_, DB>,
    ) -> InstructionExecResult {
        let own = context.interpreter.input.target_address();
        observe(&mut context, own);
        observe_top(&mut context);
        let journal = &mut context.host.journaled_state;
        if CREATED_IN_BLOCK_COUNTS_AS_IN_TRANSACTION.is_planted()
            && journal.database.is_of_this_transaction(own)
            && let Some(account) = journal.inner.state.get_mut(&own)
        {
            account.mark_created_locally();
        }
        host::selfdestruct(context)
    }
}

impl<DB: StorageProbe> EvmTr for StrictEvm<DB> {
    type Context = EthEvmContext<DB>;
    type Instructions = EthInstructions<EthInterpreter, EthEvmContext<DB>>;
    type Precompiles = PrecompilesMap;
    type Frame = EthFrame;

    fn all(
        &self,
    ) -> (&Self::Context, &Self::Instructions, &Self::Precompiles, &FrameStack<EthFrame>) {
        self.inner.all()
    }

    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<EthFrame>,
    ) {
        self.inner.all_mut()
    }

    fn frame_init(
        &mut self,
        init: FrameInit,
    ) -> Result<FrameInitResult<'_, EthFrame>, ContextDbError<Self::Context>> {
        self.observe_value(&init.frame_input);
        if let FrameInput::Create(inputs) = &init.frame_input
            && self.collides_with_storage(inputs, init.depth)?
        {
            // The address is cached in the inputs by now; the nonce no longer matters.
            let address = inputs.created_address(0);
            if let Some(recorder) = &mut self.recorder {
                recorder.end_without_frame();
            }
            return self.fail_creation(address, init);
        }
        let Some(recorder) = &mut self.recorder else { return self.inner.frame_init(init) };
        let is_create = matches!(init.frame_input, FrameInput::Create(_));
        let logs = self.inner.ctx.journaled_state.inner.logs.len();
        let begun = self.inner.frame_init(init)?;
        match &begun {
            ItemOrResult::Item(_) => recorder.enter(is_create, logs),
            ItemOrResult::Result(_) => recorder.end_without_frame(),
        }
        Ok(begun)
    }

    fn frame_run(&mut self) -> Result<FrameInitOrResult<EthFrame>, ContextDbError<Self::Context>> {
        let Some(recorder) = &mut self.recorder else { return self.inner.frame_run() };
        // As revm's own, but for the recorder.
        let RevmEvm { ctx, instruction, frame_stack, .. } = &mut self.inner;
        let frame = frame_stack.get();
        let (instructions, gas) = (instruction.instruction_table(), instruction.gas_table());
        let action = recorder.run(&mut frame.interpreter, instructions, gas, ctx);
        let next = frame.process_next_action(ctx, action);
        if let Ok(ItemOrResult::Result(result)) = &next {
            frame.set_finished(true);
            recorder.leave(result.instruction_result());
        }
        next
    }

    fn frame_return_result(
        &mut self,
        result: <EthFrame as revm::handler::FrameTr>::FrameResult,
    ) -> Result<
        Option<<EthFrame as revm::handler::FrameTr>::FrameResult>,
        ContextDbError<Self::Context>,
    > {
        if let Some(recorder) = &mut self.recorder {
            recorder.accept(&result);
        }
        self.inner.frame_return_result(result)
    }
}

impl<DB: StorageProbe> alloy_evm::Evm for StrictEvm<DB> {
    type DB = DB;
    type Tx = TxEnv;
    type Error = EVMError<DB::Error>;
    type HaltReason = HaltReason;
    type Spec = SpecId;
    type BlockEnv = BlockEnv;
    type Precompiles = PrecompilesMap;
    type Inspector = NoOpInspector;

    fn block(&self) -> &BlockEnv {
        &self.inner.ctx.block
    }

    fn cfg_env(&self) -> &CfgEnv {
        &self.inner.ctx.cfg
    }

    fn chain_id(&self) -> u64 {
        self.inner.ctx.cfg.chain_id
    }

    fn transact_raw(&mut self, tx: TxEnv) -> Result<ResultAndState, Self::Error> {
        self.inner.ctx.tx = tx;
        let result: Result<_, Self::Error> = MainnetHandler::default().run(self);
        let succeeded = result.as_ref().is_ok_and(ExecutionResult::is_success);
        let beneficiary = self.inner.ctx.block.beneficiary;
        let journal = &mut self.inner.ctx.journaled_state.inner;
        // Before `finalize`, which turns touches into what a database commits.
        untouch_ripemd160(&mut journal.state, succeeded, beneficiary);
        // Also after an error, or the next transaction would see this one's loaded accounts.
        let state = self.inner.ctx.journaled_state.finalize();
        Ok(ResultAndState::new(result?, state))
    }

    fn transact_system_call(
        &mut self,
        caller: Address,
        contract: Address,
        data: Bytes,
    ) -> Result<ResultAndState, Self::Error> {
        let mut call = TxEnv::new_system_tx_with_caller(caller, contract, data);
        if !self.inner.ctx.cfg.spec.is_enabled_in(SpecId::AMSTERDAM) {
            call.gas_limit = SYSTEM_CALL_GAS;
        }
        self.inner.ctx.tx = call;
        let result: Result<_, Self::Error> = MainnetHandler::default().run_system_call(self);
        let state = self.inner.ctx.journaled_state.finalize();
        Ok(ResultAndState::new(result?, state))
    }

    fn finish(self) -> (DB, EvmEnv) {
        let Context { block, cfg, journaled_state, .. } = self.inner.ctx;
        (journaled_state.database, EvmEnv::new(cfg, block))
    }

    fn set_inspector_enabled(&mut self, _enabled: bool) {}

    fn components(&self) -> (&DB, &NoOpInspector, &PrecompilesMap) {
        let inner = &self.inner;
        (&inner.ctx.journaled_state.database, &inner.inspector, &inner.precompiles)
    }

    fn components_mut(&mut self) -> (&mut DB, &mut NoOpInspector, &mut PrecompilesMap) {
        let inner = &mut self.inner;
        (&mut inner.ctx.journaled_state.database, &mut inner.inspector, &mut inner.precompiles)
    }
}

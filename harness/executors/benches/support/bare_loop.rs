//! The shortest way to run a block by revm: one EVM, the block's system call, one call for each
//! transaction. The yardstick for `sequential`. It takes no care of anything between transactions;
//! blocks whose transactions are ordinary come out right.

use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_evm::FromRecoveredTx;
use lockstep_model::{
    AccountChange, AccountInfo, BlockOutcome, Case, Fork, Receipt, StateChanges, StateError,
    StateReader,
};
use revm::{
    Context, Database, ExecuteEvm, MainBuilder, MainContext, SystemCallEvm,
    context::{BlockEnv, CfgEnv, TxEnv, result::ExecutionResult},
    context_interface::block::BlobExcessGasAndPrice,
    database_interface::DBErrorMarker,
    primitives::{Address, B256, Bytes, U256, eip4844, hardfork::SpecId},
    state::{Account, AccountInfo as RevmInfo, Bytecode, EvmState},
};
use std::{error::Error, fmt};

/// The reader that every executor has, as revm wants it.
pub(crate) struct Reader<'a>(&'a dyn StateReader);

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

#[derive(Debug)]
pub(crate) struct Unreadable(StateError);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Unreadable {}
impl DBErrorMarker for Unreadable {}

impl Database for Reader<'_> {
    type Error = Unreadable;

    fn basic(&mut self, address: Address) -> Result<Option<RevmInfo>, Unreadable> {
        let info = |AccountInfo { balance, nonce, code_hash }| {
            RevmInfo { balance, nonce, code_hash, ..RevmInfo::default() }.without_code()
        };
        Ok(self.0.account(address).map_err(Unreadable)?.map(info))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Unreadable> {
        let code: Bytes = self.0.code(hash).map_err(Unreadable)?;
        Ok(Bytecode::new_raw(code))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Unreadable> {
        self.0.storage(address, slot).map_err(Unreadable)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Unreadable> {
        self.0.block_hash(number).map_err(Unreadable)
    }
}

/// A block of Cancun, ready to run.
pub(crate) struct BareLoop<'a> {
    case: &'a Case,
    block: BlockEnv,
    transactions: Vec<TxEnv>,
}

impl<'a> BareLoop<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        assert_eq!(case.rules.fork, Fork::Cancun, "the workloads are of Cancun");
        let fraction = eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN;
        let (block, excess) = (&case.block, case.block.excess_blob_gas);
        Self {
            case,
            block: BlockEnv {
                number: U256::from(block.number),
                beneficiary: block.beneficiary,
                timestamp: U256::from(block.timestamp),
                gas_limit: block.gas_limit,
                basefee: block.base_fee,
                difficulty: block.difficulty,
                prevrandao: block.prev_randao,
                blob_excess_gas_and_price: excess
                    .map(|excess| BlobExcessGasAndPrice::new(excess, fraction)),
                ..BlockEnv::default()
            },
            transactions: block
                .transactions
                .iter()
                .map(|signed| TxEnv::from_recovered_tx(&signed.envelope, signed.sender))
                .collect(),
        }
    }

    /// The calls alone. Gives results and the state that was touched, both revm's own.
    pub(crate) fn calls(&self) -> (Vec<ExecutionResult>, EvmState) {
        let cfg = CfgEnv::new_with_spec(SpecId::CANCUN).with_chain_id(self.case.rules.chain_id);
        let context = Context::mainnet().with_db(Reader(&*self.case.pre_state));
        let mut evm = context.with_cfg(cfg).with_block(self.block.clone()).build_mainnet();
        if let Some(root) = self.case.block.parent_beacon_block_root {
            let call = evm.system_call_one(BEACON_ROOTS_ADDRESS, root.0.into());
            assert!(call.unwrap().is_success(), "the call of EIP-4788");
        }
        let mut results = Vec::with_capacity(self.transactions.len());
        for transaction in &self.transactions {
            results.push(evm.transact_one(transaction.clone()).unwrap());
        }
        (results, evm.finalize())
    }

    /// The calls, and what every executor owes at its end: receipts, gas and owned changes.
    pub(crate) fn run(&self) -> BlockOutcome {
        let (results, state) = self.calls();
        let receipts = self.receipts(results);
        BlockOutcome {
            gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used),
            receipts,
            changes: changes(state),
            ..BlockOutcome::default()
        }
    }

    fn receipts(&self, results: Vec<ExecutionResult>) -> Vec<Receipt> {
        let mut cumulative_gas_used = 0;
        let receipt = |(result, transaction): (ExecutionResult, &TxEnv)| {
            let gas_used = result.gas().tx_gas_used();
            cumulative_gas_used += gas_used;
            Receipt {
                transaction_type: transaction.tx_type,
                success: result.is_success(),
                gas_used,
                cumulative_gas_used,
                logs: result.into_logs(),
            }
        };
        results.into_iter().zip(&self.transactions).map(receipt).collect()
    }
}

/// As owned plain data. No workload creates or destroys an account, or leaves one empty.
fn changes(state: EvmState) -> StateChanges {
    let touched = state.into_iter().filter(|(_, account)| account.is_touched());
    let accounts = touched.map(|(address, account)| (address, change(account))).collect();
    StateChanges { accounts, ..StateChanges::default() }
}

fn change(account: Account) -> AccountChange {
    let RevmInfo { balance, nonce, code_hash, .. } = account.info;
    let slots = account.storage.into_iter().map(|(slot, value)| (slot, value.present_value));
    AccountChange {
        info: Some(AccountInfo { balance, nonce, code_hash }),
        storage_cleared: false,
        storage: slots.collect(),
    }
}

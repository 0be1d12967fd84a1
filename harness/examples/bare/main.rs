//! An engine that executes transactions and nothing else, brought: revm as it is, one transaction after the other. The
//! phases around the transactions, and what the block's gas admits, are Lockstep's.

use alloy_evm::FromRecoveredTx as _;
use alloy_primitives::{Address, B256, U256};
use lockstep_executors::{
    changes_of_bundle,
    phased::{Environment, Executed, Phased, TransactionEngine, TransactionResult},
};
use lockstep_model::{Case, Executor, ExecutorError, Rule, StateError, StateReader, Telemetry};
use revm::{
    Context, Database, ExecuteCommitEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, TxEnv, result::EVMError},
    database::{State, states::bundle_state::BundleRetention},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};
use std::sync::Arc;

/// What the engine reads.
struct Reader(Arc<dyn StateReader>);

/// A read that failed, as revm wants it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct ReadError(#[from] StateError);

impl revm::database_interface::DBErrorMarker for ReadError {}

impl Database for Reader {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        let info = self.0.account(address)?;
        Ok(info.map(|info| AccountInfo {
            balance: info.balance,
            nonce: info.nonce,
            code_hash: info.code_hash,
            // By default it is the code of no account: then revm would not ask for it.
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ReadError> {
        Ok(Bytecode::new_raw(self.0.code(hash)?))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        Ok(self.0.storage(address, slot)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.0.block_hash(number)?)
    }
}

/// revm.
struct Bare;

impl TransactionEngine for Bare {
    fn execute(&mut self, case: &Case) -> Result<Executed, ExecutorError> {
        let database = Reader(case.pre_state.clone());
        let state = State::builder().with_database(database).with_bundle_update().build();
        let (config, block) = environment(&Environment::of(case))?;
        let context = Context::mainnet().with_db(state).with_cfg(config).with_block(block);
        let mut evm = context.build_mainnet();
        let mut results = Vec::new();
        for (index, transaction) in case.block.transactions.iter().enumerate() {
            let env = TxEnv::from_recovered_tx(&transaction.envelope, transaction.sender);
            match evm.transact_commit(env) {
                Ok(done) => results.push(TransactionResult {
                    success: done.is_success(),
                    gas_used: done.gas().tx_gas_used(),
                    logs: done.into_logs(),
                }),
                Err(EVMError::Transaction(invalid)) => {
                    let rule = Rule::Other(invalid.to_string());
                    return Ok(Executed::Rejected { transaction: Some(index), rule });
                }
                Err(error) => return Err(ExecutorError::Broken(error.to_string())),
            }
        }
        let state = &mut evm.ctx.journaled_state.database;
        state.merge_transitions(BundleRetention::PlainState);
        let changes = changes_of_bundle!(state.take_bundle());
        Ok(Executed::All { results, changes, telemetry: Telemetry::default() })
    }
}

fn environment(known: &Environment) -> Result<(CfgEnv, BlockEnv), ExecutorError> {
    let spec: SpecId = known
        .spec
        .parse()
        .map_err(|_| ExecutorError::Unsupported(format!("the fork {}", known.spec)))?;
    let mut config = CfgEnv::new_with_spec(spec);
    config.chain_id = known.chain_id;
    config.max_blobs_per_tx = known.max_blobs_per_tx;
    config.tx_gas_limit_cap = known.tx_gas_limit_cap;
    let mut block = BlockEnv {
        number: U256::from(known.number),
        beneficiary: known.beneficiary,
        timestamp: U256::from(known.timestamp),
        gas_limit: known.gas_limit,
        basefee: known.basefee,
        difficulty: known.difficulty,
        prevrandao: known.prevrandao,
        ..BlockEnv::default()
    };
    if let Some(excess) = known.excess_blob_gas {
        block.set_blob_excess_gas_and_price(excess, known.blob_base_fee_update_fraction);
    }
    Ok((config, block))
}

fn main() -> std::process::ExitCode {
    let make = |_threads| Ok(Box::new(Phased::new(Bare)) as Box<dyn Executor>);
    lockstep_cli::Lockstep::new().executor("bare", make).run()
}

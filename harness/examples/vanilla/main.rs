//! alloy-evm's own block executor, brought through the adapter as it is: that of reth-based clients,
//! without the reference's corrections.

use alloy_evm::{
    EthEvmFactory,
    eth::{EthBlockExecutorFactory, receipt_builder::AlloyReceiptBuilder},
};
use lockstep_executors::adapter::{AlloyEvm, Hardforks};

fn factory(hardforks: Hardforks) -> EthBlockExecutorFactory<AlloyReceiptBuilder, Hardforks> {
    EthBlockExecutorFactory::new(
        AlloyReceiptBuilder::default(),
        hardforks,
        EthEvmFactory::default(),
    )
}

fn main() -> std::process::ExitCode {
    lockstep_cli::Lockstep::new()
        .executor("vanilla", |_threads| Ok(Box::new(AlloyEvm::new(factory))))
        .reviewed(include_str!("known.toml"))
        .run()
}

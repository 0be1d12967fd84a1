//! Options of `lockstep t8n`: geth's names.

use clap::Args;
use std::path::PathBuf;

pub(super) const T8N_ABOUT: &str = "\
Makes a block as geth's `evm t8n` does: accounts, a block's environment and transactions in; accounts, \
result and body out. Transactions that cannot be in the block are rejected, each with geth's text and \
the rule's name. Any executor can be driven so.

Forks: Frontier, Homestead, EIP150 (TangerineWhistle), EIP158 (SpuriousDragon), Byzantium, ConstantinopleFix, \
Istanbul, MuirGlacier, Berlin, London, ArrowGlacier, GrayGlacier, Paris (Merge), Shanghai, Cancun, Prague, \
Osaka, BPO1, BPO2, BPO3, BPO4, Amsterdam; transitions: FrontierToHomesteadAt5, HomesteadToDaoAt5, \
HomesteadToEIP150At5, EIP158ToByzantiumAt5, ByzantiumToConstantinopleFixAt5, ConstantinopleFixToIstanbulAt5, \
BerlinToLondonAt5, ArrowGlacierToParisAtDiffC0000, ParisToShanghaiAtTime15k, ShanghaiToCancunAtTime15k, \
CancunToPragueAtTime15k, PragueToOsakaAtTime15k, OsakaToBPO1AtTime15k, BPO1ToBPO2AtTime15k, \
BPO2ToBPO3AtTime15k, BPO3ToBPO4AtTime15k, BPO2ToAmsterdamAtTime15k.

Exit status: 2 the executor failed, 3 a wrong option or a member of `env` that the fork needs, 4 a block \
hash that is not given, 10 JSON, 11 files, 12 RLP.

Examples:
  lockstep t8n --input.alloc alloc.json --input.env env.json --input.txs txs.json \\
      --state.fork Prague --output.basedir out
  lockstep t8n --input.alloc stdin --input.env stdin --input.txs stdin --output.alloc stdout \\
      --output.result stdout --state.fork Osaka --executor block_stm --threads 4 < inputs.json

As a tool that execution-spec-tests finds, link the program under the name `evm`.";

/// `lockstep t8n`.
#[derive(Debug, Args)]
pub(crate) struct T8nArgs {
    /// Accounts before the block: a file, or `stdin`
    #[arg(long = "input.alloc", value_name = "FILE", default_value = "alloc.json")]
    pub(crate) input_alloc: String,

    /// The block's environment: a file, or `stdin`
    #[arg(long = "input.env", value_name = "FILE", default_value = "env.json")]
    pub(crate) input_env: String,

    /// Transactions: a file, or `stdin`; JSON objects, or a string with the RLP of a list
    #[arg(long = "input.txs", value_name = "FILE", default_value = "txs.json")]
    pub(crate) input_txs: String,

    /// Blob parameters instead of the fork's: a file, or `stdin`
    #[arg(long = "input.blobParams", value_name = "FILE")]
    pub(crate) input_blob_params: Option<String>,

    /// The folder of output files and traces
    #[arg(long = "output.basedir", value_name = "DIR")]
    pub(crate) output_basedir: Option<PathBuf>,

    /// Accounts after the block: `stdout`, `stderr`, a file, or nothing
    #[arg(long = "output.alloc", value_name = "FILE", default_value = "alloc.json")]
    pub(crate) output_alloc: String,

    /// Roots, receipts and rejected transactions: `stdout`, `stderr`, a file, or nothing
    #[arg(long = "output.result", value_name = "FILE", default_value = "result.json")]
    pub(crate) output_result: String,

    /// The RLP of the block's transactions: `stdout`, `stderr`, a file, or nothing
    #[arg(long = "output.body", value_name = "FILE", default_value = "")]
    pub(crate) output_body: String,

    /// A fork, or a transition as in `CancunToPragueAtTime15k`
    #[arg(long = "state.fork", value_name = "NAME", default_value = "GrayGlacier")]
    pub(crate) fork: String,

    /// The chain id
    #[arg(long = "state.chainid", value_name = "ID", default_value_t = 1)]
    pub(crate) chain_id: u64,

    /// The reward of the block in wei; -1: none, and none for ommers
    #[arg(
        long = "state.reward",
        value_name = "WEI",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub(crate) reward: i128,

    /// Transactions alone: no system calls, requests, withdrawals or rewards
    #[arg(long = "state-test")]
    pub(crate) state_test: bool,

    /// Write the steps of each transaction to `trace-I-HASH.jsonl`
    #[arg(long)]
    pub(crate) trace: bool,

    /// Accepted for drivers: memory is never written
    #[arg(long = "trace.memory", hide = true)]
    pub(crate) trace_memory: bool,

    /// Leave the stack out
    #[arg(long = "trace.nostack")]
    pub(crate) trace_no_stack: bool,

    /// Accepted for drivers: return data is never written
    #[arg(long = "trace.returndata", hide = true)]
    pub(crate) trace_return_data: bool,

    /// Accepted for drivers: memory is never written
    #[arg(long = "trace.nomemory", hide = true, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) trace_no_memory: Option<bool>,

    /// Accepted for drivers: return data is never written
    #[arg(long = "trace.noreturndata", hide = true, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) trace_no_return_data: Option<bool>,

    /// Count instructions, by name, into this file
    #[arg(long = "opcode.count", value_name = "FILE")]
    pub(crate) opcode_count: Option<PathBuf>,

    /// The executor
    #[arg(long, value_name = "NAME", default_value = crate::defaults::REFERENCE)]
    pub(crate) executor: String,

    /// Its threads [default: the cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

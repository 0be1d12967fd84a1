//! From the file's shape to tests.

use super::{
    format::{Post, StateTest},
    sender::address_of,
    transaction::{self, Built, NoTransaction},
    wide::{self, Parties},
};
use crate::{
    File, SourceError, accounts::JsonAccounts, blockchain_test::unknown_exception,
    check_blob_price, hex::Quantity,
};
use alloy_primitives::{Address, U256};
use lockstep_judge::{
    definition::{Body, SkipReason, SourceKind, Test},
    difference::{Difference, Scope, ShouldBe},
    exceptions,
    expected::{Expectation, ExpectedRejection},
    runnable::{Runnable, Undecodable},
    state::PreState,
};
use lockstep_model::{
    BlobParams, Block, Case, Fork, Phases, Rules, Transaction, memory_state::BlockHashes,
};
use std::sync::Arc;

/// Said of a price that does not fit and that code may look at.
const SEES_WIDE_PRICE: &str =
    "state: code may ask for the gas price (GASPRICE), which has more bits than executors hold";

/// geth's base fee where a state test from London on has none.
const DEFAULT_BASE_FEE: u64 = 10;

/// One state test of a file, with what all its posts share.
pub(super) struct Unit<'a> {
    file: &'a File,
    name: &'a str,
    test: &'a StateTest,
    pre: Arc<PreState>,
    sender: Address,
    chain_id: u64,
}

impl<'a> Unit<'a> {
    pub(super) fn new(
        file: &'a File,
        name: &'a str,
        test: &'a StateTest,
    ) -> Result<Self, SourceError> {
        let wrong = |place: &str, problem: &str| {
            SourceError::place(&file.path, format!("{name}.{place}"), problem)
        };
        let sender = match (test.transaction.sender, test.transaction.secret_key) {
            (Some(sender), _) => sender,
            (None, Some(key)) => address_of(key)
                .ok_or_else(|| wrong("transaction.secretKey", "expected a secp256k1 secret key"))?,
            (None, None) => {
                return Err(wrong(
                    "transaction",
                    "expected `sender` or `secretKey`, found neither",
                ));
            }
        };
        let chain_id = match test.config.chainid {
            None => 1,
            Some(id) => {
                id.as_u64().ok_or_else(|| wrong("config.chainid", "expected at most 64 bits"))?
            }
        };
        let pre = PreState::new(test.pre.state(BlockHashes::OfNumber));
        Ok(Self { file, name, test, pre, sender, chain_id })
    }

    /// Adds a test for each fork and index.
    pub(super) fn tests(&self, tests: &mut Vec<Test>, errors: &mut Vec<SourceError>) {
        if self.test.post.0.is_empty() {
            errors.push(self.wrong("post", "expected at least one fork, found none"));
        }
        for (fork_name, posts) in &self.test.post.0 {
            if posts.is_empty() {
                let problem = "expected at least one case, found none";
                errors.push(self.wrong(&format!("post.{fork_name}"), problem));
            }
            let fork: Fork = match fork_name.parse() {
                Ok(fork) => fork,
                Err(error) => {
                    errors.push(self.wrong(&format!("post.{fork_name}"), error));
                    continue;
                }
            };
            for (index, post) in posts.iter().enumerate() {
                for name in
                    post.expect_exception.iter().flat_map(|names| exceptions::unknown(names))
                {
                    let place = format!("post.{fork_name}[{index}].expectException");
                    errors.push(self.wrong(&place, unknown_exception(name)));
                }
                match self.body(fork, fork_name, post) {
                    Ok(body) => tests.push(Test {
                        id: self.id(fork_name, post),
                        source: SourceKind::StateTest,
                        fork: fork_name.clone(),
                        body,
                    }),
                    Err(problem) => {
                        errors.push(self.wrong(&format!("post.{fork_name}[{index}]"), problem));
                    }
                }
            }
        }
    }

    fn wrong(&self, place: &str, problem: impl ToString) -> SourceError {
        SourceError::place(&self.file.path, format!("{}.{place}", self.name), problem)
    }

    fn id(&self, fork: &str, post: &Post) -> String {
        let picked = post.indexes;
        let choice = format!("[{fork},{},{},{}]", picked.data, picked.gas, picked.value);
        format!("{}::{}{choice}", self.file.path, self.name)
    }

    fn body(&self, fork: Fork, fork_name: &str, post: &Post) -> Result<Body, String> {
        if fork == Fork::Constantinople {
            return Ok(Body::Skip(SkipReason::UnsupportedFork));
        }
        let mut expectation = self.expectation(fork, post);
        let pre = self.pre.clone();
        match transaction::build(&self.test.transaction, post.indexes, self.chain_id) {
            Err(NoTransaction::NoSuchIndex(list, index)) => {
                Err(format!("expected an index into `transaction.{list}`, found {index}"))
            }
            Err(NoTransaction::Undecodable(rule)) if expectation.rejection.is_none() => {
                Err(format!("expected a transaction, found one that cannot be encoded: {rule}"))
            }
            Err(NoTransaction::Undecodable(rule)) => {
                let beneficiary = self.test.env.current_coinbase;
                let test = Undecodable { rule, beneficiary, pre, expectation };
                Ok(Body::Undecodable(Box::new(test)))
            }
            Ok(built) => {
                self.check_environment(fork, fork_name)?;
                let pre = self.adjust(fork, &built, post, pre, &mut expectation);
                let key = self.test.transaction.secret_key;
                let (sender, envelope) = (self.sender, built.envelope);
                let transaction = Transaction { sender, envelope, key };
                let case = self.case(fork, fork_name, post, &pre, transaction);
                Ok(Body::Run(Box::new(Runnable { case, pre, expectation })))
            }
        }
    }

    /// Compares the transaction with its bytes, or makes room for a price that does not fit.
    fn adjust(
        &self,
        fork: Fork,
        built: &Built,
        post: &Post,
        pre: Arc<PreState>,
        expectation: &mut Expectation,
    ) -> Arc<PreState> {
        let Some(prices) = &built.wide else {
            expectation.broken.extend(check_bytes(&built.envelope, post));
            return pre;
        };
        let beneficiary = self.test.env.current_coinbase;
        let parties = Parties { sender: self.sender, beneficiary, base_fee: self.base_fee(fork) };
        let (shown, wide) = wide::settle_later(&pre, prices, &built.fields, &parties);
        if wide::may_be_seen(&pre, &built.fields.input) {
            expectation.state_root = None;
            expectation.accounts.clear();
            expectation.accounts_are_complete = false;
            expectation.undecidable.push(SEES_WIDE_PRICE.into());
        }
        expectation.wide_price = Some(wide);
        shown
    }

    /// The environment must mean what it says: nothing in it is cut to size.
    fn check_environment(&self, fork: Fork, fork_name: &str) -> Result<(), String> {
        let env = &self.test.env;
        let narrow = |name: &str, value: Option<Quantity>| match value.map(Quantity::as_u64) {
            Some(None) => Err(format!("expected `env.{name}` of at most 64 bits")),
            Some(value) => Ok(value),
            None => Ok(None),
        };
        narrow("currentBaseFee", env.current_base_fee)?;
        let excess = narrow("currentExcessBlobGas", env.current_excess_blob_gas)?;
        let rules = Rules { blobs: self.blob_params(fork_name), ..Rules::mainnet(fork) };
        check_blob_price(&rules, excess.filter(|_| fork >= Fork::Cancun))
    }

    fn blob_params(&self, fork_name: &str) -> Option<BlobParams> {
        let schedule = self.test.config.blob_schedule.as_ref()?;
        let (_, blobs) = schedule.0.iter().find(|(name, _)| name == fork_name)?;
        Some(BlobParams { max: blobs.max, update_fraction: blobs.base_fee_update_fraction })
    }

    fn case(
        &self,
        fork: Fork,
        fork_name: &str,
        post: &Post,
        pre: &PreState,
        transaction: Transaction,
    ) -> Case {
        let blobs = self.blob_params(fork_name);
        Case {
            id: self.id(fork_name, post).into(),
            rules: Rules { blobs, chain_id: self.chain_id, ..Rules::mainnet(fork) },
            phases: Phases::TransactionsOnly,
            block: Arc::new(self.block(fork, transaction)),
            pre_state: pre.state.clone(),
        }
    }

    fn block(&self, fork: Fork, transaction: Transaction) -> Block {
        let env = &self.test.env;
        let excess = env.current_excess_blob_gas.and_then(|gas| gas.as_u64());
        let after_merge = fork >= Fork::Paris;
        Block {
            number: env.current_number,
            timestamp: env.current_timestamp,
            beneficiary: env.current_coinbase,
            gas_limit: env.current_gas_limit,
            difficulty: if after_merge { U256::ZERO } else { env.current_difficulty.0 },
            prev_randao: after_merge.then(|| env.current_random.unwrap_or_default().as_word()),
            base_fee: self.base_fee(fork),
            excess_blob_gas: (fork >= Fork::Cancun).then(|| excess.unwrap_or_default()),
            transactions: vec![transaction],
            ..Block::default()
        }
    }

    fn base_fee(&self, fork: Fork) -> u64 {
        let stated = self.test.env.current_base_fee.and_then(|fee| fee.as_u64());
        if fork >= Fork::London { stated.unwrap_or(DEFAULT_BASE_FEE) } else { 0 }
    }

    fn expectation(&self, fork: Fork, post: &Post) -> Expectation {
        let names = post.expect_exception.as_ref();
        let rejection =
            names.map(|names| ExpectedRejection { names: names.clone(), transaction: 0 });
        let is_classic = post.state.is_none();
        Expectation {
            state_root: Some(post.hash),
            logs_hash: Some(post.logs),
            accounts: post.state.as_ref().map(JsonAccounts::expected).unwrap_or_default(),
            accounts_are_complete: post.state.is_some(),
            accepted: rejection.is_none(),
            rejection,
            rejection_may_touch_beneficiary: is_classic && fork < Fork::SpuriousDragon,
            ..Expectation::default()
        }
    }
}

/// `txbytes` is compared with the rebuilt transaction; the sender never comes from it.
fn check_bytes(envelope: &alloy_consensus::TxEnvelope, post: &Post) -> Option<Difference> {
    let bytes = post.txbytes.as_ref()?;
    let problem = transaction::differs_from_bytes(envelope, &bytes.0)?;
    let rebuilt = format!("the fields of `transaction`: {envelope:?}");
    let should_be = ShouldBe::Expected(problem);
    Some(
        Difference::new(Scope::Fixture, "txbytes", should_be, rebuilt, "fixture").at_transaction(0),
    )
}

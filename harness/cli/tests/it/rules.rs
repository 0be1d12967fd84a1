//! Every rule of blocks, and every rule of execution that can break one, is broken once: a block that
//! was valid must be rejected, for that rule, and without an excuse from another.

use crate::chain::{Draft, access_list, address, blob, dynamic_fee, legacy, set_code, sign, test};
use alloy_consensus::{Header, TxEnvelope, TxLegacy};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B64, B256, Bloom, Bytes, Signature, TxKind, U256};
use lockstep_cli::testing::plan;
use lockstep_jobs::check::Judge;
use lockstep_judge::{
    consensus::{BlockRule, Broken},
    exceptions,
};
use lockstep_model::Rule;
use lockstep_report::record::{Status, TestResult};
use std::collections::BTreeSet;

/// The forks that a valid block is made for.
const NETWORKS: [&str; 12] = [
    "Frontier",
    "Homestead",
    "EIP158",
    "Byzantium",
    "Istanbul",
    "Berlin",
    "London",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Osaka",
];

fn judge(draft: &Draft, bytes: &[u8], exception: Option<&str>) -> TestResult {
    Judge::standalone(&plan(&[2])).judge_alone(test(draft.chain_of(bytes, exception)))
}

/// The reason for the block's rejection, as the report gives it.
fn reason(result: &TestResult) -> String {
    let shown: Vec<String> = result.differences.iter().map(ToString::to_string).collect();
    shown.join("\n")
}

#[test]
fn a_valid_block_of_every_fork_is_accepted() {
    for network in NETWORKS.into_iter().chain(["Amsterdam"]) {
        let draft = Draft::valid(network);
        let result = judge(&draft, &draft.bytes(), None);
        assert_eq!(result.status, Status::Passed, "{network}: {}", reason(&result));
        assert_eq!(result.cases.agreed, 1, "{network}");
    }
}

/// A change of a draft; `true`: the header is brought in line with it afterwards.
type Break = (&'static str, bool, fn(&mut Draft));

/// How to break each rule of blocks, and on which network.
#[expect(clippy::too_many_lines, reason = "a table")]
fn breaks(rule: BlockRule) -> Vec<Break> {
    use BlockRule as R;
    match rule {
        R::Encoding => vec![("Cancun", false, |_| {})],
        R::WithdrawalsInBody => vec![("Cancun", false, |draft| draft.withdrawals = None)],
        R::NoWithdrawalsInBody => {
            vec![("Paris", false, |draft| draft.withdrawals = Some(Vec::new()))]
        }
        R::BlockSize => vec![("Osaka", true, |draft| {
            let data = Bytes::from(vec![0; 9 << 20]);
            draft.transactions = vec![legacy(1, &|tx| tx.input = data.clone())];
        })],
        R::ParentKnown => {
            vec![("Cancun", false, |draft| draft.header.parent_hash = B256::repeat_byte(1))]
        }
        R::Number => vec![
            ("Frontier", false, |draft| draft.header.number = 2),
            ("Osaka", false, |draft| draft.header.number = 0),
        ],
        R::Timestamp => vec![("Cancun", false, |draft| draft.header.timestamp = 1000)],
        R::ExtraDataSize => {
            vec![("Berlin", false, |draft| draft.header.extra_data = vec![0; 33].into())]
        }
        R::ExtraDataOfDao => vec![("HomesteadToDaoAt1", false, |_| {})],
        R::GasUsedWithinLimit => {
            vec![("Cancun", false, |draft| draft.header.gas_used = draft.header.gas_limit + 1)]
        }
        R::GasLimitBounds => vec![
            ("Frontier", false, |draft| draft.header.gas_limit += draft.header.gas_limit / 1024),
            ("Osaka", false, |draft| draft.header.gas_limit -= draft.header.gas_limit / 1024),
            ("Cancun", false, |draft| draft.header.gas_limit = 4999),
        ],
        R::GasLimitSize => vec![("Cancun", false, |draft| draft.header.gas_limit = 1 << 63)],
        R::Difficulty => vec![
            ("Frontier", false, |draft| draft.header.difficulty += U256::from(1)),
            ("London", false, |draft| draft.header.difficulty -= U256::from(1)),
        ],
        R::BaseFeePresent => vec![("London", false, |draft| draft.header.base_fee_per_gas = None)],
        R::BaseFeeAbsent => {
            vec![("Berlin", false, |draft| draft.header.base_fee_per_gas = Some(7))]
        }
        R::BaseFee => vec![("Cancun", false, |draft| draft.header.base_fee_per_gas = Some(8))],
        R::DifficultyZero => {
            vec![("Paris", false, |draft| draft.header.difficulty = U256::from(1))]
        }
        R::NonceZero => vec![("Paris", false, |draft| draft.header.nonce = B64::repeat_byte(1))],
        R::NoOmmers => vec![("Shanghai", true, |draft| draft.ommers = vec![Header::default()])],
        R::FieldsPresent => vec![
            ("Cancun", false, |draft| draft.header.parent_beacon_block_root = None),
            ("Prague", false, |draft| draft.header.requests_hash = None),
        ],
        R::FieldsAbsent => vec![
            ("Cancun", false, |draft| draft.header.requests_hash = Some(B256::ZERO)),
            ("Paris", false, |draft| draft.header.withdrawals_root = Some(B256::ZERO)),
        ],
        R::BlobGasWithinLimit => {
            vec![("Cancun", false, |draft| draft.header.blob_gas_used = Some(7 << 17))]
        }
        R::BlobGasMultiple => vec![("Cancun", false, |draft| draft.header.blob_gas_used = Some(1))],
        R::ExcessBlobGas => vec![
            ("Cancun", false, |draft| draft.header.excess_blob_gas = Some(1 << 17)),
            ("Osaka", false, |draft| draft.header.excess_blob_gas = Some(1)),
        ],
        R::TransactionsRoot => {
            vec![("Cancun", false, |draft| draft.header.transactions_root = B256::ZERO)]
        }
        R::OmmersHash => vec![("Berlin", false, |draft| draft.header.ommers_hash = B256::ZERO)],
        R::WithdrawalsRoot => vec![("Shanghai", false, |draft| {
            draft.header.withdrawals_root = Some(B256::ZERO);
        })],
        R::BlobGasUsed => {
            vec![("Cancun", false, |draft| draft.header.blob_gas_used = Some(1 << 17))]
        }
        R::OmmerCount => vec![("Berlin", true, |draft| draft.ommers = vec![Header::default(); 3])],
        // These two need a chain: see `ommers`.
        R::OmmerOnce | R::OmmerNew => Vec::new(),
        // These need a call of the Engine API: see `engine`.
        R::BlockHash | R::VersionedHashes | R::EngineParameters | R::EngineFork => Vec::new(),
        R::OmmerNotAncestor => {
            vec![("Berlin", true, |draft| draft.ommers = vec![draft.genesis.header.clone()])]
        }
        R::OmmerKin => vec![("Berlin", true, |draft| draft.ommers = vec![Header::default()])],
        R::GasUsed => vec![("Cancun", false, |draft| draft.header.gas_used += 1)],
        R::LogsBloom => {
            vec![("Frontier", false, |draft| draft.header.logs_bloom = Bloom::repeat_byte(1))]
        }
        R::ReceiptsRoot => vec![
            ("Frontier", false, |draft| draft.header.receipts_root = B256::ZERO),
            ("Osaka", false, |draft| draft.header.receipts_root = B256::ZERO),
        ],
        R::StateRoot => vec![("London", false, |draft| draft.header.state_root = B256::ZERO)],
        R::RequestsHash => {
            vec![("Prague", false, |draft| draft.header.requests_hash = Some(B256::ZERO))]
        }
        R::AccessListForm => vec![("Amsterdam", false, |draft| {
            let list = draft.access_list.as_mut().unwrap();
            list.reverse();
            let hash = alloy_eip7928::compute_block_access_list_hash(list);
            draft.header.block_access_list_hash = Some(hash);
        })],
        R::AccessListSize => vec![("Amsterdam", false, |draft| {
            let list = draft.access_list.as_mut().unwrap();
            list[0].storage_reads = (0..15_001).map(U256::from).collect();
            let hash = alloy_eip7928::compute_block_access_list_hash(list);
            draft.header.block_access_list_hash = Some(hash);
        })],
        R::AccessListHash => vec![("Amsterdam", false, |draft| {
            draft.access_list.as_mut().unwrap().pop();
        })],
        R::AccessList => vec![("Amsterdam", false, |draft| {
            let list = draft.access_list.as_mut().unwrap();
            list.pop();
            let hash = alloy_eip7928::compute_block_access_list_hash(list);
            draft.header.block_access_list_hash = Some(hash);
        })],
    }
}

/// The DAO network begins at its very fork: a valid block for it is one of Homestead.
fn valid(network: &'static str) -> Draft {
    if network != "HomesteadToDaoAt1" {
        return Draft::valid(network);
    }
    let draft = Draft::valid("Homestead");
    Draft { network, ..draft }
}

#[test]
fn every_rule_of_blocks_is_enforced_and_named() {
    for rule in BlockRule::ALL {
        for (network, reseal, change) in breaks(*rule) {
            let mut draft = valid(network);
            change(&mut draft);
            if reseal {
                draft.seal();
            }
            let mut bytes = draft.bytes();
            if *rule == BlockRule::Encoding {
                bytes.push(0);
            }
            let result = judge(&draft, &bytes, None);
            assert_eq!(result.status, Status::Failed, "{rule} on {network} goes unnoticed");
            let found = reason(&result);
            // A mismatch after execution is a difference of its own field.
            let field =
                rule.name().replace(' ', "_").replace("access_list", "block_access_list_hash");
            assert!(found.contains(rule.name()) || found.contains(&field), "{rule}: {found}");
        }
    }
}

#[test]
fn every_rule_of_blocks_satisfies_the_exceptions_that_name_it_and_no_other() {
    const NAMES: [(&str, BlockRule); 8] = [
        ("BlockException.INVALID_GASLIMIT", BlockRule::GasLimitBounds),
        ("BlockException.INVALID_BASEFEE_PER_GAS", BlockRule::BaseFee),
        ("BlockException.INVALID_BLOCK_NUMBER", BlockRule::Number),
        ("BlockException.INCORRECT_EXCESS_BLOB_GAS", BlockRule::ExcessBlobGas),
        ("BlockException.INVALID_STATE_ROOT", BlockRule::StateRoot),
        ("BlockException.INVALID_GAS_USED", BlockRule::GasUsed),
        ("BlockException.UNKNOWN_PARENT", BlockRule::ParentKnown),
        ("BlockException.INVALID_REQUESTS", BlockRule::RequestsHash),
    ];
    for (name, rule) in NAMES {
        let (network, _, change) = breaks(rule)[0];
        let mut draft = valid(network);
        change(&mut draft);
        let bytes = draft.bytes();
        let result = judge(&draft, &bytes, Some(name));
        assert_eq!(result.status, Status::Passed, "{name}: {}", reason(&result));
        let other = "BlockException.EXTRA_DATA_TOO_BIG";
        let result = judge(&draft, &bytes, Some(other));
        assert_eq!(result.status, Status::Failed, "{name} taken for {other}");
        assert!(result.differences.iter().any(|found| found.field == "exception"));
    }
}

/// How to break a rule of execution with a transaction, or which official fixture, or which module's
/// own tests do it.
enum Breaks {
    With(&'static str, fn() -> TxEnvelope),
    Fixture(&'static str),
    Unit(&'static str),
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn breaks_execution(rule: &Rule) -> Breaks {
    use Breaks::{Fixture, Unit, With};
    match rule {
        Rule::InvalidChainId => With("Cancun", || legacy(3, &|tx| tx.chain_id = Some(2))),
        Rule::Type1PreFork => With("Istanbul", || access_list(3)),
        Rule::Type2PreFork => With("Berlin", || dynamic_fee(3, &|_| {})),
        Rule::Type3PreFork => With("Shanghai", || blob(3, &|_| {})),
        Rule::Type4PreFork => With("Cancun", || set_code(3, &|_| {})),
        Rule::GasLimitExceedsMaximum => {
            With("Osaka", || legacy(3, &|tx| tx.gas_limit = (1 << 24) + 1))
        }
        Rule::InsufficientMaxFeePerGas => With("London", || {
            dynamic_fee(3, &|tx| (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) = (1, 0))
        }),
        Rule::PriorityGreaterThanMaxFee => {
            With("London", || dynamic_fee(3, &|tx| tx.max_priority_fee_per_gas = 101))
        }
        Rule::InsufficientMaxFeePerBlobGas => {
            With("Cancun", || blob(3, &|tx| tx.max_fee_per_blob_gas = 0))
        }
        Rule::ZeroBlobs => With("Cancun", || blob(3, &|tx| tx.blob_versioned_hashes.clear())),
        Rule::InvalidBlobVersionedHash => {
            With("Cancun", || blob(3, &|tx| tx.blob_versioned_hashes[0][0] = 2))
        }
        Rule::BlobCountExceeded => With("Osaka", || {
            blob(3, &|tx| tx.blob_versioned_hashes = vec![tx.blob_versioned_hashes[0]; 7])
        }),
        Rule::BlobGasAllowanceExceeded => With("Cancun", || {
            blob(3, &|tx| tx.blob_versioned_hashes = vec![tx.blob_versioned_hashes[0]; 7])
        }),
        Rule::EmptyAuthorizationList => {
            With("Prague", || set_code(3, &|tx| tx.authorization_list.clear()))
        }
        Rule::GasAllowanceExceeded => With("Cancun", || legacy(3, &|tx| tx.gas_limit = 30_000_000)),
        Rule::InitcodeSizeExceeded => With("Shanghai", || {
            legacy(3, &|tx| {
                tx.to = TxKind::Create;
                tx.input = vec![0; 49_153].into();
                tx.gas_limit = 10_000_000;
            })
        }),
        Rule::NonceIsMax => With("Cancun", || legacy(3, &|tx| tx.nonce = u64::MAX)),
        Rule::IntrinsicGasTooLow => With("Frontier", || legacy(3, &|tx| tx.gas_limit = 20_999)),
        Rule::IntrinsicGasBelowFloor => With("Prague", || {
            legacy(3, &|tx| {
                tx.input = vec![1; 1000].into();
                tx.gas_limit = 40_000;
            })
        }),
        Rule::SenderNotEoa => With("London", || legacy(9, &|_| {})),
        Rule::NonceTooHigh => With("Homestead", || legacy(3, &|tx| tx.nonce = 1)),
        // The first signer's nonce is one by then.
        Rule::NonceTooLow => With("Byzantium", || legacy(1, &|_| {})),
        Rule::InsufficientAccountFunds => {
            With("Berlin", || legacy(3, &|tx| tx.value = U256::MAX >> 1))
        }
        Rule::GasPriceProductOverflow => Fixture("stTransactionTest/HighGasPriceParis"),
        Rule::InvalidSignature => With("Homestead", high_s),
        Rule::UnknownTransactionType
        | Rule::BlobsInBlock
        | Rule::BlobContractCreation
        | Rule::SetCodeContractCreation => Unit("consensus::decode"),
        Rule::InvalidAuthorizationFormat | Rule::NumberTooLarge => Unit("source::state_test"),
        Rule::MissingParentBeaconBlockRoot => Unit("consensus::header refuses it before"),
        Rule::SystemContractEmpty => {
            Fixture("eip7002_el_triggerable_withdrawals/test_system_contract_deployment")
        }
        Rule::SystemContractCallFailed => {
            Fixture("eip7002_el_triggerable_withdrawals/test_system_contract_errors")
        }
        Rule::InvalidDepositEventLayout => Fixture("eip6110_deposits/test_invalid_layout"),
        Rule::InvalidBlockAccessList => Unit("lists::every_mutant_is_rejected"),
        other => panic!("{other} is broken by nothing"),
    }
}

/// The second of the two signatures that are equivalent but for EIP-2.
fn high_s() -> TxEnvelope {
    const ORDER: U256 = alloy_primitives::uint!(
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
    );
    let TxEnvelope::Legacy(signed) = legacy(3, &|_| {}) else { unreachable!() };
    let (tx, signature, _) = signed.into_parts();
    let other = Signature::new(signature.r(), ORDER - signature.s(), !signature.v());
    TxEnvelope::Legacy(alloy_consensus::Signed::new_unhashed(tx, other))
}

#[test]
fn every_rule_of_execution_is_enforced_in_blocks_and_named() {
    let (mut broken, mut fixtures) = (BTreeSet::new(), Vec::new());
    for rule in Rule::NAMED {
        let (network, transaction) = match breaks_execution(rule) {
            Breaks::With(network, transaction) => (network, transaction),
            Breaks::Fixture(name) => {
                fixtures.push(name);
                continue;
            }
            Breaks::Unit(module) => {
                assert!(module.contains("::"), "{module}");
                continue;
            }
        };
        let mut draft = Draft::empty(network);
        draft.transactions = vec![legacy(1, &|_| {}), transaction()];
        draft.seal();
        let result = judge(&draft, &draft.bytes(), None);
        assert_eq!(result.status, Status::Failed, "{rule} on {network} goes unnoticed");
        let found = reason(&result);
        let expected = format!("{rule} at transaction 1");
        assert!(found.contains(&expected), "{rule} on {network}: {found}");
        broken.insert(rule.name());
    }
    assert!(broken.len() >= 24, "{broken:?}");
    crate::official::fixtures_reject(&fixtures);
}

#[test]
fn what_homestead_refuses_frontier_takes() {
    let mut draft = Draft::empty("Frontier");
    draft.transactions = vec![high_s()];
    draft.seal();
    let result = judge(&draft, &draft.bytes(), None);
    assert_eq!(result.status, Status::Passed, "{}", reason(&result));
    // And what Spurious Dragon brought, it does not know.
    let mut draft = Draft::empty("Frontier");
    let tx = TxLegacy {
        chain_id: Some(1),
        gas_price: 100,
        gas_limit: 21_000,
        to: TxKind::Call(address(6)),
        ..TxLegacy::default()
    };
    draft.transactions = vec![sign(1, tx)];
    draft.seal();
    let result = judge(&draft, &draft.bytes(), None);
    assert!(
        reason(&result).contains("INVALID_SIGNATURE_VRS at transaction 0"),
        "{}",
        reason(&result)
    );
}

/// An ommer that is named twice, and one that an ancestor has named: rules that need a chain.
#[test]
fn ommers_are_named_once() {
    use lockstep_judge::consensus::{
        Schedule,
        ommers::{Ancestor, broken},
    };
    let network = "Berlin";
    let block = Draft::valid(network);
    let schedule = Schedule::of_network(network, 1, &|_| None).unwrap();
    let genesis = &block.genesis;
    let brother = Header { extra_data: vec![1].into(), ..block.header.clone() };
    let named = [brother.hash_slow()];
    let ancestors = |ommers| {
        let total_difficulty = block.header.difficulty;
        let parent = Ancestor {
            hash: block.header.hash_slow(),
            header: &block.header,
            total_difficulty,
            ommers,
        };
        let grandparent =
            Ancestor { hash: genesis.hash, header: &genesis.header, total_difficulty, ommers: &[] };
        vec![parent, grandparent]
    };
    let ommers = [brother.clone()];
    assert_eq!(broken(&schedule, &ommers, &ancestors(&[])), []);
    let twice = [brother.clone(), brother];
    assert_eq!(broken(&schedule, &twice, &ancestors(&[])), [BlockRule::OmmerOnce]);
    assert_eq!(broken(&schedule, &ommers, &ancestors(&named)), [BlockRule::OmmerNew]);
}

#[test]
fn every_named_rule_of_execution_has_an_exception_name() {
    // A rule that alloy's types leave no way to break in a fixture, and one that a block breaks only
    // with a list of its own.
    let nameless = [Rule::MissingParentBeaconBlockRoot, Rule::InvalidBlockAccessList];
    for rule in Rule::NAMED.iter().filter(|rule| !nameless.contains(rule)) {
        let spelled = exceptions::matches(rule.name(), &Broken::transaction(0, rule.clone()));
        let old = rule == &Rule::NumberTooLarge;
        assert!(spelled || old, "{rule}");
    }
}

/// Keeps the withdrawal of valid blocks honest: its amount counts.
#[test]
fn withdrawals_are_part_of_the_state() {
    let mut draft = Draft::valid("Shanghai");
    draft.withdrawals =
        Some(vec![Withdrawal { index: 0, validator_index: 1, address: address(5), amount: 10 }]);
    let root = draft.header.state_root;
    draft.seal();
    assert_ne!(draft.header.state_root, root);
}

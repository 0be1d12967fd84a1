//! `lockstep capture` against a node of our own, which answers as several clients do, and wrongly.

use crate::command::lockstep;
use alloy_consensus::{BlockBody, Header, TxEnvelope, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_rpc_types_eth::{Block as RpcBlock, BlockTransactions, Transaction as RpcTransaction};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use lockstep_cases::generate::{Limits, from_seed};
use lockstep_executors::Reference;
use lockstep_formats::export::{RealBlock, real_block, rebased};
use lockstep_judge::state::storage_root;
use lockstep_model::{Executor, Fork, MemoryState, RunOptions, Transaction};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tempfile::TempDir;

/// How a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Proofs and nothing else.
    Plain,
    /// A witness with headers as objects.
    Geth,
    /// A witness, headers as RLP; and an access list.
    Reth,
    /// An access list.
    AccessList,
    /// Prestate traces.
    Nethermind,
    /// Every other answer is a refusal or is cut off.
    Flaky,
    /// Balances one too high.
    WrongBalance,
    /// A proof with another byte in it.
    WrongProof,
    /// Code of something else.
    WrongCode,
    /// A header with other extra data.
    WrongHeader,
    /// The state after the block is not kept.
    Pruned,
    /// No JSON-RPC.
    NoRpc,
}

/// A chain of two blocks: a parent, and the block.
struct Node {
    manner: Manner,
    before: MemoryState,
    after: MemoryState,
    parent: Header,
    block: Value,
    files: RealBlock,
    chain_id: u64,
    calls: AtomicUsize,
}

/// The nodes on the way to a key.
fn proof(leaves: &BTreeMap<B256, Vec<u8>>, key: B256) -> Vec<Bytes> {
    let targets = [Nibbles::unpack(key)].into_iter().collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_inner();
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    nodes.sort_by_key(|(path, _)| path.len());
    let nodes = nodes.into_iter().map(|(_, node)| node);
    nodes.filter(|node| node.len() >= 32 || keccak256(node) == root).collect()
}

fn get_proof(state: &MemoryState, address: Address, slots: &[U256]) -> Value {
    let storage_leaves = |address| {
        let account = state.get(address);
        let slots = account.into_iter().flat_map(|account| account.storage.iter());
        let leaf = |(slot, value): (&U256, &U256)| {
            (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value))
        };
        slots.map(leaf).collect::<BTreeMap<_, _>>()
    };
    let accounts: BTreeMap<B256, Vec<u8>> = state
        .accounts()
        .map(|(address, account)| {
            let account = TrieAccount {
                nonce: account.info.nonce,
                balance: account.info.balance,
                storage_root: storage_root(&account.storage),
                code_hash: account.info.code_hash,
            };
            (keccak256(address), alloy_rlp::encode(account))
        })
        .collect();
    let account = state.get(address).cloned().unwrap_or_default();
    let leaves = storage_leaves(address);
    let slot = |slot: &U256| {
        json!({
            "key": B256::from(*slot),
            "value": account.storage.get(slot).copied().unwrap_or_default(),
            "proof": proof(&leaves, keccak256(slot.to_be_bytes::<32>())),
        })
    };
    json!({
        "address": address,
        "balance": account.info.balance,
        "nonce": U256::from(account.info.nonce),
        "codeHash": account.info.code_hash,
        "storageHash": storage_root(&account.storage),
        "accountProof": proof(&accounts, keccak256(address)),
        "storageProof": slots.iter().map(slot).collect::<Vec<_>>(),
    })
}

/// The block as a node gives it.
fn rpc_block(rlp: &str, known: &[Transaction]) -> Value {
    let rlp = alloy_primitives::hex::decode(rlp.trim()).unwrap();
    let block = alloy_consensus::Block::<TxEnvelope>::decode(&mut &*rlp).unwrap();
    let BlockBody { transactions, withdrawals, .. } = block.body;
    let (number, hash) = (block.header.number, block.header.hash_slow());
    let full = transactions.into_iter().zip(known).enumerate().map(|(index, (envelope, known))| {
        RpcTransaction {
            inner: Recovered::new_unchecked(envelope, known.sender),
            block_hash: Some(hash),
            block_number: Some(number),
            transaction_index: Some(index as u64),
            effective_gas_price: None,
            block_timestamp: None,
        }
    });
    let transactions = BlockTransactions::Full(full.collect());
    let header = alloy_rpc_types_eth::Header::new(block.header);
    let block = RpcBlock { header, uncles: Vec::new(), transactions, withdrawals };
    serde_json::to_value(block).unwrap()
}

impl Node {
    /// A node with the accepted block of a seed.
    fn of(seed: u64, manner: Manner) -> Option<Self> {
        let forks = vec![Fork::Shanghai, Fork::Cancun, Fork::Prague, Fork::Osaka];
        let limits = Limits { forks, transactions: 12, ..Limits::default() };
        let block = rebased(&from_seed(seed, &limits).block);
        let outcome = Reference.prepare(&block.case, &RunOptions::of(&block.case)).unwrap().run();
        let outcome = outcome.unwrap().outcome;
        let accepted = outcome.accepted()?;
        let files = real_block(&block, accepted).unwrap();
        let witness: Value = serde_json::from_str(&files.witness).unwrap();
        let rlp: Bytes = serde_json::from_value(witness["headers"][0].clone()).unwrap();
        let mut rlp: &[u8] = &rlp;
        Some(Self {
            manner,
            before: MemoryState::clone(&block.pre.state),
            after: block.pre.state_after(&accepted.changes),
            parent: Header::decode(&mut rlp).unwrap(),
            block: rpc_block(&files.block, &block.case.block.transactions),
            files,
            chain_id: block.case.rules.chain_id,
            calls: AtomicUsize::new(0),
        })
    }

    /// Serves for as long as the test lasts; gives its address.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let node = Arc::new(self);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let node = node.clone();
                thread::spawn(move || node.connection(stream));
            }
        });
        address
    }

    fn connection(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let (mut length, mut line) = (0, String::new());
            loop {
                line.clear();
                if reader.read_line(&mut line).unwrap_or_default() == 0 {
                    return;
                }
                let header = line.trim().to_lowercase();
                if let Some(stated) = header.strip_prefix("content-length:") {
                    length = stated.trim().parse().unwrap();
                }
                if header.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            let request: Value = serde_json::from_slice(&body).unwrap();
            let answer = self.answer(&request).to_string();
            let (status, answer, stated) = match (self.manner, call % 6) {
                (Manner::NoRpc, _) => ("200 OK", "<html>welcome</html>".to_owned(), None),
                (Manner::Flaky, 1) => ("429 Too Many Requests", String::new(), None),
                (Manner::Flaky, 3) => ("502 Bad Gateway", String::new(), None),
                (Manner::Flaky, 5) => {
                    let length = answer.len();
                    ("200 OK", answer[..length / 2].to_owned(), Some(length))
                }
                _ => ("200 OK", answer, None),
            };
            let length = stated.unwrap_or(answer.len());
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(answer.as_bytes());
            if stated.is_some() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }

    fn answer(&self, request: &Value) -> Value {
        let method = request["method"].as_str().unwrap();
        match self.result(method, &request["params"]) {
            Some(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
            None => json!({
                "jsonrpc": "2.0",
                "id": request["id"],
                "error": { "code": -32601, "message": format!("the method {method} does not exist") },
            }),
        }
    }

    fn state(&self, tag: &Value) -> Option<&MemoryState> {
        match tag.as_str().unwrap() {
            "0x0" => Some(&self.before),
            "0x1" => (self.manner != Manner::Pruned).then_some(&self.after),
            other => panic!("{other}"),
        }
    }

    fn proof(&self, params: &Value) -> Option<Value> {
        let address: Address = serde_json::from_value(params[0].clone()).unwrap();
        let slots: Vec<B256> = serde_json::from_value(params[1].clone()).unwrap();
        let slots: Vec<U256> = slots.into_iter().map(Into::into).collect();
        let mut proof = get_proof(self.state(&params[2])?, address, &slots);
        if self.manner == Manner::WrongBalance {
            proof["balance"] = json!(U256::from(7));
        }
        if self.manner == Manner::WrongProof {
            let node = proof["accountProof"][0].as_str().unwrap().to_owned();
            proof["accountProof"][0] = format!("{}00", &node[..node.len() - 2]).into();
        }
        Some(proof)
    }

    /// The node's answer to a method that reveals a block's state ahead, where it offers that method.
    fn ahead(&self, method: &str) -> Option<Value> {
        use Manner::{AccessList, Geth, Nethermind, Reth};
        Some(match (method, self.manner) {
            ("debug_executionWitness", Geth | Reth) => {
                let mut witness: Value = serde_json::from_str(&self.files.witness).unwrap();
                if self.manner == Geth {
                    let header = alloy_rpc_types_eth::Header::new(self.parent.clone());
                    witness["headers"] = json!([header]);
                    witness["keys"] = Value::Null;
                }
                witness
            }
            ("eth_getBlockAccessList", Reth | AccessList) => {
                let account = |(address, account): (
                    &Address,
                    &lockstep_model::memory_state::StoredAccount,
                )| {
                    let slots: Vec<B256> =
                        account.storage.keys().map(|slot| B256::from(*slot)).collect();
                    json!({ "address": address, "storageChanges": [], "storageReads": slots })
                };
                self.before.accounts().map(account).collect()
            }
            ("debug_traceBlockByNumber", Nethermind) => {
                let account = |(address, account): (
                    &Address,
                    &lockstep_model::memory_state::StoredAccount,
                )| {
                    let slots = account.storage.iter();
                    let slots = slots.map(|(slot, value)| {
                        (B256::from(*slot).to_string(), json!(B256::from(*value)))
                    });
                    let storage: serde_json::Map<String, Value> = slots.collect();
                    (address.to_string(), json!({ "balance": "0x0", "storage": storage }))
                };
                let accounts: serde_json::Map<String, Value> =
                    self.before.accounts().map(account).collect();
                json!([{ "txHash": B256::ZERO, "result": accounts }])
            }
            _ => return None,
        })
    }

    fn result(&self, method: &str, params: &Value) -> Option<Value> {
        Some(match (method, self.manner) {
            ("eth_chainId", _) => json!(format!("{:#x}", self.chain_id)),
            ("eth_blockNumber", _) => json!("0x1"),
            ("eth_getBlockByNumber", manner) => match params[0].as_str().unwrap() {
                "0x1" => {
                    let mut block = self.block.clone();
                    if manner == Manner::WrongHeader {
                        block["extraData"] = "0x1234".into();
                    }
                    block
                }
                _ => Value::Null,
            },
            ("eth_getBlockByHash", _) => {
                let wanted: B256 = serde_json::from_value(params[0].clone()).unwrap();
                assert_eq!(wanted, self.parent.hash_slow());
                let header = alloy_rpc_types_eth::Header::new(self.parent.clone());
                let block: RpcBlock = RpcBlock { header, ..RpcBlock::default() };
                serde_json::to_value(block).unwrap()
            }
            ("eth_getProof", _) => self.proof(params)?,
            ("eth_getCode", Manner::WrongCode) => json!("0x00"),
            ("eth_getCode", _) => {
                let address: Address = serde_json::from_value(params[0].clone()).unwrap();
                let state = self.state(&params[1])?;
                let account = state.get(address).unwrap();
                json!(state.code_by_hash(account.info.code_hash).cloned().unwrap_or_default())
            }
            _ => return self.ahead(method),
        })
    }
}

/// A folder with the network's file.
fn folder(node: &Node) -> (TempDir, PathBuf, PathBuf) {
    let folder = TempDir::new().unwrap();
    let genesis = folder.path().join("genesis.json");
    fs::write(&genesis, &node.files.genesis).unwrap();
    let out = folder.path().join("out");
    (folder, genesis, out)
}

fn capture(node: Node) -> (TempDir, PathBuf, PathBuf, crate::command::Run) {
    let (folder, genesis, out) = folder(&node);
    let url = node.serve();
    let words = ["capture", "--rpc", &url, "--block", "1", "--rps", "100000", "--network"];
    let words = [&words[..], &[genesis.to_str().unwrap(), "--out", out.to_str().unwrap()]].concat();
    let run = lockstep(&words);
    (folder, genesis, out, run)
}

#[test]
fn every_kind_of_node_gives_blocks_with_proved_roots() {
    let manners = [
        (Manner::Plain, "; by eth_getProof"),
        (Manner::Geth, "; by debug_executionWitness, eth_getProof"),
        (Manner::Reth, "; by debug_executionWitness, eth_getProof"),
        (Manner::AccessList, "; by eth_getBlockAccessList, eth_getProof"),
        (Manner::Nethermind, "; by debug_traceBlockByNumber, eth_getProof"),
    ];
    for (manner, source) in manners {
        for node in (0..4).filter_map(|seed| Node::of(seed, manner)) {
            let (_folder, genesis, out, run) = capture(node);
            assert_eq!(run.status, 0, "{manner:?}: {}{}", run.stdout, run.stderr);
            assert!(run.stdout.contains("root proved"), "{manner:?}: {}", run.stdout);
            assert!(run.stdout.contains(source), "{manner:?}: {}", run.stdout);
            let check = ["check", "--executor", "sequential,block_stm", "--network"];
            let paths = [genesis.to_str().unwrap(), out.to_str().unwrap()];
            let run = lockstep(&[&check[..], &paths].concat());
            assert_eq!(run.status, 0, "{manner:?}: {}", run.stdout);
            assert!(run.stdout.contains("1 of 1 after it"), "{manner:?}: {}", run.stdout);
        }
    }
}

#[test]
fn refusals_and_cut_transfers_cost_time_alone() {
    let node = (0..).find_map(|seed| Node::of(seed, Manner::Flaky)).unwrap();
    let (_folder, _, out, run) = capture(node);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 blocks captured, 0 were there, 0 failed"), "{}", run.stdout);
    let index = fs::read_to_string(out.join("INDEX.json")).unwrap();
    assert!(index.contains("\"post_root\": true"), "{index}");
}

#[test]
fn wrong_answers_are_named_and_nothing_is_left() {
    let manners = [
        (Manner::WrongBalance, "the node states balance 7"),
        (Manner::WrongProof, "its proof does not prove it: the witness lacks the node"),
        (Manner::WrongCode, "eth_getCode: account 0x"),
        (Manner::WrongHeader, "at hash: the block states"),
    ];
    for (manner, words) in manners {
        let mut named = 0;
        for node in (0..8).filter_map(|seed| Node::of(seed, manner)) {
            let (_folder, _, out, run) = capture(node);
            // A block without code asks for none.
            if run.status == 0 && manner == Manner::WrongCode {
                continue;
            }
            assert_eq!(run.status, 1, "{manner:?}: {}{}", run.stdout, run.stderr);
            assert!(run.stderr.contains(words), "{manner:?}: {}", run.stderr);
            let left: Vec<_> = fs::read_dir(&out).unwrap().collect();
            assert!(left.is_empty(), "{manner:?}: {left:?}");
            named += 1;
        }
        assert!(named > 2, "{manner:?}");
    }
}

/// A node that keeps no state after the block gives what the root needs nothing else for; else it is marked.
#[test]
fn a_node_without_the_state_after_the_block_is_enough_or_the_block_is_marked() {
    for node in (0..20).filter_map(|seed| Node::of(seed, Manner::Pruned)) {
        let (_folder, _, out, run) = capture(node);
        assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
        let index = fs::read_to_string(out.join("INDEX.json")).unwrap();
        let is_marked = index.contains("\"post_root\": false");
        assert_eq!(is_marked, run.stdout.contains("root not recomputable"), "{}", run.stdout);
    }
}

#[test]
fn what_is_there_is_not_captured_again() {
    let node = (0..).find_map(|seed| Node::of(seed, Manner::Plain)).unwrap();
    let (_folder, genesis, out) = folder(&node);
    let url = node.serve();
    let paths = [genesis.to_str().unwrap(), out.to_str().unwrap()];
    let words =
        ["capture", "--rpc", &url, "--block", "latest", "--network", paths[0], "--out", paths[1]];
    let first = lockstep(&words);
    assert!(first.stdout.contains("1 blocks captured, 0 were there"), "{}", first.stdout);
    let second = lockstep(&words);
    assert!(second.stdout.contains("0 blocks captured, 1 were there"), "{}", second.stdout);
    let more = lockstep(&[&words[..4], &["1..3"], &words[5..]].concat());
    assert_eq!(more.status, 1, "{}", more.stdout);
    assert!(more.stderr.contains("block 2: the node does not know it"), "{}", more.stderr);
}

#[test]
fn a_node_that_cannot_be_asked_is_named_without_its_key() {
    let out = TempDir::new().unwrap();
    let out = out.path().join("out");
    let run = |url: &str, more: &[&str]| {
        let words = ["capture", "--rpc", url, "--block", "1", "--out", out.to_str().unwrap()];
        let run = lockstep(&[&words[..], more].concat());
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
        run.stderr
    };
    let nobody = run("http://user:secret@127.0.0.1:9/secret?key=secret", &[]);
    assert!(nobody.contains("eth_chainId: http://127.0.0.1:9: "), "{nobody}");
    let no_rpc = (0..).find_map(|seed| Node::of(seed, Manner::NoRpc)).unwrap().serve();
    let found = run(&no_rpc, &[]);
    assert!(found.contains("expected JSON-RPC, found `<html>welcome</html>`"), "{found}");
    let plain = (0..).find_map(|seed| Node::of(seed, Manner::Plain)).unwrap().serve();
    let other = run(&plain, &["--network", "hoodi"]);
    assert!(other.contains("expected chain 560048 (hoodi), found chain 1"), "{other}");
    assert!(!out.exists(), "nothing is made before the node has answered");
    for (option, value) in [("--rps", "0"), ("--block", "5..3"), ("--header", "no colon")] {
        let url = "http://127.0.0.1:9";
        let words = ["capture", "--rpc", url, "--block", "1", "--out", "x", option, value];
        let words: Vec<&str> = match option {
            "--block" => ["capture", "--rpc", url, "--out", "x", option, value].to_vec(),
            _ => words.to_vec(),
        };
        let run = lockstep(&words);
        assert_eq!(run.status, 2, "{option}");
        assert!(run.stderr.contains("expected"), "{}", run.stderr);
    }
}

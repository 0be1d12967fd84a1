//! The state before a block as tries prove it, and the root after it.

use super::trie::{Nodes, SparseTrie, TrieError};
use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256,
    map::{AddressMap, B256Map, HashMap},
};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use lockstep_model::{
    AccountInfo, MemoryState, StateError, StateReader, memory_state::StoredAccount,
};
use std::sync::{
    Arc, OnceLock, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

/// The state before a block. Every answer is read from the tries by hash.
#[derive(Debug)]
pub struct ProvedState {
    nodes: Nodes,
    root: B256,
    codes: B256Map<Bytes>,
    block_hashes: HashMap<u64, B256>,
    /// Whether a header of the parent names the root.
    is_anchored: bool,
    /// Answers that were looked up.
    accounts: RwLock<AddressMap<Option<TrieAccount>>>,
    /// The answers to accounts that the tries leave open, where another source has them.
    flat: Option<Arc<MemoryState>>,
    /// Whether accounts and slots that the tries leave open are answered as absent.
    answers_all: AtomicBool,
    /// Codes that the block deploys.
    deployed: RwLock<B256Map<Bytes>>,
    /// The first read that could not be answered: an executor may lose the error on its way.
    unanswered: OnceLock<StateError>,
}

/// The root of the state after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootAfter {
    /// The root.
    pub root: B256,
    /// Unknown nodes that a removal collapsed onto, and that were taken for branches: see
    /// [`SparseTrie::assumed`].
    pub assumed: usize,
}

impl ProvedState {
    /// The state with this root; `is_anchored`: a header of the parent names it.
    pub fn new(
        root: B256,
        nodes: Nodes,
        codes: impl IntoIterator<Item = Bytes>,
        block_hashes: HashMap<u64, B256>,
        is_anchored: bool,
    ) -> Self {
        let codes = codes.into_iter().map(|code| (keccak256(&code), code)).collect();
        let (accounts, answers_all, deployed, unanswered) = Default::default();
        let flat = None;
        Self {
            nodes,
            root,
            codes,
            block_hashes,
            is_anchored,
            accounts,
            flat,
            answers_all,
            deployed,
            unanswered,
        }
    }

    /// The same, with a source for accounts that the tries leave open. Such an answer is not proved.
    #[must_use]
    pub fn with_flat(self, flat: Arc<MemoryState>) -> Self {
        Self { flat: Some(flat), ..self }
    }

    /// From here on accounts, slots and block hashes that the witness leaves open are answered as absent.
    ///
    /// A witness has the reads of a sequential execution, and an optimistic one may read more: from a state that
    /// does not last, of an account that only it calls. So the reference runs on the witness alone. Once it has
    /// run, every read of the block is known to be proved; only a read that no outcome may depend on can be one of
    /// these, and an outcome that does is not the reference's. `deployed` are the codes that the block deploys: an
    /// account of before may have the same one, and the reference has no need to ask for it.
    pub fn answer_all(&self, deployed: impl IntoIterator<Item = (B256, Bytes)>) {
        let mut codes = self.deployed.write().unwrap_or_else(PoisonError::into_inner);
        codes.extend(deployed.into_iter().filter(|(hash, code)| keccak256(code) == *hash));
        drop(codes);
        // Relaxed: set between the runs of two executors.
        self.answers_all.store(true, Ordering::Relaxed);
    }

    /// The first read that could not be answered.
    pub fn unanswered(&self) -> Option<&StateError> {
        self.unanswered.get()
    }

    /// An answer, or an error that names the query and the cause.
    fn answer<T>(
        &self,
        what: impl std::fmt::Display,
        answer: Result<T, impl std::fmt::Display>,
    ) -> Result<T, StateError> {
        answer.map_err(|error| {
            let error = StateError(format!("{what}: {error}"));
            self.unanswered.get_or_init(|| error.clone());
            error
        })
    }

    fn answers_all(&self) -> bool {
        self.answers_all.load(Ordering::Relaxed)
    }

    /// The answer, or absence in place of an unknown node where that is allowed.
    fn or_absent<T: Default>(&self, answer: Result<T, TrieError>) -> Result<T, TrieError> {
        match answer {
            Err(TrieError::Missing { .. }) if self.answers_all() => Ok(T::default()),
            answer => answer,
        }
    }

    /// Whether the root before the block is proved: a header of the parent, by its hash, names it.
    pub const fn is_anchored(&self) -> bool {
        self.is_anchored
    }

    /// The root before the block.
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// The nodes.
    pub const fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Code by its hash.
    pub fn code_by_hash(&self, hash: B256) -> Option<&Bytes> {
        // Both are filed under the hash that they have.
        self.codes.get(&hash).or_else(|| self.flat.as_ref()?.code_by_hash(hash))
    }

    /// An account as the tries have it.
    ///
    /// # Errors
    /// When a node on the way is not known, or the account is malformed.
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, TrieError> {
        let known = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.get(&address) {
            return Ok(*account);
        }
        drop(known);
        let account = self.look_up(address)?;
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).insert(address, account);
        Ok(account)
    }

    fn look_up(&self, address: Address) -> Result<Option<TrieAccount>, TrieError> {
        match self.nodes.get(self.root, keccak256(address)) {
            Ok(None) => Ok(None),
            Ok(Some(rlp)) => decode_account(&rlp).map(Some),
            Err(TrieError::Missing { hash, depth }) => match &self.flat {
                Some(flat) => Ok(flat.get(address).map(|account| TrieAccount {
                    nonce: account.info.nonce,
                    balance: account.info.balance,
                    storage_root: EMPTY_ROOT_HASH,
                    code_hash: account.info.code_hash,
                })),
                None => Err(TrieError::Missing { hash, depth }),
            },
            Err(error) => Err(error),
        }
    }

    /// The account of the other source, where the tries leave it open.
    fn flat_account(&self, address: Address) -> Option<&StoredAccount> {
        let account = self.flat.as_ref()?.get(address)?;
        (!self.is_proved(address)).then_some(account)
    }

    /// Whether the tries themselves answer for this account.
    pub fn is_proved(&self, address: Address) -> bool {
        self.nodes.get(self.root, keccak256(address)).is_ok()
    }

    /// The value of a slot.
    ///
    /// # Errors
    /// When a node on the way is not known, or the value is malformed.
    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, TrieError> {
        if let Some(account) = self.flat_account(address) {
            return Ok(account.storage.get(&slot).copied().unwrap_or_default());
        }
        match self.account(address)? {
            Some(account) if account.storage_root != EMPTY_ROOT_HASH => {
                let key = keccak256(slot.to_be_bytes::<32>());
                let value = self.nodes.get(account.storage_root, key)?;
                value.map_or(Ok(U256::ZERO), |rlp| decode_value(&rlp))
            }
            _ => Ok(U256::ZERO),
        }
    }

    /// The root of an account's storage after the block; `is_cleared`: nothing is left of the storage before.
    ///
    /// # Errors
    /// When a node on the way is not known.
    pub fn storage_root_after<'a>(
        &self,
        address: Address,
        is_cleared: bool,
        slots: impl IntoIterator<Item = (&'a U256, &'a U256)>,
    ) -> Result<RootAfter, TrieError> {
        let before = self.account(address)?.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let before = if is_cleared { EMPTY_ROOT_HASH } else { before };
        let mut trie = SparseTrie::new(&self.nodes, before);
        trie.update(slots.into_iter().map(|(slot, value)| {
            let value = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            (keccak256(slot.to_be_bytes::<32>()), value)
        }))?;
        Ok(RootAfter { root: trie.root(), assumed: trie.assumed() })
    }

    /// The trie of accounts.
    pub const fn accounts_trie(&self) -> SparseTrie<'_> {
        SparseTrie::new(&self.nodes, self.root)
    }

    /// The root after changes; `None`: the account does not exist then.
    ///
    /// # Errors
    /// When a node on the way is not known.
    pub fn root_after(
        &self,
        accounts: impl IntoIterator<Item = (Address, Option<TrieAccount>)>,
    ) -> Result<RootAfter, TrieError> {
        let mut trie = self.accounts_trie();
        let leaf = |(address, account): (Address, Option<TrieAccount>)| {
            (keccak256(address), account.map(alloy_rlp::encode))
        };
        trie.update(accounts.into_iter().map(leaf))?;
        Ok(RootAfter { root: trie.root(), assumed: trie.assumed() })
    }
}

fn decode_account(mut rlp: &[u8]) -> Result<TrieAccount, TrieError> {
    let hash = keccak256(rlp);
    let account = TrieAccount::decode(&mut rlp);
    account.map_err(|error| TrieError::Malformed { hash, problem: error.to_string() })
}

fn decode_value(mut rlp: &[u8]) -> Result<U256, TrieError> {
    let hash = keccak256(rlp);
    U256::decode(&mut rlp)
        .map_err(|error| TrieError::Malformed { hash, problem: error.to_string() })
}

impl StateReader for ProvedState {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.or_absent(Self::account(self, address));
        let account = self.answer(format_args!("account {address}"), account)?;
        Ok(account.map(|TrieAccount { balance, nonce, code_hash, .. }| AccountInfo {
            balance,
            nonce,
            code_hash,
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let value = self.or_absent(self.slot(address, slot));
        self.answer(format_args!("slot {slot:#x} of account {address}"), value)
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let deployed = || {
            let deployed = self.deployed.read().unwrap_or_else(PoisonError::into_inner);
            deployed.get(&hash).cloned()
        };
        let code = self.code_by_hash(hash).cloned().or_else(deployed);
        let code = code.ok_or("the witness lacks it");
        self.answer(format_args!("code {hash}"), code)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let absent = || self.answers_all().then_some(B256::ZERO);
        let hash = self.block_hashes.get(&number).copied().or_else(absent);
        let hash = hash.ok_or("the witness has no header of it");
        self.answer(format_args!("hash of block {number}"), hash)
    }

    fn has_storage(&self, address: Address) -> Result<bool, StateError> {
        if let Some(account) = self.flat_account(address) {
            return Ok(!account.storage.is_empty());
        }
        let account = self.or_absent(Self::account(self, address));
        let account = self.answer(format_args!("account {address}"), account)?;
        Ok(account.is_some_and(|account| account.storage_root != EMPTY_ROOT_HASH))
    }
}

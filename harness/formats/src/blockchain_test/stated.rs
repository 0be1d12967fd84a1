//! The fields that a file states of a block, against the bytes of the block.
//!
//! The bytes are executed. A field of the decoded form that says something else would otherwise
//! be an expectation that is read and never compared.

use super::format::{JsonAuthorization, JsonBlock, JsonHeader, JsonTransaction, JsonWithdrawal};
use crate::hex::Quantity;
use alloy_consensus::{Header, Transaction as _, TxEnvelope, Typed2718};
use alloy_eips::{eip4895::Withdrawal, eip7702::SignedAuthorization};
use alloy_primitives::{B256, U256};
use lockstep_judge::{
    consensus::DecodedBlock,
    difference::{Difference, Scope, ShouldBe},
    state::{PreState, roots},
};

/// Collects what does not fit.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    block: Option<usize>,
    transaction: Option<usize>,
    found: Vec<Difference>,
}

impl Stated {
    /// The checks that follow are about the block at this index in the file.
    pub(crate) fn enter_block(&mut self, index: usize) {
        self.block = Some(index);
    }

    pub(crate) fn into_differences(self) -> Vec<Difference> {
        self.found
    }

    fn check<T: PartialEq + std::fmt::Debug>(&mut self, field: &'static str, stated: T, bytes: T) {
        if stated == bytes {
            return;
        }
        let should_be = ShouldBe::Expected(format!("{stated:?}"));
        let mut difference =
            Difference::new(Scope::Fixture, field, should_be, format!("{bytes:?}"), "its bytes");
        difference.block = self.block;
        difference.tx = self.transaction;
        self.found.push(difference);
    }

    /// The genesis state must be the one that the genesis header names.
    pub(crate) fn genesis_root(&mut self, header: &Header, state: &PreState) {
        let root = roots::state_root(state, &Default::default());
        self.check("pre", header.state_root, root);
    }

    /// A block in its decoded form.
    pub(crate) fn block(&mut self, json: &JsonBlock, block: &DecodedBlock) {
        if let Some(number) = &json.blocknumber
            && json.chainname.is_none()
        {
            self.check("blocknumber", number.clone(), block.header.number.to_string());
        }
        if let Some(header) = &json.block_header {
            self.header("blockHeader", header, &block.header, block.hash);
        }
        if let Some(transactions) = &json.transactions {
            self.transactions(transactions, block);
        }
        if let Some(ommers) = &json.uncle_headers {
            self.check("uncleHeaders", ommers.len(), block.ommers.len());
            for (json, ommer) in ommers.iter().zip(&block.ommers) {
                self.header("uncleHeaders", json, ommer, ommer.hash_slow());
            }
        }
        if let Some(withdrawals) = &json.withdrawals {
            self.withdrawals(withdrawals, block.withdrawals.as_deref().unwrap_or_default());
        }
    }

    /// A header, field by field. A wrong field is named.
    pub(crate) fn header(
        &mut self,
        whose: &'static str,
        json: &JsonHeader,
        header: &Header,
        hash: B256,
    ) {
        let number = |number: u64| Quantity(U256::from(number));
        self.check("parentHash", json.parent_hash, header.parent_hash);
        self.check("uncleHash", json.uncle_hash, header.ommers_hash);
        self.check("coinbase", json.coinbase, header.beneficiary);
        self.check("stateRoot", json.state_root, header.state_root);
        self.check("transactionsTrie", json.transactions_trie, header.transactions_root);
        self.check("receiptTrie", json.receipt_trie, header.receipts_root);
        self.check("bloom", json.bloom, header.logs_bloom);
        self.check("difficulty", json.difficulty.0, header.difficulty);
        self.check("number", json.number, number(header.number));
        self.check("gasLimit", json.gas_limit, number(header.gas_limit));
        self.check("gasUsed", json.gas_used, number(header.gas_used));
        self.check("timestamp", json.timestamp, number(header.timestamp));
        self.check("extraData", &json.extra_data.0, &header.extra_data);
        self.check("mixHash", json.mix_hash, header.mix_hash);
        self.check("nonce", &json.nonce.0[..], header.nonce.as_slice());
        self.check("baseFeePerGas", json.base_fee_per_gas, header.base_fee_per_gas.map(number));
        self.check("withdrawalsRoot", json.withdrawals_root, header.withdrawals_root);
        self.check("blobGasUsed", json.blob_gas_used, header.blob_gas_used.map(number));
        self.check("excessBlobGas", json.excess_blob_gas, header.excess_blob_gas.map(number));
        let beacon_root = header.parent_beacon_block_root;
        self.check("parentBeaconBlockRoot", json.parent_beacon_block_root, beacon_root);
        self.check("requestsHash", json.requests_hash, header.requests_hash);
        let list_hash = header.block_access_list_hash;
        self.check("blockAccessListHash", json.block_access_list_hash, list_hash);
        self.check("slotNumber", json.slot_number, header.slot_number.map(number));
        let field = if whose == "genesisBlockHeader" { "genesisRLP" } else { "hash" };
        self.check(field, json.hash, hash);
    }

    fn transactions(&mut self, json: &[JsonTransaction], block: &DecodedBlock) {
        self.check("transactions", json.len(), block.transactions.len());
        let signed = block.transactions.iter().zip(&block.signers);
        for (index, (json, (envelope, signer))) in json.iter().zip(signed).enumerate() {
            self.transaction = Some(index);
            self.envelope(json, envelope);
            self.fees(json, envelope);
            self.lists(json, envelope);
            self.signature(json, envelope);
            if let (Some(stated), Some(signer)) = (json.sender, signer) {
                self.check("sender", stated, *signer);
            }
        }
        self.transaction = None;
    }

    fn envelope(&mut self, json: &JsonTransaction, envelope: &TxEnvelope) {
        let number = |number: u64| Quantity(U256::from(number));
        let kind = json.kind.unwrap_or_default();
        // Classic files leave the type out where it is legacy.
        self.check("type", kind, number(envelope.ty().into()));
        self.check("nonce", json.nonce, number(envelope.nonce()));
        self.check("gasLimit", json.gas_limit, number(envelope.gas_limit()));
        self.check("to", json.to.0, envelope.to());
        self.check("value", json.value.0, envelope.value());
        self.check("data", &json.data.0, envelope.input());
        // A file may state a chain id for a transaction before EIP-155, which has none.
        if let (Some(stated), Some(id)) = (json.chain_id, envelope.chain_id()) {
            self.check("chainId", stated, number(id));
        }
    }

    fn fees(&mut self, json: &JsonTransaction, envelope: &TxEnvelope) {
        let wei = |wei: u128| Quantity(U256::from(wei));
        // Some files state one of a transaction that has no such field: nothing to compare it with.
        if let (Some(stated), Some(price)) = (json.gas_price, envelope.gas_price()) {
            self.check("gasPrice", stated, wei(price));
        }
        if let Some(fee) = json.max_fee_per_gas {
            self.check("maxFeePerGas", fee, wei(envelope.max_fee_per_gas()));
        }
        if let Some(fee) = json.max_priority_fee_per_gas {
            let decoded = envelope.max_priority_fee_per_gas().map(wei);
            self.check("maxPriorityFeePerGas", Some(fee), decoded);
        }
        if let Some(fee) = json.max_fee_per_blob_gas {
            self.check("maxFeePerBlobGas", Some(fee), envelope.max_fee_per_blob_gas().map(wei));
        }
    }

    fn lists(&mut self, json: &JsonTransaction, envelope: &TxEnvelope) {
        if let Some(list) = &json.access_list {
            let stated = list.iter().map(|entry| {
                let keys = entry.storage_keys.iter().map(|key| key.as_word()).collect();
                (entry.address, keys)
            });
            let decoded = envelope.access_list().map(|list| list.0.as_slice()).unwrap_or_default();
            let decoded = decoded.iter().map(|item| (item.address, item.storage_keys.clone()));
            let stated: Vec<(_, Vec<B256>)> = stated.collect();
            self.check("accessList", stated, decoded.collect());
        }
        if let Some(hashes) = &json.blob_versioned_hashes {
            let decoded = envelope.blob_versioned_hashes().unwrap_or_default();
            self.check("blobVersionedHashes", &hashes[..], decoded);
        }
        if let Some(list) = &json.authorization_list {
            let decoded = envelope.authorization_list().unwrap_or_default();
            self.check("authorizationList", list.len(), decoded.len());
            for (json, decoded) in list.iter().zip(decoded) {
                self.authorization(json, decoded);
            }
        }
    }

    fn authorization(&mut self, json: &JsonAuthorization, decoded: &SignedAuthorization) {
        let tuple = |chain_id, address, nonce, r, s| (chain_id, address, nonce, r, s);
        let stated = tuple(json.chain_id.0, json.address, json.nonce.0, json.r.0, json.s.0);
        let nonce = U256::from(decoded.nonce);
        let bytes = tuple(decoded.chain_id, decoded.address, nonce, decoded.r(), decoded.s());
        self.check("authorizationList", stated, bytes);
        if let Some(parity) = json.y_parity {
            self.check("yParity", parity.0, U256::from(decoded.y_parity()));
        }
        if let (Some(signer), Ok(recovered)) = (json.signer, decoded.recover_authority()) {
            self.check("signer", signer, recovered);
        }
    }

    fn signature(&mut self, json: &JsonTransaction, envelope: &TxEnvelope) {
        let signature = envelope.signature();
        self.check("r", json.r.0, signature.r());
        self.check("s", json.s.0, signature.s());
        let parity = u64::from(signature.v());
        let v = match envelope {
            TxEnvelope::Legacy(legacy) => match legacy.tx().chain_id {
                Some(id) => U256::from(id) * U256::from(2) + U256::from(35 + parity),
                None => U256::from(27 + parity),
            },
            _ => U256::from(parity),
        };
        self.check("v", json.v.0, v);
    }

    fn withdrawals(&mut self, json: &[JsonWithdrawal], decoded: &[Withdrawal]) {
        self.check("withdrawals", json.len(), decoded.len());
        for (json, decoded) in json.iter().zip(decoded) {
            let number = |number: u64| Quantity(U256::from(number));
            let stated = (json.index, json.validator_index, json.address, json.amount);
            let bytes = (
                number(decoded.index),
                number(decoded.validator_index),
                decoded.address,
                number(decoded.amount),
            );
            self.check("withdrawals", stated, bytes);
        }
    }
}

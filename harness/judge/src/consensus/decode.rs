//! From the RLP of a block to its parts.
//!
//! Strict: one encoding for each block, nothing left over. Undecodable bytes are classified by the
//! rule they break, as far as the bytes tell.

use super::{BlockRule, Broken};
use alloy_consensus::{Header, TxEip4844Variant, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{eip2718::Decodable2718, eip4895::Withdrawal};
use alloy_primitives::{Address, B256, keccak256};
use alloy_rlp::{Decodable, Header as RlpHeader, PayloadView};
use lockstep_model::Rule;

/// A block, decoded.
#[derive(Debug, Clone)]
pub struct DecodedBlock {
    /// The header.
    pub header: Header,
    /// The keccak-256 of the header's bytes.
    pub hash: B256,
    /// The transactions, none with its sidecar.
    pub transactions: Vec<TxEnvelope>,
    /// The sender of each, by the widest rule, Frontier's; `None` where the signature is none.
    pub signers: Vec<Option<Address>>,
    /// The ommers.
    pub ommers: Vec<Header>,
    /// The withdrawals, where the body has a list of them.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// Bytes of the block.
    pub size: usize,
}

/// The header of a block and its hash, whatever the rest of the bytes holds.
pub fn decode_header(block: &[u8]) -> Option<(Header, B256)> {
    let mut payload = RlpHeader::decode_bytes(&mut &block[..], true).ok()?;
    let raw = take_item(&mut payload).ok()?;
    Some((exact::<Header>(raw).ok()?, keccak256(raw)))
}

/// Decodes a block.
///
/// # Errors
/// The rule that its bytes break.
pub fn decode(block: &[u8]) -> Result<DecodedBlock, Broken> {
    let mut rest = block;
    let mut payload = RlpHeader::decode_bytes(&mut rest, true).map_err(encoding)?;
    if !rest.is_empty() {
        return Err(BlockRule::Encoding.into());
    }
    let raw_header = take_item(&mut payload)?;
    let header = exact::<Header>(raw_header).map_err(|broken| wrong_header(raw_header, broken))?;
    let transactions = transactions(take_item(&mut payload)?)?;
    let ommers = exact::<Vec<Header>>(take_item(&mut payload)?)?;
    let withdrawals = if payload.is_empty() {
        None
    } else {
        Some(exact::<Vec<Withdrawal>>(take_item(&mut payload)?)?)
    };
    if !payload.is_empty() {
        return Err(BlockRule::Encoding.into());
    }
    let hash = keccak256(raw_header);
    let signers = transactions.iter().map(|envelope| envelope.recover_signer_unchecked().ok());
    let signers = signers.collect();
    let size = block.len();
    Ok(DecodedBlock { header, hash, transactions, signers, ommers, withdrawals, size })
}

fn encoding(_: alloy_rlp::Error) -> Broken {
    BlockRule::Encoding.into()
}

/// Cuts the next item off, with its header.
fn take_item<'a>(payload: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let mut rest = *payload;
    let header = RlpHeader::decode(&mut rest).map_err(encoding)?;
    let end = payload.len() - rest.len() + header.payload_length;
    // A single byte below 0x80 is its own header.
    let end = if payload[0] < 0x80 { 1 } else { end };
    let (item, rest) = payload.split_at_checked(end).ok_or(BlockRule::Encoding)?;
    *payload = rest;
    Ok(item)
}

/// Decodes bytes that hold one value and nothing else.
fn exact<T: Decodable>(mut bytes: &[u8]) -> Result<T, Broken> {
    let value = T::decode(&mut bytes).map_err(encoding)?;
    if bytes.is_empty() { Ok(value) } else { Err(BlockRule::Encoding.into()) }
}

/// How many fields headers have: with each of Frontier, London (EIP-1559), Shanghai (EIP-4895),
/// Cancun (EIP-4844, EIP-4788), Prague (EIP-7685) and Amsterdam (EIP-7928, EIP-7843).
const HEADER_FIELDS: [usize; 6] = [15, 16, 17, 20, 21, 23];

/// A header with a number of fields that no fork has lacks one, or has one too many.
fn wrong_header(raw: &[u8], broken: Broken) -> Broken {
    match RlpHeader::decode_raw(&mut &raw[..]) {
        Ok(PayloadView::List(fields)) if !HEADER_FIELDS.contains(&fields.len()) => {
            BlockRule::FieldsPresent.into()
        }
        _ => broken,
    }
}

fn transactions(list: &[u8]) -> Result<Vec<TxEnvelope>, Broken> {
    let PayloadView::List(items) = RlpHeader::decode_raw(&mut &list[..]).map_err(encoding)? else {
        return Err(BlockRule::Encoding.into());
    };
    items.into_iter().enumerate().map(|(index, item)| transaction(index, item)).collect()
}

/// A transaction in a block: a list where it is legacy, else its EIP-2718 bytes as a string.
fn transaction(index: usize, item: &[u8]) -> Result<TxEnvelope, Broken> {
    let is_legacy = item.first().is_some_and(|byte| *byte >= 0xc0);
    let bytes = if is_legacy {
        item
    } else {
        RlpHeader::decode_bytes(&mut &item[..], false).map_err(encoding)?
    };
    let is_typed = bytes.first().is_some_and(|byte| *byte < 0xc0);
    if is_legacy == is_typed {
        return Err(BlockRule::Encoding.into());
    }
    match TxEnvelope::decode_2718_exact(bytes) {
        // EIP-4844: sidecars travel between nodes, never in a block.
        Ok(TxEnvelope::Eip4844(signed))
            if matches!(signed.tx(), TxEip4844Variant::TxEip4844WithSidecar(_)) =>
        {
            Err(Broken::transaction(index, Rule::BlobsInBlock))
        }
        Ok(envelope) => Ok(envelope),
        Err(_) => Err(undecodable(index, bytes)),
    }
}

/// The rule that undecodable transaction bytes break.
fn undecodable(index: usize, bytes: &[u8]) -> Broken {
    /// EIP-4844 and EIP-7702: the recipient is the sixth field.
    const RECIPIENT: usize = 5;
    let rule = match bytes.first() {
        Some(0x00 | 0x05..=0x7f) => Some(Rule::UnknownTransactionType),
        Some(0x03) if is_list(bytes, 0) => Some(Rule::BlobsInBlock),
        Some(0x03) if is_empty_field(bytes, RECIPIENT) => Some(Rule::BlobContractCreation),
        Some(0x04) if is_empty_field(bytes, RECIPIENT) => Some(Rule::SetCodeContractCreation),
        Some(kind) if has_price_over_128_bits(*kind, bytes) => Some(Rule::GasPriceProductOverflow),
        _ => None,
    };
    rule.map_or(BlockRule::Encoding.into(), |rule| Broken::transaction(index, rule))
}

/// Prices are 128 bits wide here and in every client: more could never be paid for. Up to 256 bits
/// the bytes are still those of a number.
fn has_price_over_128_bits(kind: u8, bytes: &[u8]) -> bool {
    let prices = match kind {
        0xc0.. => 1..2,
        0x01 => 2..3,
        _ => 2..4,
    };
    let is_over = |raw: &&[u8]| (18..=33).contains(&raw.len());
    raw_fields(bytes).and_then(|fields| Some(fields.get(prices)?.iter().any(is_over))) == Some(true)
}

/// The fields of a transaction, undecoded.
fn raw_fields(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let is_typed = usize::from(*bytes.first()? < 0xc0);
    match RlpHeader::decode_raw(&mut bytes.get(is_typed..)?) {
        Ok(PayloadView::List(items)) => Some(items),
        _ => None,
    }
}

fn is_empty_field(bytes: &[u8], field: usize) -> bool {
    raw_fields(bytes).is_some_and(|fields| fields.get(field).is_some_and(|raw| *raw == [0x80]))
}

fn is_list(bytes: &[u8], field: usize) -> bool {
    let first = |fields: Vec<&[u8]>| fields.get(field).and_then(|raw| raw.first()).copied();
    raw_fields(bytes).and_then(first).is_some_and(|byte| byte >= 0xc0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Signed, TxEip4844, TxEip7702, TxLegacy};
    use alloy_primitives::{Address, Signature, U256};

    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        let payload = items.concat();
        let mut bytes = Vec::new();
        RlpHeader { list: true, payload_length: payload.len() }.encode(&mut bytes);
        [bytes, payload].concat()
    }

    fn string(bytes: &[u8]) -> Vec<u8> {
        alloy_rlp::encode(bytes)
    }

    /// A block with this transaction, as it stands in a list.
    fn block(transaction: Vec<u8>) -> Vec<u8> {
        let header = alloy_rlp::encode(Header::default());
        list(&[header, list(&[transaction]), list(&[])])
    }

    fn broken(transaction: Vec<u8>) -> Broken {
        decode(&block(transaction)).unwrap_err()
    }

    fn signature() -> Signature {
        Signature::new(U256::from(1), U256::from(1), false)
    }

    /// The fields of a typed transaction, one of them replaced.
    fn replaced(encoded: &[u8], field: usize, by: Vec<u8>) -> Vec<u8> {
        let fields = raw_fields(encoded).unwrap().into_iter().enumerate();
        let fields = fields.map(|(at, raw)| if at == field { by.clone() } else { raw.to_vec() });
        let typed = usize::from(encoded[0] < 0xc0);
        [encoded[..typed].to_vec(), list(&fields.collect::<Vec<_>>())].concat()
    }

    fn blob() -> Vec<u8> {
        use alloy_eips::Encodable2718;
        let tx = TxEip4844 { to: Address::repeat_byte(1), ..TxEip4844::default() };
        let tx = Signed::new_unhashed(TxEip4844Variant::TxEip4844(tx), signature());
        TxEnvelope::Eip4844(tx).encoded_2718()
    }

    #[test]
    fn types_that_no_fork_knows() {
        for kind in [0x00, 0x05, 0x7f] {
            let rule = broken(string(&[&[kind][..], &list(&[])].concat()));
            assert_eq!(rule, Broken::transaction(0, Rule::UnknownTransactionType));
        }
    }

    #[test]
    fn creations_that_cannot_be() {
        let creation = replaced(&blob(), 5, vec![0x80]);
        let rule = broken(string(&creation));
        assert_eq!(rule, Broken::transaction(0, Rule::BlobContractCreation));
        let tx = TxEip7702 { to: Address::repeat_byte(1), ..TxEip7702::default() };
        let tx = TxEnvelope::Eip7702(Signed::new_unhashed(tx, signature()));
        let encoded = alloy_eips::Encodable2718::encoded_2718(&tx);
        let rule = broken(string(&replaced(&encoded, 5, vec![0x80])));
        assert_eq!(rule, Broken::transaction(0, Rule::SetCodeContractCreation));
    }

    #[test]
    fn blobs_travel_outside_of_blocks() {
        let full =
            [&[3][..], &list(&[blob()[1..].to_vec(), list(&[]), list(&[]), list(&[])])].concat();
        assert_eq!(broken(string(&full)), Broken::transaction(0, Rule::BlobsInBlock));
    }

    #[test]
    fn prices_over_128_bits() {
        let tx = TxEnvelope::Legacy(Signed::new_unhashed(TxLegacy::default(), signature()));
        let encoded = alloy_rlp::encode(&tx);
        let price = |length| string(&vec![1; length]);
        let rule = broken(replaced(&encoded, 1, price(17)));
        assert_eq!(rule, Broken::transaction(0, Rule::GasPriceProductOverflow));
        assert_eq!(broken(replaced(&encoded, 1, price(33))), BlockRule::Encoding.into());
        let rule = broken(string(&replaced(&blob(), 3, price(20))));
        assert_eq!(rule, Broken::transaction(0, Rule::GasPriceProductOverflow));
    }

    #[test]
    fn one_encoding_and_nothing_left_over() {
        let tx = TxEnvelope::Legacy(Signed::new_unhashed(TxLegacy::default(), signature()));
        let good = block(alloy_rlp::encode(&tx));
        assert_eq!(decode(&good).unwrap().size, good.len());
        let longer = [&good[..], &[0]].concat();
        assert_eq!(decode(&longer).unwrap_err(), BlockRule::Encoding.into());
        for end in 0..good.len() {
            assert!(decode(&good[..end]).is_err(), "cut at {end}");
        }
        // A legacy transaction is never a string, and a typed one never bare.
        assert_eq!(broken(string(&alloy_rlp::encode(&tx))), BlockRule::Encoding.into());
        let header = list(&vec![string(&[]); 18]);
        let odd = list(&[header, list(&[]), list(&[])]);
        assert_eq!(decode(&odd).unwrap_err(), BlockRule::FieldsPresent.into());
    }
}

//! Ommers (Yellow Paper 11.1).

use super::{BlockRule, Schedule, header};
use alloy_consensus::Header;
use alloy_primitives::{B256, U256};

/// The most ommers of a block.
const MOST: usize = 2;

/// How many generations an ommer may be behind the block.
pub const GENERATIONS: usize = 6;

/// An ancestor, with what ommers need to know of it.
#[derive(Debug, Clone)]
pub struct Ancestor<'a> {
    /// Its hash.
    pub hash: B256,
    /// Its header.
    pub header: &'a Header,
    /// The total difficulty up to and with it.
    pub total_difficulty: U256,
    /// Hashes of its ommers.
    pub ommers: &'a [B256],
}

/// Every rule that the ommers of a block break, be it one of headers. The block's ancestors, the parent
/// first, are at hand as far back as ommers can reach, and one generation further.
pub fn broken(
    schedule: &Schedule,
    ommers: &[Header],
    ancestors: &[Ancestor<'_>],
) -> Vec<BlockRule> {
    if ommers.len() > MOST {
        return vec![BlockRule::OmmerCount];
    }
    let hashes: Vec<B256> = ommers.iter().map(Header::hash_slow).collect();
    let mut broken = Vec::new();
    for (index, (ommer, hash)) in ommers.iter().zip(&hashes).enumerate() {
        broken.extend(is_named_once(&hashes[..index], hash).err());
        broken.extend(is_new(ancestors, hash).err());
        broken.extend(is_no_ancestor(ancestors, hash).err());
        match parent_of(ancestors, ommer) {
            Ok(parent) => broken.extend(header_rules(schedule, ommer, parent)),
            Err(rule) => broken.push(rule),
        }
    }
    broken
}

fn is_named_once(before: &[B256], hash: &B256) -> Result<(), BlockRule> {
    if before.contains(hash) { Err(BlockRule::OmmerOnce) } else { Ok(()) }
}

fn is_new(ancestors: &[Ancestor<'_>], hash: &B256) -> Result<(), BlockRule> {
    let named = ancestors.iter().take(GENERATIONS).any(|ancestor| ancestor.ommers.contains(hash));
    if named { Err(BlockRule::OmmerNew) } else { Ok(()) }
}

fn is_no_ancestor(ancestors: &[Ancestor<'_>], hash: &B256) -> Result<(), BlockRule> {
    let is_one = ancestors.iter().any(|ancestor| ancestor.hash == *hash);
    if is_one { Err(BlockRule::OmmerNotAncestor) } else { Ok(()) }
}

/// An ommer is a brother of an ancestor: its parent is the ancestor of one, never the block's own
/// parent.
fn parent_of<'a, 'b>(
    ancestors: &'b [Ancestor<'a>],
    ommer: &Header,
) -> Result<&'b Ancestor<'a>, BlockRule> {
    let reachable = ancestors.iter().take(GENERATIONS + 1).skip(1);
    let mut found = reachable.filter(|ancestor| ancestor.hash == ommer.parent_hash);
    found.next().ok_or(BlockRule::OmmerKin)
}

/// The rules of headers hold for ommers too.
fn header_rules(schedule: &Schedule, ommer: &Header, parent: &Ancestor<'_>) -> Vec<BlockRule> {
    let era = schedule.era(ommer.number, ommer.timestamp, parent.total_difficulty);
    header::broken(era, ommer, parent.header)
}

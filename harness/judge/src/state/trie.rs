//! Merkle Patricia tries of which only some nodes are known (Yellow Paper, appendix D).
//!
//! Keys are hashes, so no key is the prefix of another, and no branch has a value of its own.

use alloy_primitives::{
    B256, Bytes, keccak256,
    map::{B256Map, B256Set},
};
use alloy_rlp::Decodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieAccount,
    nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode as DecodedNode},
};

/// Known nodes by their hash: a node that is asked for by hash proves itself.
#[derive(Debug, Clone, Default)]
pub struct Nodes(B256Map<Bytes>);

/// Why a trie cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// A node on the way is not known.
    #[error("the witness lacks the node {hash}, {depth} nibbles below the root")]
    Missing {
        /// Its hash.
        hash: B256,
        /// Nibbles of the key above it.
        depth: usize,
    },
    /// A node is not one.
    #[error("the node {hash} of the witness is not a trie node: {problem}")]
    Malformed {
        /// Its hash.
        hash: B256,
        /// The problem with it.
        problem: String,
    },
}

/// A node, as far as it is read.
#[derive(Debug, Clone, Default)]
enum Node {
    #[default]
    Empty,
    /// Not read yet: perhaps not known at all.
    Unread(B256),
    Leaf(Nibbles, Vec<u8>),
    Extension(Nibbles, Box<Self>),
    Branch(Box<[Self; 16]>),
}

impl FromIterator<Bytes> for Nodes {
    fn from_iter<I: IntoIterator<Item = Bytes>>(nodes: I) -> Self {
        Self(nodes.into_iter().map(|node| (keccak256(&node), node)).collect())
    }
}

impl Extend<Bytes> for Nodes {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, nodes: I) {
        self.0.extend(nodes.into_iter().map(|node| (keccak256(&node), node)));
    }
}

impl Nodes {
    /// The nodes that are among those `reached`, in the order of their hashes.
    pub fn reached(&self, reached: &B256Set) -> Vec<Bytes> {
        let mut hashes: Vec<&B256> = reached.iter().filter(|hash| self.holds(**hash)).collect();
        hashes.sort_unstable();
        hashes.into_iter().map(|hash| self.0[hash].clone()).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a node with this hash is known.
    pub fn holds(&self, hash: B256) -> bool {
        self.0.contains_key(&hash)
    }

    /// Hashes of the nodes that no other node refers to, not even as the root of an account's storage.
    pub fn unreferenced(&self) -> impl Iterator<Item = B256> {
        let mut referenced = B256Set::default();
        // A set: the order makes no difference.
        let nodes = self.0.values().filter_map(|bytes| decode(bytes).ok());
        nodes.for_each(|node| refer(node, &mut referenced));
        let hashes: Vec<B256> = self.0.keys().copied().collect();
        hashes.into_iter().filter(move |hash| !referenced.contains(hash))
    }

    /// Hashes of the nodes that are not among those `reached`. A node of fewer than 32 bytes is left out: it
    /// stands within its parent, and some nodes list it once more.
    pub fn unreached(&self, reached: &B256Set) -> impl Iterator<Item = B256> {
        let long = self.0.iter().filter(|(_, node)| node.len() >= B256::len_bytes());
        long.map(|(hash, _)| *hash).filter(|hash| !reached.contains(hash))
    }

    /// Bytes of all nodes.
    pub fn size(&self) -> usize {
        self.0.values().map(|node| node.len()).sum()
    }

    fn read(&self, hash: B256, depth: usize) -> Result<Node, TrieError> {
        if hash == EMPTY_ROOT_HASH {
            return Ok(Node::Empty);
        }
        let bytes = self.0.get(&hash).ok_or(TrieError::Missing { hash, depth })?;
        let malformed = |problem| TrieError::Malformed { hash, problem };
        let node = decode(bytes).map_err(malformed)?;
        // Looked at here, so that no key is ever cut or joined beyond its length.
        if !fits(&node, depth) {
            return Err(malformed(format!(
                "no hashed key ends {depth} nibbles and more below the root so"
            )));
        }
        Ok(node)
    }

    /// The value under a hashed key.
    ///
    /// # Errors
    /// When a node on the way is not known.
    pub fn get(&self, root: B256, key: B256) -> Result<Option<Vec<u8>>, TrieError> {
        let key = Nibbles::unpack(key);
        let (mut node, mut depth) = (Node::Unread(root), 0);
        loop {
            node = match node {
                Node::Empty => return Ok(None),
                Node::Unread(hash) => self.read(hash, depth)?,
                Node::Leaf(rest, value) => {
                    return Ok((rest == key.slice(depth..)).then_some(value));
                }
                Node::Extension(prefix, child) => {
                    if !key.slice(depth..).starts_with(&prefix) {
                        return Ok(None);
                    }
                    depth += prefix.len();
                    *child
                }
                Node::Branch(mut children) => {
                    let nibble = usize::from(key.get_unchecked(depth));
                    depth += 1;
                    std::mem::take(&mut children[nibble])
                }
            };
        }
    }

    /// Hands over every known leaf below a root: the hashed key and the value. Adds the hashes of the nodes
    /// that were read to `reached`.
    ///
    /// # Errors
    /// When a node is malformed. Unknown nodes are passed over.
    pub fn leaves(
        &self,
        root: B256,
        reached: &mut B256Set,
        use_leaf: &mut dyn FnMut(B256, Vec<u8>),
    ) -> Result<(), TrieError> {
        let mut seen = B256Set::default();
        let visited = self.visit(Node::Unread(root), Nibbles::new(), &mut seen, use_leaf);
        reached.extend(seen);
        visited
    }

    fn visit(
        &self,
        node: Node,
        path: Nibbles,
        seen: &mut B256Set,
        use_leaf: &mut dyn FnMut(B256, Vec<u8>),
    ) -> Result<(), TrieError> {
        match node {
            Node::Empty => Ok(()),
            Node::Unread(hash) => match self.read(hash, path.len()) {
                // Keys are hashes: no two parts of a trie are alike. A witness whose nodes lead to one another
                // again and again would take for ever to visit.
                Ok(_) if !seen.insert(hash) => {
                    let problem = "reached twice below one root".to_owned();
                    Err(TrieError::Malformed { hash, problem })
                }
                Ok(node) => self.visit(node, path, seen, use_leaf),
                Err(TrieError::Missing { .. }) => Ok(()),
                Err(error) => Err(error),
            },
            Node::Leaf(rest, value) => {
                let key = path.join(&rest).pack();
                // A path of another length belongs to no hashed key.
                if let Ok(key) = B256::try_from(&*key) {
                    use_leaf(key, value);
                }
                Ok(())
            }
            Node::Extension(prefix, child) => {
                self.visit(*child, path.join(&prefix), seen, use_leaf)
            }
            Node::Branch(children) => {
                for (nibble, child) in children.into_iter().enumerate() {
                    let mut below = path;
                    below.push(nibble as u8);
                    self.visit(child, below, seen, use_leaf)?;
                }
                Ok(())
            }
        }
    }
}

/// Whether a node can stand so many nibbles below the root: leaves end a hashed key, nothing goes beyond.
fn fits(node: &Node, depth: usize) -> bool {
    match node {
        Node::Empty | Node::Unread(_) => depth <= MOST_NIBBLES,
        Node::Leaf(rest, _) => depth + rest.len() == MOST_NIBBLES,
        Node::Extension(prefix, child) => {
            depth + prefix.len() < MOST_NIBBLES && fits(child, depth + prefix.len())
        }
        Node::Branch(children) => {
            depth < MOST_NIBBLES && children.iter().all(|child| fits(child, depth + 1))
        }
    }
}

/// Adds the hashes that a node refers to.
fn refer(node: Node, referenced: &mut B256Set) {
    match node {
        Node::Empty => {}
        Node::Unread(hash) => drop(referenced.insert(hash)),
        Node::Leaf(_, value) => {
            if let Ok(account) = TrieAccount::decode(&mut value.as_slice()) {
                referenced.insert(account.storage_root);
            }
        }
        Node::Extension(_, child) => refer(*child, referenced),
        Node::Branch(children) => children.into_iter().for_each(|child| refer(child, referenced)),
    }
}

/// Nodes deeper than a hashed key are malformed.
const MOST_NIBBLES: usize = 64;

fn decode(mut bytes: &[u8]) -> Result<Node, String> {
    let decoded = DecodedNode::decode(&mut bytes).map_err(|error| error.to_string())?;
    if !bytes.is_empty() {
        return Err(format!("{} bytes behind it", bytes.len()));
    }
    Ok(match decoded {
        DecodedNode::EmptyRoot => Node::Empty,
        DecodedNode::Leaf(leaf) => Node::Leaf(leaf.key, leaf.value),
        DecodedNode::Extension(extension) => {
            if extension.key.is_empty() || extension.key.len() > MOST_NIBBLES {
                return Err(format!("an extension of {} nibbles", extension.key.len()));
            }
            Node::Extension(extension.key, Box::new(child(&extension.child)?))
        }
        DecodedNode::Branch(branch) => {
            let mut children = Box::<[Node; 16]>::default();
            for (nibble, reference) in branch.as_ref().children() {
                if let Some(reference) = reference {
                    children[usize::from(nibble)] = child(reference)?;
                }
            }
            Node::Branch(children)
        }
    })
}

/// A node refers to a child by its hash, or holds it where its RLP is shorter than that.
fn child(reference: &RlpNode) -> Result<Node, String> {
    match reference.as_hash() {
        Some(hash) => Ok(Node::Unread(hash)),
        None => decode(reference.as_slice()),
    }
}

/// A trie over known nodes that can be changed.
#[derive(Debug, Clone)]
pub struct SparseTrie<'a> {
    nodes: &'a Nodes,
    root: Node,
    /// Nibbles of each key above the root: a part of a larger trie has one.
    depth: usize,
    assumed: usize,
}

impl<'a> SparseTrie<'a> {
    /// The trie with this root.
    pub const fn new(nodes: &'a Nodes, root: B256) -> Self {
        Self { nodes, root: Node::Unread(root), depth: 0, assumed: 0 }
    }

    /// Puts values, then removes keys: so no node is asked for that only the order of the two would need.
    ///
    /// # Errors
    /// When a node on the way is not known. The trie is of no use afterwards.
    pub fn update(
        &mut self,
        changes: impl IntoIterator<Item = (B256, Option<Vec<u8>>)>,
    ) -> Result<(), TrieError> {
        let mut removed = Vec::new();
        for (key, value) in changes {
            match value {
                Some(value) => {
                    let root = std::mem::take(&mut self.root);
                    self.root = self.insert(root, &Nibbles::unpack(key), self.depth, value)?;
                }
                None => removed.push(key),
            }
        }
        for key in removed {
            let root = std::mem::take(&mut self.root);
            self.root = self.remove(root, &Nibbles::unpack(key), self.depth)?;
        }
        Ok(())
    }

    /// Unknown nodes that a removal collapsed onto, and that were taken for branches.
    ///
    /// A branch of which one child is left becomes an extension onto that child, or merges with it: only a
    /// branch keeps its hash. An unknown child is assumed to be one. A wrong assumption gives a
    /// root that no header has.
    pub const fn assumed(&self) -> usize {
        self.assumed
    }

    /// The root.
    pub fn root(&self) -> B256 {
        match &self.root {
            Node::Empty => EMPTY_ROOT_HASH,
            Node::Unread(hash) => *hash,
            node => keccak256(encode(node)),
        }
    }

    /// The tries below each first nibble, to be updated apart. `None` where the root is no branch.
    ///
    /// # Errors
    /// When the root is not known.
    pub fn split(&self) -> Result<Option<[Self; 16]>, TrieError> {
        let Node::Branch(children) = self.read(self.root.clone(), 0)? else { return Ok(None) };
        let part = |root| Self { nodes: self.nodes, root, depth: 1, assumed: 0 };
        Ok(Some(children.map(part)))
    }

    /// Computes the hash of a part, which then stands for it.
    pub fn seal(&mut self) {
        if let Some(hash) = reference(&self.root).as_hash() {
            self.root = Node::Unread(hash);
        }
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        matches!(self.root, Node::Empty)
    }

    /// The trie above parts that are sealed. At least two of them must not be empty: the child of a branch
    /// with one child would have to be known.
    #[must_use]
    pub fn join(&self, parts: [Self; 16]) -> Self {
        let assumed = parts.iter().map(|part| part.assumed).sum();
        let root = Node::Branch(Box::new(parts.map(|part| part.root)));
        Self { nodes: self.nodes, root, depth: 0, assumed }
    }

    fn read(&self, node: Node, depth: usize) -> Result<Node, TrieError> {
        match node {
            Node::Unread(hash) => self.nodes.read(hash, depth),
            node => Ok(node),
        }
    }

    fn insert(
        &self,
        node: Node,
        key: &Nibbles,
        depth: usize,
        value: Vec<u8>,
    ) -> Result<Node, TrieError> {
        let own = key.slice(depth..);
        Ok(match self.read(node, depth)? {
            Node::Empty | Node::Unread(_) => Node::Leaf(own, value),
            Node::Leaf(rest, _) if rest == own => Node::Leaf(rest, value),
            Node::Leaf(rest, old) => {
                let common = rest.common_prefix_length(&own);
                let old = (rest.get_unchecked(common), Node::Leaf(rest.slice(common + 1..), old));
                fork(own, common, old, value)
            }
            Node::Extension(prefix, child) => {
                let common = prefix.common_prefix_length(&own);
                if common == prefix.len() {
                    let child = self.insert(*child, key, depth + common, value)?;
                    Node::Extension(prefix, Box::new(child))
                } else {
                    let below = extend(prefix.slice(common + 1..), *child);
                    fork(own, common, (prefix.get_unchecked(common), below), value)
                }
            }
            Node::Branch(mut children) => {
                let child = &mut children[usize::from(key.get_unchecked(depth))];
                *child = self.insert(std::mem::take(child), key, depth + 1, value)?;
                Node::Branch(children)
            }
        })
    }

    fn remove(&mut self, node: Node, key: &Nibbles, depth: usize) -> Result<Node, TrieError> {
        let own = key.slice(depth..);
        Ok(match self.read(node, depth)? {
            Node::Leaf(rest, _) if rest == own => Node::Empty,
            Node::Extension(prefix, child) if own.starts_with(&prefix) => {
                let child = self.remove(*child, key, depth + prefix.len())?;
                extend(prefix, child)
            }
            Node::Branch(mut children) => {
                let child = &mut children[usize::from(key.get_unchecked(depth))];
                *child = self.remove(std::mem::take(child), key, depth + 1)?;
                self.collapse(children, depth)?
            }
            unchanged => unchanged,
        })
    }

    /// A branch, or what becomes of it with fewer than two children.
    fn collapse(&mut self, mut children: Box<[Node; 16]>, depth: usize) -> Result<Node, TrieError> {
        let mut left =
            children.iter().enumerate().filter(|(_, child)| !matches!(child, Node::Empty));
        let only = match (left.next(), left.next()) {
            (None, _) => return Ok(Node::Empty),
            (Some((nibble, _)), None) => nibble,
            _ => return Ok(Node::Branch(children)),
        };
        let child = match std::mem::take(&mut children[only]) {
            Node::Unread(hash) if !self.nodes.holds(hash) => {
                self.assumed += 1;
                Node::Unread(hash)
            }
            child => self.read(child, depth + 1)?,
        };
        Ok(extend(Nibbles::from_nibbles([only as u8]), child))
    }
}

/// A branch below a common prefix, with the old node and a new leaf.
fn fork(own: Nibbles, common: usize, (nibble, old): (u8, Node), value: Vec<u8>) -> Node {
    let mut children = Box::<[Node; 16]>::default();
    children[usize::from(nibble)] = old;
    children[usize::from(own.get_unchecked(common))] = Node::Leaf(own.slice(common + 1..), value);
    extend(own.slice(..common), Node::Branch(children))
}

/// A node below a prefix. A node that is not read is taken for a branch.
fn extend(prefix: Nibbles, node: Node) -> Node {
    if prefix.is_empty() {
        return node;
    }
    match node {
        Node::Empty => Node::Empty,
        Node::Leaf(rest, value) => Node::Leaf(prefix.join(&rest), value),
        Node::Extension(more, child) => Node::Extension(prefix.join(&more), child),
        node => Node::Extension(prefix, Box::new(node)),
    }
}

fn encode(node: &Node) -> Vec<u8> {
    let mut rlp = Vec::new();
    match node {
        Node::Empty | Node::Unread(_) => rlp.push(alloy_rlp::EMPTY_STRING_CODE),
        Node::Leaf(rest, value) => {
            let _ = LeafNodeRef::new(rest, value).rlp(&mut rlp);
        }
        Node::Extension(prefix, child) => {
            let _ = ExtensionNodeRef::new(prefix, &reference(child)).rlp(&mut rlp);
        }
        Node::Branch(children) => {
            let (mut stack, mut mask) = (Vec::new(), alloy_trie::TrieMask::default());
            for (nibble, child) in children.iter().enumerate() {
                if !matches!(child, Node::Empty) {
                    mask.set_bit(nibble as u8);
                    stack.push(reference(child));
                }
            }
            let _ = BranchNodeRef::new(&stack, mask).rlp(&mut rlp);
        }
    }
    rlp
}

fn reference(node: &Node) -> RlpNode {
    match node {
        Node::Unread(hash) => RlpNode::word_rlp(hash),
        node => RlpNode::from_rlp(&encode(node)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use alloy_trie::{HashBuilder, proof::ProofRetainer, root::storage_root_unsorted};
    use proptest::{collection::btree_map, prelude::*};
    use std::collections::BTreeMap;

    type Leaves = BTreeMap<B256, U256>;

    /// The trie by `alloy-trie`, with the nodes on the ways to these keys.
    fn built(leaves: &Leaves, keys: &[B256]) -> (B256, Nodes) {
        let targets = keys.iter().map(Nibbles::unpack).collect();
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
        for (key, value) in leaves {
            builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
        }
        let root = builder.root();
        let nodes = builder.take_proof_nodes().into_inner();
        (root, nodes.into_values().collect())
    }

    fn root_of(leaves: &Leaves) -> B256 {
        storage_root_unsorted(leaves.iter().map(|(key, value)| (*key, *value)))
    }

    /// Keys that share many nibbles: forks, extensions and embedded nodes at every depth.
    fn key() -> impl Strategy<Value = B256> {
        let crowded = (0_u8..4, 0_u8..4, 60_usize..64).prop_map(|(first, last, at)| {
            let mut key = B256::repeat_byte(0x11);
            key.0[0] = first;
            key.0[at / 2] ^= last;
            key
        });
        prop_oneof![crowded, any::<[u8; 32]>().prop_map(B256::from)]
    }

    fn leaves() -> impl Strategy<Value = Leaves> {
        btree_map(key(), (1_u64..300).prop_map(U256::from), 0..40)
    }

    /// Leaves of which no two have one value: no two parts of their trie are alike, as with hashed keys.
    fn distinct_leaves() -> impl Strategy<Value = Leaves> {
        leaves().prop_map(|leaves| {
            let numbered = leaves.into_iter().zip(0_u64..);
            numbered.map(|((key, value), index)| (key, value << 8 | U256::from(index))).collect()
        })
    }

    proptest! {
        #[test]
        fn updates_and_removals_give_the_root_of_a_trie_that_is_built_anew(
            before in leaves(),
            written in leaves(),
            removed in any::<u64>(),
        ) {
            let removed: Vec<B256> = before
                .keys()
                .enumerate()
                .filter(|(index, key)| removed >> (index % 64) & 1 == 1 && !written.contains_key(*key))
                .map(|(_, key)| *key)
                .collect();
            let all: Vec<B256> = before.keys().chain(written.keys()).copied().collect();
            let (root, nodes) = built(&before, &all);
            prop_assert_eq!(root, root_of(&before));
            let mut trie = SparseTrie::new(&nodes, root);
            let written_rlp = written.iter().map(|(key, value)| (*key, Some(alloy_rlp::encode(value))));
            let removals = removed.iter().map(|key| (*key, None));
            trie.update(written_rlp.chain(removals)).unwrap();
            let mut after = before.clone();
            after.extend(written);
            after.retain(|key, _| !removed.contains(key));
            prop_assert_eq!(trie.root(), root_of(&after));
            prop_assert_eq!(trie.assumed(), 0, "every node is there");
        }

        #[test]
        fn parts_that_are_updated_apart_give_the_same_root(before in leaves(), written in leaves()) {
            let all: Vec<B256> = before.keys().chain(written.keys()).copied().collect();
            let (root, nodes) = built(&before, &all);
            let trie = SparseTrie::new(&nodes, root);
            let Some(mut parts) = trie.split().unwrap() else { return Ok(()) };
            for (nibble, part) in parts.iter_mut().enumerate() {
                let own = written.iter().filter(|(key, _)| usize::from(key.0[0] >> 4) == nibble);
                part.update(own.map(|(key, value)| (*key, Some(alloy_rlp::encode(value))))).unwrap();
                part.seal();
            }
            prop_assert!(parts.iter().filter(|part| !part.is_empty()).count() >= 2);
            let mut after = before.clone();
            after.extend(written);
            prop_assert_eq!(trie.join(parts).root(), root_of(&after));
        }

        #[test]
        fn lookups_find_what_is_there_and_nothing_else(before in distinct_leaves(), other in key()) {
            let all: Vec<B256> = before.keys().copied().chain([other]).collect();
            let (root, nodes) = built(&before, &all);
            for key in all {
                let right = before.get(&key).map(alloy_rlp::encode);
                prop_assert_eq!(nodes.get(root, key).unwrap(), right);
            }
            let mut found = Leaves::new();
            let mut reached = B256Set::default();
            nodes.leaves(root, &mut reached, &mut |key, rlp| {
                found.insert(key, U256::decode(&mut rlp.as_slice()).unwrap());
            }).unwrap();
            prop_assert_eq!(found, before);
            prop_assert_eq!(nodes.unreached(&reached).next(), None, "every node is below the root");
        }

        /// With the ways to a few keys alone: an unknown node is named, or the root is right. Only where a
        /// removal was taken to collapse onto a branch may it be wrong.
        #[test]
        fn a_part_of_the_nodes_is_enough_or_what_lacks_is_named(
            before in leaves(),
            known in 1_usize..8,
            value in 1_u64..300,
        ) {
            let keys: Vec<B256> = before.keys().copied().take(known).collect();
            let (root, nodes) = built(&before, &keys);
            let Some((first, rest)) = keys.split_first() else { return Ok(()) };
            let mut trie = SparseTrie::new(&nodes, root);
            let written = rest.iter().map(|key| (*key, Some(alloy_rlp::encode(U256::from(value)))));
            trie.update(written.chain([(*first, None)])).unwrap();
            let mut after = before.clone();
            after.extend(rest.iter().map(|key| (*key, U256::from(value))));
            after.remove(first);
            if trie.assumed() == 0 {
                prop_assert_eq!(trie.root(), root_of(&after));
            }
            let unknown = before.keys().find(|key| !keys.contains(*key));
            if let Some(unknown) = unknown {
                match nodes.get(root, *unknown) {
                    Ok(value) => prop_assert_eq!(value, before.get(unknown).map(alloy_rlp::encode)),
                    Err(error) => prop_assert!(matches!(error, TrieError::Missing { .. }), "{error}"),
                }
            }
        }
    }

    /// Branches that lead to one another, sixteen ways each, and paths longer than a key.
    #[test]
    fn hostile_nodes_are_malformed_and_cost_nothing() {
        let branch = |child: B256| {
            let mut rlp = vec![0xf9, 0x02, 0x11];
            for _ in 0..16 {
                rlp.push(0xa0);
                rlp.extend_from_slice(child.as_slice());
            }
            rlp.push(0x80);
            Bytes::from(rlp)
        };
        let mut nodes = vec![branch(B256::repeat_byte(1))];
        for _ in 0..100 {
            nodes.push(branch(keccak256(nodes.last().unwrap())));
        }
        let root = keccak256(nodes.last().unwrap());
        let nodes: Nodes = nodes.into_iter().collect();
        let visited = nodes.leaves(root, &mut B256Set::default(), &mut |_, _| {});
        assert!(matches!(visited, Err(TrieError::Malformed { .. })), "{visited:?}");
        let found = nodes.get(root, B256::ZERO);
        assert!(matches!(found, Err(TrieError::Malformed { .. })), "{found:?}");
        let mut trie = SparseTrie::new(&nodes, root);
        let updated = trie.update([(B256::ZERO, Some(vec![1])), (B256::repeat_byte(7), None)]);
        assert!(matches!(updated, Err(TrieError::Malformed { .. })), "{updated:?}");
    }

    #[test]
    fn a_node_that_is_none_is_named() {
        let nodes: Nodes = [Bytes::from_static(b"\xc3\x01\x02\x03")].into_iter().collect();
        let root = keccak256(b"\xc3\x01\x02\x03");
        let error = nodes.get(root, B256::ZERO).unwrap_err();
        assert!(matches!(error, TrieError::Malformed { hash, .. } if hash == root), "{error}");
    }
}

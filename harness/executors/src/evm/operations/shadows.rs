//! Which words of a stack, and which of a stretch of bytes, are nodes.

use super::log::NodeId;
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of a word.
const WORD: usize = 32;

/// Nodes on a stack, by height; few of them.
#[derive(Debug, Default)]
pub(super) struct StackShadow(SmallVec<[(usize, NodeId); 8]>);

impl StackShadow {
    /// One more than the height of the highest node; 0 without one.
    #[inline]
    pub(super) fn height(&self) -> usize {
        self.0.last().map_or(0, |(height, _)| height + 1)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn find(&self, height: usize) -> Result<usize, usize> {
        // Most that is looked for is near the top.
        for (at, (found, _)) in self.0.iter().enumerate().rev() {
            if *found == height {
                return Ok(at);
            }
            if *found < height {
                return Err(at + 1);
            }
        }
        Err(0)
    }

    pub(super) fn at(&self, height: usize) -> Option<NodeId> {
        self.find(height).ok().map(|at| self.0[at].1)
    }

    pub(super) fn take(&mut self, height: usize) -> Option<NodeId> {
        self.find(height).ok().map(|at| self.0.remove(at).1)
    }

    pub(super) fn put(&mut self, height: usize, node: NodeId) {
        match self.find(height) {
            Ok(at) => self.0[at].1 = node,
            Err(at) => self.0.insert(at, (height, node)),
        }
    }

    pub(super) fn swap(&mut self, one: usize, other: usize) {
        let (first, second) = (self.take(one), self.take(other));
        if let Some(node) = first {
            self.put(other, node);
        }
        if let Some(node) = second {
            self.put(one, node);
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = NodeId> {
        self.0.drain(..).map(|(_, node)| node)
    }
}

/// Nodes in a stretch of bytes: each a whole word, at any offset. No two overlap.
#[derive(Debug, Default, Clone)]
pub(super) struct ByteShadow(SmallVec<[(usize, NodeId); 4]>);

impl ByteShadow {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The node at the offset, if the word there is one.
    pub(super) fn at(&self, offset: usize) -> Option<NodeId> {
        self.0.iter().find(|(at, _)| *at == offset).map(|(_, node)| *node)
    }

    pub(super) fn put(&mut self, offset: usize, node: NodeId) {
        self.0.push((offset, node));
    }

    /// Nodes that have a byte in the range.
    pub(super) fn overlapping(&self, range: Range<usize>) -> impl Iterator<Item = NodeId> {
        self.0
            .iter()
            .filter(move |(at, _)| *at < range.end && range.start < at + WORD)
            .map(|(_, node)| *node)
    }

    /// The range is written: its nodes are gone. Tells of those of which a part stays.
    pub(super) fn overwrite(&mut self, range: Range<usize>, mut is_cut: impl FnMut(NodeId)) {
        self.0.retain(|(at, node)| {
            if *at >= range.end || range.start >= *at + WORD {
                return true;
            }
            if *at < range.start || *at + WORD > range.end {
                is_cut(*node);
            }
            false
        });
    }

    /// The nodes of the range, by their offset in it. Tells of those of which a part lies outside.
    pub(super) fn slice(&self, range: Range<usize>, mut is_cut: impl FnMut(NodeId)) -> Self {
        let mut slice = Self::default();
        for (at, node) in &self.0 {
            if *at >= range.end || range.start >= *at + WORD {
                continue;
            }
            if *at < range.start || *at + WORD > range.end {
                is_cut(*node);
            } else {
                slice.put(at - range.start, *node);
            }
        }
        slice
    }

    /// Adds nodes that were copied to the offset.
    pub(super) fn paste(&mut self, offset: usize, copied: &Self) {
        self.0.extend(copied.0.iter().map(|(at, node)| (offset + at, *node)));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, NodeId)> {
        self.0.iter().copied()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = NodeId> {
        self.0.drain(..).map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_knows_its_nodes_by_height() {
        let mut stack = StackShadow::default();
        stack.put(5, 50);
        stack.put(2, 20);
        stack.put(9, 90);
        assert_eq!((stack.at(2), stack.at(3), stack.at(9)), (Some(20), None, Some(90)));
        stack.swap(9, 3);
        stack.swap(5, 2);
        assert_eq!(
            [2, 3, 5, 9].map(|height| stack.at(height)),
            [Some(50), Some(90), Some(20), None]
        );
        assert_eq!((stack.take(3), stack.take(3)), (Some(90), None));
    }

    #[test]
    fn bytes_that_are_cut_are_told() {
        let mut bytes = ByteShadow::default();
        bytes.put(0, 1);
        bytes.put(40, 2);
        let mut cut = Vec::new();
        let slice = bytes.slice(8..72, |node| cut.push(node));
        assert_eq!((slice.at(32), cut.as_slice()), (Some(2), [1].as_slice()));
        cut.clear();
        bytes.overwrite(71..80, |node| cut.push(node));
        assert_eq!((bytes.at(40), bytes.at(0), cut.as_slice()), (None, Some(1), [2].as_slice()));
        cut.clear();
        bytes.overwrite(0..32, |node| cut.push(node));
        assert!(bytes.is_empty() && cut.is_empty());
    }
}

//! Bytes to decisions.

use arbitrary::Unstructured;

/// Takes decisions from bytes. Without bytes left it takes the first choice, always.
pub(super) struct Chooser<'a>(Unstructured<'a>);

impl<'a> Chooser<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// Whether there is nothing left to decide by.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below `end`, which is not zero.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // Nothing is read for one choice.
        self.0.int_in_range(0..=end - 1).unwrap_or_default()
    }

    /// One of these; not of nothing.
    pub(super) fn pick<'b, T>(&mut self, choices: &'b [T]) -> &'b T {
        &choices[self.below(choices.len())]
    }

    /// True this many times of a hundred.
    pub(super) fn chance(&mut self, percent: u8) -> bool {
        // The first choice is no: a block of few bytes is a simple one.
        self.below(100) + usize::from(percent) >= 100
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    /// A number of transactions, from 1 to `most`: more than half have up to 6, one in fifty more than
    /// 50. A campaign has thousands of blocks a second; most of its time must not go into the few large.
    pub(super) fn size(&mut self, most: usize) -> usize {
        let end = match self.below(100) {
            0..=54 => 6,
            55..=86 => 16,
            87..=97 => 50,
            _ => 200,
        };
        1 + self.below(end.min(most).max(1))
    }
}

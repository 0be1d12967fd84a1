//! Blocks that are packed from single-transaction state tests.

mod class;
mod recipe;

pub use class::{Class, Unit};
pub use recipe::Recipe;

/// Which blocks are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// No account in common.
    Disjoint,
    /// Everything in common.
    Shared,
    /// One transaction must be rejected.
    Invalid,
}

impl Mode {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Disjoint, Self::Shared, Self::Invalid];

    /// The name on the command line and in ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disjoint => "disjoint",
            Self::Shared => "shared",
            Self::Invalid => "invalid",
        }
    }
}

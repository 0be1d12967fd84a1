//! Known bugs of parallel executors, planted on purpose: what the harness is scored with.
//!
//! Every fault is a place in the executors, or in what judge and executors share, that asks whether the
//! fault [is planted](Fault::is_planted) and then does what some executor once did wrong. One fault at
//! most is planted in a process, at its start. Without the feature `planted` the answer is a constant no
//! and the compiler leaves the faulty code out.
//!
//! One file a family; the families are those of the catalogue of executor bugs in the project's notes:
//! fee recipient, native transfers, destruction, nonces and creation, EIP-7702, empty accounts,
//! versioned memory, mending, gas and receipts, block phases, invalid transactions, access lists, shared caches,
//! output assembly, sharding.

pub mod access_lists;
pub mod caches;
pub mod delegation;
pub mod destruction;
pub mod empty_accounts;
pub mod fee_recipient;
pub mod gas_and_receipts;
pub mod invalid;
pub mod memory;
pub mod mending;
pub mod nonces;
pub mod output;
pub mod phases;
pub mod sharding;
pub mod transfers;

/// A bug.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its family's letter and a number, as in `B3`.
    pub id: &'static str,
    /// The wrong behaviour, in one line.
    pub title: &'static str,
    /// The smallest block that shows it.
    pub pattern: &'static str,
    /// Executors that have had it.
    pub precedent: &'static str,
    /// How it has to be found.
    pub tier: Tier,
    /// The code that contains it.
    pub reach: Reach,
}

/// How a fault has to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Within a minute.
    Must,
    /// Within five minutes.
    Rest,
    /// It needs a schedule that threads left to themselves seldom take.
    Schedule,
    /// Never: it changes no outcome. A scorer that detects it is wrong.
    Canary,
}

/// The code that contains a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In a candidate: it differs from the reference.
    Candidate,
    /// In what the reference has too, or the judge: only what others have written down shows it.
    Shared,
}

impl Tier {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Rest => "rest",
            Self::Schedule => "schedule",
            Self::Canary => "canary",
        }
    }
}

impl Reach {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Shared => "shared",
        }
    }
}

/// Declares the faults of a family.
macro_rules! family {
    ($($id:ident $name:ident $tier:ident $reach:ident: $title:literal; $pattern:literal; $precedent:literal.)*) => {
        $(
            #[doc = concat!(stringify!($id), ": ", $title)]
            pub static $name: crate::Fault = crate::Fault {
                id: stringify!($id),
                title: $title,
                pattern: $pattern,
                precedent: $precedent,
                tier: crate::Tier::$tier,
                reach: crate::Reach::$reach,
            };
        )*
        /// The family.
        pub static ALL: &[&crate::Fault] = &[$(&$name),*];
    };
}
pub(crate) use family;

/// Every fault, family by family.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    let families = [
        fee_recipient::ALL,
        transfers::ALL,
        destruction::ALL,
        nonces::ALL,
        delegation::ALL,
        empty_accounts::ALL,
        memory::ALL,
        mending::ALL,
        gas_and_receipts::ALL,
        phases::ALL,
        sharding::ALL,
        invalid::ALL,
        access_lists::ALL,
        caches::ALL,
        output::ALL,
    ];
    families.into_iter().flatten().copied()
}

/// The fault with this id.
pub fn named(id: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.id == id)
}

/// Whether this program can be made faulty at all.
pub const CAN_PLANT: bool = cfg!(feature = "planted");

#[cfg(feature = "planted")]
static PLANTED: std::sync::OnceLock<&'static Fault> = std::sync::OnceLock::new();

/// Plants a fault in this process, for good.
///
/// # Panics
/// When another one is planted already.
#[cfg(feature = "planted")]
pub fn plant(fault: &'static Fault) {
    PLANTED.set(fault).expect("one fault a process");
}

/// The fault that is planted in this process.
#[cfg(feature = "planted")]
pub fn planted() -> Option<&'static Fault> {
    PLANTED.get().copied()
}

/// None: this program carries no faults.
#[cfg(not(feature = "planted"))]
pub const fn planted() -> Option<&'static Fault> {
    None
}

impl Fault {
    /// Whether the program is to be wrong in this way.
    #[cfg(feature = "planted")]
    pub fn is_planted(&'static self) -> bool {
        PLANTED.get().is_some_and(|planted| std::ptr::eq(*planted, self))
    }

    /// Never: this program carries no faults.
    #[cfg(not(feature = "planted"))]
    #[inline(always)]
    pub const fn is_planted(&'static self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_id_is_there_once_and_every_family_has_some() {
        let ids: Vec<&str> = all().map(|fault| fault.id).collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(once.len(), ids.len());
        assert!(ids.len() >= 140, "{}", ids.len());
        let families: String =
            once.iter().map(|id| &id[..1]).collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(families, "ABCDEFGHIJKLMNO");
        assert!(all().any(|fault| fault.tier == Tier::Canary));
        assert_eq!(named("A1").unwrap().id, "A1");
        assert!(named("Z9").is_none());
    }
}

//! ethrex's EVM in every command of Lockstep: an implementation that shares nothing with revm.
//!
//! * `ethrex`: blocks one transaction after the other, Paris to Amsterdam.
//! * `ethrex-list`: blocks of Amsterdam in parallel, by their access list.

mod convert;
mod executor;
mod rules;
mod state;

use ethrex_crypto::{Crypto as _, NativeCrypto};
use executor::{Ethrex, Way};
use lockstep_model::Executor;
use std::process::ExitCode;

/// One permutation serves both sides: see `build.rs`.
fn hash_alike() -> bool {
    let text = [7; 1000];
    let ours = alloy_primitives::keccak256(text).0;
    ours == NativeCrypto.keccak256(&text)
        && ours
            == *alloy_primitives::b256!(
                "0xb072c83c7d140b935055c4c09179fe2d70a1f150ef8e62caaa8542305b2848b8"
            )
}

fn main() -> ExitCode {
    assert!(hash_alike(), "alloy and ethrex hash differently: see build.rs");
    let make = |way: Way| {
        move |threads: usize| Ok(Box::new(Ethrex::new(way, threads)?) as Box<dyn Executor>)
    };
    lockstep_cli::Lockstep::new()
        .executor("ethrex", make(Way::Sequential))
        .executor("ethrex-list", make(Way::List))
        .run()
}

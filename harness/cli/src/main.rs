//! The `lockstep` command.

#[cfg_attr(miri, expect(dead_code, reason = "the tests alone use it there"))]
mod allocator;

use std::process::ExitCode;

#[cfg(not(miri))]
use allocator::{Mappings, SplitBySize};
#[cfg(not(miri))]
use mimalloc::MiMalloc;

// Miri knows no foreign allocator; what it checks is the code around them.
#[cfg(not(miri))]
#[global_allocator]
static ALLOCATOR: SplitBySize<MiMalloc, Mappings> = SplitBySize::new(MiMalloc, Mappings);

fn main() -> ExitCode {
    allocator::allow_huge_pages();
    lockstep_cli::Lockstep::new().release_memory_with(allocator::release_memory).run()
}

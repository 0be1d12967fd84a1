//! The `lockstep` command.

#[cfg_attr(miri, expect(dead_code, reason = "the tests alone use it there"))]
mod allocator;

use lockstep_cli::MemoryMeter;
use std::process::ExitCode;

#[cfg(not(miri))]
use allocator::{Counted, Mappings, SplitBySize};
#[cfg(not(miri))]
use mimalloc::MiMalloc;

// Miri knows no foreign allocator; what it checks is the code around them.
#[cfg(not(miri))]
#[global_allocator]
static ALLOCATOR: Counted<SplitBySize<MiMalloc, Mappings>> =
    Counted::new(SplitBySize::new(MiMalloc, Mappings));

#[expect(unsafe_code, reason = "the allocator's border may be moved here and nowhere else")]
fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|command| command == "bench" || command == "gate") {
        // SAFETY: nothing has been allocated but the few words of the command line.
        unsafe { allocator::keep_memory() };
    }
    allocator::allow_huge_pages();
    lockstep_cli::Lockstep::new()
        .release_memory_with(allocator::release_memory)
        .measure_memory_with(MemoryMeter {
            allocator: "mimalloc",
            start: allocator::start_counting,
            stop: allocator::stop_counting,
        })
        .run()
}

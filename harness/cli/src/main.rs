//! The `lockstep` command.

mod allocator;

use allocator::{Mappings, SplitBySize};
use mimalloc::MiMalloc;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: SplitBySize<MiMalloc, Mappings> = SplitBySize::new(MiMalloc, Mappings);

fn main() -> ExitCode {
    lockstep_cli::Lockstep::new().run()
}

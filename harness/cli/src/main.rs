//! The `lockstep` command.

use std::process::ExitCode;

/// glibc's allocator costs every executor 5 to 8 % of its time, the reference included.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lockstep_cli::Lockstep::new().run()
}

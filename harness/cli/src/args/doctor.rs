//! `lockstep doctor`.

use super::{Color, PartiesArgs};
use clap::Args;

pub(super) const DOCTOR_ABOUT: &str = "\
Tells what is there and what is not: executors, official fixtures, clients, cores, memory, how quiet the machine is; and what to do \
about what is missing. Runs a few generated blocks through every executor, to see that they work here.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  lockstep doctor                           in the folder in which you work
  lockstep doctor --clients clients.toml    and whether these programs answer

Exit status:
  0  nothing is wrong; what is only missing is told
  1  an executor is wrong here, or a folder that is needed cannot be written
  2  the usage is wrong, or a client does not answer";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) parties: PartiesArgs,

    /// When to color
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

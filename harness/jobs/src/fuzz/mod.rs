//! A campaign: generated blocks, one after the other, through the reference and the candidates.
//!
//! * `plan`: what to do; decided before any work starts.
//! * `lanes`: what is checked on one block. The fast lane takes every block, the deep lane one in 64.
//! * `work`: the worker's side. * `campaign`: the job's side: seeds go out, blocks and crashes come in.
//! * `history`: what each transaction should have read.
//! * `metamorphic`: what must hold without a reference.
//! * `tally`: what was seen.
//!
//! The seed of a campaign is the seed of its first block; the others follow. One seed in 8 is that of a
//! chain: further blocks, each on the state that the one before has left. So a seed reproduces its blocks:
//! `--seed N --blocks 1`.

mod campaign;
mod history;
mod lanes;
mod metamorphic;
mod plan;
mod tally;
mod work;

pub use campaign::{Tell, run};
pub use lanes::{Checked, DEEP_EVERY, Lanes, block_of_chain};
pub use plan::{FindDependencies, FuzzPlan};
pub use tally::{Found, MOST_REPRESENTATIVES, Status, Sums, Tally};
pub use work::{Done, Seeds, work};

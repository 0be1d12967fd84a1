//! Records and their renderers.
//!
//! * [`record`]: results of `check`; [`samples`]: measurements of `bench`.
//! * The other modules render: a renderer is a function of a record.

/// The first line of a text as JSON, null where it is none: what a file is, its content tells.
fn first_line(text: &str) -> serde_json::Value {
    serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_default()
}

pub mod bench;
pub mod board;
pub mod ctrf;
pub mod faults;
pub mod found;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod profile;
pub mod projections;
pub mod record;
pub mod results;
pub mod runner;
pub mod samples;
pub mod sarif;
pub mod schedules;
pub mod schema;
pub mod simulation;
pub mod slow_blocks;
pub mod terminal;

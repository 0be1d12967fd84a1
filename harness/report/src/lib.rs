//! Records and their renderers.
//!
//! * [`record`]: results of `check`; [`samples`]: measurements of `bench`.
//! * The other modules render: a renderer is a function of a record.

/// Whether the first line of a text is a JSON object with this member: what a file is, its content tells.
fn begins_with(text: &str, member: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let line = serde_json::from_str::<serde_json::Value>(first).unwrap_or_default();
    line.get(member).is_some()
}

pub mod bench;
pub mod board;
pub mod faults;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod profile;
pub mod projections;
pub mod record;
pub mod runner;
pub mod samples;
pub mod schedules;
pub mod schema;
pub mod simulation;
pub mod terminal;

//! Reports: functions of results and records, one file a format.

pub mod json;
pub mod terminal;

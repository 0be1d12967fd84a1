//! A run, seen while it goes.
//!
//! * [`view`]: what there is to see, as plain data. * [`Live`]: the view of a run in progress, shared between the
//!   run, which fills it in, and its views.
//! * [`terminal`]: a dashboard in a terminal, with keys. * [`web`]: a page in a browser, read-only.
//!
//! The view is behind a lock that is held for as long as it takes to copy figures in, to copy the view, or to draw it.

pub mod terminal;
pub mod view;
pub mod web;

mod live;

pub use live::{Control, Live};
pub use view::View;

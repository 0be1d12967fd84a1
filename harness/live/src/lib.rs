//! A run, seen while it goes.
//!
//! * [`view`]: what there is to see, as plain data. * [`Live`]: the view of a run in progress, shared between the
//!   run that fills it in and whoever looks.
//! * [`terminal`]: a dashboard in a terminal, with keys. * [`web`]: a page in a browser, read-only.
//!
//! Who looks never waits for the run, nor the run for who looks: the view is behind a lock that is held for as
//! long as it takes to copy a few numbers in or to write the view out.

pub mod terminal;
pub mod view;
pub mod web;

mod live;

pub use live::{Control, Live};
pub use view::View;

//! A dashboard in a terminal.
//!
//! * [`Dashboard`]: the thread that draws and listens to keys. * `draw`: a view as it is drawn.
//! * `keys`: what a key does. * `held`: what the run prints meanwhile.

mod dashboard;
mod draw;
mod held;
mod keys;

pub use dashboard::Dashboard;

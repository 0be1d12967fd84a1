//! A page in a browser: one HTML file, and the events that fill it in.
//!
//! * [`serve`]: the server. * `guard`: which requests are answered. * `events`: the stream of views.
//!
//! The page is read-only: nothing that a browser sends changes a run.

mod events;
mod guard;
mod server;

pub use server::{Address, DEFAULT_ADDRESS, Server, serve};

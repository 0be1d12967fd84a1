//! Runs that are watched while they go.
//!
//! * [`Shown`]: the dashboard and the page of a run. * `fuzz`, `check`, `bench`: what there is to see of each.

mod bench;
mod check;
mod fuzz;

use crate::args::LiveArgs;
use anyhow::{Context, Result, bail};
use lockstep_live::{
    Control, Live, View,
    terminal::Dashboard,
    view::State,
    web::{Address, serve},
};
use std::{
    env,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

pub(crate) use bench::{began, measured, wrong};
pub(crate) use check::{at_work, failed, judged};
pub(crate) use fuzz::progress;

/// How often a view is filled in: often enough for the eye, rarely enough to cost nothing.
const FILL_EVERY: Duration = Duration::from_millis(200);

/// How long pages have to hear of the end: twice as long as they are told of something new.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// A run that is watched.
#[derive(Debug)]
pub(crate) struct Shown {
    live: Live,
    dashboard: Option<Dashboard>,
    is_served: bool,
    filled: Option<Instant>,
    start: Instant,
}

impl Shown {
    /// Opens the views that were asked for; `None` where there are none.
    pub(crate) fn open(
        args: &LiveArgs,
        (command, about): (&str, &str),
        unit: &'static str,
        control: Control,
    ) -> Result<Option<Self>> {
        if !args.is_asked() {
            return Ok(None);
        }
        let view = View {
            command: command.to_owned(),
            about: about.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            unit,
            ..View::default()
        };
        let live = Live::new(view, control);
        if let Some(address) = args.serve {
            serve_at(&live, address, "--serve")?;
        }
        let dashboard = args.live.then(|| Dashboard::open(live.clone())).transpose();
        let dashboard = dashboard.context("--live")?;
        let is_served = args.serve.is_some();
        Ok(Some(Self { live, dashboard, is_served, filled: None, start: Instant::now() }))
    }

    /// Whether it is time to fill the view in again.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.filled.is_none_or(|filled| filled.elapsed() >= FILL_EVERY);
        if is_due {
            self.filled = Some(Instant::now());
        }
        is_due
    }

    /// Fills the view in.
    pub(crate) fn fill(&self, fill: impl FnOnce(&mut View)) {
        self.live.update(fill);
    }

    /// For how long the run is watched, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// The time, in words, as a finding of now has it.
    pub(crate) fn now(&self) -> String {
        after(self.seconds())
    }

    /// The run is over: gives the terminal back.
    pub(crate) fn finish(&mut self) {
        self.live.update(|view| view.state = State::Finished);
        self.dashboard = None;
        if self.is_served {
            // Pages are told of the end before the server goes with this process.
            thread::sleep(LAST_LOOK);
        }
    }
}

/// Serves a run, and says where.
pub(crate) fn serve_at(live: &Live, address: SocketAddr, option: &str) -> Result<()> {
    let token = env::var("LOCKSTEP_TOKEN").ok().filter(|token| !token.is_empty());
    if token.iter().any(|token| !token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
        bail!("LOCKSTEP_TOKEN: expected letters, digits and `-` alone: it is a part of an address");
    }
    let server = serve(live.clone(), Address { at: address, token }).with_context(|| {
        format!("{option} {address}: cannot listen there; another address, or port 0 for any")
    })?;
    crate::output::err(&format!("serving {server}\n"));
    Ok(())
}

/// The text, cut after so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The longest text of a finding that is shown.
const LONGEST: usize = 2_000;

/// A time since the start, in words.
fn after(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("after {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

//! A live line on stderr, when that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockstep_report::record::Record;
use std::{io::IsTerminal, time::Duration};

/// The live line.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shown where stderr is a terminal.
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}");
        bar.set_style(style.expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(Some(bar))
    }

    /// Shows where the run is.
    pub(crate) fn show(&self, record: &Record) {
        let Some(bar) = &self.0 else { return };
        let counts = record.counts;
        bar.set_message(format!(
            "{} tests, {} passed, {} failed, {} skipped, {} unreadable",
            counts.tests,
            counts.passed,
            counts.failed,
            counts.skipped,
            record.unreadable.len()
        ));
    }

    /// Shows a line.
    pub(crate) fn say(&self, line: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(line.to_owned());
        }
    }

    /// Prints without tearing the line.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

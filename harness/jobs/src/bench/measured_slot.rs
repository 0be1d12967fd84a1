//! One executor on one block: its runs, their times and their verdict.

use super::{
    import::{Commitments, import},
    machine,
    plan::MemoryMeter,
    receipts::ReceiptClock,
    watch::Watch,
};
use crate::import::Importer;
use lockstep_engine::panic_text;
use lockstep_judge::{compare::compare_outcomes, runnable::Runnable};
use lockstep_model::{
    Case, Execution, Executor, ExecutorError, Outcome, Prepared, RunOptions, Telemetry,
};
use lockstep_report::{
    record::Verdict,
    samples::{ReceiptTimes, Stages, Usage},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How long helper threads may go on after a run until their time is not counted.
pub(super) const QUIET_AFTER: Duration = Duration::from_millis(1);

/// One executor on one block.
pub(super) struct MeasuredSlot {
    label: String,
    prepared: Result<Box<dyn Prepared>, String>,
    pub(super) times: Vec<u64>,
    pub(super) stages: Stages,
    pub(super) usage: Usage,
    pub(super) receipts: Option<ReceiptTimes>,
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
    pub(super) telemetry: Telemetry,
}

impl MeasuredSlot {
    /// Prepares nothing yet.
    pub(super) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            prepared: Err("not prepared".to_owned()),
            times: Vec::new(),
            stages: Stages::default(),
            usage: Usage::default(),
            receipts: None,
            verdict: Verdict::Agreed,
            reason: None,
            telemetry: Telemetry::default(),
        }
    }

    /// Prepares the block anew, and runs it once: that run is judged, and not timed.
    pub(super) fn begin(
        &mut self,
        executor: &mut dyn Executor,
        case: &Case,
        (block, right, watch): (&Runnable, &Outcome, &Watch),
    ) {
        watch.begin(&self.label);
        self.prepared = guarded(|| executor.prepare(case, &RunOptions::of(case)));
        watch.end();
        let timed = self.times.len();
        self.run(block, right, watch);
        self.times.truncate(timed);
        self.usage.processor_ns.truncate(timed);
    }

    /// Another run, for the times of single receipts: noting them would slow a timed run down.
    pub(super) fn watch_receipts(
        &mut self,
        executor: &mut dyn Executor,
        case: &Case,
        (block, right, watch): (&Runnable, &Outcome, &Watch),
    ) {
        if self.verdict != Verdict::Agreed {
            return;
        }
        let clock = Arc::new(ReceiptClock::default());
        let options = RunOptions { receipts: Some(clock.clone()), ..RunOptions::of(case) };
        let transactions = case.block.transactions.len();
        watch.begin(&self.label);
        let times = guarded(|| {
            let mut prepared = executor.prepare(case, &options)?;
            // The first run warms up.
            prepared.run()?;
            clock.clear(transactions);
            let start = Instant::now();
            let execution = prepared.run()?;
            Ok((clock.since(start), execution.outcome))
        });
        watch.end();
        match times {
            Ok((times, outcome)) => {
                self.judge(block, right, &outcome);
                self.receipts = ReceiptTimes::of(times, transactions);
            }
            Err(reason) => self.broke(reason),
        }
    }

    /// One timed run. A measured_slot that was wrong once has no time any more.
    pub(super) fn run(&mut self, block: &Runnable, right: &Outcome, watch: &Watch) {
        let label = self.label.clone();
        let Some(prepared) = self.prepared() else { return };
        watch.begin(&label);
        let before = machine::processor_time();
        let (outcome, time) = timed(prepared);
        watch.end();
        thread::sleep(QUIET_AFTER);
        let processor = machine::processor_time().saturating_sub(before);
        match outcome {
            Ok(execution) => {
                self.telemetry = execution.telemetry;
                self.times.push(time);
                self.usage.processor_ns.push(nanoseconds(processor));
                self.judge(block, right, &execution.outcome);
            }
            Err(reason) => self.broke(reason),
        }
    }

    /// One timed import of the whole block, by itself stage by stage, and then together.
    pub(super) fn import(
        &mut self,
        block: &Runnable,
        right: &Outcome,
        (importer, expected): (&Importer, &Commitments),
        watch: &Watch,
    ) {
        let label = self.label.clone();
        let Some(prepared) = self.prepared() else { return };
        watch.begin(&label);
        let done = guarded(|| Ok(import(block, prepared, importer, expected)));
        watch.end();
        match done {
            Ok(Ok(done)) => {
                done.times.push_to(&mut self.stages);
                self.judge(block, right, &done.outcome);
            }
            Ok(Err(wrong)) => (self.verdict, self.reason) = (Verdict::Diverged, Some(wrong)),
            Err(reason) => self.broke(reason),
        }
    }

    /// Whether all its runs were.
    pub(super) fn is_right(&self) -> bool {
        self.verdict == Verdict::Agreed
    }

    fn prepared(&mut self) -> Option<&mut dyn Prepared> {
        if self.verdict != Verdict::Agreed {
            return None;
        }
        match &mut self.prepared {
            Ok(prepared) => Some(&mut **prepared),
            Err(reason) => {
                (self.verdict, self.reason) = (Verdict::Inconclusive, Some(reason.clone()));
                None
            }
        }
    }

    fn judge(&mut self, block: &Runnable, right: &Outcome, outcome: &Outcome) {
        let found = compare_outcomes(&block.pre, right, outcome, &self.label);
        if let Some(difference) = found.first() {
            (self.verdict, self.reason) = (Verdict::Diverged, Some(difference.to_string()));
        }
    }

    fn broke(&mut self, reason: String) {
        (self.verdict, self.reason) = (Verdict::Inconclusive, Some(reason));
    }

    /// One more run, which is not timed: the first of a block, for what is kept between runs counts.
    pub(super) fn measure_memory(&mut self, meter: MemoryMeter) {
        let Ok(prepared) = &mut self.prepared else { return };
        (meter.start)();
        let execution = guarded(|| prepared.run());
        let peak = (meter.stop)();
        if execution.is_ok() {
            self.usage.peak_bytes = Some(peak);
        }
    }
}

/// Runs it; returns its result and its time in ns.
pub(super) fn timed(prepared: &mut dyn Prepared) -> (Result<Execution, String>, u64) {
    let start = Instant::now();
    let outcome = guarded(|| prepared.run());
    (outcome, nanoseconds(start.elapsed()))
}

/// A panic is an answer too.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, ExecutorError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("panicked: {}", panic_text(&*panic))),
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

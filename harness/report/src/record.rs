//! The record of a run: plain data that every renderer reads.

use alloy_primitives::B256;
use lockstep_cases::pack::Packing;
use lockstep_formats::{OtherFile, SourceError};
use lockstep_judge::{definition::SourceKind, difference::Difference};
use lockstep_model::Telemetry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, time::Duration};

/// How a test ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every expectation met, every executor agrees.
    Passed,
    /// Diverged, expectation missed, hung, or inconclusive.
    Failed,
    /// Failed as the reviewed list says it would.
    Known,
    /// Missed an expectation of a draft; the executors agree.
    Outdated,
    /// Not run, for a reason.
    Skipped,
}

/// The verdict on a case.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every candidate did as the reference did.
    Agreed,
    /// One did not.
    Diverged,
    /// Cannot be said.
    #[default]
    Inconclusive,
    /// A run did not end within its limit.
    Hung,
}

impl Verdict {
    /// The worse of two.
    #[must_use]
    pub fn worse_of(self, other: Self) -> Self {
        let rank = |verdict| match verdict {
            Self::Agreed => 0,
            Self::Inconclusive => 1,
            Self::Hung => 2,
            Self::Diverged => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// The number of cases of one test with each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of verdicts")]
pub struct Cases {
    pub agreed: usize,
    pub diverged: usize,
    pub inconclusive: usize,
    pub hung: usize,
}

impl Cases {
    /// One case.
    pub fn of(verdict: Verdict) -> Self {
        let mut cases = Self::default();
        cases.add(verdict);
        cases
    }

    /// Adds a case.
    pub const fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Agreed => &mut self.agreed,
            Verdict::Diverged => &mut self.diverged,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Hung => &mut self.hung,
        } += 1;
    }

    /// All of them.
    pub const fn count(self) -> usize {
        self.agreed + self.diverged + self.inconclusive + self.hung
    }
}

/// The result of one test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestResult {
    /// The test's id.
    pub id: String,
    /// The archive, folder or file that the user named and that led to it.
    pub origin: String,
    /// Its source.
    pub source: SourceKind,
    /// Its fork.
    pub fork: String,
    /// How it ended.
    pub status: Status,
    /// The verdict; `None` where it was not run.
    pub verdict: Option<Verdict>,
    /// Why it did not simply pass.
    pub reason: Option<String>,
    /// All differences.
    pub differences: Vec<Difference>,
    /// Expectations that could not be decided.
    pub undecidable: Vec<Cow<'static, str>>,
    /// How long it took, all executors together. Shown, never compared.
    pub time_ns: u64,
    /// Verdicts on its cases, counted.
    pub cases: Cases,
    /// The runs of the executors.
    pub runs: Vec<Run>,
    /// The packed block, if it is one.
    pub packed: Option<PackedBlock>,
    /// The reference's outcome on each case, where it was asked for.
    #[serde(default)]
    pub outcomes: Vec<CaseOutcome>,
    /// The state roots that a witness proves, where the test has one.
    #[serde(default)]
    pub roots: Option<ProvedRoots>,
}

impl TestResult {
    /// How a failed test failed.
    pub const fn failure(&self) -> &'static str {
        match self.verdict {
            Some(Verdict::Agreed) | None => "expectation missed",
            Some(Verdict::Diverged) => "diverged",
            Some(Verdict::Inconclusive) => "inconclusive",
            Some(Verdict::Hung) => "hung",
        }
    }
}

/// State roots that the tries of a witness prove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvedRoots {
    /// Blocks whose witness proves the root before: a header of the parent names it.
    pub before: usize,
    /// Blocks whose root afterwards, computed from the tries, is that of the header.
    pub after: usize,
    /// Unknown nodes that a removal collapsed onto, taken for branches; the root confirms it.
    pub assumed: usize,
    /// Blocks with a witness.
    pub blocks: usize,
}

impl ProvedRoots {
    /// Adds other blocks.
    pub const fn add(&mut self, other: Self) {
        self.before += other.before;
        self.after += other.after;
        self.assumed += other.assumed;
        self.blocks += other.blocks;
    }
}

/// The reference's outcome of one case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseOutcome {
    /// The block of a test that has several, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<usize>,
    /// Why the block was rejected: then it left the state as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// Rules that a block breaks although it can be executed: header or body say otherwise than the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// The block's number, where it has a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The block's hash, where it has a header.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<B256>,
    /// How the executor ran; nothing where the block was rejected before.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<lockstep_model::Mode>,
    /// The root of the state after the block; of the known part of it, where the pre-state is partial.
    #[schemars(with = "String")]
    pub state_root: B256,
    /// The root of the receipts.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts_root: Option<B256>,
    /// Keccak-256 of the RLP of all logs.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs_hash: Option<B256>,
    /// Gas used by the block.
    #[serde(default)]
    pub gas_used: u64,
}

/// One executor's run of a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// The executor's label.
    pub executor: String,
    /// The verdict; the reference's own run is agreed.
    pub verdict: Verdict,
    /// Its telemetry, self-reported.
    pub telemetry: Telemetry,
}

/// The packed block that a recipe became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedBlock {
    /// `disjoint`, `shared` or `invalid`.
    pub mode: Cow<'static, str>,
    /// The tests in the block, in block order.
    pub members: Vec<String>,
    /// Tests that were left out because their outcome depends on the block around them.
    pub left_out: usize,
}

/// Counts of tests and cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the JSON summary, explained in DESIGN")]
pub struct Counts {
    pub tests: usize,
    pub passed: usize,
    pub failed: usize,
    pub known: usize,
    pub outdated: usize,
    pub skipped: usize,
    pub cases: usize,
    pub agreed: usize,
    pub diverged: usize,
    pub inconclusive: usize,
    pub hung: usize,
}

impl Counts {
    fn add(&mut self, result: &TestResult) {
        self.tests += 1;
        *match result.status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Known => &mut self.known,
            Status::Outdated => &mut self.outdated,
            Status::Skipped => &mut self.skipped,
        } += 1;
        self.cases += result.cases.count();
        self.agreed += result.cases.agreed;
        self.diverged += result.cases.diverged;
        self.inconclusive += result.cases.inconclusive;
        self.hung += result.cases.hung;
    }
}

impl Counts {
    fn merge(&mut self, other: Self) {
        self.tests += other.tests;
        self.passed += other.passed;
        self.failed += other.failed;
        self.known += other.known;
        self.outdated += other.outdated;
        self.skipped += other.skipped;
        self.cases += other.cases;
        self.agreed += other.agreed;
        self.diverged += other.diverged;
        self.inconclusive += other.inconclusive;
        self.hung += other.hung;
    }
}

/// Whether an executor's parallelism was seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It has one thread: nothing to prove.
    #[default]
    NotAsked,
    /// It says that it is sequential, whatever threads it was given.
    NotClaimed,
    /// Two transactions had reads in flight at once.
    Proved,
    /// They never had, though the executor was given two threads and more.
    Refuted,
}

/// Totals of one executor over the whole run.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ExecutorTotals {
    pub cases: usize,
    pub agreed: usize,
    pub diverged: usize,
    pub inconclusive: usize,
    pub hung: usize,
    pub overlap: Overlap,
    /// The mode of its runs; sequential only where all of them were.
    pub mode: lockstep_model::Mode,
    /// Most threads that took part in one run.
    pub threads: usize,
    pub executions: u64,
    pub re_executions: u64,
    pub validations: u64,
    pub suspensions: u64,
    /// Transactions mended instead of executed again.
    #[serde(default)]
    pub mended: u64,
}

impl ExecutorTotals {
    fn add(&mut self, run: &Run) {
        self.cases += 1;
        *match run.verdict {
            Verdict::Agreed => &mut self.agreed,
            Verdict::Diverged => &mut self.diverged,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Hung => &mut self.hung,
        } += 1;
        // One run that claims to be parallel is a claim.
        if run.telemetry.mode != lockstep_model::Mode::Sequential {
            self.mode = run.telemetry.mode;
        }
        self.threads = self.threads.max(run.telemetry.threads);
        self.executions += run.telemetry.executions;
        self.re_executions += run.telemetry.re_executions;
        self.validations += run.telemetry.validations;
        self.suspensions += run.telemetry.suspensions;
        self.mended += run.telemetry.mended;
    }
}

impl ExecutorTotals {
    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        self.agreed += other.agreed;
        self.diverged += other.diverged;
        self.inconclusive += other.inconclusive;
        self.hung += other.hung;
        self.overlap = self.overlap.worse_of(other.overlap);
        if other.mode != lockstep_model::Mode::Sequential {
            self.mode = other.mode;
        }
        self.threads = self.threads.max(other.threads);
        self.executions += other.executions;
        self.re_executions += other.re_executions;
        self.validations += other.validations;
        self.suspensions += other.suspensions;
        self.mended += other.mended;
    }
}

impl Overlap {
    /// The verdict over two runs: one refutation refutes, one proof proves.
    fn worse_of(self, other: Self) -> Self {
        let rank = |overlap| match overlap {
            Self::NotAsked => 0,
            Self::NotClaimed => 1,
            Self::Proved => 2,
            Self::Refuted => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Packed blocks of one mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PackedTotals {
    pub blocks: usize,
    pub transactions: usize,
    /// Transactions in blocks of 32 and more.
    pub in_blocks_of_32: usize,
    pub left_out: usize,
    /// Executions and re-executions by the candidates.
    pub executions: u64,
    pub re_executions: u64,
}

impl PackedTotals {
    fn merge(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.transactions += other.transactions;
        self.in_blocks_of_32 += other.in_blocks_of_32;
        self.left_out += other.left_out;
        self.executions += other.executions;
        self.re_executions += other.re_executions;
    }
}

/// Everything that came of a run.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// All tests.
    pub counts: Counts,
    /// By source and fork.
    pub by_source: BTreeMap<(SourceKind, String), Counts>,
    /// Skipped, known and outdated tests by reason.
    pub reasons: BTreeMap<(Status, String), usize>,
    /// Expectations that could not be decided.
    pub undecidable: BTreeMap<Cow<'static, str>, usize>,
    /// State roots that witnesses prove, by fork.
    pub roots: BTreeMap<String, ProvedRoots>,
    /// Failed tests, in the order in which they failed.
    pub failures: Vec<TestResult>,
    /// Inputs that could not be read.
    pub unreadable: Vec<SourceError>,
    /// Files without tests for us.
    pub others: Vec<OtherFile>,
    /// By executor.
    pub executors: BTreeMap<String, ExecutorTotals>,
    /// The packer's counts, if it was asked to pack.
    pub packing: Option<Packing>,
    /// Packed blocks by mode.
    pub packed: BTreeMap<Cow<'static, str>, PackedTotals>,
    /// Failures of the run itself: an executor that is not parallel, a known entry that nothing
    /// needs.
    pub complaints: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether it was ended early.
    pub interrupted: bool,
}

impl Record {
    /// Adds one test.
    pub fn add(&mut self, result: TestResult) {
        self.counts.add(&result);
        self.by_source.entry((result.source, result.fork.clone())).or_default().add(&result);
        if let Some(reason) = &result.reason
            && matches!(result.status, Status::Skipped | Status::Known | Status::Outdated)
        {
            *self.reasons.entry((result.status, reason.clone())).or_default() += 1;
        }
        if let Some(roots) = result.roots {
            self.roots.entry(result.fork.clone()).or_default().add(roots);
        }
        for why in &result.undecidable {
            *self.undecidable.entry(why.clone()).or_default() += 1;
        }
        for run in &result.runs {
            self.executors.entry(run.executor.clone()).or_default().add(run);
        }
        self.add_packed(&result);
        if result.status == Status::Failed {
            self.failures.push(result);
        }
    }

    fn add_packed(&mut self, result: &TestResult) {
        let Some(packed) = &result.packed else { return };
        let totals = self.packed.entry(packed.mode.clone()).or_default();
        totals.left_out += packed.left_out;
        if result.status == Status::Skipped {
            return;
        }
        let size = packed.members.len();
        totals.blocks += 1;
        totals.transactions += size;
        if size >= 32 {
            totals.in_blocks_of_32 += size;
        }
        // The first run is the reference's.
        for run in result.runs.iter().skip(1) {
            totals.executions += run.telemetry.executions;
            totals.re_executions += run.telemetry.re_executions;
        }
    }

    /// Adds what another part of the same run gave. Times add up: each part has had its machine.
    pub fn merge(&mut self, other: Self) {
        self.counts.merge(other.counts);
        for (key, counts) in other.by_source {
            self.by_source.entry(key).or_default().merge(counts);
        }
        for (key, count) in other.reasons {
            *self.reasons.entry(key).or_default() += count;
        }
        for (fork, roots) in other.roots {
            self.roots.entry(fork).or_default().add(roots);
        }
        for (why, count) in other.undecidable {
            *self.undecidable.entry(why).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.unreadable.extend(other.unreadable);
        self.others.extend(other.others);
        for (label, totals) in other.executors {
            self.executors.entry(label).or_default().merge(totals);
        }
        for (mode, totals) in other.packed {
            self.packed.entry(mode).or_default().merge(totals);
        }
        self.packing = self.packing.or(other.packing);
        self.complaints.extend(other.complaints);
        self.elapsed += other.elapsed;
        self.interrupted |= other.interrupted;
    }

    /// The exit status: 1 something failed, else 2 something could not be read, else 4 nothing
    /// ran, else 0.
    pub fn exit_status(&self) -> u8 {
        if self.counts.failed > 0 || !self.complaints.is_empty() {
            1
        } else if !self.unreadable.is_empty() {
            2
        } else if self.ran() == 0 {
            4
        } else {
            0
        }
    }

    /// Files without tests, by what they are.
    pub fn others_by_reason(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for other in &self.others {
            by_reason.entry(&other.reason).or_default().push(&other.file);
        }
        by_reason
    }

    /// Tests that were decided, with or without execution.
    pub const fn ran(&self) -> usize {
        self.counts.tests - self.counts.skipped
    }
}

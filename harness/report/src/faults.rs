//! The search for planted faults, and the score.

use lockstep_faults::{Fault, Reach, Tier};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A way of looking for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// `lockstep fuzz`.
    Fuzz,
    /// `lockstep check` of the built-in set, with the blocks that once showed a bug.
    BuiltIn,
    /// `lockstep check` of official tests as they are.
    Official,
    /// The same, packed into blocks.
    Packed,
    /// `lockstep check` of real blocks.
    Real,
    /// `lockstep check` of the conformance suite.
    Suite,
}

impl Means {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Fuzz, Self::BuiltIn, Self::Official, Self::Packed, Self::Real, Self::Suite];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fuzz => "fuzz",
            Self::BuiltIn => "built-in set",
            Self::Official => "official tests",
            Self::Packed => "packed tests",
            Self::Real => "real blocks",
            Self::Suite => "suite",
        }
    }
}

/// The result of one means of search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Blocks, or tests, that were looked at.
    pub looked_at: u64,
    /// For how long.
    pub seconds: f64,
    /// The run that detected it, or all that were made. One run does where no schedule is needed.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub runs: u32,
    /// The detection of the fault, if it was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one(runs: &u32) -> bool {
    *runs == 1
}

impl Search {
    /// Nothing was looked at yet.
    pub const fn new() -> Self {
        Self { looked_at: 0, seconds: 0.0, runs: 1, detection: None }
    }
}

impl Default for Search {
    fn default() -> Self {
        Self::new()
    }
}

/// The detection of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// The block or test.
    pub case: String,
    /// The seed of the block, where it was generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Kind of the difference, as in `diverged: receipt gasUsed`.
    pub kind: String,
}

/// All that is known of one fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The fault.
    pub id: String,
    /// The wrong behaviour, in one line.
    pub title: String,
    /// Executors that had it.
    pub precedent: String,
    /// `must`, `rest`, `schedule` or `canary`.
    pub tier: String,
    /// Whether candidates alone have it, or the judge too.
    pub reach: String,
    /// The result of each means of search.
    pub searches: BTreeMap<Means, Search>,
    /// Whether the seed that gave it away agrees without the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_clean_without: Option<bool>,
    /// How many of five campaigns from that seed found it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
}

/// Campaigns that must find a fault again, of [`REPEATS`].
pub const ENOUGH_REPEATS: u32 = 3;
/// Campaigns from the block that gave a fault away.
pub const REPEATS: u32 = 5;

impl Row {
    /// Nothing is known yet.
    pub fn new(fault: &Fault) -> Self {
        Self {
            id: fault.id.to_owned(),
            title: fault.title.to_owned(),
            precedent: fault.precedent.to_owned(),
            tier: fault.tier.name().to_owned(),
            reach: fault.reach.name().to_owned(),
            searches: BTreeMap::new(),
            is_clean_without: None,
            repeats: None,
        }
    }

    /// Adds the result of one means of search.
    pub fn add(&mut self, means: Means, search: Search) {
        self.searches.insert(means, search);
    }

    /// The detection by this means, if it counts: a seed that differs without the fault, or finds it too
    /// seldom, does not.
    pub fn detection(&self, means: Means) -> Option<&Detection> {
        let found = self.searches.get(&means)?.detection.as_ref()?;
        let counts = means != Means::Fuzz
            || self.is_clean_without != Some(false)
                && self.repeats.is_none_or(|repeats| repeats >= ENOUGH_REPEATS);
        counts.then_some(found)
    }

    /// Whether it was found in any way.
    pub fn is_detected(&self) -> bool {
        Means::ALL.iter().any(|means| self.detection(*means).is_some())
    }

    /// By official tests as their authors wrote them.
    fn is_detected_officially(&self) -> bool {
        self.detection(Means::Official).is_some()
    }

    /// By one run of the conformance suite.
    fn is_detected_by_suite_at_once(&self) -> bool {
        self.detection(Means::Suite).is_some() && self.searches[&Means::Suite].runs == 1
    }

    fn is(&self, tier: Tier) -> bool {
        self.tier == tier.name()
    }

    /// Whether the means at hand could show it. A fault that judge and executors share shows only against
    /// expectations that others have written, or on a block that is kept because it once did.
    fn applies(&self) -> bool {
        let by_others = |means: &Means| !matches!(means, Means::Fuzz | Means::BuiltIn);
        self.reach == Reach::Candidate.name()
            || self.searches.keys().any(by_others)
            || self.is_detected()
    }
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Found.
    pub detected: usize,
    /// Faults in total.
    pub of: usize,
}

impl Score {
    fn of<'a>(rows: impl Iterator<Item = &'a Row>, is_detected: impl Fn(&Row) -> bool) -> Self {
        let mut score = Self::default();
        for row in rows {
            score.of += 1;
            score.detected += usize::from(is_detected(row));
        }
        score
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        100.0 * self.detected as f64 / self.of.max(1) as f64
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({:.0} %)", self.detected, self.of, self.percent())
    }
}

/// The scores of a campaign.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    /// Everything but the canary.
    pub all: Score,
    /// The same, by official tests alone; `None` where none were given.
    pub official: Option<Score>,
    /// The same, by one run of the conformance suite, and by several; `None` where it was not run.
    pub suite: Option<(Score, Score)>,
    /// Those that must be found.
    pub must: Score,
    /// Those that are neither.
    pub rest: Score,
    /// Those that need a controlled schedule.
    pub schedule: Score,
    canaries_detected: usize,
    not_applicable: usize,
}

/// Least percentage of the faults in the rest tier that must be found.
const ENOUGH_OF_THE_REST: f64 = 95.0;

impl Scores {
    /// The scores of these rows.
    pub fn of(rows: &[Row]) -> Self {
        let faults = || rows.iter().filter(|row| !row.is(Tier::Canary) && row.applies());
        let tier = |tier| Score::of(faults().filter(move |row| row.is(tier)), Row::is_detected);
        let has_official = rows.iter().any(|row| row.searches.contains_key(&Means::Official));
        let has_suite = rows.iter().any(|row| row.searches.contains_key(&Means::Suite));
        let by_suite = |is_detected: fn(&Row) -> bool| Score::of(faults(), is_detected);
        Self {
            suite: has_suite.then(|| {
                let at_last = |row: &Row| row.detection(Means::Suite).is_some();
                (by_suite(Row::is_detected_by_suite_at_once), by_suite(at_last))
            }),
            all: Score::of(faults(), Row::is_detected),
            official: has_official.then(|| {
                let tried = |row: &&Row| row.searches.contains_key(&Means::Official);
                Score::of(faults().filter(tried), Row::is_detected_officially)
            }),
            must: tier(Tier::Must),
            rest: tier(Tier::Rest),
            schedule: tier(Tier::Schedule),
            canaries_detected: rows
                .iter()
                .filter(|row| row.is(Tier::Canary) && row.is_detected())
                .count(),
            not_applicable: rows.iter().filter(|row| !row.applies()).count(),
        }
    }

    /// Whether the harness is as good as it must be.
    pub fn is_good(&self) -> bool {
        self.must.detected == self.must.of
            && (self.rest.of == 0 || self.rest.percent() >= ENOUGH_OF_THE_REST)
            && self.canaries_detected == 0
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((once, at_last)) = self.suite {
            writeln!(
                f,
                "One run of the suite reveals {once} of the catalogue, repeated runs {at_last}."
            )?;
        }
        if let Some(official) = self.official {
            write!(
                f,
                "Official tests alone catch {official} of those of the catalogue that they were tried on, "
            )?;
        }
        if self.suite.is_none() || self.official.is_some() {
            writeln!(f, "Lockstep {}.", self.all)?;
        }
        writeln!(
            f,
            "Must be found: {}; the rest: {}; those that need a controlled schedule: {}.",
            self.must, self.rest, self.schedule
        )?;
        if self.not_applicable > 0 {
            writeln!(
                f,
                "{} faults are in what judge and executors share: only official tests can show them, \
                 and none were given (--official).",
                self.not_applicable
            )?;
        }
        if self.canaries_detected > 0 {
            writeln!(f, "A canary was \"detected\": the scorer is wrong.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_faults::named;

    fn row(id: &str, means: Option<Means>) -> Row {
        let mut row = Row::new(named(id).unwrap());
        let detection = Detection {
            case: "c".to_owned(),
            seed: Some(1),
            executor: None,
            kind: "diverged".to_owned(),
        };
        for known in [Means::Fuzz, Means::Official] {
            let detection = (means == Some(known)).then(|| detection.clone());
            row.add(known, Search { looked_at: 1, seconds: 1.0, detection, ..Search::new() });
        }
        row
    }

    #[test]
    fn a_canary_is_no_part_of_the_score_and_spoils_it_when_detected() {
        let rows = [row("A1", Some(Means::Fuzz)), row("G6", None)];
        assert_eq!(Scores::of(&rows).all, Score { detected: 1, of: 1 });
        assert!(Scores::of(&rows).is_good());
        let rows = [row("A1", Some(Means::Fuzz)), row("G6", Some(Means::Fuzz))];
        assert!(!Scores::of(&rows).is_good());
    }

    #[test]
    fn a_missed_must_is_not_good_enough_and_official_tests_have_a_score_of_their_own() {
        let rows = [row("A1", Some(Means::Official)), row("A2", None)];
        let scores = Scores::of(&rows);
        assert_eq!(scores.official, Some(Score { detected: 1, of: 2 }));
        assert!(!scores.is_good());
    }

    #[test]
    fn official_tests_are_scored_on_what_they_were_tried_on() {
        let mut untried = row("A2", Some(Means::Fuzz));
        untried.searches.remove(&Means::Official);
        let scores = Scores::of(&[row("A1", Some(Means::Official)), untried]);
        assert_eq!(scores.official, Some(Score { detected: 1, of: 1 }));
        assert_eq!(scores.all, Score { detected: 2, of: 2 });
    }

    #[test]
    fn a_fault_that_takes_the_suite_several_runs_is_no_part_of_its_first_score() {
        let by_suite = |id: &str, runs| {
            let mut row = row(id, Some(Means::Official));
            let mut search = row.searches[&Means::Official].clone();
            search.runs = runs;
            row.searches = [(Means::Suite, search)].into();
            row
        };
        let scores = Scores::of(&[by_suite("A1", 1), by_suite("A2", 3)]);
        let (once, at_last) = scores.suite.unwrap();
        assert_eq!((once, at_last), (Score { detected: 1, of: 2 }, Score { detected: 2, of: 2 }));
    }

    #[test]
    fn what_differs_without_the_fault_or_too_seldom_counts_for_nothing() {
        let mut wrong = row("A1", Some(Means::Fuzz));
        wrong.is_clean_without = Some(false);
        assert!(!wrong.is_detected());
        let mut seldom = row("A1", Some(Means::Fuzz));
        seldom.repeats = Some(2);
        assert!(!seldom.is_detected());
        seldom.repeats = Some(3);
        assert!(seldom.is_detected());
    }
}

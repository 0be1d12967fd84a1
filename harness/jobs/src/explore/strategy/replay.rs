//! As written down: a schedule to the letter, or the switches of one.

use super::{super::schedule::Schedule, Strategy};
use lockstep_model::NextStep;
use std::collections::BTreeMap;

/// Follows a schedule, and stops at the first choice that does not fit.
pub(crate) struct Replay {
    schedule: Schedule,
    /// The move, and the steps of it that are taken.
    at: (usize, u32),
    steps: u64,
}

impl Replay {
    pub(crate) const fn new(schedule: Schedule) -> Self {
        Self { schedule, at: (0, 0), steps: 0 }
    }
}

impl Strategy for Replay {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let (index, taken) = self.at;
        let number = self.steps + 1;
        let Some(planned) = self.schedule.moves.get(index) else {
            return Err(format!(
                "the schedule ends after {} choices, and the block is not done: it is cut short, or \
                 one of another executor",
                self.steps
            ));
        };
        let found = ready.iter().position(|step| step.worker == planned.worker);
        let fits = found.filter(|found| taken > 0 || ready[*found].kind == planned.kind);
        let Some(chosen) = fits else {
            let can: Vec<String> =
                ready.iter().map(|step| format!("{} {}", step.worker, step.kind)).collect();
            return Err(format!(
                "the schedule does not fit at choice {number}: it has worker {} {}, and the workers \
                 that can go on are: {}",
                planned.worker,
                planned.kind,
                can.join(", ")
            ));
        };
        self.at = if taken + 1 == planned.steps { (index + 1, 0) } else { (index, taken + 1) };
        self.steps = number;
        Ok(chosen)
    }
}

/// Another worker goes on than the one that would: where nothing is said, the same one goes on as long as it
/// can, and then the first that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Switch {
    /// The worker that took the last step; `None` at the start.
    pub from: Option<u32>,
    /// How many steps it has taken by then.
    pub after: u32,
    /// Who goes on.
    pub to: u32,
}

/// Goes on without a preemption but for these switches.
pub(crate) struct Switches {
    by_place: BTreeMap<(Option<u32>, u32), u32>,
    last: Option<u32>,
    taken: BTreeMap<u32, u32>,
}

impl Switches {
    pub(crate) fn new(switches: &[Switch]) -> Self {
        let by_place = switches.iter().map(|switch| ((switch.from, switch.after), switch.to));
        Self { by_place: by_place.collect(), last: None, taken: BTreeMap::new() }
    }

    /// All switches of a schedule.
    pub(crate) fn of(schedule: &Schedule) -> Vec<Switch> {
        let (mut from, mut taken) = (None, BTreeMap::<u32, u32>::new());
        let mut switches = Vec::with_capacity(schedule.moves.len());
        for made in &schedule.moves {
            let after = from.and_then(|from| taken.get(&from).copied()).unwrap_or_default();
            switches.push(Switch { from, after, to: made.worker });
            *taken.entry(made.worker).or_default() += made.steps;
            from = Some(made.worker);
        }
        switches
    }
}

impl Strategy for Switches {
    fn choose(&mut self, ready: &[NextStep]) -> Result<usize, String> {
        let of_worker = |worker: u32| ready.iter().position(|step| step.worker == worker);
        let taken = self.last.and_then(|last| self.taken.get(&last).copied()).unwrap_or_default();
        let to = self.by_place.get(&(self.last, taken)).copied();
        let chosen = to.and_then(of_worker).or_else(|| self.last.and_then(of_worker)).unwrap_or(0);
        let worker = ready[chosen].worker;
        *self.taken.entry(worker).or_default() += 1;
        self.last = Some(worker);
        Ok(chosen)
    }
}

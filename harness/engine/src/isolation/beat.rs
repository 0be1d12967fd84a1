//! The heartbeat of a worker process.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What a worker is at. Its meaning is the job's; `count` grows with every beat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beat {
    /// Beats so far. Zero: nothing has begun.
    pub count: u64,
    /// The trial: a seed, a number.
    pub trial: u64,
    /// A part of the trial.
    pub part: u64,
    /// The executor slot that runs.
    pub slot: u64,
    /// What is known of the trial by then.
    pub known: u64,
}

const WORDS: usize = 5;
const BYTES: usize = 8 * WORDS;

impl Beat {
    const fn words(self) -> [u64; WORDS] {
        [self.count, self.trial, self.part, self.slot, self.known]
    }

    const fn of([count, trial, part, slot, known]: [u64; WORDS]) -> Self {
        Self { count, trial, part, slot, known }
    }
}

/// The worker's side of its heartbeat.
#[derive(Debug)]
pub struct Heart {
    count: u64,
    to: Place,
}

/// The job's side of a worker's heartbeat.
#[derive(Debug)]
pub struct Pulse(Place);

/// Where beats are: in a file between processes, which outlives the writer; in memory between threads.
#[derive(Debug)]
enum Place {
    File(File),
    Memory(Arc<[AtomicU64; WORDS]>),
}

/// Both sides of a heartbeat between threads.
pub(super) fn in_memory() -> (Heart, Pulse) {
    let words = Arc::<[AtomicU64; WORDS]>::default();
    (Heart { count: 0, to: Place::Memory(words.clone()) }, Pulse(Place::Memory(words)))
}

impl Heart {
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        Ok(Self { count: 0, to: Place::File(File::options().write(true).open(path)?) })
    }

    /// Writes what the worker is at now; counts.
    pub fn beat(&mut self, beat: Beat) {
        self.count += 1;
        let words = Beat { count: self.count, ..beat }.words();
        match &self.to {
            Place::File(file) => {
                let mut bytes = [0; BYTES];
                for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
                    place.copy_from_slice(&word.to_ne_bytes());
                }
                // Where it cannot be written the job sees a worker that stands still, and says so.
                let _ = file.write_all_at(&bytes, 0);
            }
            Place::Memory(all) => {
                // Relaxed: the job only asks whether they still change; names are read for reports alone.
                all.iter()
                    .zip(words)
                    .for_each(|(place, word)| place.store(word, Ordering::Relaxed));
            }
        }
    }
}

impl Pulse {
    pub(super) const fn in_file(file: File) -> Self {
        Self(Place::File(file))
    }

    /// The last beat.
    pub fn last(&self) -> Beat {
        match &self.0 {
            Place::File(file) => {
                let mut bytes = [0; BYTES];
                if file.read_exact_at(&mut bytes, 0).is_err() {
                    return Beat::default();
                }
                let mut words = [0; WORDS];
                for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                    *word = u64::from_ne_bytes(bytes.try_into().expect("chunks of eight"));
                }
                Beat::of(words)
            }
            Place::Memory(all) => {
                Beat::of(std::array::from_fn(|index| all[index].load(Ordering::Relaxed)))
            }
        }
    }
}

/// For how long a heart has not beaten.
#[derive(Debug, Clone, Copy)]
pub struct Standstill {
    last: Beat,
    since: Instant,
}

impl Default for Standstill {
    fn default() -> Self {
        Self { last: Beat::default(), since: Instant::now() }
    }
}

impl Standstill {
    /// Looks at the last beat: how long it has been the last one.
    pub fn look(&mut self, last: Beat) -> Duration {
        if last != self.last {
            *self = Self { last, since: Instant::now() };
        }
        self.since.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_beat_is_read_from_file_and_memory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let in_file = || {
            let heart = Heart::in_file(file.path()).unwrap();
            (heart, Pulse::in_file(file.reopen().unwrap()))
        };
        for (mut heart, pulse) in [in_file(), in_memory()] {
            assert_eq!(pulse.last(), Beat::default());
            heart.beat(Beat { trial: 7, ..Beat::default() });
            heart.beat(Beat { trial: 8, part: 1, slot: 3, known: 2, count: 0 });
            assert_eq!(pulse.last(), Beat { count: 2, trial: 8, part: 1, slot: 3, known: 2 });
        }
    }
}

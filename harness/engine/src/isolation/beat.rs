//! The heartbeat of a worker: a small file that outlives its writer.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tempfile::NamedTempFile;

/// The current work of a worker. The job gives the fields their meaning; `count` grows with every beat.
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
    /// A fact about the trial so far, encoded by the job.
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

/// Bytes of a lane in the heartbeat file: a beat, behind it a note, at the end a byte that the job writes.
const LANE_BYTES: u64 = 64 << 10;

/// The longest note: a lane without the beat, the note's length and the job's byte.
const LONGEST_NOTE: u64 = LANE_BYTES - BYTES as u64 - 8 - 1;

/// Where the job's byte is: the last one of the first lane, 1 while the worker is to pause.
const PAUSED_AT: u64 = LANE_BYTES - 1;

/// How often a paused worker looks whether it may go on.
const PAUSE_LOOK: Duration = Duration::from_millis(20);

/// The worker's side of its heartbeat: one lane of the file.
#[derive(Debug)]
pub struct Heart {
    count: u64,
    file: Arc<File>,
    lane: u64,
}

/// The job's side of a worker's heartbeat.
#[derive(Debug)]
pub struct Pulse(File);

/// An empty heartbeat file, in memory where the system has such a folder: it is written before each run of an
/// executor.
pub(super) fn new_file() -> io::Result<NamedTempFile> {
    NamedTempFile::new_in("/dev/shm").or_else(|_| NamedTempFile::new())
}

impl Heart {
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        let file = Arc::new(File::options().read(true).write(true).open(path)?);
        Ok(Self { count: 0, file, lane: 0 })
    }

    /// The lane with this number, for a worker whose threads are at several trials at once.
    #[must_use]
    pub fn lane(&self, number: usize) -> Self {
        Self { count: 0, file: self.file.clone(), lane: number as u64 }
    }

    /// Writes what the worker is at now; counts.
    pub fn beat(&mut self, beat: Beat) {
        self.count += 1;
        let words = Beat { count: self.count, ..beat }.words();
        let mut bytes = [0; BYTES];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        // If the write fails, the job sees a worker that stands still, and says so.
        let _ = self.file.write_all_at(&bytes, self.lane * LANE_BYTES);
    }

    /// Writes in words what the worker turns to; a text that is too long is cut.
    pub fn note(&mut self, text: &str) {
        let text = &text.as_bytes()[..text.len().min(LONGEST_NOTE as usize)];
        let mut bytes = (text.len() as u64).to_ne_bytes().to_vec();
        bytes.extend_from_slice(text);
        let _ = self.file.write_all_at(&bytes, self.lane * LANE_BYTES + BYTES as u64);
    }

    /// Returns when the job lets the worker go on, at once where it is not paused. To be called between trials.
    /// The heart goes on beating with its last beat: a paused worker must not count as hung.
    pub fn wait_while_paused(&mut self, last: Beat) {
        while self.is_paused() {
            self.beat(last);
            thread::sleep(PAUSE_LOOK);
        }
    }

    fn is_paused(&self) -> bool {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, PAUSED_AT).is_ok() && byte == [1]
    }
}

impl Pulse {
    pub(super) const fn in_file(file: File) -> Self {
        Self(file)
    }

    /// The last beat of a lane.
    pub fn last(&self, lane: usize) -> Beat {
        let mut bytes = [0; BYTES];
        if self.0.read_exact_at(&mut bytes, lane as u64 * LANE_BYTES).is_err() {
            return Beat::default();
        }
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().expect("chunks of eight"));
        }
        Beat::of(words)
    }

    /// Has the worker pause before its next trial, or go on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn pause(&self, is_paused: bool) -> io::Result<()> {
        self.0.write_all_at(&[u8::from(is_paused)], PAUSED_AT)
    }

    /// The last note of a lane.
    pub fn note(&self, lane: usize) -> String {
        let at = lane as u64 * LANE_BYTES + BYTES as u64;
        let mut length = [0; 8];
        if self.0.read_exact_at(&mut length, at).is_err() {
            return String::new();
        }
        let length = u64::from_ne_bytes(length).min(LONGEST_NOTE);
        let mut text = vec![0; length as usize];
        match self.0.read_exact_at(&mut text, at + 8) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(_) => String::new(),
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

    fn both_sides() -> (Heart, Pulse) {
        let file = new_file().unwrap();
        (Heart::in_file(file.path()).unwrap(), Pulse::in_file(file.reopen().unwrap()))
    }

    #[test]
    fn the_last_beat_is_read() {
        let (mut heart, pulse) = both_sides();
        assert_eq!(pulse.last(0), Beat::default());
        heart.beat(Beat { trial: 7, ..Beat::default() });
        heart.beat(Beat { trial: 8, part: 1, slot: 3, known: 2, count: 0 });
        assert_eq!(pulse.last(0), Beat { count: 2, trial: 8, part: 1, slot: 3, known: 2 });
    }

    #[test]
    fn each_lane_has_beats_and_a_note_of_its_own() {
        let (heart, pulse) = both_sides();
        for number in [1, 3] {
            let mut lane = heart.lane(number);
            lane.note(&"x".repeat(number * 30_000));
            lane.beat(Beat { trial: number as u64, ..Beat::default() });
        }
        let lengths: Vec<usize> = (0..4).map(|lane| pulse.note(lane).len()).collect();
        assert_eq!(lengths, [0, 30_000, 0, LONGEST_NOTE as usize]);
        let trials: Vec<u64> = (0..4).map(|lane| pulse.last(lane).trial).collect();
        assert_eq!(trials, [0, 1, 0, 3]);
    }
    #[test]
    fn a_paused_worker_waits_and_its_heart_beats() {
        let (mut heart, pulse) = both_sides();
        let last = Beat { trial: 7, ..Beat::default() };
        heart.wait_while_paused(last);
        assert_eq!(pulse.last(0), Beat::default());
        pulse.pause(true).unwrap();
        let waits = thread::spawn(move || heart.wait_while_paused(last));
        while pulse.last(0).count < 3 {
            thread::yield_now();
        }
        assert!(!waits.is_finished());
        pulse.pause(false).unwrap();
        waits.join().unwrap();
        assert_eq!(pulse.last(0).trial, 7);
    }
}

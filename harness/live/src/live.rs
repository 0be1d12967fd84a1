//! The view of a run in progress, and the flags that steer it.

use crate::view::View;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Flags of a run that its views may set.
#[derive(Debug, Clone, Default)]
pub struct Control {
    /// Ends the run; what is known until then is kept.
    pub stop: Arc<AtomicBool>,
    /// Has the run pause, where it can.
    pub pause: Arc<AtomicBool>,
}

impl Control {
    /// Whether the run is asked to pause.
    pub fn is_paused(&self) -> bool {
        // Relaxed, here and below: flags of their own, looked at again and again.
        self.pause.load(Ordering::Relaxed)
    }

    /// Whether the run is asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A run in progress: filled in by the run, read by its views.
#[derive(Debug, Clone)]
pub struct Live {
    view: Arc<Mutex<Numbered>>,
    control: Control,
}

/// A view, and how often it was changed.
#[derive(Debug)]
struct Numbered {
    view: View,
    changes: u64,
}

impl Live {
    /// A run that begins with this view.
    pub fn new(view: View, control: Control) -> Self {
        Self { view: Arc::new(Mutex::new(Numbered { view, changes: 0 })), control }
    }

    /// The flags of the run.
    pub const fn control(&self) -> &Control {
        &self.control
    }

    fn lock(&self) -> MutexGuard<'_, Numbered> {
        // A view is plain data: a half-made change is shown, and mended by the next.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the view.
    pub fn update(&self, change: impl FnOnce(&mut View)) {
        let mut numbered = self.lock();
        change(&mut numbered.view);
        numbered.changes += 1;
    }

    /// Looks at the view.
    pub fn look<R>(&self, look: impl FnOnce(&View) -> R) -> R {
        look(&self.lock().view)
    }

    /// How often the view was changed.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }
}

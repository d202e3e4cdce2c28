//! How well the progress bar foretells the time that the work takes.

use patchcore::{Progress, Stage};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Listens to the progress and hands it on.
pub(super) struct Foretold<'a> {
    to: &'a dyn Progress,
    heard: Mutex<Heard>,
}

struct Heard {
    start: Instant,
    total: usize,
    done: usize,
    /// Shares of the work, and the seconds when they were done.
    shares: Vec<(f64, f64)>,
}

/// The share of the time before which nothing is asked of a foretelling.
const EARLY: f64 = 0.1;

impl<'a> Foretold<'a> {
    pub(super) fn new(to: &'a dyn Progress) -> Self {
        let heard = Heard { start: Instant::now(), total: 0, done: 0, shares: Vec::new() };
        Self { to, heard: Mutex::new(heard) }
    }

    /// The largest error of the whole time foretold, as a share of it, once a tenth of the time is over; `None` without
    /// progress since then.
    pub(super) fn error(&self) -> Option<f64> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let &(_, whole) = heard.shares.last()?;
        let late = heard.shares.iter().filter(|(_, seconds)| *seconds >= EARLY * whole);
        late.map(|(share, seconds)| (seconds / share / whole - 1.0).abs()).reduce(f64::max)
    }
}

impl Progress for Foretold<'_> {
    fn begin(&self, stage: Stage, total: usize) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Heard { start: Instant::now(), total, done: 0, shares: Vec::new() };
        self.to.begin(stage, total);
    }

    fn advance(&self, units: usize) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.done += units;
        let share = heard.done as f64 / heard.total.max(1) as f64;
        let seconds = heard.start.elapsed().as_secs_f64();
        heard.shares.push((share, seconds));
        self.to.advance(units);
    }

    fn end(&self) {
        self.to.end();
    }
}

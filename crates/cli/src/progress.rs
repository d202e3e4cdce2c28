//! Progress bars with an ETA, on a terminal only.

use crate::args::Shown;
use crate::output;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use patchcore::{Expected, Progress, Stage};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Shows one bar at a time on standard error, or nothing.
pub(crate) struct Bars {
    shown: bool,
    /// Whether to say what the work will take.
    told: bool,
    expected: AtomicU64,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    pub(crate) fn new(shown: Shown) -> Self {
        Self { shown: shown.bars, told: false, expected: AtomicU64::new(0), bar: Mutex::new(None) }
    }

    /// As [`new`](Self::new); says how much memory the work will take.
    pub(crate) fn telling(shown: Shown) -> Self {
        Self { told: shown.notes, ..Self::new(shown) }
    }

    /// The bytes that the work is expected to hold at most; 0 if it has not told.
    pub(crate) fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// Begins a part of the work that is none of the method's stages.
    pub(crate) fn begin_named(&self, name: &'static str, total: usize) {
        if !self.shown {
            return;
        }
        let style = ProgressStyle::with_template("{msg:<10} [{bar:40}] {pos}/{len} {percent:>3}% {left}");
        let bar = ProgressBar::new(total as u64).with_message(name);
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> ").with_key("left", left));
        }
        *self.lock() = Some(bar);
    }

    /// Says how far a part is whose size was not known when it began.
    pub(crate) fn set(&self, done: usize, total: usize) {
        if let Some(bar) = &*self.lock() {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The time left, if the rest goes like the whole so far: the units of the method take about equally long.
fn left(state: &ProgressState, out: &mut dyn Write) {
    let (share, elapsed) = (f64::from(state.fraction()), state.elapsed().as_secs_f64());
    if share > 0.0 && elapsed >= 1.0 {
        let left = Duration::from_secs_f64((elapsed * (1.0 - share) / share).min(1e9));
        // A line that cannot be written is a bar without its end.
        let _ = write!(out, "{} left", HumanDuration(left));
    }
}

impl Progress for Bars {
    fn expects(&self, expected: &Expected) {
        self.expected.store(expected.peak(), Ordering::Relaxed);
        if !self.told {
            return;
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let patches: Vec<String> =
            expected.patches.iter().map(|[n, d]| format!("{n} patches of {d} values")).collect();
        let text = format!(
            "note: will hold about {} MiB at most: {} take {}, the program {}, choosing and searching {}",
            mib(expected.peak()),
            patches.join(" and "),
            mib(expected.features),
            mib(expected.program),
            mib(expected.beyond),
        );
        match &*self.lock() {
            Some(bar) => bar.suspend(|| output::complain(&text)),
            None => output::complain(&text),
        }
    }

    fn begin(&self, stage: Stage, total: usize) {
        let name = match stage {
            Stage::Embed => "embed",
            Stage::Audit => "audit",
            Stage::Coreset => "coreset",
            Stage::Calibrate => "calibrate",
            Stage::Evaluate => "evaluate",
            Stage::Predict => "predict",
        };
        self.begin_named(name, total);
    }

    fn advance(&self, units: usize) {
        if let Some(bar) = &*self.lock() {
            bar.inc(units as u64);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.lock().take() {
            bar.finish_and_clear();
        }
    }
}

//! Mutant after mutant through one parser, each watched.

use crate::{Target, mutant};
use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Does the work and says how many bytes of memory of this thread it held at most.
pub type Meter = fn(work: &mut dyn FnMut()) -> u64;

/// More findings than this are not gathered.
const MOST_FINDINGS: usize = 10;
/// A mutant that takes so long never ends: the process is ended instead.
const FOR_EVER: Duration = Duration::from_secs(60);
/// A mutant is only slow if it is slow so many times: the machine has other things to do.
const TRIES: usize = 3;

/// How many mutants, and how they are measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The number of the first mutant.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Counts memory.
    pub meter: Meter,
    /// The longest that one may take, if time is looked at.
    pub slow: Option<Duration>,
}

/// What a run found; prints as one line.
#[derive(Debug)]
pub struct Report {
    /// The target's name.
    pub target: &'static str,
    /// Mutants that the parser took.
    pub taken: u64,
    /// Mutants that it refused.
    pub refused: u64,
    /// Mutants over which a decoder of other people panicked, inside our guard.
    pub guarded: u64,
    /// The number of the first one of these, with what the panic said.
    pub first_guarded: Option<(u64, String)>,
    /// The longest that one took.
    pub slowest: Duration,
    /// The most bytes that one held.
    pub peak: u64,
    /// How long all took.
    pub took: Duration,
    /// What should not have happened.
    pub findings: Vec<Finding>,
}

/// A mutant that did what none may do.
#[derive(Debug)]
pub struct Finding {
    /// Its number.
    pub number: u64,
    /// What happened.
    pub fault: Fault,
    /// Where its bytes were saved.
    pub saved: PathBuf,
}

/// What no mutant may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The parser panicked: place and reason.
    Panic(String),
    /// It held more memory than its target declares.
    Memory {
        /// Bytes at the peak.
        held: u64,
        /// The limit for a file of this length.
        allowed: u64,
    },
    /// It took too long.
    Slow(Duration),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(what) => write!(f, "panic at {what}"),
            Self::Memory { held, allowed } => write!(f, "{held} bytes of memory, allowed are {allowed}"),
            Self::Slow(time) => write!(f, "took {time:?}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, taken, refused, guarded, first_guarded, slowest, peak, took, findings } = self;
        write!(
            f,
            "{target:<14} {:>8} mutants {taken:>8} taken {refused:>8} refused {guarded:>6} guarded  slowest {:>8.2} ms  \
             peak {:>6} KiB  {:>6.1} s",
            taken + refused,
            slowest.as_secs_f64() * 1e3,
            peak.div_ceil(1024),
            took.as_secs_f64()
        )?;
        if let Some((number, said)) = first_guarded {
            write!(f, "\n  guarded, first at mutant {number}: {said}")?;
        }
        for Finding { number, fault, saved } in findings {
            write!(f, "\n  mutant {number}: {fault}; saved as {}", saved.display())?;
        }
        Ok(())
    }
}

/// Hands the mutants of the plan to the target's parser.
///
/// While it runs, the number of the mutant stands in a file of the temporary folder named after the target: should the
/// process die, it tells which one it was. A mutant that does not end at all ends the process, with that number.
///
/// # Panics
/// If the temporary folder cannot be written to.
pub fn run(target: &Target, plan: &Plan) -> Report {
    watch_panics();
    let seeds = (target.seeds)();
    let mark = Mark::new(target.name);
    let begun = Instant::now();
    let mut report = Report {
        target: target.name,
        taken: 0,
        refused: 0,
        guarded: 0,
        first_guarded: None,
        slowest: Duration::ZERO,
        peak: 0,
        took: Duration::ZERO,
        findings: Vec::new(),
    };
    for number in plan.first..plan.first + plan.count {
        if report.findings.len() == MOST_FINDINGS {
            break;
        }
        let bytes = mutant(target, &seeds, number);
        mark.set(number);
        let seen = Seen::of(target, plan, &bytes);
        *(if seen.taken { &mut report.taken } else { &mut report.refused }) += 1;
        if let Some(said) = &seen.guarded {
            report.guarded += 1;
            report.first_guarded.get_or_insert_with(|| (number, said.clone()));
        }
        report.slowest = report.slowest.max(seen.time);
        report.peak = report.peak.max(seen.held);
        if let Some(fault) = seen.fault(target, plan, bytes.len()) {
            let saved = std::env::temp_dir().join(format!("patchcore-mutant-{}-{number}", target.name));
            std::fs::write(&saved, &bytes).expect("a writable temporary folder");
            report.findings.push(Finding { number, fault, saved });
        }
    }
    report.took = begun.elapsed();
    report
}

/// What one mutant did.
struct Seen {
    taken: bool,
    /// The panic that came out of the parser.
    panic: Option<String>,
    /// A panic that did not come out.
    guarded: Option<String>,
    time: Duration,
    held: u64,
}

impl Seen {
    fn of(target: &Target, plan: &Plan, bytes: &[u8]) -> Self {
        let mut seen = Self::once(target, plan.meter, bytes);
        for _ in 1..TRIES {
            if plan.slow.is_none_or(|slow| seen.time <= slow) {
                break;
            }
            let again = Self::once(target, plan.meter, bytes);
            seen.time = seen.time.min(again.time);
        }
        seen
    }

    fn once(target: &Target, meter: Meter, bytes: &[u8]) -> Self {
        LAST_PANIC.with_borrow_mut(|last| *last = Some(String::new()));
        let mut result = Ok(Ok(()));
        let begun = Instant::now();
        let held = meter(&mut || {
            result = catch_unwind(AssertUnwindSafe(|| (target.read)(bytes)));
        });
        let time = begun.elapsed();
        let said = LAST_PANIC.take().unwrap_or_default();
        let taken = matches!(result, Ok(Ok(())));
        let (panic, guarded) = match result {
            Err(_) => (Some(said), None),
            Ok(_) => (None, Some(said).filter(|said| !said.is_empty())),
        };
        Self { taken, panic, guarded, time, held }
    }

    fn fault(&self, target: &Target, plan: &Plan, len: usize) -> Option<Fault> {
        let allowed = target.memory.of(len);
        if let Some(panic) = &self.panic {
            Some(Fault::Panic(panic.clone()))
        } else if self.held > allowed {
            Some(Fault::Memory { held: self.held, allowed })
        } else {
            plan.slow.filter(|&slow| self.time > slow).map(|_| Fault::Slow(self.time))
        }
    }
}

thread_local! {
    /// What the last panic of this thread said; `None` while no mutant is parsed.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a panic over a mutant says instead of printing it.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let kept = LAST_PANIC.with_borrow_mut(|last| {
                let Some(last) = last else { return false };
                *last = panic.to_string().replace('\n', " ");
                true
            });
            if !kept {
                usual(panic);
            }
        }));
    });
}

/// The number of the mutant that is parsed now, for whoever comes after the process and for a watchdog.
struct Mark {
    file: RefCell<File>,
    path: PathBuf,
    number: Arc<AtomicU64>,
    /// Dropped at the end, which the watchdog sees.
    _alive: Sender<()>,
}

impl Mark {
    fn new(target: &'static str) -> Self {
        let path = std::env::temp_dir().join(format!("patchcore-mutant-{target}-now-{}", std::process::id()));
        let file = RefCell::new(File::create(&path).expect("a writable temporary folder"));
        let number = Arc::new(AtomicU64::new(u64::MAX));
        let (alive, ended) = channel::<()>();
        let watched = Arc::clone(&number);
        std::thread::spawn(move || {
            let mut last = u64::MAX;
            while ended.recv_timeout(FOR_EVER) == Err(RecvTimeoutError::Timeout) {
                let now = watched.load(Relaxed);
                if now == last && now != u64::MAX {
                    eprintln!("{target}: mutant {now} does not end");
                    std::process::abort();
                }
                last = now;
            }
        });
        Self { file, path, number, _alive: alive }
    }

    fn set(&self, number: u64) {
        self.number.store(number, Relaxed);
        let mut file = self.file.borrow_mut();
        let written =
            file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(format!("{number:020}").as_bytes()));
        written.expect("a writable temporary folder");
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Left behind it does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

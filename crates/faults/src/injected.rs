//! The plan of this process, and how often each place was called.

use crate::{Fault, Plan};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// What is planned, and the calls of every place so far.
struct State {
    plan: Plan,
    calls: BTreeMap<String, u64>,
}

static STATE: LazyLock<Mutex<State>> =
    LazyLock::new(|| Mutex::new(State { plan: from_environment(), calls: BTreeMap::new() }));

/// Tests that plan faults run one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// # Panics
/// If the environment holds what is no plan: a test that names no fault must not pass.
fn from_environment() -> Plan {
    let text = std::env::var("PATCHCORE_FAULT").unwrap_or_default();
    text.parse().unwrap_or_else(|error| panic!("PATCHCORE_FAULT: {error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one call of `place` and says how it is to fail.
pub(crate) fn next(place: &str) -> Option<Fault> {
    let mut state = lock(&STATE);
    let calls = state.calls.entry(place.into()).or_default();
    *calls += 1;
    let call = *calls;
    state.plan.of(place, call)
}

/// A plan in force. Dropping it ends all faults.
#[must_use = "the faults end with it"]
pub struct Injected {
    _turn: MutexGuard<'static, ()>,
}

/// Puts a plan in force in this process, after all others have ended, and counts calls from 1 again. Whatever else a test
/// does with steps that may fail, it does while it holds this: another test's plan would meet it.
///
/// ```
/// use patchcore_faults::{Fault, at, inject};
///
/// let injected = inject("map=nan@2");
/// assert_eq!((at("map"), at("map"), at("map")), (None, Some(Fault::Nan), None));
/// assert_eq!(injected.calls("map"), 3);
/// injected.plan("");
/// assert_eq!((at("map"), at("map")), (None, None));
/// ```
///
/// # Panics
/// If the text is no plan.
pub fn inject(plan: &str) -> Injected {
    let injected = Injected { _turn: lock(&TURN) };
    injected.plan(plan);
    injected
}

impl Injected {
    /// Puts another plan in its place and counts calls from 1 again.
    ///
    /// # Panics
    /// If the text is no plan.
    pub fn plan(&self, plan: &str) {
        let plan = plan.parse().unwrap_or_else(|error| panic!("{error}"));
        *lock(&STATE) = State { plan, calls: BTreeMap::new() };
    }

    /// How often `place` was called since.
    pub fn calls(&self, place: &str) -> u64 {
        lock(&STATE).calls.get(place).copied().unwrap_or(0)
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        lock(&STATE).plan = Plan::default();
    }
}

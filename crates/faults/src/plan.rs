//! What is to fail, where, and at which call.

use std::str::FromStr;

/// How a place fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step gives its own error.
    Error,
    /// The step panics.
    Panic,
    /// The step's first value is NaN.
    Nan,
    /// The step does a part of its work and says so, as a short write.
    Short,
    /// The system's error of this number, as 28 for a full disk.
    System(i32),
}

impl From<Fault> for std::io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::System(number) => Self::from_raw_os_error(number),
            _ => Self::other("a test let it fail"),
        }
    }
}

/// Faults and the calls that they meet.
///
/// ```
/// use patchcore_faults::{Fault, Plan};
///
/// let plan: Plan = "write=28@3..; search=nan".parse()?;
/// assert_eq!(plan.of("write", 2), None);
/// assert_eq!(plan.of("write", 3), Some(Fault::System(28)));
/// assert_eq!(plan.of("write", 9), Some(Fault::System(28)));
/// assert_eq!(plan.of("search", 1), Some(Fault::Nan));
/// assert_eq!(plan.of("search", 2), None);
/// # Ok::<(), patchcore_faults::PlanError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: String,
    fault: Fault,
    /// Calls are counted from 1.
    first: u64,
    for_ever: bool,
}

/// The text is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError(String);

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not PLACE=FAULT, PLACE=FAULT@CALL or PLACE=FAULT@CALL..", self.0)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// The fault of the `call`-th call of `place`, counted from 1.
    pub fn of(&self, place: &str, call: u64) -> Option<Fault> {
        let meets = |e: &&Entry| e.place == place && (e.first == call || e.for_ever && e.first < call);
        self.entries.iter().find(meets).map(|entry| entry.fault)
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let words = text.split(';').map(str::trim).filter(|word| !word.is_empty());
        let entries = words.map(|word| entry(word).ok_or_else(|| PlanError(word.into())));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }
}

fn entry(word: &str) -> Option<Entry> {
    let (place, rest) = word.split_once('=')?;
    let (fault, call) = rest.split_once('@').unwrap_or((rest, "1"));
    let fault = match fault {
        "error" => Fault::Error,
        "panic" => Fault::Panic,
        "nan" => Fault::Nan,
        "short" => Fault::Short,
        number => Fault::System(number.parse().ok()?),
    };
    let (call, for_ever) = call.strip_suffix("..").map_or((call, false), |call| (call, true));
    Some(Entry { place: place.into(), fault, first: call.parse().ok()?, for_ever })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_is_refused() {
        for text in ["write", "write=", "write=often", "write=28@", "write=28@x", "a=nan;b"] {
            assert!(text.parse::<Plan>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(Plan::default()));
    }
}

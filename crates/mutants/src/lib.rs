//! Parsers against mutants: small files, changed without mercy, must be taken or refused, and nothing else may happen.
//!
//! A [`Target`] is a parser with the small files that it takes. [`mutant`] makes the mutant of a number from them, always
//! the same one, and [`run`] hands so many of them to the parser: no panic may come out, no mutant may take more memory than
//! the target declares, none may take for ever. The fuzz targets in `fuzz/` call the same parsers through [`feed`].
//!
//! ```
//! use patchcore_mutants::{mutant, targets};
//!
//! let png = targets().into_iter().find(|target| target.name == "png").expect("a target of that name");
//! let seeds = (png.seeds)();
//! assert!((png.read)(&seeds[0]).is_ok());
//! assert_eq!(mutant(&png, &seeds, 7), mutant(&png, &seeds, 7));
//! ```

mod dice;
mod mutate;
mod place;
mod repair;
mod run;
mod seeds;
mod target;
mod targets;

pub use dice::Dice;
pub use mutate::mutant;
pub use run::{Fault, Finding, Meter, Plan, Report, run};
pub use target::{Memory, Target};
pub use targets::{feed, targets};

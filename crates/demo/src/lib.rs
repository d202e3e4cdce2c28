//! A small procedural inspection data set in MVTec AD layout, for the demonstration and the tests.
//!
//! Two categories, drawn from formulas: `weave`, a texture, and `widget`, an object. As on a real line no two pictures are
//! alike: place, angle, light, focus and sensor noise change each time, in good pictures as in bad ones. Defects run from
//! those that nobody overlooks to those that few would notice, and each comes with the exact mask of its pixels.
//!
//! ```text
//! ROOT/weave/train/good/000.png            ROOT/weave/test/good/000.png
//! ROOT/weave/test/hole/000.png             ROOT/weave/ground_truth/hole/000_mask.png
//! ```
//!
//! One seed gives the same bytes on every machine with any number of threads: a picture depends only on the seed and on
//! its own place in the set, and the formulas use nothing but what IEEE 754 rounds exactly.

mod camera;
mod category;
mod colour;
mod error;
mod noise;
mod plan;
mod rng;
mod shape;
mod weave;
mod widget;
mod write;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

pub use camera::{HEIGHT, WIDTH};
pub use error::DemoError;
pub use plan::{CategorySummary, Summary};

/// How many pictures to draw, and which.
///
/// # Examples
///
/// ```
/// let options = patchcore_demo::Options { seed: 7, ..Default::default() };
/// assert_eq!((options.train, options.test_good, options.per_defect), (24, 8, 4));
/// ```
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Another seed gives other pictures of the same two things.
    pub seed: u64,
    /// Good pictures to learn from, per category.
    pub train: usize,
    /// Good pictures to test with, per category.
    pub test_good: usize,
    /// Pictures of each kind of defect.
    pub per_defect: usize,
    /// Called after each picture with how many are done and how many there will be; from any thread.
    pub progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { seed: 0, train: 24, test_good: 8, per_defect: 4, progress: None }
    }
}

/// Draws the data set into the folder `root`, which is made if need be.
///
/// A folder that this function filled before is filled anew; nothing else in it is touched.
///
/// # Errors
///
/// [`DemoError::Occupied`] if the folder holds files that did not come from here, [`DemoError::Io`],
/// [`DemoError::File`] or [`DemoError::Encode`] if something cannot be written.
///
/// # Examples
///
/// ```
/// use patchcore_demo::{Options, generate};
///
/// # let folder = std::env::temp_dir().join(format!("patchcore-demo-doc-{}", std::process::id()));
/// # let root = folder.as_path();
/// let summary = generate(root, &Options { train: 1, test_good: 1, per_defect: 1, ..Default::default() })?;
/// assert_eq!(summary.n_pictures, 15);
/// assert!(root.join("widget/ground_truth/scratch/000_mask.png").is_file());
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok::<(), patchcore_demo::DemoError>(())
/// ```
pub fn generate(root: &Path, options: &Options<'_>) -> Result<Summary, DemoError> {
    let plan = plan::plan(options);
    write::claim(root)?;
    write::make_folders(root, &plan)?;
    let done = AtomicUsize::new(0);
    plan.par_iter().try_for_each(|shot| {
        write::shot(root, shot, &shot.draw())?;
        if let Some(progress) = options.progress {
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, plan.len());
        }
        Ok(())
    })?;
    Ok(Summary::of(options))
}

#[cfg(test)]
mod tests;

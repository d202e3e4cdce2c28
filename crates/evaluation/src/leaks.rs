//! A first look at the test pictures: all of them can be used, and the model was not fitted on any.

use crate::error::EvaluationError;
use crate::evaluate::{read, walk};
use patchcore::{Leak, Progress, Stage, Training};
use patchcore_image::{Category, Fingerprint, Limits};

/// The test pictures that are among the training pictures, exactly or saved again, in their order: what a model says about
/// these measures nothing. Nothing is found for a model of which the training pictures are not known.
///
/// Every test picture and its mask are read, so that what cannot be used is told before anything is measured or written.
///
/// # Errors
/// [`EvaluationError::NoPictures`] and [`EvaluationError::Unusable`], as [`evaluate`](crate::evaluate()).
pub fn leaks(
    training: &Training,
    category: &Category,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Vec<Leak>, EvaluationError> {
    if category.test.is_empty() {
        return Err(EvaluationError::NoPictures { category: category.name.clone() });
    }
    let known = training.known();
    let mut found = Vec::new();
    let fingerprint = |sample: &_| {
        let (picture, _) = read(sample, limits, training.intensity)?;
        Ok(Fingerprint::of(&picture))
    };
    walk(&category.test, Stage::Audit, fingerprint, progress, |sample, fingerprint| {
        found.extend(known.leak(&sample.path.to_string_lossy(), &fingerprint));
        Ok(())
    })?;
    Ok(found)
}

//! Test pictures that the model was fitted on: what it says about them measures nothing.

use patchcore::{Leak, Progress, Stage, Training, read_ahead};
use patchcore_image::{Fingerprint, Limits, Sample, decode_as};

/// The samples that are among the training pictures, exactly or saved again, in their order.
///
/// Every sample is decoded. One that cannot be read is passed over: [`evaluate`](crate::evaluate()) names it. Nothing is
/// found for a model of which the training pictures are not known.
pub fn leaks(training: &Training, samples: &[Sample], limits: &Limits, progress: &dyn Progress) -> Vec<Leak> {
    let mut found = Vec::new();
    if training.fingerprints.is_empty() {
        return found;
    }
    let known = training.known();
    let leak = |sample: &Sample| {
        let picture = decode_as(&sample.path, limits, training.intensity).ok()?;
        known.leak(&sample.path.to_string_lossy(), &Fingerprint::of(&picture))
    };
    progress.begin(Stage::Audit, samples.len());
    let walked: Result<(), std::convert::Infallible> = read_ahead(
        samples.len(),
        |i| leak(&samples[i]),
        |numbers, leaks| {
            found.extend(leaks.into_iter().flatten());
            progress.advance(numbers.len());
            Ok(())
        },
    );
    let Ok(()) = walked;
    progress.end();
    found
}

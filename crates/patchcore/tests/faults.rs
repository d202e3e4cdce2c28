//! A step that fails never leads to the verdict "ok".
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod toy;

use patchcore::{Error, Model, PatchCore, Quiet, Rates, Verdict};
use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_faults::inject;
use patchcore_image::{Limits, decode_bytes};
use patchcore_tensor::Tensor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use toy::{Toy, good, params, picture};

/// The toy, whose features are spoiled like a real network's.
struct Spoiled(Toy);

impl FeatureExtractor for Spoiled {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn layers(&self) -> &[String] {
        self.0.layers()
    }

    fn precision(&self) -> Precision {
        self.0.precision()
    }

    fn fingerprint(&self) -> &str {
        self.0.fingerprint()
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        if patchcore_faults::at("refusal").is_some() {
            return Err(BackboneError::Channels { backbone: "toy".into(), got: 1, expected: 3 });
        }
        self.0.features_into(pictures, maps)?;
        for map in maps {
            patchcore_faults::spoil("backbone", map.data_mut());
        }
        Ok(())
    }
}

fn fit() -> Result<Model<Spoiled>, Error> {
    PatchCore::load(params(), Spoiled(Toy::new()))?.fit(&good(12), &Quiet)
}

/// The steps of a picture, and how each may fail.
const FAULTS: [(&str, &[&str]); 8] = [
    ("resize", &["nan", "panic"]),
    ("refusal", &["error", "panic"]),
    ("backbone", &["nan", "panic"]),
    ("embed", &["nan", "panic"]),
    ("search", &["nan", "panic"]),
    ("score", &["nan", "panic"]),
    ("map", &["nan", "panic"]),
    ("threshold", &["nan", "panic"]),
];

#[test]
fn a_fault_at_any_step_is_never_ok() {
    let injected = inject("");
    let model = fit().unwrap();
    let part = picture(3, false);
    let verdict = || {
        let judged = catch_unwind(AssertUnwindSafe(|| -> Result<_, Error> {
            Ok(model.verdict(model.predict(&part)?.image_score))
        }));
        judged.ok().and_then(Result::ok).flatten()
    };
    assert_eq!(verdict(), Some(Verdict::Ok), "without a fault the part is good");
    for (place, kinds) in FAULTS {
        for kind in kinds {
            injected.plan(&format!("{place}={kind}"));
            let verdict = verdict();
            assert!(injected.calls(place) > 0, "{place} was not reached");
            assert_ne!(verdict, Some(Verdict::Ok), "{place}={kind}");
        }
        assert_eq!(verdict(), Some(Verdict::Ok), "{place}: the model has not recovered");
    }
}

/// A later picture or layer fails, not the first.
#[test]
fn a_model_is_not_fitted_on_what_failed() {
    let injected = inject("");
    for (place, kinds) in FAULTS.into_iter().filter(|(place, _)| *place != "threshold") {
        for kind in kinds {
            for call in [1, 2, 7] {
                injected.plan(&format!("{place}={kind}@{call}"));
                let fitted = catch_unwind(AssertUnwindSafe(fit));
                if injected.calls(place) >= call {
                    assert!(!matches!(fitted, Ok(Ok(_))), "{place}={kind}@{call}");
                }
            }
        }
    }
}

#[test]
fn thresholds_do_not_come_from_what_failed() {
    let injected = inject("");
    for (place, kinds) in FAULTS.into_iter().filter(|(place, _)| *place != "threshold") {
        for kind in kinds {
            injected.plan("");
            let mut model = fit().unwrap();
            let own = model.fitted().calibration.clone();
            let new: Vec<_> = (0..12).map(|i| (format!("new {i}"), picture(500 + i, false))).collect();
            injected.plan(&format!("{place}={kind}@5"));
            let calibrated = catch_unwind(AssertUnwindSafe(|| model.calibrate(&new, Rates::of(0.1), &Quiet)));
            assert!(!matches!(calibrated, Ok(Ok(()))), "{place}={kind}");
            assert_eq!(model.fitted().calibration, own, "{place}={kind}");
        }
    }
}

#[test]
fn a_decoder_that_fails_gives_no_picture() {
    let bytes = b"P5 2 1 255\n\x00\xff";
    let injected = inject("");
    assert!(decode_bytes(bytes, &Limits::default()).is_ok());
    injected.plan("decode=error");
    assert!(decode_bytes(bytes, &Limits::default()).is_err());
}

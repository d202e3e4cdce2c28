//! A network small enough to think about, and pictures for it.
#![allow(dead_code, reason = "not every test uses all of it")]

use patchcore::Params;
use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_image::{Geometry, Picture};
use patchcore_tensor::Tensor;
use patchcore_testkit::weights::uniform;

/// Two layers: means over 4 x 4 and over 8 x 8 pixels, three channels each.
pub(crate) struct Toy {
    pub(crate) layers: Vec<String>,
    /// Added to every feature: a broken network gives NaN.
    pub(crate) offset: f32,
    /// Anything but `f32` rounds to eighths.
    pub(crate) precision: Precision,
    pub(crate) weights: &'static str,
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self {
            layers: vec!["fine".into(), "coarse".into()],
            offset: 0.0,
            precision: Precision::F32,
            weights: "toy weights",
        }
    }

    pub(crate) fn rounded() -> Self {
        Self { precision: Precision::Bf16, ..Self::new() }
    }
}

impl FeatureExtractor for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn layers(&self) -> &[String] {
        &self.layers
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn fingerprint(&self) -> &'static str {
        self.weights
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        let [n, h, w, c] = pictures.shape();
        let mean = |side: usize| {
            let mut out = Tensor::zeros([n, h / side, w / side, c]);
            let (gh, gw) = (h / side, w / side);
            for (place, pixel) in out.data_mut().chunks_exact_mut(c).enumerate() {
                let (i, y, x) = (place / gw / gh, place / gw % gh * side, place % gw * side);
                for offset in 0..side * side {
                    let from = pictures.pixel(i, y + offset / side, x + offset % side);
                    pixel
                        .iter_mut()
                        .zip(from)
                        .for_each(|(o, v)| *o += v / (side * side) as f32 + self.offset);
                }
                if self.precision != Precision::F32 {
                    for v in pixel {
                        *v = (*v * 8.0).round() / 8.0;
                    }
                }
            }
            out
        };
        *maps = vec![mean(4), mean(8)];
        Ok(())
    }
}

pub(crate) fn params() -> Params {
    let layers = vec!["fine".into(), "coarse".into()];
    let mut params = Params { backbone: "toy".into(), layers, ..Params::default() };
    params.preprocess.geometry = Geometry::Whole { area_side: 48, multiple: 8 };
    params
}

/// A grey gradient with noise; `spot` paints a bright square.
pub(crate) fn picture(seed: u64, spot: bool) -> Picture {
    let noise = uniform("picture", seed, 48 * 48);
    let pixel = |i: usize| {
        let (y, x) = (i / 48, i % 48);
        let bright = spot && (20..32).contains(&y) && (20..32).contains(&x);
        [if bright { 250 } else { 90 + (x + (noise[i] * 12.0) as usize) as u8 }; 3]
    };
    Picture::from_rgb(48, 48, (0..48 * 48).flat_map(pixel).collect()).unwrap()
}

pub(crate) fn good(n: u64) -> Vec<(String, Picture)> {
    (0..n).map(|i| (format!("{i}.png"), picture(i, false))).collect()
}

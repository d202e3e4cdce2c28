//! The whole method beside the original's order of steps written plainly in `f64`: any shape, any number of layers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{
    Params, PatchCore, PatchDistance, PatchEmbedding, PatchShape, Quiet, Reduction, SamplerKind, Scoring,
    Workspace,
};
use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_image::{Geometry, Picture};
use patchcore_tensor::Tensor;
use patchcore_testkit::{assert_all_close, weights::uniform};
use proptest::prelude::*;

/// A layer for each `(side, channels)`: means over squares of that side, each channel a mix of the colours.
struct Squares {
    names: Vec<String>,
    layers: Vec<(usize, usize)>,
}

impl FeatureExtractor for Squares {
    fn name(&self) -> &'static str {
        "squares"
    }

    fn layers(&self) -> &[String] {
        &self.names
    }

    fn precision(&self) -> Precision {
        Precision::F32
    }

    fn fingerprint(&self) -> &'static str {
        "none"
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        let [n, h, w, _] = pictures.shape();
        *maps = Vec::new();
        for &(side, channels) in &self.layers {
            let mut map = Tensor::zeros([n, h / side, w / side, channels]);
            let [_, gh, gw, _] = map.shape();
            for (place, pixel) in map.data_mut().chunks_exact_mut(channels).enumerate() {
                let (i, y, x) = (place / gw / gh, place / gw % gh, place % gw);
                for offset in 0..side * side {
                    let rgb = pictures.pixel(i, y * side + offset / side, x * side + offset % side);
                    for (c, value) in pixel.iter_mut().enumerate() {
                        *value += rgb[c % 3] * (1.0 + 0.3 * c as f32) / (side * side) as f32;
                    }
                }
            }
            maps.push(map);
        }
        Ok(())
    }
}

/// How many patches of this size and stride lie along an axis.
fn along(n: usize, patch: PatchShape) -> usize {
    (n + 2 * ((patch.size - 1) / 2) - patch.size) / patch.stride + 1
}

/// The mean of each of `d` bins, which overlap where `d` does not divide the length.
fn bins(values: &[f64], d: usize) -> Vec<f64> {
    let n = values.len();
    let bin = |j: usize| &values[j * n / d..((j + 1) * n).div_ceil(d)];
    (0..d).map(|j| bin(j).iter().sum::<f64>() / bin(j).len() as f64).collect()
}

/// The embeddings of a picture in the order of the original: neighbourhoods first, then every offset resampled as a plane
/// of its own, then pooled.
fn embed_as_written(maps: &[Tensor], patch: PatchShape, pretrain: usize, target: usize) -> Vec<Vec<f64>> {
    let (size, pad) = (patch.size, (patch.size - 1) / 2);
    let grid = |map: &Tensor| [along(map.shape()[1], patch), along(map.shape()[2], patch)];
    let [gh, gw] = grid(&maps[0]);
    let embed = |l: usize| {
        let mut joined = Vec::new();
        for map in maps {
            let [_, h, w, c] = map.shape();
            let [own_h, own_w] = grid(map);
            let at = |y: usize, x: usize, ch: usize, a: usize, b: usize| {
                let (sy, sx) = (y * patch.stride + a, x * patch.stride + b);
                let inside = sy >= pad && sx >= pad && sy - pad < h && sx - pad < w;
                if inside { f64::from(map.pixel(0, sy - pad, sx - pad)[ch]) } else { 0.0 }
            };
            let source = |i: usize, from: usize, to: usize| {
                let t = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
                (t as usize, (t as usize + 1).min(from - 1), t.fract())
            };
            let (y0, y1, fy) = source(l / gw, own_h, gh);
            let (x0, x1, fx) = source(l % gw, own_w, gw);
            let mut values = Vec::new();
            for (ch, a, b) in
                (0..c).flat_map(|ch| (0..size).flat_map(move |a| (0..size).map(move |b| (ch, a, b))))
            {
                let row = |y| (1.0 - fx) * at(y, x0, ch, a, b) + fx * at(y, x1, ch, a, b);
                values.push((1.0 - fy) * row(y0) + fy * row(y1));
            }
            joined.extend(bins(&values, pretrain));
        }
        bins(&joined, target)
    };
    (0..gh * gw).map(embed).collect()
}

/// The mean of the `k` smallest squared distances of each patch.
fn scores_as_written(patches: &[Vec<f64>], bank: &[Vec<f64>], k: usize) -> Vec<f64> {
    let score = |patch: &Vec<f64>| {
        let squared = |row: &Vec<f64>| patch.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let mut all: Vec<f64> = bank.iter().map(squared).collect();
        all.sort_by(f64::total_cmp);
        all[..k].iter().sum::<f64>() / k as f64
    };
    patches.iter().map(score).collect()
}

fn noise(seed: u64, [h, w]: [usize; 2]) -> Picture {
    let bytes = uniform("picture", seed, h * w * 3).into_iter().map(|u| (u * 255.0) as u8);
    Picture::from_rgb(w, h, bytes.collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pooling_first_gives_what_the_original_gives(
        size in 1usize..=9,
        stride in 1usize..=3,
        layers in prop::collection::vec((1usize..=5, 8usize..=11, 8usize..=11), 1..=4),
        pretrain in 1usize..=40,
        target in 1usize..=50,
        seed: u64,
    ) {
        let maps: Vec<Tensor> = layers
            .iter()
            .enumerate()
            .map(|(i, &(c, h, w))| {
                let values = uniform("map", seed.wrapping_add(i as u64), h * w * c);
                Tensor::from_vec([1, h, w, c], values.into_iter().map(|u| u as f32).collect()).unwrap()
            })
            .collect();
        let patch = PatchShape { size, stride };
        let embedding = PatchEmbedding { patch, reduction: Reduction::Pooled { pretrain, target } };
        let got = embedding.embed(&maps).unwrap().remove(0);
        let expected: Vec<f32> =
            embed_as_written(&maps, patch, pretrain, target).concat().into_iter().map(|v| v as f32).collect();
        assert_all_close("embedding", got.rows.data(), &expected, 2e-6);
    }

    /// Rectangular pictures and crops, layers in any order of size, every patch kept.
    #[test]
    fn scores_are_those_of_the_original(
        size in 1usize..=9,
        stride in 1usize..=3,
        k in 1usize..=5,
        layers in prop::collection::vec((1usize..=4, 1usize..=4), 1..=4),
        crop in [36usize..=60, 36usize..=60],
        picture in [64usize..=80, 64usize..=80],
        pretrain in 1usize..=30,
        target in 1usize..=40,
        seed: u64,
    ) {
        let names: Vec<String> = (0..layers.len()).map(|i| format!("layer{i}")).collect();
        let squares = || Squares { names: names.clone(), layers: layers.clone() };
        let patch = PatchShape { size, stride };
        let mut params = Params { backbone: "squares".into(), layers: names.clone(), ..Params::default() }
            .scored_by(Scoring::Reference);
        params.preprocess.geometry = Geometry::ResizeCrop { resize: 62, crop };
        params.embedding = PatchEmbedding { patch, reduction: Reduction::Pooled { pretrain, target } };
        params.sampler.kind = SamplerKind::Identity;
        params.num_nn = k;
        prop_assert_eq!(params.patch_distance, PatchDistance::SquaredL2);

        let good: Vec<(String, Picture)> =
            (0..2).map(|i| (i.to_string(), noise(seed.wrapping_add(i), picture))).collect();
        let model = PatchCore::load(params, squares()).unwrap().fit(&good, &Quiet).unwrap();
        let maps = |picture: &Picture| {
            let (steps, mut space) = (model.members().next().unwrap(), Workspace::default());
            steps.preprocess(picture, &mut space);
            assert_eq!(space.input.shape(), [1, crop[0], crop[1], 3]);
            squares().features(&space.input).unwrap()
        };
        let embed = |picture: &Picture| embed_as_written(&maps(picture), patch, pretrain, target);
        let bank: Vec<Vec<f64>> = good.iter().flat_map(|(_, picture)| embed(picture)).collect();
        let new = noise(seed.wrapping_add(9), picture);
        let expected: Vec<f32> =
            scores_as_written(&embed(&new), &bank, k).into_iter().map(|v| v as f32).collect();
        let got = model.predict(&new).unwrap();
        let largest = expected.iter().copied().fold(0.0, f32::max);
        let tolerance = 1e-5 * f64::from(largest).max(1.0);
        assert_all_close("patch scores", got.patches[0].scores.data(), &expected, tolerance);
        assert_all_close("image score", &[got.image_score], &[largest], tolerance);
        prop_assert_eq!([got.anomaly_map.height(), got.anomaly_map.width()], crop);
    }
}

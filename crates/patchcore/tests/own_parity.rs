//! The whole method in reference mode against `testdata/`, step by step; `reference/make_testdata.py` made the numbers.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which the lint does not know as tests")]

use patchcore::coreset::{Projection, approximate_greedy};
use patchcore::{BankSize, Mt19937, Params, PatchCore, PatchShape, Prediction, Quiet, Reduction};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, weights_from};
use patchcore_image::{Geometry, Limits, Picture, decode};
use patchcore_tensor::{Embeddings, Tensor};
use patchcore_testkit::{Fixture, assert_all_close, testdata, weights::tensor};
use std::sync::LazyLock;

/// Width to which the sampler projects.
const PROJECTED: usize = 128;
/// Words that the original's data loader draws before the projection.
const LOADER_WORDS: usize = 2;

static PARITY: LazyLock<Fixture> = LazyLock::new(|| Fixture::open(&testdata("parity.safetensors")));
static WEIGHTS: LazyLock<Weights> =
    LazyLock::new(|| weights_from("resnet18", |key, shape| tensor(key, shape, 0, 1.0)).unwrap());

/// One configuration of the script.
struct Run {
    name: &'static str,
    layers: &'static [&'static str],
    pretrain: usize,
    target: usize,
    patchsize: usize,
    crop: [usize; 2],
    percentage: f64,
    neighbours: &'static [usize],
}

const SQUARE: Run = Run {
    name: "square",
    layers: &["layer2", "layer3"],
    pretrain: 96,
    target: 80,
    patchsize: 3,
    crop: [64, 64],
    percentage: 0.25,
    neighbours: &[1, 3],
};

/// Three layers whose grids do not divide one another, wide patches.
const OBLONG: Run = Run {
    name: "oblong",
    layers: &["layer1", "layer2", "layer3"],
    pretrain: 64,
    target: 50,
    patchsize: 5,
    crop: [56, 80],
    percentage: 0.05,
    neighbours: &[2],
};

/// As wide as the projection, which is then left out; even patches, a cut larger than the picture.
const UNPROJECTED: Run = Run {
    name: "unprojected",
    layers: &["layer3"],
    pretrain: 200,
    target: 128,
    patchsize: 2,
    crop: [80, 96],
    percentage: 0.3,
    neighbours: &[1],
};

fn picture(name: &str) -> Picture {
    decode(&testdata(&format!("pictures/{name}.png")), &Limits::default()).unwrap()
}

fn train() -> Vec<(String, Picture)> {
    (0..4).map(|i| format!("train_{i}")).map(|name| (name.clone(), picture(&name))).collect()
}

fn test() -> Vec<Picture> {
    ["test_good", "test_scratch", "test_spot"].map(picture).to_vec()
}

/// A tolerance as a share of the largest expected value.
fn assert_near(what: &str, got: &[f32], expected: &[f32], share: f64) {
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert_all_close(what, got, expected, share * f64::from(largest));
}

fn as_usize(values: &[i64]) -> Vec<usize> {
    values.iter().map(|&v| v as usize).collect()
}

impl Run {
    fn key(&self, part: &str) -> String {
        format!("{}/{part}", self.name)
    }

    fn seed(&self) -> u32 {
        PARITY.i64(&self.key("seed")).1[0] as u32
    }

    fn params(&self) -> Params {
        let mut params = Params::reference(architecture("resnet18").unwrap(), 72, 64, self.percentage);
        params.preprocess.geometry = Geometry::ResizeCrop { resize: 72, crop: self.crop };
        params.layers = self.layers.iter().map(ToString::to_string).collect();
        params.embedding.patch = PatchShape { size: self.patchsize, stride: 1 };
        params.embedding.reduction = Reduction::Pooled { pretrain: self.pretrain, target: self.target };
        params.sampler.size = BankSize::Ratio(self.percentage);
        params.sampler.seed = self.seed();
        params
    }

    fn backbone(&self) -> Backbone {
        Backbone::load("resnet18", &WEIGHTS, &self.params().layers, Precision::F32).unwrap()
    }

    /// The rows of all pictures, and the patches of each.
    fn embed(&self, pictures: &[Picture]) -> (Vec<f32>, usize) {
        let params = self.params();
        let inputs: Vec<Tensor> = pictures.iter().map(|p| params.preprocess.apply(p)).collect();
        let maps =
            self.backbone().features(&Tensor::stack(&inputs.iter().collect::<Vec<_>>()).unwrap()).unwrap();
        let embedded = params.embedding.embed(&maps).unwrap();
        let rows = embedded.iter().flat_map(|p| p.rows.data().to_vec()).collect();
        (rows, embedded[0].rows.len())
    }

    fn check_embeddings(&self) {
        let (rows, patches) = self.embed(&test());
        let kept: Vec<f32> = rows
            .chunks_exact(patches * self.target)
            .flat_map(|picture| picture.chunks_exact(self.target).step_by(7).flatten().copied())
            .collect();
        assert_near(self.name, &kept, &PARITY.f32(&self.key("embeddings_sub7")).1, 2e-6);
    }

    /// The sampler's parts, so that a failure of the whole can be told from theirs.
    fn check_coreset(&self) {
        let (rows, patches) = self.embed(&train().into_iter().map(|(_, p)| p).collect::<Vec<_>>());
        let (_, starts) = PARITY.i64(&self.key("starts"));
        let permutation = Mt19937::new(self.seed()).permutation(4 * patches);
        assert_eq!(permutation[..starts.len()], as_usize(&starts), "{}: start points", self.name);

        let rows = Embeddings::from_vec(4 * patches, self.target, rows).unwrap();
        let (_, picks) = PARITY.i64(&self.key("picks"));
        let reduced = if self.target == PROJECTED { rows } else { self.projection().apply(&rows) };
        let got = approximate_greedy(&reduced, &as_usize(&starts), picks.len(), &Quiet);
        assert_eq!(got, as_usize(&picks), "{}: picks", self.name);
        self.check_radii(&reduced, &as_usize(&starts), &got);
    }

    fn projection(&self) -> Projection {
        let mut words = Mt19937::new(self.seed());
        (0..LOADER_WORDS).for_each(|_| {
            words.word();
        });
        let projection = Projection::from_stream(&mut words, self.target, PROJECTED);
        let rows = projection.weights().chunks_exact(self.target).step_by(8);
        let kept: Vec<f32> = rows.flatten().copied().collect();
        assert_eq!(kept, PARITY.f32(&self.key("projection_sub8")).1, "projection");
        projection
    }

    /// The distance at which each row was picked, in `f64` from our reduced rows.
    fn check_radii(&self, reduced: &Embeddings, starts: &[usize], picks: &[usize]) {
        let distance = |a: usize, b: usize| {
            let pairs = reduced.row(a).iter().zip(reduced.row(b));
            pairs.map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>().sqrt()
        };
        let (_, radii) = PARITY.f64(&self.key("radii"));
        for (i, (&pick, expected)) in picks.iter().zip(radii).enumerate() {
            let start = starts.iter().map(|&s| distance(s, pick)).sum::<f64>() / starts.len() as f64;
            let got = picks[..i].iter().map(|&p| distance(p, pick)).fold(start, f64::min);
            assert!((got - expected).abs() <= 1e-5 * expected, "{}: radius {i}: {got}", self.name);
        }
    }

    fn check_model(&self) {
        for &k in self.neighbours {
            let mut params = self.params();
            params.num_nn = k;
            let model = PatchCore::load(params, self.backbone()).unwrap().fit(&train(), &Quiet).unwrap();
            let bank = &model.fitted().members[0].bank;
            let predictions: Vec<Prediction> = test().iter().map(|p| model.predict(p).unwrap()).collect();
            let grid = [predictions[0].patches[0].scores.height(), predictions[0].patches[0].scores.width()];
            let picks: Vec<usize> = bank
                .origins
                .iter()
                .map(|o| (o.picture as usize * grid[0] + o.y as usize) * grid[1] + o.x as usize)
                .collect();
            assert_eq!(picks, as_usize(&PARITY.i64(&self.key("picks")).1), "{}", self.name);
            assert_near("bank", bank.rows.data(), &PARITY.f32(&self.key("bank")).1, 2e-6);
            self.check_predictions(k, &predictions);
        }
    }

    fn check_predictions(&self, k: usize, predictions: &[Prediction]) {
        let part = |name: &str| self.key(&format!("k{k}/{name}"));
        let of_all = |values: &dyn Fn(&Prediction) -> Vec<f32>| -> Vec<f32> {
            predictions.iter().flat_map(values).collect()
        };
        let scores = of_all(&|p| p.patches[0].scores.data().to_vec());
        assert_near(&part("patch scores"), &scores, &PARITY.f32(&part("patch_scores")).1, 1e-5);
        let scores = of_all(&|p| vec![p.image_score]);
        assert_near(&part("image scores"), &scores, &PARITY.f32(&part("image_scores")).1, 1e-5);
        let maps = of_all(&|p| {
            let rows = p.anomaly_map.data().chunks_exact(p.anomaly_map.width()).step_by(2);
            rows.flat_map(|row| row.iter().step_by(2).copied()).collect()
        });
        assert_near(&part("maps"), &maps, &PARITY.f32(&part("maps_sub2")).1, 1e-5);
        let nearest: Vec<usize> =
            predictions.iter().flat_map(|p| p.patches[0].nearest.iter().map(|&i| i as usize)).collect();
        assert_eq!(nearest, as_usize(&PARITY.i64(&part("nearest")).1), "{}", part("nearest"));
    }
}

#[test]
fn embeddings() {
    [SQUARE, OBLONG, UNPROJECTED].iter().for_each(Run::check_embeddings);
}

#[test]
fn coreset() {
    [SQUARE, OBLONG, UNPROJECTED].iter().for_each(Run::check_coreset);
}

#[test]
fn square_model() {
    SQUARE.check_model();
}

#[test]
fn oblong_model() {
    OBLONG.check_model();
}

#[test]
fn unprojected_model() {
    UNPROJECTED.check_model();
}

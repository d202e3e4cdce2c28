//! Defects hidden among the training pictures of two real inspection sets: nine good pictures to one with a defect, which
//! the audit should rank first.
//!
//! The tables over many draws: `cargo test --release -p patchcore-evaluation --test hidden_defects -- --ignored --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it measured"
)]

use patchcore::{BankSize, Files, Outliers, Params, PatchCore, Progress, Sampler, SamplerKind, Stage};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, Precision, weights::Weights};
use patchcore_image::{Intensity, Limits, mvtec_category};
use patchcore_testkit::{shared, weights::uniform};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const RESNET18: &str = "weights/resnet18_tv_l3_identitybn_fp32.safetensors";

/// Some of the paths, in another order for another seed.
fn shuffled(paths: Vec<PathBuf>, what: &str, seed: u64) -> Vec<PathBuf> {
    let keys = uniform(what, seed, paths.len());
    let mut keyed: Vec<(f64, PathBuf)> = keys.into_iter().zip(paths).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed.into_iter().map(|(_, path)| path).collect()
}

/// `defects` pictures with a defect among nine times as many good ones, all mixed.
fn draw(set: &str, defects: usize, seed: u64) -> Files {
    let root = shared("data").unwrap();
    let category = mvtec_category(&root, set).unwrap();
    let (bad, good): (Vec<_>, Vec<_>) =
        category.train.into_iter().chain(category.test).partition(patchcore_image::Sample::is_anomalous);
    let some = |samples: Vec<patchcore_image::Sample>, what: &str, count: usize| {
        let paths = samples.into_iter().map(|sample| sample.path).collect();
        shuffled(paths, what, seed).into_iter().take(count).collect::<Vec<_>>()
    };
    let all = [some(good, "good", 9 * defects), some(bad, "bad", defects)].concat();
    assert_eq!(all.len(), 10 * defects);
    Files {
        paths: shuffled(all, "mixed", seed),
        root,
        limits: Limits::default(),
        intensity: Intensity::EightBit,
    }
}

fn network(name: &str) -> (Params, Backbone) {
    let params = Params::ours(architecture(name).unwrap());
    let network = if name == "resnet18" {
        let weights = Weights::read(&shared(RESNET18).unwrap()).unwrap();
        Backbone::load(name, &weights, &params.layers, Precision::F32).unwrap()
    } else {
        Backbone::embedded().unwrap()
    };
    // The audit looks at all patches, whatever the bank is.
    let sampler = Sampler { kind: SamplerKind::Random, size: BankSize::Ratio(0.01), seed: 0 };
    (Params { sampler, ..params }, network)
}

/// How long the stages take.
#[derive(Default)]
struct Clock {
    running: Mutex<Option<(Stage, Instant)>>,
    done: Mutex<Vec<(Stage, Duration)>>,
}

impl Progress for Clock {
    fn begin(&self, stage: Stage, _: usize) {
        *self.running.lock().unwrap() = Some((stage, Instant::now()));
    }

    fn advance(&self, _: usize) {}

    fn end(&self) {
        let ended = self.running.lock().unwrap().take();
        self.done.lock().unwrap().extend(ended.map(|(stage, since)| (stage, since.elapsed())));
    }
}

impl Clock {
    fn seconds(&self, asked: Stage) -> f64 {
        let done = self.done.lock().unwrap();
        done.iter().filter(|(stage, _)| *stage == asked).map(|(_, time)| time.as_secs_f64()).sum()
    }
}

/// The share of the hidden defects that dropping a tenth of the pictures would drop.
fn recall(set: &str, name: &str, defects: usize, seed: u64, clock: &Clock) -> f64 {
    let (params, network) = network(name);
    let files = draw(set, defects, seed);
    let model = PatchCore::load(params, network).unwrap().fit(&files, clock).unwrap();
    let ranking = &model.audit().unwrap().ranking;
    let tenth = Outliers::Share(0.1).of(ranking.len()).unwrap();
    let found = ranking[..tenth].iter().filter(|suspect| !suspect.picture.contains("/good/")).count();
    found as f64 / defects as f64
}

fn table(set: &str, name: &str, defects: usize, draws: u64) -> f64 {
    let clock = Clock::default();
    let mut all: Vec<f64> = (0..draws).map(|seed| recall(set, name, defects, seed, &clock)).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    all.sort_by(f64::total_cmp);
    println!(
        "{set} {name}: {defects} of {} pictures, {draws} draws: mean {mean:.3}, from {:.2} to {:.2}; a draw takes {:.1} s to \
         embed, {:.1} s to audit",
        10 * defects,
        all[0],
        all[all.len() - 1],
        clock.seconds(Stage::Embed) / draws as f64,
        clock.seconds(Stage::Audit) / draws as f64
    );
    mean
}

#[test]
fn cracked_cookies_are_found() {
    if shared("data").is_some() {
        let found = recall("aws_cookie", "efficientnet_lite0", 5, 1, &Clock::default());
        assert!(found >= 0.8, "{found}");
    }
}

/// Good tiles differ more from each other than most defects do from good tiles: even a bank of good tiles alone finds no
/// more than about 60 % so.
#[test]
fn defective_tiles_are_found_far_more_often_than_by_chance() {
    if shared("data").is_some() {
        let found = recall("magnetic_tile", "efficientnet_lite0", 10, 1, &Clock::default());
        assert!(found >= 0.3, "{found}");
    }
}

#[test]
#[ignore = "minutes; prints the tables of the documents"]
fn cookie_tables() {
    assert!(table("aws_cookie", "efficientnet_lite0", 5, 10) >= 0.8);
    assert!(table("aws_cookie", "resnet18", 5, 10) >= 0.35);
}

#[test]
#[ignore = "minutes; prints the tables of the documents"]
fn tile_tables() {
    assert!(table("magnetic_tile", "efficientnet_lite0", 20, 5) >= 0.3);
    assert!(table("magnetic_tile", "resnet18", 20, 5) >= 0.3);
}

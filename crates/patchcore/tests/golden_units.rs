//! Small exact cases of every step against golden values.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::coreset::{Projection, approximate_greedy, exact_greedy};
use patchcore::search::nearest;
use patchcore::{
    ImageScore, MapStyle, MemoryBank, Mt19937, Origin, PatchDistance, PatchEmbedding, PatchShape, Quiet,
    Reduction, anomaly_map, gaussian_blur, patch_scores, pool_patches,
};
use patchcore_kernels::isa::Isa;
use patchcore_kernels::patches::{Map, bins, mean_bins};
use patchcore_tensor::{AnomalyMap, Embeddings, Tensor};
use patchcore_testkit::{assert_all_close, shared_golden};

/// Rows of the last axes, averaged into as many bins as the output has.
fn check_bins(name: &str, rows: usize) {
    let Some(units) = shared_golden("units") else { return };
    let ((_, input), (shape, expected)) =
        (units.f32(&format!("{name}/in")), units.f32(&format!("{name}/out")));
    let d = shape[1];
    let mut got = vec![0.0; rows * d];
    mean_bins(Isa::best(), &input, input.len() / rows, &mut got, d);
    assert_all_close(name, &got, &expected, 1e-6);
}

#[test]
fn mean_mapper() {
    for (name, rows) in [
        ("c16_p3_D32", 3),
        ("c16_p3_D64", 3),
        ("c16_p3_D144", 3),
        ("c16_p3_D200", 3),
        ("c7_p3_D10", 2),
        ("c64_p3_D1024", 2),
    ] {
        check_bins(&format!("meanmapper/{name}"), rows);
    }
}

#[test]
fn aggregator() {
    for (name, rows) in [
        ("l2_D32_T32", 3),
        ("l2_D32_T12", 3),
        ("l3_D20_T24", 3),
        ("l1_D16_T24", 2),
        ("l2_D32_T64", 3),
        ("l2_D32_T100", 3),
    ] {
        check_bins(&format!("aggregator/{name}"), rows);
    }
}

#[test]
fn adaptive_bins() {
    let Some(units) = shared_golden("units") else { return };
    for (n, d) in [(4608, 1024), (2048, 384)] {
        let (_, expected) = units.i64(&format!("adaptive_bins/{n}_to_{d}"));
        let got: Vec<i64> = bins(n, d).flat_map(|b| [b.start as i64, b.end as i64]).collect();
        assert_eq!(got, expected);
    }
}

/// With one bin per value of the neighbourhood the pooled vector is the neighbourhood itself.
#[test]
fn patchify() {
    let Some(units) = shared_golden("units") else { return };
    for (c, h, w, size, stride) in
        [(3, 5, 6, 3, 1), (3, 5, 6, 5, 1), (2, 6, 5, 2, 1), (2, 7, 9, 3, 2), (2, 4, 4, 1, 1), (2, 5, 5, 4, 1)]
    {
        let name = format!("patchify/c{c}_h{h}_w{w}_p{size}_s{stride}");
        let ((_, input), (_, expected)) =
            (units.f32(&format!("{name}/in")), units.f32(&format!("{name}/out")));
        let maps = Tensor::from_nchw([2, h, w, c], &input).unwrap();
        let patch = PatchShape { size, stride };
        let pooled = |i| {
            let mut out = Vec::new();
            pool_patches(Map { data: maps.picture(i), shape: [h, w, c] }, patch, c * size * size, &mut out);
            out
        };
        let got: Vec<f32> = (0..2).flat_map(pooled).collect();
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn embeddings_of_several_layers() {
    let Some(units) = shared_golden("units") else { return };
    let cases: [(&str, &[&str], usize, usize, usize); 4] = [
        ("p3_D32_T32", &["a", "b"], 3, 32, 32),
        ("p3_D32_T12", &["a", "b"], 3, 32, 12),
        ("p5_D24_T40", &["a", "b"], 5, 24, 40),
        ("odd", &["a", "b", "c"], 3, 20, 16),
    ];
    for (name, layers, size, pretrain, target) in cases {
        let maps: Vec<Tensor> = layers
            .iter()
            .map(|layer| {
                let (s, values) = units.f32(&format!("embed_glue/{name}/layer_{layer}"));
                Tensor::from_nchw([s[0], s[2], s[3], s[1]], &values).unwrap()
            })
            .collect();
        let embedding = PatchEmbedding {
            patch: PatchShape { size, stride: 1 },
            reduction: Reduction::Pooled { pretrain, target },
        };
        let got: Vec<f32> =
            embedding.embed(&maps).unwrap().iter().flat_map(|p| p.rows.data().to_vec()).collect();
        assert_all_close(name, &got, &units.f32(&format!("embed_glue/{name}/embedding")).1, 1e-6);
    }
}

#[test]
fn bilinear_and_gaussian() {
    let Some(units) = shared_golden("units") else { return };
    let plane = |name: &str| {
        let (shape, values) = units.f32(name);
        let [h, w] = shape[shape.len() - 2..] else { panic!("{name}: {shape:?}") };
        let planes: Vec<AnomalyMap> =
            values.chunks_exact(h * w).map(|v| AnomalyMap::from_vec(h, w, v.to_vec()).unwrap()).collect();
        planes
    };
    let sizes = [
        "3x4_to_6x8",
        "7x7_to_14x14",
        "3x5_to_7x9",
        "8x6_to_4x3",
        "5x5_to_5x5",
        "1x3_to_4x6",
        "14x14_to_28x28",
    ];
    for size in sizes {
        for (input, expected) in
            plane(&format!("bilinear/{size}/in")).iter().zip(plane(&format!("bilinear/{size}/out")))
        {
            let got = anomaly_map(input, [expected.height(), expected.width()], 0.0, MapStyle::Bilinear);
            assert_all_close(size, got.data(), expected.data(), 1e-6);
        }
    }
    for size in ["7x7_to_56x56", "6x8_to_48x64", "28x28_to_224x224", "4x4_to_10x10", "3x3_to_5x40"] {
        let (input, expected) =
            (&plane(&format!("segmentor/{size}/in"))[0], &plane(&format!("segmentor/{size}/out"))[0]);
        let got = anomaly_map(input, [expected.height(), expected.width()], 4.0, MapStyle::Bilinear);
        let largest = expected.min_max().unwrap().1;
        assert_all_close(size, got.data(), expected.data(), 1e-6 * f64::from(largest));
    }
    assert_eq!(gaussian_blur(&plane("gauss/in")[0], 4.0).data(), plane("gauss/out")[0].data());
}

fn as_bank(values: Vec<f32>, d: usize) -> MemoryBank {
    let n = values.len() / d;
    let origins = vec![Origin { picture: 0, y: 0, x: 0 }; n];
    MemoryBank { rows: Embeddings::from_vec(n, d, values).expect("whole rows"), origins }
}

#[test]
fn nearest_neighbours() {
    let Some(units) = shared_golden("units") else { return };
    let ((_, bank), (_, queries)) = (units.f32("nn/bank"), units.f32("nn/query"));
    let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let largest_norm = bank.chunks_exact(64).map(norm).fold(0.0, f64::max);
    let bank = as_bank(bank, 64);
    for k in [1, 3, 5, 9] {
        let (_, expected) = units.f32(&format!("nn/k{k}/dist"));
        let (_, indices) = units.i64(&format!("nn/k{k}/idx"));
        let found = nearest(&bank, &queries, k, None);
        for (i, query) in queries.chunks_exact(64).enumerate() {
            let tolerance = 1e-5 * (norm(query) + largest_norm);
            assert_all_close("distance", &found.squared[i * k..][..k], &expected[i * k..][..k], tolerance);
        }
        // Rows 3 and 7 of the bank are equal: either may stand for the other.
        let same = |a: u32, b: i64| i64::from(a) == b || ([3, 7].contains(&a) && [3, 7].contains(&b));
        assert!(found.index.iter().zip(&indices).all(|(&a, &b)| same(a, b)), "k = {k}");
        let scores = patch_scores(&found, [1, 300], PatchDistance::SquaredL2).unwrap();
        assert_all_close("score", scores.data(), &units.f32(&format!("nn/k{k}/score")).1, 1e-3);
    }
}

#[test]
fn a_bank_smaller_than_k_gives_what_it_has() {
    let found = nearest(&as_bank(vec![0.0, 3.0], 1), &[1.0], 4, None);
    assert_eq!((found.k, found.squared), (2, vec![1.0, 4.0]));
}

#[test]
fn reweighting() {
    let Some(metrics) = shared_golden("metrics") else { return };
    let ((_, bank), (_, patches)) = (metrics.f32("reweight/bank"), metrics.f32("reweight/patches"));
    let bank = as_bank(bank, 16);
    let (largest, weighed) = (metrics.f64("reweight/max_dist").1, metrics.f64("reweight/score_b9").1);
    for (i, picture) in patches.chunks_exact(20 * 16).enumerate() {
        let found = nearest(&bank, picture, 1, None);
        let scores = patch_scores(&found, [4, 5], PatchDistance::L2).unwrap();
        let support = |patch: usize, neighbours: usize| {
            let around = nearest(&bank, bank.rows.row(found.index[patch] as usize), neighbours, None);
            let patch = &picture[patch * 16..][..16];
            let squared = |row| nearest(&as_bank(bank.rows.row(row).to_vec(), 16), patch, 1, None).squared[0];
            around.index.iter().map(|&row| f64::from(squared(row as usize)).sqrt()).collect()
        };
        let close = |rule: ImageScore, expected: f64| {
            let score = f64::from(rule.score(&scores, support));
            assert!((score - expected).abs() <= 1e-5 * expected.abs(), "{rule:?}: {score} {expected}");
        };
        close(ImageScore::Paper { neighbours: 9 }, weighed[i]);
        close(ImageScore::Anomalib { neighbours: 9 }, weighed[i]);
        close(ImageScore::Anomalib { neighbours: 1 }, largest[i]);
        close(ImageScore::Max, largest[i]);
    }
}

#[test]
fn random_streams() {
    let Some(samplers) = shared_golden("samplers") else { return };
    for (seed, n) in [(0, 3920), (0, 163_856), (3, 4704), (22, 1000)] {
        let (_, expected) = samplers.i64(&format!("rng/np_choice_seed{seed}_n{n}"));
        let got: Vec<i64> = Mt19937::new(seed).permutation(n)[..10].iter().map(|&i| i as i64).collect();
        assert_eq!(got, expected);
    }
    let (_, expected) = samplers.i64("rng/random_sampler_seed0_n1200_idx");
    let got: Vec<i64> = Mt19937::new(0).permutation(1200)[..120].iter().map(|&i| i as i64).collect();
    assert_eq!(got, expected);
    let (_, expected) = samplers.f32("rng/torch_linear_1024_128_seed0_first4rows");
    let got = Projection::from_stream(&mut Mt19937::new(0), 1024, 128);
    assert_eq!(got.weights()[..4 * 1024], expected);
}

/// Indices must agree; where they do not, the anchor distances at which they were picked must (a near tie).
fn check_picks(what: &str, got: &[usize], expected: &[i64]) {
    let got: Vec<i64> = got.iter().map(|&i| i as i64).collect();
    assert_eq!(got, expected, "{what}");
}

#[test]
fn reference_samplers() {
    let Some(samplers) = shared_golden("samplers") else { return };
    let (shape, features) = samplers.f32("a/features");
    let features = Embeddings::from_vec(shape[0], shape[1], features).unwrap();
    let projection = Projection::from_weights(64, samplers.f32("a/projection").1);
    let reduced = projection.apply(&features);
    assert_all_close("projection", reduced.data(), &samplers.f32("a/reduced").1, 1e-5);
    let start: Vec<usize> = samplers.i64("a/start_points").1.iter().map(|&i| i as usize).collect();
    for share in ["0.01", "0.1", "0.25"] {
        for (rows, kind) in [(&reduced, "projected"), (&features, "noproj")] {
            let (_, expected) = samplers.i64(&format!("a/approx_{share}/idx_{kind}"));
            let got = approximate_greedy(rows, &start, expected.len(), &Quiet);
            check_picks(&format!("approx {share} {kind}"), &got, &expected);
            let (_, expected) = samplers.i64(&format!("a/greedy_{share}/idx_{kind}"));
            check_picks(
                &format!("greedy {share} {kind}"),
                &exact_greedy(rows, expected.len(), &Quiet),
                &expected,
            );
        }
    }
    let ones = Embeddings::from_vec(200, 8, vec![1.0; 1600]).unwrap();
    let starts: Vec<usize> = (0..10).collect();
    check_picks(
        "constant",
        &approximate_greedy(&ones, &starts, 20, &Quiet),
        &samplers.i64("const/approx_idx").1,
    );
    check_picks("constant", &exact_greedy(&ones, 20, &Quiet), &samplers.i64("const/greedy_idx").1);
    let (shape, small) = samplers.f32("small/features");
    let small = Embeddings::from_vec(shape[0], shape[1], small).unwrap();
    let start = Mt19937::new(3).permutation(6);
    assert_eq!(start.iter().map(|&i| i as i64).collect::<Vec<_>>(), samplers.i64("small/start_points").1);
    check_picks("small", &approximate_greedy(&small, &start, 3, &Quiet), &samplers.i64("small/approx_idx").1);
}

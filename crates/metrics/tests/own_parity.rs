//! Metrics against `testdata/`: scikit-learn, and AUPRO counted anew at every threshold (`reference/measures.py`).

use patchcore_metrics::{Connectivity, PixelPicture, aupro, auroc, average_precision, pixel_auroc};
use patchcore_testkit::{Fixture, testdata};

const CASES: [&str; 3] = ["smooth", "ties", "constant"];
/// Both sides compute in `f64`.
const TOLERANCE: f64 = 1e-9;

fn parity() -> Fixture {
    Fixture::open(&testdata("parity.safetensors"))
}

fn booleans(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().map(|&b| b != 0).collect()
}

fn assert_close(what: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() <= TOLERANCE, "{what}: got {got}, expected {expected}");
}

#[test]
fn scores_of_pictures() {
    let parity = parity();
    for case in CASES {
        let key = |part: &str| format!("metrics/{case}/{part}");
        let (_, scores) = parity.f32(&key("scores"));
        let labels = booleans(&parity.u8(&key("labels")).1);
        for (name, got) in
            [("auroc", auroc(&scores, &labels)), ("average_precision", average_precision(&scores, &labels))]
        {
            assert_close(&key(name), got.unwrap(), parity.f64(&key(name)).1[0]);
        }
    }
}

#[test]
fn maps_and_masks() {
    let parity = parity();
    for case in CASES {
        let key = |part: &str| format!("metrics/{case}/{part}");
        let (shape, maps) = parity.f32(&key("maps"));
        let mask = booleans(&parity.u8(&key("masks")).1);
        let (height, width) = (shape[1], shape[2]);
        let size = height * width;
        let pictures: Vec<PixelPicture<'_>> = maps
            .chunks_exact(size)
            .zip(mask.chunks_exact(size))
            .map(|(scores, mask)| PixelPicture { height, width, scores, mask })
            .collect();
        let expected = parity.f64(&key("pixel_auroc")).1[0];
        assert_close(&key("pixel_auroc"), pixel_auroc(&pictures).unwrap(), expected);

        let (_, expected) = parity.f64(&key("aupro"));
        let settings = [Connectivity::Eight, Connectivity::Four]
            .into_iter()
            .flat_map(|connectivity| [0.05, 0.3, 1.0].map(|limit| (connectivity, limit)));
        for ((connectivity, limit), expected) in settings.zip(expected) {
            let what = format!("{case}: AUPRO up to {limit}, {connectivity:?}");
            assert_close(&what, aupro(&pictures, limit, connectivity).unwrap(), expected);
        }
    }
}

//! What the processor can do at most, measured on the spot.

use patchcore_backbone::Precision;
use patchcore_kernels::element::Bf16;
use patchcore_kernels::isa::Isa;
use patchcore_kernels::peak::multiply_adds;
use std::time::{Duration, Instant};

/// Length of one measurement: short enough to fall into a quiet moment.
const TIME: Duration = Duration::from_millis(4);
const MEASUREMENTS: usize = 40;

/// FLOP/s, two for each multiply-add.
pub(super) struct Peak {
    pub(super) one_thread: f64,
    pub(super) all_threads: f64,
}

/// Measures the instruction that a network of this precision multiplies with.
pub(super) fn measure(isa: Isa, precision: Precision) -> Peak {
    let work = || match precision {
        Precision::Bf16 => multiply_adds::<Bf16>(isa, TIME),
        Precision::F32 | Precision::Fast => multiply_adds::<f32>(isa, TIME),
    };
    Peak { one_thread: best(work), all_threads: best(|| rayon::broadcast(|_| work()).into_iter().sum()) }
}

/// The best rate of many measurements.
fn best(work: impl Fn() -> u64) -> f64 {
    let rate = |_| {
        let start = Instant::now();
        let done = work();
        2.0 * done as f64 / start.elapsed().as_secs_f64()
    };
    (0..MEASUREMENTS).map(rate).fold(0.0, f64::max)
}

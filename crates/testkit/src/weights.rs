//! Deterministic weights from a formula, so that golden features need no weight file.
//!
//! For a tensor named `key`, value `i` (row-major) comes from `SplitMix64` seeded by the FNV-1a hash of the name:
//! `u` in `[0, 1)`, `s = 2u - 1`. Norm variances are `0.5 + u`, norm means `0.2 s`, norm scales `0.5 + 0.5 u`,
//! other weights `s * gain * sqrt(6 / fan_in)`, everything else `0.1 s`; all computed in `f64`, rounded once.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn fnv1a64(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

fn mix64(mut z: u64) -> u64 {
    z ^= z >> 30;
    z = z.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^= z >> 27;
    z = z.wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The uniform numbers in `[0, 1)` that belong to a tensor name and a seed.
pub fn uniform(key: &str, seed: u64, n: usize) -> Vec<f64> {
    let base = fnv1a64(key).wrapping_add(seed.wrapping_mul(0xD1B5_4A32_D192_ED03));
    (1..=n as u64)
        .map(|i| (mix64(base.wrapping_add(i.wrapping_mul(GOLDEN))) >> 40) as f64 * 2f64.powi(-24))
        .collect()
}

/// The tensor named `key` with this shape; `gain` scales weights of rank two and more.
pub fn tensor(key: &str, shape: &[usize], seed: u64, gain: f64) -> Vec<f32> {
    let n = shape.iter().product();
    let fan_in: usize = shape.iter().skip(1).product();
    let scale = gain * (6.0 / fan_in as f64).sqrt();
    let value = |u: f64| -> f64 {
        let s = 2.0 * u - 1.0;
        if key.ends_with("running_mean") {
            0.2 * s
        } else if key.ends_with("running_var") {
            0.5 + u
        } else if key.ends_with("weight") && shape.len() == 1 {
            0.5 + 0.5 * u
        } else if key.ends_with("weight") {
            s * scale
        } else {
            0.1 * s
        }
    };
    uniform(key, seed, n).into_iter().map(|u| value(u) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let conv = tensor("conv1.weight", &[64, 3, 7, 7], 0, 1.0);
        assert_eq!(conv[..3], [0.018_213_026, 0.099_060_29, -0.192_768_75]);
        let var = tensor("bn1.running_var", &[64], 0, 1.0);
        assert_eq!(var[..2], [1.142_307_5, 1.286_753_4]);
    }
}

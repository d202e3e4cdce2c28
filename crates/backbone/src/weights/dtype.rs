//! Number types found in weight files, widened to `f32`.

use half::{bf16, f16};

/// How one number is stored; everything is little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    /// Counters such as `num_batches_tracked`: known, and not kept.
    Integer {
        name: &'static str,
        n_bytes: usize,
    },
}

impl Dtype {
    /// Bytes of one number.
    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Integer { n_bytes, .. } => n_bytes,
        }
    }

    /// Adds every whole number in `bytes` to `values`, rounded to the nearest `f32` where it is wider; nothing for
    /// integers.
    ///
    /// A finite `f64` beyond the range of `f32` becomes an infinity, which [`super::Weights::take`] refuses.
    pub(super) fn widen(self, bytes: &[u8], values: &mut Vec<f32>) {
        match self {
            Self::F16 => values.extend(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32())),
            Self::Bf16 => values.extend(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32())),
            Self::F32 => values.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Self::F64 => values.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32)),
            Self::Integer { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_keeps_the_value() {
        let widened = |dtype: Dtype, bytes: &[u8]| {
            let mut values = Vec::new();
            dtype.widen(bytes, &mut values);
            values
        };
        assert_eq!(widened(Dtype::F16, &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.0]);
        assert_eq!(widened(Dtype::Bf16, &[0xc0, 0x3f]), [1.5]);
        assert_eq!(widened(Dtype::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(widened(Dtype::F64, &(-0.1f64).to_le_bytes()), [-0.1]);
        assert_eq!(widened(Dtype::F64, &1e300f64.to_le_bytes()), [f32::INFINITY]);
    }
}

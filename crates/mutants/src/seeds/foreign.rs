//! Saved models of other programs: genuine ones where they are small.

/// The original's parameters of a model with vectors of twelve values: a pickle of protocol 5, written by Python.
pub(crate) const PARAMS: &[u8] = include_bytes!("../../seeds/params.pkl");

/// A memory bank of three vectors of twelve values.
pub(crate) fn faiss() -> Vec<Vec<u8>> {
    let mut file = b"IxF2".to_vec();
    file.extend(12i32.to_le_bytes());
    file.extend(3i64.to_le_bytes());
    file.extend([1i64 << 20; 2].iter().flat_map(|v| v.to_le_bytes()));
    file.push(1);
    file.extend(1i32.to_le_bytes());
    file.extend(36u64.to_le_bytes());
    file.extend((0..36).flat_map(|i| (i as f32 * 0.25 - 3.0).to_le_bytes()));
    vec![file]
}

pub(crate) fn params() -> Vec<Vec<u8>> {
    vec![PARAMS.to_vec()]
}

/// A genuine file whose larger tensors were cut to a single value.
pub(crate) fn anomalib_ckpt() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../seeds/small.ckpt").to_vec()]
}

/// As above.
pub(crate) fn anomalib_pt() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../seeds/small.pt").to_vec()]
}

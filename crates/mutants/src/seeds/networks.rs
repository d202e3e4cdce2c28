//! Networks from ONNX files: those of the test data.

/// The weights of `external.onnx`.
pub(crate) const EXTERNAL: &[u8] = include_bytes!("../../../../testdata/onnx/external.onnx.data");

pub(crate) fn onnx() -> Vec<Vec<u8>> {
    let all: [&[u8]; 4] = [
        include_bytes!("../../../../testdata/onnx/maps.onnx"),
        include_bytes!("../../../../testdata/onnx/tokens.onnx"),
        include_bytes!("../../../../testdata/onnx/channels_last.onnx"),
        include_bytes!("../../../../testdata/onnx/external.onnx"),
    ];
    all.map(<[u8]>::to_vec).to_vec()
}

//! Writes small ONNX files field by field, so that tests can bend any part of them.

/// A number under a field's number.
pub fn int(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

/// A text, or a message, under a field's number.
pub fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [&varint(field << 3 | 2)[..], &varint(value.len() as u64), value].concat()
}

/// An operation.
pub fn node(op: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| bytes(1, name)).collect();
    [inputs, bytes(2, output), bytes(3, op), bytes(4, op)].concat()
}

/// A constant of floats whose values are in the file.
pub fn constant(name: &str, dims: &[i64], values: &[u8]) -> Vec<u8> {
    [shape(name, dims), bytes(9, values)].concat()
}

/// A constant of floats whose values are said to be in another file.
pub fn external(name: &str, dims: &[i64], about: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| bytes(13, [bytes(1, key), bytes(2, value)].concat());
    let entries: Vec<u8> = about.iter().flat_map(entry).collect();
    [shape(name, dims), entries, int(14, 1)].concat()
}

fn shape(name: &str, dims: &[i64]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&length| int(1, length)).collect();
    [dims, int(2, 1), bytes(8, name)].concat()
}

/// A network that takes `image`, three colours of any size; it gives `out`.
pub fn model(opset: i64, nodes: &[Vec<u8>], constants: &[Vec<u8>]) -> Vec<u8> {
    let axes = [int(1, 1), int(1, 3), bytes(2, "h"), bytes(2, "w")];
    let axes: Vec<u8> = axes.iter().flat_map(|axis| bytes(1, axis)).collect();
    let picture = bytes(1, [int(1, 1), bytes(2, axes)].concat());
    let input = [bytes(1, "image"), bytes(2, picture)].concat();
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| bytes(1, node)).collect();
    let constants: Vec<u8> = constants.iter().flat_map(|constant| bytes(5, constant)).collect();
    let graph = [nodes, constants, bytes(11, input), bytes(12, bytes(1, "out"))].concat();
    [int(1, 8), bytes(7, graph), bytes(8, int(2, opset))].concat()
}

/// A number of as many bytes as it takes.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    while value >= 0x80 {
        encoded.push(value as u8 | 0x80);
        value >>= 7;
    }
    encoded.push(value as u8);
    encoded
}

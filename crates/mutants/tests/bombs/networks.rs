//! ONNX files that declare more than they hold.

use crate::refused;
use patchcore_onnx::{OnnxBackbone, OnnxOptions};
use patchcore_testkit::onnx::{bytes as field, int, varint};
use std::fs;

fn error(bytes: &[u8], factor: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    fs::write(&path, bytes).unwrap();
    refused(bytes.len(), factor, || OnnxBackbone::load(&path, &["y".to_string()], &OnnxOptions::default()))
}

/// A model of operator set 17 with this graph.
fn model(graph: &[u8]) -> Vec<u8> {
    let opset = field(8, [field(1, b""), int(2, 17)].concat());
    [int(1, 8), opset, field(7, graph)].concat()
}

#[test]
fn bomb_45_graphs_within_graphs_need_no_stack() {
    // An attribute of a node holds a graph, whose node has an attribute with a graph, ... each the last of what holds it.
    let (mut beginnings, mut len) = (Vec::new(), 0u64);
    for _ in 0..10_000 {
        for (before, number) in
            [(field(1, b"body"), 6), ([field(2, b"y"), field(4, b"If")].concat(), 5), (Vec::new(), 1)]
        {
            let beginning = [&before[..], &[number << 3 | 2], &varint(len)].concat();
            len += beginning.len() as u64;
            beginnings.push(beginning);
        }
    }
    beginnings.reverse();
    let graph = beginnings.concat();
    error(&model(&graph), 64);
}

#[test]
fn bomb_45_axes_are_no_sizes() {
    for dims in [&[1 << 62][..], &[1 << 32, 1 << 32], &[u64::MAX], &[i64::MAX as u64, 2], &[1 << 40]] {
        let axes: Vec<u8> = dims.iter().flat_map(|&axis| int(1, axis as i64)).collect();
        let tensor = [axes, int(2, 1), field(8, b"w"), field(9, [0; 16])].concat();
        let node = [field(1, b"w"), field(2, b"y"), field(4, b"Relu")].concat();
        error(&model(&[field(1, &node), field(5, &tensor)].concat()), 64);
    }
}

#[test]
fn bomb_45_a_length_beyond_the_end_is_refused() {
    for length in [1u64 << 31, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
        let bytes = [&int(1, 8)[..], &[7 << 3 | 2], &varint(length), &[0; 16]].concat();
        let error = error(&bytes, 8);
        assert!(error.contains("ends within a field"), "{error}");
    }
}

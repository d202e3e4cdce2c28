//! Networks from ONNX files: read, checked, cut, and made ready by the engine, but not run.

use crate::place::in_folder;
use crate::{Memory, Target, repair, seeds};
use patchcore_onnx::{OnnxBackbone, OnnxOptions};

/// The file, the graph, the graph written anew, and what the engine makes of it.
const MEMORY: Memory = Memory { fixed: 1 << 20, per_byte: 100 };

pub(super) const TARGETS: &[Target] = &[Target {
    name: "onnx",
    seeds: seeds::onnx,
    words: &[
        b"Conv",
        b"Relu",
        b"Reshape",
        b"Resize",
        b"Pad",
        b"Constant",
        b"If",
        b"Loop",
        b"stage1",
        b"block",
        b"pads",
        b"../",
    ],
    read,
    repair: repair::nothing,
    memory: MEMORY,
}];

/// Taps the layer that two of the seeds have, or else the one that the others have.
fn read(bytes: &[u8]) -> Result<(), String> {
    in_folder(&[("net.onnx", bytes), ("external.onnx.data", seeds::EXTERNAL)], |folder| {
        let load = |layer: &str| {
            OnnxBackbone::load(&folder.join("net.onnx"), &[layer.to_string()], &OnnxOptions::default())
                .map(drop)
        };
        load("stage1").or_else(|_| load("block")).map_err(|error| error.to_string())
    })
}

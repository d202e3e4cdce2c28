//! Writes out what ONNX lets a node leave away and the engine does not find out itself.

use crate::proto::{AttributeValue, Model};
use std::collections::HashMap;

/// Gives convolutions the shape of their window, which their weights have too.
pub(crate) fn complete(model: &mut Model) {
    let windows: HashMap<&str, Vec<i64>> = model
        .constants
        .iter()
        .map(|constant| (constant.name, constant.dims.iter().skip(2).map(|&d| d as i64).collect()))
        .collect();
    for node in model.nodes.iter_mut().filter(|node| ["Conv", "ConvTranspose"].contains(&node.op)) {
        let window = node.inputs.get(1).and_then(|weights| windows.get(weights));
        if let Some(window) = window
            && !node.attributes.iter().any(|(name, _)| *name == "kernel_shape")
        {
            node.attributes.push(("kernel_shape", AttributeValue::Ints(window.clone())));
        }
    }
}

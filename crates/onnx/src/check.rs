//! Refuses numbers in a graph that no network has and that cost the engine its life: lengths of zero that it divides by,
//! windows and paddings larger than memory.
//!
//! This is for damage. A graph made to be large can still ask for more memory than there is.

use crate::OnnxError;
use crate::proto::{AttributeValue, Model, Node};
use std::collections::{HashMap, HashSet};

/// Softmax and other operators meant something else before, and the engine computes what they mean now.
const OLDEST_OPSET: i64 = 13;

/// What operators mean in later versions nobody has looked at.
const NEWEST_OPSET: i64 = 25;

/// Lengths, steps and borders of windows, and groups of channels.
const MOST: i64 = 65_536;

/// Numbers from which a border is computed: a picture's side may be among them.
const WIDEST_BORDER: i64 = 4096;

/// Checks the operator set and all nodes.
pub(crate) fn check(model: &Model) -> Result<(), OnnxError> {
    let usual = |domain| if domain == "ai.onnx" { "" } else { domain };
    for &(domain, version) in &model.opsets {
        if usual(domain).is_empty() && !(OLDEST_OPSET..=NEWEST_OPSET).contains(&version) {
            return Err(OnnxError::Unsupported(format!(
                "it uses version {version} of the operators: export it with opset_version={OLDEST_OPSET} to {NEWEST_OPSET}"
            )));
        }
    }
    // A list may be empty; of filters and matrices the engine makes maps without channels.
    if let Some(empty) = model.tensors().find(|tensor| tensor.dims.len() > 1 && tensor.dims.contains(&0)) {
        return Err(OnnxError::Damaged(format!(
            "tensor {:?} of shape {:?} is empty",
            empty.name, empty.dims
        )));
    }
    let origins = Integers::new(model);
    for node in &model.nodes {
        if !model.opsets.iter().any(|&(domain, _)| usual(domain) == usual(node.domain)) {
            let domain = node.domain;
            return Err(OnnxError::Damaged(format!(
                "a node {} is of domain {domain:?}, which has no version",
                node.op
            )));
        }
        for (name, value) in &node.attributes {
            if matches!((*name, value), ("auto_pad", AttributeValue::Text(b"SAME_LOWER"))) {
                return Err(OnnxError::Unsupported(format!("node {:?} pads with SAME_LOWER", node.name)));
            }
            check_attribute(node, name, value)?;
        }
        // The inputs that say how large the output is.
        let (lengths, most) = match node.op {
            "ConstantOfShape" => (0..1, MOST),
            "Expand" | "Tile" | "OneHot" => (1..2, MOST),
            "Range" => (0..3, MOST),
            "Resize" => (3..4, MOST),
            "Pad" => (1..2, WIDEST_BORDER),
            _ => continue,
        };
        for input in node.inputs.iter().skip(lengths.start).take(lengths.len()) {
            let values = origins.behind(input);
            if values.iter().any(|v| v.unsigned_abs() > most.unsigned_abs()) {
                return Err(out_of_range(node, "lengths", &values));
            }
        }
    }
    Ok(())
}

/// Where integers come from.
struct Integers<'m, 'a> {
    constants: HashMap<&'a str, Vec<i64>>,
    nodes: HashMap<&'a str, &'m Node<'a>>,
}

impl<'m, 'a> Integers<'m, 'a> {
    fn new(model: &'m Model<'a>) -> Self {
        let named = model.constants.iter().map(|constant| (constant.name, constant.int64()));
        let mut constants: HashMap<_, _> = named.filter_map(|(name, v)| Some((name, v?))).collect();
        for node in model.nodes.iter().filter(|n| ["Constant", "ConstantOfShape"].contains(&n.op)) {
            let values = node.attributes.iter().find_map(|(_, value)| match value {
                AttributeValue::Tensor(tensor) => tensor.int64(),
                AttributeValue::Ints(values) => Some(values.clone()),
                AttributeValue::Int(value) => Some(vec![*value]),
                _ => None,
            });
            constants.extend(node.outputs.first().copied().zip(values));
        }
        let outputs = model.nodes.iter().flat_map(|node| node.outputs.iter().map(move |o| (*o, node)));
        Self { constants, nodes: outputs.collect() }
    }

    /// All constants from whose values a tensor may be computed.
    fn behind(&self, tensor: &'a str) -> Vec<i64> {
        let (mut open, mut seen, mut values) = (vec![tensor], HashSet::new(), Vec::new());
        while let Some(tensor) = open.pop() {
            if !seen.insert(tensor) {
                continue;
            }
            values.extend(self.constants.get(tensor).into_iter().flatten());
            let Some(node) = self.nodes.get(tensor) else { continue };
            match node.op {
                // A shape is as large as what it is of.
                "Shape" | "Size" => {}
                // The others are places, not values.
                "Slice" | "Gather" | "Reshape" | "Squeeze" | "Unsqueeze" | "Split" => {
                    open.extend(node.inputs.first());
                }
                _ => open.extend(&node.inputs),
            }
        }
        values
    }
}

fn check_attribute(node: &Node, name: &str, value: &AttributeValue) -> Result<(), OnnxError> {
    let values = match value {
        AttributeValue::Int(value) => std::slice::from_ref(value),
        AttributeValue::Ints(values) => values,
        _ => return Ok(()),
    };
    let allowed = match name {
        "group" | "kernel_shape" | "strides" | "dilations" | "num_heads" | "blocksize" => 1..=MOST,
        "pads" if node.op == "Pad" => -WIDEST_BORDER..=WIDEST_BORDER,
        "pads" | "output_padding" => 0..=WIDEST_BORDER,
        "output_shape" | "num_outputs" | "size" => 0..=MOST,
        "perm" => 0..=values.len() as i64 - 1,
        _ => return Ok(()),
    };
    let repeated = |i: usize| name == "perm" && values[..i].contains(&values[i]);
    if values.iter().all(|v| allowed.contains(v)) && !(0..values.len()).any(repeated) {
        Ok(())
    } else {
        Err(out_of_range(node, name, values))
    }
}

fn out_of_range(node: &Node, what: &str, values: &[i64]) -> OnnxError {
    let shown: Vec<_> = values.iter().take(8).collect();
    OnnxError::Damaged(format!("node {:?} ({}) has the {what} {shown:?}", node.name, node.op))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(op: &'static str, attribute: (&'static str, AttributeValue<'static>)) -> Result<(), String> {
        let node = Node { op, attributes: vec![attribute], ..Node::default() };
        let model = Model { opsets: vec![("", 17)], nodes: vec![node], ..Model::default() };
        check(&model).map_err(|e| e.to_string())
    }

    #[test]
    fn case_45_attributes_have_bounds() {
        let ints = |values: &[i64]| AttributeValue::Ints(values.to_vec());
        assert_eq!(with("Conv", ("strides", ints(&[2, 2]))), Ok(()));
        for (name, values) in [("strides", [0, 1]), ("pads", [-1, 0]), ("dilations", [1, 1 << 40])] {
            assert!(with("Conv", (name, ints(&values))).unwrap_err().contains(name));
        }
        assert!(with("Conv", ("group", AttributeValue::Int(0))).is_err());
        assert_eq!(with("Transpose", ("perm", ints(&[0, 2, 1]))), Ok(()));
        assert!(with("Transpose", ("perm", ints(&[0, 2, 2]))).is_err());
        assert!(with("Transpose", ("perm", ints(&[0, 3, 1]))).is_err());
        assert!(with("Conv", ("auto_pad", AttributeValue::Text(b"SAME_LOWER"))).is_err());
        let node = Node { domain: "other", ..Node::default() };
        let model = Model { opsets: vec![("", 17)], nodes: vec![node], ..Model::default() };
        assert!(check(&model).is_err());
        let old = Model { opsets: vec![("", 12)], ..Model::default() };
        assert!(check(&old).unwrap_err().to_string().contains("opset_version=13 to 25"));
        let new = Model { opsets: vec![("ai.onnx", 26)], ..Model::default() };
        assert!(check(&new).unwrap_err().to_string().contains("it uses version 26"));
    }

    #[test]
    fn case_45_lengths_are_followed_to_their_constants() {
        let padded = |border: i64| {
            let constant = Node {
                op: "Constant",
                outputs: vec!["border"],
                attributes: vec![("value_int", AttributeValue::Int(border))],
                ..Node::default()
            };
            let node = |op, inputs: &[&'static str], output| Node {
                op,
                inputs: inputs.to_vec(),
                outputs: vec![output],
                ..Node::default()
            };
            let nodes =
                vec![constant, node("Neg", &["border"], "pads"), node("Pad", &["picture", "pads"], "padded")];
            check(&Model { opsets: vec![("", 17)], nodes, ..Model::default() })
        };
        assert!(padded(3).is_ok());
        assert!(padded(1 << 30).is_err());
    }
}

//! Knows which axis holds the channels of a tensor, where the operations before it leave no doubt.

use crate::proto::{AttributeValue, Node};
use std::collections::{HashMap, HashSet};

/// The axis of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelAxis {
    /// As convolutions have them.
    Second,
    /// As matrix products with weights have them.
    Last,
}

/// The axis by tensor, for the outputs of nodes in their order; without an entry, it is not known.
pub(crate) fn channel_axes<'a>(
    nodes: &[&Node<'a>],
    constants: &HashSet<&'a str>,
) -> HashMap<&'a str, ChannelAxis> {
    let mut fixed = constants.clone();
    let mut known = HashMap::new();
    for node in nodes {
        if node.inputs.iter().all(|input| fixed.contains(input)) {
            fixed.extend(node.outputs.iter().copied());
        }
        if let (Some(axis), Some(output)) = (of_output(node, &known, &fixed), node.outputs.first()) {
            known.insert(*output, axis);
        }
    }
    known
}

fn of_output<'a>(
    node: &Node<'a>,
    known: &HashMap<&'a str, ChannelAxis>,
    fixed: &HashSet<&'a str>,
) -> Option<ChannelAxis> {
    let of_input = |i: usize| node.inputs.get(i).and_then(|input| known.get(input).copied());
    let axis = node.attributes.iter().find(|(name, _)| *name == "axis").map(|(_, value)| value);
    match node.op {
        "Conv"
        | "ConvTranspose"
        | "BatchNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "MaxPool"
        | "AveragePool" => Some(ChannelAxis::Second),
        "LayerNormalization" if matches!(axis, None | Some(AttributeValue::Int(-1))) => {
            Some(ChannelAxis::Last)
        }
        "MatMul" | "Gemm" if node.inputs.get(1).is_some_and(|weights| fixed.contains(weights)) => {
            Some(ChannelAxis::Last)
        }
        "Transpose" => transposed(node, of_input(0)?),
        "Relu" | "LeakyRelu" | "PRelu" | "Elu" | "Clip" | "Sigmoid" | "Tanh" | "Erf" | "Gelu"
        | "Softplus" | "HardSwish" | "HardSigmoid" | "Mish" | "Identity" | "Dropout" | "Cast" => of_input(0),
        "Add" | "Sub" | "Mul" | "Div" | "Concat" => {
            let mut axes = (0..node.inputs.len()).filter_map(of_input);
            let first = axes.next()?;
            axes.all(|axis| axis == first).then_some(first)
        }
        _ => None,
    }
}

/// The axis of the channels after a transposition that brings them to another place that has a name.
fn transposed(node: &Node, before: ChannelAxis) -> Option<ChannelAxis> {
    let (_, AttributeValue::Ints(order)) = node.attributes.iter().find(|(name, _)| *name == "perm")? else {
        return None;
    };
    let last = i64::try_from(order.len()).ok()?.checked_sub(1)?;
    let from = if before == ChannelAxis::Second { 1 } else { last };
    match order.iter().position(|&axis| axis == from)? {
        1 => Some(ChannelAxis::Second),
        at if at as i64 == last => Some(ChannelAxis::Last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(op: &'static str, inputs: &[&'static str], output: &'static str) -> Node<'static> {
        Node { op, inputs: inputs.to_vec(), outputs: vec![output], ..Node::default() }
    }

    fn transpose(order: &[i64], input: &'static str, output: &'static str) -> Node<'static> {
        let perm = ("perm", AttributeValue::Ints(order.to_vec()));
        Node { attributes: vec![perm], ..node("Transpose", &[input], output) }
    }

    #[test]
    fn an_axis_is_followed_as_long_as_it_is_sure() {
        let nodes = [
            node("Conv", &["picture", "w"], "conv"),
            node("Relu", &["conv"], "relu"),
            transpose(&[0, 2, 3, 1], "relu", "nhwc"),
            node("LayerNormalization", &["nhwc", "w"], "norm"),
            node("Identity", &["w"], "w2"),
            node("MatMul", &["norm", "w2"], "product"),
            transpose(&[0, 3, 1, 2], "product", "back"),
            node("Add", &["back", "relu"], "block"),
            node("Add", &["back", "nhwc"], "muddle"),
            node("MatMul", &["norm", "product"], "attention"),
            node("Reshape", &["block", "shape"], "reshaped"),
            transpose(&[0, 2, 1, 3], "relu", "inside"),
        ];
        let nodes: Vec<&Node> = nodes.iter().collect();
        let axes = channel_axes(&nodes, &HashSet::from(["w", "shape"]));
        for (tensor, axis) in [
            ("conv", Some(ChannelAxis::Second)),
            ("relu", Some(ChannelAxis::Second)),
            ("nhwc", Some(ChannelAxis::Last)),
            ("product", Some(ChannelAxis::Last)),
            ("block", Some(ChannelAxis::Second)),
            ("muddle", None),
            ("attention", None),
            ("reshaped", None),
            ("inside", None),
        ] {
            assert_eq!(axes.get(tensor).copied(), axis, "{tensor}");
        }
    }
}

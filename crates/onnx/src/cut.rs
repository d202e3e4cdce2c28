//! Finds the tapped tensors in a graph and cuts away what they do not need.

use crate::OnnxError;
use crate::proto::{Input, Model, Node, Tensor};
use patchcore_backbone::weights::nearest_names;
use std::collections::{HashMap, HashSet};

/// So many names are offered for one that is not there.
const OFFERED: usize = 5;

/// The part of a graph that some of its tensors need, in its order.
#[derive(Debug)]
pub(crate) struct Cut<'m, 'a> {
    pub(crate) nodes: Vec<&'m Node<'a>>,
    pub(crate) constants: Vec<&'m Tensor<'a>>,
    /// The picture.
    pub(crate) input: &'m Input<'a>,
}

/// Where the tensors of a graph come from.
pub(crate) struct Origins<'m, 'a> {
    model: &'m Model<'a>,
    constants: HashMap<&'a str, usize>,
    inputs: HashMap<&'a str, usize>,
    /// The node that computes a tensor.
    nodes: HashMap<&'a str, usize>,
}

impl<'m, 'a> Origins<'m, 'a> {
    /// Checks that every tensor has one origin, which comes before its use.
    pub(crate) fn new(model: &'m Model<'a>) -> Result<Self, OnnxError> {
        let mut origins =
            Self { model, constants: HashMap::new(), inputs: HashMap::new(), nodes: HashMap::new() };
        for (i, constant) in model.constants.iter().enumerate() {
            origins.check_new(constant.name)?;
            origins.constants.insert(constant.name, i);
        }
        for (i, input) in model.inputs.iter().enumerate() {
            // Files of the first versions list constants among the inputs, too.
            if !origins.constants.contains_key(input.name) {
                origins.check_new(input.name)?;
                origins.inputs.insert(input.name, i);
            }
        }
        for (i, node) in model.nodes.iter().enumerate() {
            if let Some(unknown) = node.inputs.iter().find(|&&name| !name.is_empty() && !origins.has(name)) {
                let op = node.op;
                return Err(damaged(format!("a node {op} uses {unknown:?}, which nothing before it gives")));
            }
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                origins.check_new(output)?;
                origins.nodes.insert(output, i);
            }
        }
        Ok(origins)
    }

    fn has(&self, name: &str) -> bool {
        self.constants.contains_key(name) || self.inputs.contains_key(name) || self.nodes.contains_key(name)
    }

    fn check_new(&self, name: &str) -> Result<(), OnnxError> {
        match name {
            "" => Err(damaged("a tensor has no name")),
            name if self.has(name) => Err(damaged(format!("tensor {name:?} has two origins"))),
            _ => Ok(()),
        }
    }

    /// The tensor that `layer` means: by its own name, or by that of the one node that gives it, or else by that of the
    /// module that it leaves.
    pub(crate) fn tensor(&self, layer: &str) -> Result<&'a str, OnnxError> {
        let named = self.model.nodes.iter().filter(|node| node.name == layer && !layer.is_empty());
        let by_node = named.flat_map(|node| &node.outputs).copied();
        let by_name = self.nodes.get_key_value(layer).map(|(name, _)| *name);
        let mut tensors: Vec<&'a str> =
            by_name.into_iter().chain(by_node).filter(|t| !t.is_empty()).collect();
        if tensors.is_empty() {
            tensors = self.leaving(layer);
        }
        tensors.sort_unstable();
        tensors.dedup();
        match tensors.as_slice() {
            [tensor] => Ok(tensor),
            [] => Err(OnnxError::UnknownLayer { layer: layer.into(), nearest: self.nearest(layer) }),
            several => Err(OnnxError::AmbiguousLayer {
                layer: layer.into(),
                tensors: several.iter().take(OFFERED).map(ToString::to_string).collect(),
            }),
        }
    }

    /// What the nodes of a module give to others, or to nobody but the caller.
    fn leaving(&self, module: &str) -> Vec<&'a str> {
        let (inside, outside): (Vec<_>, Vec<_>) =
            self.model.nodes.iter().partition(|node| node.modules().any(|m| m == module));
        let used = outside.into_iter().flat_map(|node| &node.inputs).chain(&self.model.outputs);
        let used: HashSet<&str> = used.copied().collect();
        let computed =
            inside.into_iter().filter(|node| !node.inputs.is_empty()).flat_map(|node| &node.outputs);
        computed.copied().filter(|tensor| !tensor.is_empty() && used.contains(tensor)).collect()
    }

    /// Names of modules and computed tensors: first those that contain what was asked for, then by edit distance.
    fn nearest(&self, layer: &str) -> Vec<String> {
        let computed = self.model.nodes.iter().filter(|node| !node.inputs.is_empty());
        let modules = computed.clone().flat_map(Node::modules);
        let tensors = computed.flat_map(|node| node.outputs.iter().copied());
        let mut seen = HashSet::new();
        let names = modules.chain(tensors).filter(|name| !name.is_empty() && seen.insert(*name));
        let (containing, others): (Vec<&str>, Vec<&str>) = names.partition(|name| name.contains(layer));
        let mut nearest = nearest_names(layer, containing.into_iter(), OFFERED);
        nearest.extend(nearest_names(layer, others.into_iter(), OFFERED - nearest.len()));
        nearest.into_iter().map(String::from).collect()
    }

    /// What these tensors need.
    pub(crate) fn cut(&self, tensors: &[&str]) -> Result<Cut<'m, 'a>, OnnxError> {
        let mut needed: HashSet<&str> = tensors.iter().copied().collect();
        let mut nodes: Vec<&'m Node<'a>> = Vec::new();
        // Backwards, every tensor is asked for before its origin comes.
        for node in self.model.nodes.iter().rev() {
            if node.outputs.iter().any(|output| needed.contains(output)) {
                needed.extend(node.inputs.iter().copied());
                nodes.push(node);
            }
        }
        nodes.reverse();
        let constants = self.model.constants.iter().filter(|c| needed.contains(c.name)).collect();
        let inputs = self.model.inputs.iter();
        let inputs: Vec<_> =
            inputs.filter(|i| needed.contains(i.name) && self.inputs.contains_key(i.name)).collect();
        match inputs.as_slice() {
            &[input] => Ok(Cut { nodes, constants, input }),
            [] => Err(OnnxError::Unsupported("its layers do not depend on an input".into())),
            several => {
                let names: Vec<String> =
                    several.iter().take(OFFERED).map(|i| format!("{:?}", i.name)).collect();
                Err(OnnxError::Unsupported(format!("it takes several inputs: {}", names.join(", "))))
            }
        }
    }
}

fn damaged(problem: impl Into<String>) -> OnnxError {
    OnnxError::Damaged(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Axis;

    fn node(name: &'static str, inputs: &[&'static str], output: &'static str) -> Node<'static> {
        Node { name, op: "Relu", inputs: inputs.to_vec(), outputs: vec![output], ..Node::default() }
    }

    /// Two modules as both exporters of `PyTorch` name them; what `layer1.0` computes first is used within it alone.
    fn model() -> Model<'static> {
        let scopes = "['', 'layer2', 'layer2.0', 'relu_3']";
        let axes = Some(vec![Axis::Free; 4]);
        Model {
            nodes: vec![
                node("/stem/Relu", &["image"], "a"),
                node("/layer1/layer1.0/Relu", &["a"], "b"),
                node("/layer1/layer1.0/Relu_1", &["b"], "c"),
                Node { scopes, ..node("node_relu_3", &["c"], "d") },
                node("/head/Relu", &["d"], "e"),
                node("/head/Relu_1", &["c"], "f"),
                node("x", &["other"], "g"),
                node("a", &["e"], "h"),
            ],
            inputs: ["image", "other"].map(|name| Input { name, dtype: 1, axes: axes.clone() }).into(),
            outputs: vec!["f", "h", "g"],
            ..Model::default()
        }
    }

    fn tensor(layer: &str) -> Result<&'static str, String> {
        let model = model();
        Origins::new(&model).unwrap().tensor(layer).map_err(|e| e.to_string())
    }

    #[test]
    fn tensors_nodes_and_modules_are_names() {
        for (name, tensor_of_it) in [
            ("b", "b"),
            ("/layer1/layer1.0/Relu", "b"),
            ("layer1.0", "c"),
            ("layer1", "c"),
            ("layer2", "d"),
            ("layer2.0", "d"),
            ("stem", "a"),
        ] {
            assert_eq!(tensor(name), Ok(tensor_of_it), "{name}");
        }
    }

    #[test]
    fn a_name_of_several_tensors_is_refused() {
        // A module with two results, and a node that is called like the tensor of another.
        assert!(tensor("head").unwrap_err().ends_with("may mean any of the tensors e, f"));
        assert!(tensor("a").unwrap_err().ends_with("may mean any of the tensors a, h"));
        assert!(tensor("layer3").unwrap_err().contains("the nearest are layer1, layer2, "));
        for none in ["layer3", "layer", "", "image", "Relu", "relu_3"] {
            assert!(tensor(none).unwrap_err().starts_with("no tensor"), "{none}");
        }
    }

    #[test]
    fn only_what_is_needed_stays() {
        let model = model();
        let origins = Origins::new(&model).unwrap();
        let outputs = |tensors: &[&str]| -> Vec<&str> {
            origins.cut(tensors).unwrap().nodes.iter().flat_map(|node| &node.outputs).copied().collect()
        };
        assert_eq!(outputs(&["b", "d"]), ["a", "b", "c", "d"]);
        assert_eq!(outputs(&["a"]), ["a"]);
        let two = origins.cut(&["a", "g"]).unwrap_err().to_string();
        assert!(two.contains("several inputs: \"image\", \"other\""), "{two}");
    }

    #[test]
    fn case_45_a_graph_has_one_order_and_one_origin_per_tensor() {
        let broken = |change: fn(&mut Model)| {
            let mut model = model();
            change(&mut model);
            Origins::new(&model).err().expect("no error").to_string()
        };
        assert!(broken(|m| m.nodes.swap(1, 2)).contains("\"b\", which nothing before it gives"));
        assert!(broken(|m| m.nodes[2].outputs[0] = "b").contains("\"b\" has two origins"));
        assert!(broken(|m| m.inputs[1].name = "").contains("has no name"));
        let mut circle = model();
        circle.nodes[0].inputs[0] = "e";
        assert!(Origins::new(&circle).is_err());
    }
}

//! The graph: nodes, their attributes, constants and inputs.

use super::tensor::Tensor;
use super::wire::{Fields, Message};
use crate::OnnxError;

/// What an ONNX file says about a network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model<'a> {
    /// Version of the operators by domain.
    pub(crate) opsets: Vec<(&'a str, i64)>,
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) constants: Vec<Tensor<'a>>,
    pub(crate) inputs: Vec<Input<'a>>,
    pub(crate) outputs: Vec<&'a str>,
}

/// One operation. An empty name of an input or output stands for one that is left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) op: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) attributes: Vec<(&'a str, AttributeValue<'a>)>,
    /// The modules that it was exported from, as `PyTorch` writes them: `['', 'layer2', 'layer2.0', 'add_3']`.
    pub(crate) scopes: &'a str,
}

/// A fixed property of an operation.
#[derive(Debug, Clone)]
pub(crate) enum AttributeValue<'a> {
    Float(f32),
    Int(i64),
    Text(&'a [u8]),
    Tensor(Tensor<'a>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<&'a [u8]>),
}

/// What the network is given.
#[derive(Debug, Clone)]
pub(crate) struct Input<'a> {
    pub(crate) name: &'a str,
    /// The code of its type of numbers.
    pub(crate) dtype: i64,
    /// `None` if the file does not say.
    pub(crate) axes: Option<Vec<Axis>>,
}

/// The length of an axis: fixed by the export, or free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    Fixed(usize),
    Free,
}

impl<'a> Model<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, OnnxError> {
        let (mut model, mut graphs) = (Self::default(), Vec::new());
        for field in Fields::new(bytes) {
            match field? {
                (7, f) => graphs.push(f.bytes()?),
                (8, f) => model.opsets.push(opset(f.bytes()?)?),
                _ => {}
            }
        }
        let &[graph] = graphs.as_slice() else {
            return Err(OnnxError::Damaged(format!("it has {} graphs, not one", graphs.len())));
        };
        model.parse_graph(graph)?;
        if model.opsets.is_empty() {
            return Err(OnnxError::Damaged("it names no operator set".into()));
        }
        Ok(model)
    }

    /// All constants: of the graph, and in attributes of nodes.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor<'a>> {
        let attributes = self.nodes.iter().flat_map(|node| &node.attributes);
        let inside = attributes.filter_map(|(_, value)| match value {
            AttributeValue::Tensor(tensor) => Some(tensor),
            _ => None,
        });
        self.constants.iter().chain(inside)
    }

    /// As [`tensors`](Self::tensors), to be changed.
    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor<'a>> {
        let attributes = self.nodes.iter_mut().flat_map(|node| &mut node.attributes);
        let inside = attributes.filter_map(|(_, value)| match value {
            AttributeValue::Tensor(tensor) => Some(tensor),
            _ => None,
        });
        self.constants.iter_mut().chain(inside)
    }

    fn parse_graph(&mut self, bytes: &'a [u8]) -> Result<(), OnnxError> {
        for field in Fields::new(bytes) {
            match field? {
                (1, f) => self.nodes.push(Node::parse(f.bytes()?)?),
                (5, f) => self.constants.push(Tensor::parse(f.bytes()?)?),
                (11, f) => self.inputs.push(Input::parse(f.bytes()?)?),
                (12, f) => self.outputs.push(Input::parse(f.bytes()?)?.name),
                (15, _) => return Err(OnnxError::Unsupported("it has sparse constants".into())),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A key with its value.
pub(super) fn entry(bytes: &[u8]) -> Result<(&str, &str), OnnxError> {
    let (mut key, mut value) = ("", "");
    for field in Fields::new(bytes) {
        match field? {
            (1, f) => key = f.text()?,
            (2, f) => value = f.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn opset(bytes: &[u8]) -> Result<(&str, i64), OnnxError> {
    let (mut domain, mut version) = ("", 0);
    for field in Fields::new(bytes) {
        match field? {
            (1, f) => domain = f.text()?,
            (2, f) => version = f.int()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

impl<'a> Node<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, OnnxError> {
        let mut node = Self::default();
        let mut attributes = Vec::new();
        for field in Fields::new(bytes) {
            match field? {
                (1, f) => node.inputs.push(f.text()?),
                (2, f) => node.outputs.push(f.text()?),
                (3, f) => node.name = f.text()?,
                (4, f) => node.op = f.text()?,
                (5, f) => attributes.push(f.bytes()?),
                (7, f) => node.domain = f.text()?,
                (9, f) => {
                    if let ("pkg.torch.onnx.name_scopes", scopes) = entry(f.bytes()?)? {
                        node.scopes = scopes;
                    }
                }
                _ => {}
            }
        }
        let read = attributes.into_iter().map(|bytes| attribute(bytes, node.op));
        node.attributes = read.collect::<Result<_, _>>()?;
        Ok(node)
    }

    /// The modules that it was exported from, outermost first. Exporters write them into the name of a node,
    /// `/layer2/layer2.0/Add`, or beside it; what comes last is the operation.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let in_name = self.name.rsplit_once('/').map_or("", |(modules, _)| modules);
        let beside = self.scopes.rsplit_once(',').map_or("", |(modules, _)| modules);
        let beside = beside.split(',').map(|scope| scope.trim_matches([' ', '[', '\'']));
        in_name.split('/').chain(beside).filter(|module| !module.is_empty())
    }

    fn write(&'a self) -> Message<'a> {
        let mut message = Message::default();
        for input in &self.inputs {
            message.text(1, input);
        }
        for output in &self.outputs {
            message.text(2, output);
        }
        message.text(3, self.name);
        message.text(4, self.op);
        for (name, value) in &self.attributes {
            message.message(5, value.write(name));
        }
        message.text(7, self.domain);
        message
    }
}

/// Field numbers and type codes of the kinds of attributes.
const FLOAT: (u64, i64) = (2, 1);
const INT: (u64, i64) = (3, 2);
const TEXT: (u64, i64) = (4, 3);
const TENSOR: (u64, i64) = (5, 4);
const FLOATS: (u64, i64) = (7, 6);
const INTS: (u64, i64) = (8, 7);
const TEXTS: (u64, i64) = (9, 8);

fn attribute<'a>(bytes: &'a [u8], op: &str) -> Result<(&'a str, AttributeValue<'a>), OnnxError> {
    let (mut name, mut code) = ("", 0);
    let (mut float, mut int, mut text, mut tensor) = (0.0, 0, &[][..], None);
    let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for field in Fields::new(bytes) {
        match field? {
            (1, f) => name = f.text()?,
            (20, f) => code = f.int()?,
            (n, f) if n == FLOAT.0 => float = f.float()?,
            (n, f) if n == INT.0 => int = f.int()?,
            (n, f) if n == TEXT.0 => text = f.bytes()?,
            (n, f) if n == TENSOR.0 => tensor = Some(f.bytes()?),
            (n, f) if n == FLOATS.0 => f.fixed::<4>(&mut floats)?,
            (n, f) if n == INTS.0 => f.ints(&mut ints)?,
            (n, f) if n == TEXTS.0 => texts.push(f.bytes()?),
            (6 | 11, _) => {
                return Err(OnnxError::Unsupported(format!(
                    "node {op} holds a graph of its own; export without control flow"
                )));
            }
            _ => {}
        }
    }
    let value = match (code, tensor) {
        (code, _) if code == FLOAT.1 => AttributeValue::Float(float),
        (code, _) if code == INT.1 => AttributeValue::Int(int),
        (code, _) if code == TEXT.1 => AttributeValue::Text(text),
        (code, Some(tensor)) if code == TENSOR.1 => AttributeValue::Tensor(Tensor::parse(tensor)?),
        (code, _) if code == FLOATS.1 => {
            AttributeValue::Floats(floats.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect())
        }
        (code, _) if code == INTS.1 => AttributeValue::Ints(ints),
        (code, _) if code == TEXTS.1 => AttributeValue::Texts(texts),
        _ => return Err(OnnxError::Damaged(format!("attribute {name:?} of a node {op:?} has no value"))),
    };
    Ok((name, value))
}

impl<'a> AttributeValue<'a> {
    fn write(&'a self, name: &'a str) -> Message<'a> {
        let mut message = Message::default();
        message.text(1, name);
        let code = match self {
            Self::Float(v) => {
                message.float(FLOAT.0, *v);
                FLOAT.1
            }
            Self::Int(v) => {
                message.int(INT.0, *v);
                INT.1
            }
            Self::Text(v) => {
                message.bytes(TEXT.0, *v);
                TEXT.1
            }
            Self::Tensor(tensor) => {
                message.message(TENSOR.0, tensor.write());
                TENSOR.1
            }
            Self::Floats(list) => {
                for &v in list {
                    message.float(FLOATS.0, v);
                }
                FLOATS.1
            }
            Self::Ints(list) => {
                for &v in list {
                    message.int(INTS.0, v);
                }
                INTS.1
            }
            Self::Texts(list) => {
                for &v in list {
                    message.bytes(TEXTS.0, v);
                }
                TEXTS.1
            }
        };
        message.int(20, code);
        message
    }
}

impl<'a> Input<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, OnnxError> {
        let mut input = Self { name: "", dtype: 0, axes: None };
        for field in Fields::new(bytes) {
            match field? {
                (1, f) => input.name = f.text()?,
                // The type is a tensor's (1) or something that no picture is.
                (2, f) => {
                    for field in Fields::new(f.bytes()?) {
                        if let (1, f) = field? {
                            input.parse_tensor_type(f.bytes()?)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(input)
    }

    fn parse_tensor_type(&mut self, bytes: &[u8]) -> Result<(), OnnxError> {
        for field in Fields::new(bytes) {
            match field? {
                (1, f) => self.dtype = f.int()?,
                (2, f) => {
                    let axes = Fields::new(f.bytes()?).map(|field| match field? {
                        (1, f) => axis(f.bytes()?),
                        _ => Err(OnnxError::Damaged("a shape holds something that is no axis".into())),
                    });
                    self.axes = Some(axes.collect::<Result<_, _>>()?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn axis(bytes: &[u8]) -> Result<Axis, OnnxError> {
    let mut axis = Axis::Free;
    for field in Fields::new(bytes) {
        if let (1, f) = field? {
            // Old exporters write a free axis as -1 or 0.
            axis = usize::try_from(f.int()?).ok().filter(|&n| n > 0).map_or(Axis::Free, Axis::Fixed);
        }
    }
    Ok(axis)
}

/// A network as the bytes of an ONNX file: these nodes and constants, one input, these outputs.
pub(crate) fn write(
    opsets: &[(&str, i64)],
    nodes: &[&Node],
    constants: &[&Tensor],
    input: (&str, &[Axis]),
    outputs: &[&str],
) -> Vec<u8> {
    let mut graph = Message::default();
    for node in nodes {
        graph.message(1, node.write());
    }
    graph.text(2, "features");
    for tensor in constants {
        graph.message(5, tensor.write());
    }
    graph.message(11, value_info(input.0, Some(input.1)));
    for output in outputs {
        graph.message(12, value_info(output, None));
    }
    let mut model = Message::default();
    model.int(1, IR_VERSION);
    model.message(7, graph);
    for (domain, version) in opsets {
        let mut opset = Message::default();
        opset.text(1, domain);
        opset.int(2, *version);
        model.message(8, opset);
    }
    model.into_bytes()
}

/// From this version of the format on, constants need not be inputs as well.
const IR_VERSION: i64 = 8;

fn value_info<'a>(name: &'a str, axes: Option<&[Axis]>) -> Message<'a> {
    let mut tensor_type = Message::default();
    tensor_type.int(1, 1); // float
    if let Some(axes) = axes {
        let mut shape = Message::default();
        for (axis, free) in axes.iter().zip(["batch", "channels", "height", "width"]) {
            let mut dimension = Message::default();
            match axis {
                Axis::Fixed(size) => dimension.int(1, *size as i64),
                Axis::Free => dimension.text(2, free),
            }
            shape.message(1, dimension);
        }
        tensor_type.message(2, shape);
    }
    let mut value_type = Message::default();
    value_type.message(1, tensor_type);
    let mut info = Message::default();
    info.text(1, name);
    info.message(2, value_type);
    info
}

#[cfg(test)]
mod tests {
    use super::super::tensor::{Dtype, Values};
    use super::*;

    fn tensor(name: &'static str, dims: &[usize], values: &'static [u8]) -> Tensor<'static> {
        Tensor { name, dims: dims.to_vec(), dtype: Dtype::Float, values: Values::Here(values.into()) }
    }

    #[test]
    fn what_is_written_is_read() {
        let attributes = vec![
            ("f", AttributeValue::Float(-0.5)),
            ("i", AttributeValue::Int(-7)),
            ("s", AttributeValue::Text(b"same")),
            ("t", AttributeValue::Tensor(tensor("inside", &[1, 2], &[1; 8]))),
            ("fs", AttributeValue::Floats(vec![1.0, 2.5])),
            ("is", AttributeValue::Ints(vec![0, i64::MIN])),
            ("ss", AttributeValue::Texts(vec![b"", b"b"])),
        ];
        let node = Node {
            name: "node",
            op: "Op",
            domain: "domain",
            inputs: vec!["image", "", "w"],
            outputs: vec!["out"],
            attributes,
            scopes: "",
        };
        let weights = tensor("w", &[2], &[2; 8]);
        let axes = [Axis::Fixed(1), Axis::Fixed(3), Axis::Free, Axis::Fixed(40)];
        let bytes = write(&[("", 17)], &[&node], &[&weights], ("image", &axes), &["out"]);
        let model = Model::parse(&bytes).unwrap();
        assert_eq!(model.opsets, [("", 17)]);
        assert_eq!(format!("{:?}", model.nodes), format!("{:?}", [node]));
        assert_eq!(model.constants, [weights]);
        assert_eq!((model.inputs[0].name, model.inputs[0].dtype), ("image", 1));
        assert_eq!(model.inputs[0].axes.as_deref(), Some(&axes[..]));
        assert_eq!(model.outputs, ["out"]);
        for end in 0..bytes.len() {
            assert!(Model::parse(&bytes[..end]).is_err(), "cut off at {end}");
        }
    }

    #[test]
    fn case_45_what_is_not_read_is_refused() {
        let with_node = |attribute: Message<'static>| {
            let (mut model, mut graph, mut node) =
                (Message::default(), Message::default(), Message::default());
            node.message(5, attribute);
            graph.message(1, node);
            model.message(7, graph);
            model.bytes(8, &b"\x10\x11"[..]);
            Model::parse(&model.into_bytes()).expect_err("no error").to_string()
        };
        let mut branch = Message::default();
        branch.bytes(6, &b""[..]);
        assert!(with_node(branch).contains("a graph of its own"));
        let mut empty = Message::default();
        empty.int(20, TENSOR.1);
        assert!(with_node(empty).contains("has no value"));

        let with_tensor = |dims: &[i64], dtype| {
            let (mut model, mut graph, mut tensor) =
                (Message::default(), Message::default(), Message::default());
            for &d in dims {
                tensor.int(1, d);
            }
            tensor.int(2, dtype);
            tensor.bytes(9, &[0; 8][..]);
            graph.message(5, tensor);
            model.message(7, graph);
            Model::parse(&model.into_bytes()).expect_err("no error").to_string()
        };
        assert!(with_tensor(&[3], 1).contains("needs 12 bytes and has 8"));
        assert!(with_tensor(&[-1], 1).contains("negative"));
        assert!(with_tensor(&[1 << 40, 1 << 40], 1).contains("larger than any memory"));
        assert!(with_tensor(&[4], 10).contains("float16"));
        assert!(with_tensor(&[1], 99).contains("type 99"));
    }
}

//! How anomalib turns pictures into the network's input: torchvision's transforms, described or pickled.
//!
//! A checkpoint describes each by `class_path` and `init_args`; an exported model holds the objects, whose fields have the
//! same names.

use patchcore_pickle::{Attributes, Id, Value};

use super::tree::Tree;
use crate::ForeignError;

/// Transforms lie in `Compose` this deep at most.
const MAX_DEPTH: usize = 8;
/// The most steps.
const MAX_STEPS: usize = 64;

/// One step of the preprocessing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TransformStep {
    /// Resizes to height and width, or the shorter side to one number.
    Resize {
        /// Two numbers, or one for the shorter side.
        size: Vec<usize>,
        /// As torchvision calls it: `bilinear`.
        interpolation: String,
        /// Whether reductions are filtered.
        antialias: bool,
    },
    /// Cuts out the middle.
    CenterCrop {
        /// Height and width.
        size: [usize; 2],
    },
    /// Subtracts and divides, per channel, from values of 0 to 1.
    Normalize {
        /// Subtracted first.
        mean: [f64; 3],
        /// Divided by then.
        std: [f64; 3],
    },
    /// Another transform, or one with settings that are not understood, by the name of its class.
    Other(String),
}

/// Height and width of what comes out, if they are the same for every picture.
pub(super) fn output_size(steps: &[TransformStep]) -> Option<[usize; 2]> {
    let last = steps.iter().rev().find(|step| !matches!(step, TransformStep::Normalize { .. }))?;
    match last {
        TransformStep::CenterCrop { size } => Some(*size),
        TransformStep::Resize { size, .. } => size.as_slice().try_into().ok(),
        _ => None,
    }
}

/// The transform of a pre-processor's object.
pub(super) fn of(tree: &Tree<'_>, pre_processor: Id) -> Option<Id> {
    // A transform is a module, so torch keeps it among those; `None` it keeps as a plain field.
    let modules = tree.field(pre_processor, "_modules");
    modules
        .and_then(|modules| tree.field(modules, "transform"))
        .or_else(|| tree.field(pre_processor, "transform"))
}

/// The steps of a transform, those of `Compose` one by one; Python's `None` has none.
pub(super) fn steps(tree: &Tree<'_>, transform: Id) -> Result<Vec<TransformStep>, ForeignError> {
    let mut steps = Vec::new();
    let mut waiting = vec![(transform, 0usize)];
    while let Some((id, depth)) = waiting.pop() {
        if tree.get(id) == &Value::None {
            continue;
        }
        let (class, arguments) = class_and_arguments(tree, id)?;
        if depth > MAX_DEPTH || steps.len().saturating_add(waiting.len()) > MAX_STEPS {
            return Err(tree.parameter("transform", "too many transforms"));
        }
        match tree.field(arguments, "transforms") {
            Some(parts) if name(&class) == "Compose" => {
                let parts = list(tree, parts);
                waiting.extend(parts.iter().rev().map(|&part| (part, depth.saturating_add(1))));
            }
            _ => steps.push(known(tree, &class, arguments).unwrap_or(TransformStep::Other(class))),
        }
    }
    Ok(steps)
}

/// A class without its module.
fn name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or_default()
}

/// A step of which this crate knows the class and understands the settings.
fn known(tree: &Tree<'_>, class: &str, arguments: Id) -> Option<TransformStep> {
    let argument = |name: &str| tree.field(arguments, name);
    let size = || argument("size").and_then(|size| lengths(tree, size));
    let channels = |name: &str| {
        let numbers = argument(name).and_then(|id| tree.numbers(id))?;
        <[f64; 3]>::try_from(numbers).ok().filter(|numbers| numbers.iter().all(|v| v.is_finite()))
    };
    match name(class) {
        "Resize" if argument("max_size").is_none_or(|id| tree.get(id) == &Value::None) => {
            Some(TransformStep::Resize {
                size: size().filter(|size| matches!(size.len(), 1 | 2))?,
                interpolation: argument("interpolation").and_then(|id| interpolation(tree, id))?,
                antialias: match tree.get(argument("antialias")?) {
                    Value::Bool(antialias) => *antialias,
                    _ => return None,
                },
            })
        }
        "CenterCrop" => match *size()?.as_slice() {
            [side] => Some(TransformStep::CenterCrop { size: [side, side] }),
            [h, w] => Some(TransformStep::CenterCrop { size: [h, w] }),
            _ => None,
        },
        "Normalize" => Some(TransformStep::Normalize { mean: channels("mean")?, std: channels("std")? }),
        _ => None,
    }
}

/// The name of a transform's class, and where its settings are.
fn class_and_arguments(tree: &Tree<'_>, id: Id) -> Result<(String, Id), ForeignError> {
    if let Some(class) = tree.class(id) {
        return Ok((class, id));
    }
    match (tree.field(id, "class_path").map(|class| tree.get(class)), tree.field(id, "init_args")) {
        (Some(Value::Str(class)), Some(arguments)) => Ok((class.clone(), arguments)),
        _ => Err(tree.parameter("transform", "neither an object nor a class_path with init_args")),
    }
}

fn list<'a>(tree: &Tree<'a>, id: Id) -> &'a [Id] {
    match tree.get(id) {
        Value::Tuple(items) | Value::List(items) => items,
        Value::Call { attributes: Some(attributes), .. } => {
            let Attributes { elements, .. } = attributes.as_ref();
            elements
        }
        _ => &[],
    }
}

/// One length, or a tuple or list of them; each at least 1.
fn lengths(tree: &Tree<'_>, id: Id) -> Option<Vec<usize>> {
    let length = |id: Id| match tree.get(id) {
        Value::Int(n) => u16::try_from(*n).ok().filter(|&n| n > 0).map(usize::from),
        _ => None,
    };
    match tree.get(id) {
        Value::Tuple(items) | Value::List(items) => items.iter().map(|&id| length(id)).collect(),
        _ => length(id).map(|n| vec![n]),
    }
}

/// Text, or torchvision's enum of it.
fn interpolation(tree: &Tree<'_>, id: Id) -> Option<String> {
    match tree.get(tree.first_argument(id).unwrap_or(id)) {
        Value::Str(name) => Some(name.to_lowercase()),
        _ => None,
    }
}

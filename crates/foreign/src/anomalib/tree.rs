//! Walks a pickled tree of Python objects by names: fields of objects, items of dicts, tensors of modules.

use std::path::Path;

use patchcore_pickle::{Attributes, Id, Pickle, Value};

use crate::ForeignError;

/// Modules lie this deep at most; a module within itself ends here.
const MAX_DEPTH: usize = 32;
/// More modules than this are refused: a shared one is walked under each of its names.
const MAX_MODULES: usize = 100_000;

/// A pickle, and the file that it came from for messages.
pub(super) struct Tree<'a> {
    path: &'a Path,
    pickle: &'a Pickle,
}

impl<'a> Tree<'a> {
    pub(super) fn new(path: &'a Path, pickle: &'a Pickle) -> Self {
        Self { path, pickle }
    }

    pub(super) fn get(&self, id: Id) -> &'a Value {
        self.pickle.get(id)
    }

    pub(super) fn unsupported(&self, problem: impl Into<String>) -> ForeignError {
        ForeignError::unsupported(self.path, problem)
    }

    pub(super) fn parameter(&self, name: &str, problem: impl Into<String>) -> ForeignError {
        ForeignError::parameter(self.path, name, problem)
    }

    /// The items of the outermost dict.
    pub(super) fn root_items(&self) -> Result<Vec<(&'a str, Id)>, ForeignError> {
        match self.pickle.root() {
            Value::Dict { items, .. } => Ok(self.text_keys(items)),
            other => Err(self.unsupported(format!("not anomalib's: the file holds {}", other.kind()))),
        }
    }

    /// The fields of an object, or the items of a dict or of an object that is a kind of dict; keys that are no text are
    /// left out.
    pub(super) fn fields(&self, id: Id) -> Vec<(&'a str, Id)> {
        match self.get(id) {
            Value::Dict { items, .. } => self.text_keys(items),
            Value::Call { attributes: Some(attributes), .. } => {
                let Attributes { state, items, .. } = attributes.as_ref();
                let state = state.map(|state| self.get(state));
                match state {
                    Some(Value::Dict { items: fields, .. }) => self.text_keys(fields.iter().chain(items)),
                    _ => self.text_keys(items),
                }
            }
            _ => Vec::new(),
        }
    }

    /// One field or item.
    pub(super) fn field(&self, id: Id, name: &str) -> Option<Id> {
        find(&self.fields(id), name)
    }

    fn text_keys(&self, items: impl IntoIterator<Item = &'a (Id, Id)>) -> Vec<(&'a str, Id)> {
        let text = |&(key, value): &(Id, Id)| match self.get(key) {
            Value::Str(key) => Some((key.as_str(), value)),
            _ => None,
        };
        items.into_iter().filter_map(text).collect()
    }

    /// `module.name` of an object's class, or of what made it.
    pub(super) fn class(&self, id: Id) -> Option<String> {
        let Value::Call { callee, .. } = self.get(id) else { return None };
        match self.get(*callee) {
            Value::Name { module, name } => Some(format!("{module}.{name}")),
            _ => None,
        }
    }

    /// The first argument of a call.
    pub(super) fn first_argument(&self, id: Id) -> Option<Id> {
        let Value::Call { arguments, .. } = self.get(id) else { return None };
        match self.get(*arguments) {
            Value::Tuple(arguments) => arguments.first().copied(),
            _ => None,
        }
    }

    /// An int or a float.
    pub(super) fn number(&self, id: Id) -> Option<f64> {
        match self.get(id) {
            Value::Int(n) => Some(*n as f64),
            Value::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// A tuple or list of numbers.
    pub(super) fn numbers(&self, id: Id) -> Option<Vec<f64>> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => items.iter().map(|&id| self.number(id)).collect(),
            _ => None,
        }
    }

    /// The items of a state dict.
    pub(super) fn named(&self, state: Id) -> Result<Vec<(String, Id)>, ForeignError> {
        match self.get(state) {
            Value::Dict { items, .. } => {
                Ok(self.text_keys(items).into_iter().map(|(name, id)| (name.to_owned(), id)).collect())
            }
            other => Err(self.parameter("state_dict", format!("{}, expected a dict", other.kind()))),
        }
    }

    /// The tensors of a module and of those in it, under the names that its state dict would have.
    pub(super) fn modules(&self, module: Id) -> Result<Vec<(String, Id)>, ForeignError> {
        let mut tensors = Vec::new();
        let mut waiting = vec![(String::new(), module, 0usize)];
        let mut walked = 0usize;
        while let Some((prefix, module, depth)) = waiting.pop() {
            walked = walked.saturating_add(1);
            if depth > MAX_DEPTH || walked > MAX_MODULES {
                return Err(self.unsupported("modules lie in modules without an end"));
            }
            let fields = self.fields(module);
            let table = |name: &str| find(&fields, name).map(|id| self.fields(id)).unwrap_or_default();
            let parameters = table("_parameters").into_iter().chain(table("_buffers"));
            let set = parameters.filter(|&(_, id)| self.get(id) != &Value::None);
            tensors.extend(set.map(|(name, id)| (format!("{prefix}{name}"), id)));
            let modules = table("_modules").into_iter().filter(|&(_, id)| self.get(id) != &Value::None);
            waiting
                .extend(modules.map(|(name, id)| (format!("{prefix}{name}."), id, depth.saturating_add(1))));
        }
        Ok(tensors)
    }
}

/// One of these items; of two with one name the last, as in Python.
pub(super) fn find(items: &[(&str, Id)], name: &str) -> Option<Id> {
    items.iter().rev().find(|(key, _)| *key == name).map(|&(_, value)| value)
}

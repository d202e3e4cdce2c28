//! A pickle read as data: opcodes build plain values in a table, nothing is looked up or called.
//!
//! Values refer to each other by [`Id`], a position in the table, so a value used a thousand times is stored once (no memo
//! bomb), a list that contains itself is harmless, and dropping a tower of a million tuples needs no recursion.
//! Which names may appear is decided by the caller's [`AllowName`].

mod cursor;
mod machine;

pub(super) use machine::run;

/// Says whether `module.name` may appear in the pickle.
pub(super) type AllowName = fn(module: &str, name: &str) -> bool;

/// More values than this are refused; the largest torchvision model needs about 30,000.
const MAX_VALUES: usize = 1_000_000;

/// A value's position in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

/// What a pickle can hold here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// Pairs in the order of the file. Only an `OrderedDict` may be given attributes, which are then ignored.
    Dict {
        items: Vec<(Id, Id)>,
        ordered: bool,
    },
    /// A name that was allowed.
    Name {
        module: String,
        name: String,
    },
    /// What Python would call, and with what; the callee is a [`Value::Name`].
    Call {
        callee: Id,
        arguments: Id,
    },
    /// A reference to something outside of the pickle, here a storage.
    Persistent(Id),
}

impl Value {
    /// The kind of value, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict { .. } => "a dict",
            Self::Name { .. } => "a name",
            Self::Call { .. } => "a call",
            Self::Persistent(_) => "a persistent id",
        }
    }
}

/// The values of one pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    root: Id,
    n_bytes: usize,
}

impl Pickle {
    /// The value that unpickling would return.
    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// The value at `id`; ids of another pickle give `None`.
    pub(super) fn get(&self, id: Id) -> &Value {
        self.values.get(id.0).unwrap_or(&Value::None)
    }

    /// Every value, in the order in which they were made.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter()
    }

    /// Bytes up to and including the STOP opcode.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

#[cfg(test)]
mod tests;

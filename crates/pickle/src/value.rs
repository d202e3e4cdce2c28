//! The values of a pickle, and the table that holds them.

/// A value's position in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub(crate) usize);

/// What a pickle can hold here.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Python's `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most eight bytes.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A dict, or an `OrderedDict`, whose attributes are ignored.
    Dict {
        /// Pairs in the order of the file; a key may stand twice.
        items: Vec<(Id, Id)>,
        /// Whether it is an `OrderedDict`.
        ordered: bool,
    },
    /// A name that was allowed.
    Name {
        /// The module, as the pickle says it.
        module: String,
        /// The name in it.
        name: String,
    },
    /// What Python would call, and with what.
    Call {
        /// A [`Value::Name`], or what another call would return.
        callee: Id,
        /// A tuple, most of the time.
        arguments: Id,
        /// What the result would be given afterwards; only [`Rules::Objects`](crate::Rules::Objects) reads it.
        attributes: Option<Box<Attributes>>,
    },
    /// A reference to something outside of the pickle, in torch.save's files a storage.
    Persistent(Id),
}

/// What a pickle gives to an object after it was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    /// Its state, most of the time a dict of its fields.
    pub state: Option<Id>,
    /// Its items, if it is a kind of dict.
    pub items: Vec<(Id, Id)>,
    /// Its elements, if it is a kind of list.
    pub elements: Vec<Id>,
}

impl Value {
    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
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
pub struct Pickle {
    pub(crate) values: Vec<Value>,
    pub(crate) root: Id,
    pub(crate) n_bytes: usize,
}

impl Pickle {
    /// The value that unpickling would return.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// The value at `id`; ids of another pickle give `None`.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id.0).unwrap_or(&Value::None)
    }

    /// Every value, in the order in which they were made.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter()
    }

    /// Bytes up to and including the STOP opcode.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

//! The parameters as the original pickles them: one dict of eight plain values.

use std::collections::BTreeMap;
use std::path::Path;

use patchcore_files::read_regular;
use patchcore_pickle::{Id, Pickle, PickleError, Rules, Value};

use crate::{ForeignError, lfs};

/// The longest parameter file that is read or written; real ones are shorter than 300 bytes. A frame of a pickle ends at
/// the same size, so a longer one would be laid out in another way.
pub(super) const MAX_BYTES: u64 = 1 << 16;
/// The most layers; nobody taps so many.
const MAX_LAYERS: usize = 64;

/// The keys, in the order in which the original writes them.
pub(super) const BACKBONE: &str = "backbone.name";
pub(super) const LAYERS: &str = "layers_to_extract_from";
pub(super) const INPUT_SHAPE: &str = "input_shape";
pub(super) const PRETRAIN: &str = "pretrain_embed_dimension";
pub(super) const TARGET: &str = "target_embed_dimension";
pub(super) const PATCHSIZE: &str = "patchsize";
pub(super) const PATCHSTRIDE: &str = "patchstride";
pub(super) const NUM_NN: &str = "anomaly_scorer_num_nn";
const KEYS: [&str; 8] = [BACKBONE, LAYERS, INPUT_SHAPE, PRETRAIN, TARGET, PATCHSIZE, PATCHSTRIDE, NUM_NN];

/// What `patchcore_params.pkl` says.
///
/// It does not say how pictures are resized and normalised, nor what k means: see
/// [`anomaly_scorer_num_nn`](Self::anomaly_scorer_num_nn).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceParams {
    /// `backbone.name`, by the original's names: `wideresnet50`. The weights are not in the file.
    pub backbone: String,
    /// `layers_to_extract_from`: 1 to 64 names.
    pub layers: Vec<String>,
    /// How the layers are kept: the original's single models have a tuple, its ensembles a list.
    pub layers_kind: SequenceKind,
    /// Channels (always 3), height and width of the network's input.
    pub input_shape: [usize; 3],
    /// Values per layer and patch, at least 1.
    pub pretrain_embed_dimension: usize,
    /// Values per patch, at least 1: the width of the memory bank.
    pub target_embed_dimension: usize,
    /// Side of a patch, at least 1.
    pub patchsize: usize,
    /// Step between patches, at least 1.
    pub patchstride: usize,
    /// Neighbours per patch that were asked for, at least 1. The original's released code loses this value on the way
    /// and always computes with 1, when it trains and when it loads.
    pub anomaly_scorer_num_nn: usize,
}

/// A Python sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceKind {
    /// `("layer2", "layer3")`
    Tuple,
    /// `["layer2", "layer3"]`
    List,
}

/// The parameters in a file.
pub(super) fn read(path: &Path) -> Result<ReferenceParams, ForeignError> {
    let bytes = read_regular(path, MAX_BYTES)?;
    lfs::refuse(path, &bytes)?;
    if bytes.first() != Some(&0x80) {
        return Err(ForeignError::damaged(path, 0, "no pickle of protocol 2 to 5"));
    }
    let pickle = patchcore_pickle::run(&bytes, Rules::Data(is_needed)).map_err(|error| match error {
        PickleError::Refused { name, offset } => {
            let problem = format!("{name} would run code: refused, parameters are plain values");
            ForeignError::damaged(path, offset as u64, problem)
        }
        PickleError::Bad { offset, problem } => {
            ForeignError::damaged(path, offset as u64, format!("bad pickle: {problem}"))
        }
        other => ForeignError::damaged(path, 0, format!("bad pickle: {other}")),
    })?;
    if pickle.n_bytes() != bytes.len() {
        let problem = format!("{} bytes follow the pickle", bytes.len().saturating_sub(pickle.n_bytes()));
        return Err(ForeignError::damaged(path, pickle.n_bytes() as u64, problem));
    }
    Table::of(path, &pickle)?.params()
}

/// The opcodes of a dict of text, integers and sequences of them: protocols 4 and 5, and 2 and 3 where they differ.
const OPCODES: [&[u8]; 5] = [
    &[0x80, 0x95, b'.', b'('], // PROTO, FRAME, STOP, MARK
    // MEMOIZE, BINGET; before protocol 4 BINPUT; beyond 256 entries LONG_BINPUT and LONG_BINGET
    &[0x94, b'h', b'q', b'r', b'j'],
    &[0x8c, b'X', b'K', b'M', b'J'], // SHORT_BINUNICODE, BINUNICODE, BININT1, BININT2, BININT
    b"}su]ae",                       // EMPTY_DICT, SETITEM, SETITEMS, EMPTY_LIST, APPEND, APPENDS
    &[0x85, 0x86, 0x87, b't'],       // TUPLE1, TUPLE2, TUPLE3, TUPLE
];

fn is_needed(opcode: u8) -> bool {
    OPCODES.iter().any(|opcodes| opcodes.contains(&opcode))
}

/// The dict, every key known and there once.
struct Table<'a> {
    path: &'a Path,
    pickle: &'a Pickle,
    values: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Table<'a> {
    fn of(path: &'a Path, pickle: &'a Pickle) -> Result<Self, ForeignError> {
        let bad = |problem: String| ForeignError::unsupported(path, problem);
        let Value::Dict { items, .. } = pickle.root() else {
            return Err(bad(format!(
                "the pickle holds {}, expected a dict of parameters",
                pickle.root().kind()
            )));
        };
        let mut values = BTreeMap::new();
        for &(key, value) in items {
            let Value::Str(key) = pickle.get(key) else {
                return Err(bad(format!("a key of the parameters is {}", pickle.get(key).kind())));
            };
            if !KEYS.contains(&key.as_str()) {
                let problem = format!("unknown parameter {key:?}, known are {}", KEYS.join(", "));
                return Err(bad(problem));
            }
            if values.insert(key.as_str(), pickle.get(value)).is_some() {
                return Err(ForeignError::parameter(path, key, "stands twice"));
            }
        }
        Ok(Self { path, pickle, values })
    }

    fn params(&self) -> Result<ReferenceParams, ForeignError> {
        let (layers_kind, layers) = self.sequence(LAYERS)?;
        let layers = layers.iter().map(|&id| self.text(LAYERS, self.pickle.get(id)));
        let params = ReferenceParams {
            backbone: self.text(BACKBONE, self.value(BACKBONE)?)?,
            layers: layers.collect::<Result<_, _>>()?,
            layers_kind,
            input_shape: self.input_shape()?,
            pretrain_embed_dimension: self.count(PRETRAIN)?,
            target_embed_dimension: self.count(TARGET)?,
            patchsize: self.count(PATCHSIZE)?,
            patchstride: self.count(PATCHSTRIDE)?,
            anomaly_scorer_num_nn: self.count(NUM_NN)?,
        };
        params.check(self.path)?;
        Ok(params)
    }

    fn value(&self, key: &str) -> Result<&'a Value, ForeignError> {
        self.values.get(key).copied().ok_or_else(|| self.bad(key, "missing"))
    }

    fn text(&self, key: &str, value: &Value) -> Result<String, ForeignError> {
        match value {
            Value::Str(text) => Ok(text.clone()),
            other => Err(self.bad(key, format!("{}, expected a string", other.kind()))),
        }
    }

    fn count(&self, key: &str) -> Result<usize, ForeignError> {
        self.integer(key, self.value(key)?)
    }

    fn integer(&self, key: &str, value: &Value) -> Result<usize, ForeignError> {
        match value {
            Value::Int(n) => {
                usize::try_from(*n).map_err(|_| self.bad(key, format!("{n}, expected at least 1")))
            }
            other => Err(self.bad(key, format!("{}, expected an int", other.kind()))),
        }
    }

    fn sequence(&self, key: &str) -> Result<(SequenceKind, &'a [Id]), ForeignError> {
        match self.value(key)? {
            Value::Tuple(items) => Ok((SequenceKind::Tuple, items)),
            Value::List(items) => Ok((SequenceKind::List, items)),
            other => Err(self.bad(key, format!("{}, expected a tuple or a list", other.kind()))),
        }
    }

    fn input_shape(&self) -> Result<[usize; 3], ForeignError> {
        let (_, items) = self.sequence(INPUT_SHAPE)?;
        let &[channels, height, width] = items else {
            return Err(self.bad(INPUT_SHAPE, format!("{} numbers, expected 3", items.len())));
        };
        let [c, h, w] = [channels, height, width].map(|id| self.integer(INPUT_SHAPE, self.pickle.get(id)));
        Ok([c?, h?, w?])
    }

    fn bad(&self, key: &str, problem: impl Into<String>) -> ForeignError {
        ForeignError::parameter(self.path, key, problem)
    }
}

impl ReferenceParams {
    /// Checks every range; `path` is the file that holds or will hold them.
    pub(super) fn check(&self, path: &Path) -> Result<(), ForeignError> {
        let bad = |name: &str, problem: String| Err(ForeignError::parameter(path, name, problem));
        if self.backbone.is_empty() {
            return bad(BACKBONE, "empty".to_owned());
        }
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            return bad(LAYERS, format!("{} layers, expected 1 to {MAX_LAYERS}", self.layers.len()));
        }
        if self.layers.iter().any(String::is_empty) {
            return bad(LAYERS, "an empty name".to_owned());
        }
        let [channels, height, width] = self.input_shape;
        if channels != 3 {
            return bad(INPUT_SHAPE, format!("{channels} channels, expected 3"));
        }
        for (name, value) in [
            (INPUT_SHAPE, height),
            (INPUT_SHAPE, width),
            (PRETRAIN, self.pretrain_embed_dimension),
            (TARGET, self.target_embed_dimension),
            (PATCHSIZE, self.patchsize),
            (PATCHSTRIDE, self.patchstride),
            (NUM_NN, self.anomaly_scorer_num_nn),
        ] {
            if value == 0 || i32::try_from(value).is_err() {
                return bad(name, format!("{value}, expected 1 to {}", i32::MAX));
            }
        }
        Ok(())
    }
}

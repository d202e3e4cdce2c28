//! Writes the parameters opcode by opcode, as Python's pickler lays them out.

use std::path::Path;

use super::params::{
    BACKBONE, INPUT_SHAPE, LAYERS, MAX_BYTES, NUM_NN, PATCHSIZE, PATCHSTRIDE, PRETRAIN, ReferenceParams,
    SequenceKind, TARGET,
};
use crate::ForeignError;

/// The pickle protocol of a parameter file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// For Python before 3.8.
    Four,
    /// What the original writes.
    #[default]
    Five,
}

/// The bytes of a parameter file.
pub(super) fn bytes(
    path: &Path,
    params: &ReferenceParams,
    protocol: Protocol,
) -> Result<Vec<u8>, ForeignError> {
    params.check(path)?;
    let mut pickler = Pickler(Vec::new());
    pickler.dict(params);
    let body = pickler.0;
    let number = match protocol {
        Protocol::Four => 4,
        Protocol::Five => 5,
    };
    let mut bytes = vec![0x80, number, 0x95];
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(body);
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ForeignError::parameter(path, LAYERS, format!("the names need {} bytes", bytes.len())));
    }
    Ok(bytes)
}

/// "Remember the last value."
const MEMOIZE: u8 = 0x94;

/// The opcodes inside of the frame.
struct Pickler(Vec<u8>);

impl Pickler {
    fn dict(&mut self, params: &ReferenceParams) {
        self.memoized(b"}");
        self.op(b'(');
        self.text(BACKBONE);
        self.text(&params.backbone);
        self.text(LAYERS);
        self.names(&params.layers, params.layers_kind);
        self.text(INPUT_SHAPE);
        for length in params.input_shape {
            self.integer(length);
        }
        self.memoized(&[0x87]); // TUPLE3
        for (key, value) in [
            (PRETRAIN, params.pretrain_embed_dimension),
            (TARGET, params.target_embed_dimension),
            (PATCHSIZE, params.patchsize),
            (PATCHSTRIDE, params.patchstride),
            (NUM_NN, params.anomaly_scorer_num_nn),
        ] {
            self.text(key);
            self.integer(value);
        }
        self.op(b'u'); // SETITEMS
        self.op(b'.');
    }

    fn names(&mut self, names: &[String], kind: SequenceKind) {
        let n = names.len();
        // Python remembers a list when it is still empty, a tuple when it is complete.
        let (marked, close) = match kind {
            SequenceKind::List if n == 1 => (false, b'a'), // APPEND
            SequenceKind::List => (true, b'e'),            // APPENDS
            SequenceKind::Tuple => match n {
                1 => (false, 0x85),
                2 => (false, 0x86),
                3 => (false, 0x87),
                _ => (true, b't'),
            },
        };
        if kind == SequenceKind::List {
            self.memoized(b"]");
        }
        if marked {
            self.op(b'(');
        }
        for name in names {
            self.text(name);
        }
        self.op(close);
        if kind == SequenceKind::Tuple {
            self.op(MEMOIZE);
        }
    }

    fn text(&mut self, text: &str) {
        if let Ok(n) = u8::try_from(text.len()) {
            self.0.extend([0x8c, n]); // SHORT_BINUNICODE
        } else {
            self.op(b'X'); // BINUNICODE
            self.0.extend((text.len() as u32).to_le_bytes());
        }
        self.memoized(text.as_bytes());
    }

    /// Of the checked range, 1 to `i32::MAX`.
    fn integer(&mut self, value: usize) {
        if let Ok(value) = u8::try_from(value) {
            self.0.extend([b'K', value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.op(b'M');
            self.0.extend(value.to_le_bytes());
        } else {
            self.op(b'J');
            self.0.extend((value as i32).to_le_bytes());
        }
    }

    /// The end of a value that Python remembers.
    fn memoized(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        self.op(MEMOIZE);
    }

    fn op(&mut self, opcode: u8) {
        self.0.push(opcode);
    }
}

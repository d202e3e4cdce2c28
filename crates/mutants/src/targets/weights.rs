//! Weight files, from memory and from disk, and pickles.

use crate::place::in_file;
use crate::{Memory, Target, repair, seeds};
use patchcore_backbone::weights::Weights;
use patchcore_pickle::Rules;

/// Tables of names and places, the values as `f32`, a piece of the file at a time.
const MEMORY: Memory = Memory { fixed: 1 << 18, per_byte: 200 };

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "safetensors",
        seeds: seeds::safetensors,
        words: &[
            b"F32",
            b"BF16",
            b"I64",
            b"data_offsets",
            b"shape",
            b"[",
            b"]",
            b"{",
            b"\"",
            b"__metadata__",
        ],
        read: weights,
        repair: repair::safetensors,
        memory: MEMORY,
    },
    Target {
        name: "torch_zip",
        seeds: seeds::torch_zip,
        words: ZIP,
        read: weights,
        repair: repair::zip,
        memory: MEMORY,
    },
    Target {
        name: "torch_legacy",
        seeds: seeds::torch_legacy,
        words: PICKLE,
        read: weights,
        repair: repair::nothing,
        memory: MEMORY,
    },
    Target {
        name: "pickle",
        seeds: seeds::pickle,
        words: PICKLE,
        read: pickle,
        repair: repair::pickle,
        memory: MEMORY,
    },
];

pub(super) const ZIP: &[&[u8]] = &[
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"data.pkl",
    b"data/",
    b"../",
    b"\x01\0\x10\0",
    b"\xff\xff\xff\xff",
    b"ctorch\nFloatStorage\n",
];
const PICKLE: &[&[u8]] = &[
    b"(",
    b")",
    b".",
    b"}",
    b"]",
    b"t",
    b"u",
    b"s",
    b"e",
    b"a",
    b"R",
    b"b",
    b"Q",
    b"0",
    b"1",
    b"2",
    b"o",
    b"i",
    b"\x85",
    b"\x86",
    b"\x87",
    b"\x94",
    b"\x81",
    b"\x92",
    b"\x93",
    b"\x8a\xff",
    b"\x8b\0\0\0\x40",
    b"\x8d",
    b"\x95",
    b"h\0",
    b"j\0\0\0\0",
    b"I1\n",
    b"L9L\n",
    b"cos\nsystem\n",
];

/// Reads all tensors from memory and from a file, which must agree.
fn weights(bytes: &[u8]) -> Result<(), String> {
    let here = Weights::from_bytes(bytes);
    let there = in_file("weights", bytes, |path| {
        let weights = Weights::read(path)?;
        for name in weights.names() {
            weights.tensor(name)?;
        }
        Ok::<_, patchcore_backbone::weights::WeightsError>(weights)
    });
    if let Ok(here) = &here {
        let there = there.as_ref().expect("taken from memory and refused as a file");
        assert!(here.names().eq(there.names()), "memory and file differ in names");
    }
    // A file is not asked for the checksums of what no tensor needs.
    there.map(drop).map_err(|error| error.to_string())
}

/// Reads a pickle under every rule; the widest decides.
fn pickle(bytes: &[u8]) -> Result<(), String> {
    let _ = patchcore_pickle::run(bytes, Rules::Data(|_| true));
    let _ = patchcore_pickle::run(bytes, Rules::Names(|module, _| module.starts_with("torch")));
    patchcore_pickle::run(bytes, Rules::Objects).map(drop).map_err(|error| error.to_string())
}

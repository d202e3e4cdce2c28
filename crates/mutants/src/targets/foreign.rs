//! Saved models of other programs.

use super::weights::ZIP;
use crate::place::{in_file, in_folder};
use crate::{Memory, Target, repair, seeds};
use patchcore_foreign::{ForeignError, read_anomalib, read_reference};

const MEMORY: Memory = Memory { fixed: 1 << 18, per_byte: 200 };

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "faiss",
        seeds: seeds::faiss,
        words: &[b"IxF2", b"IxFI", b"IwFl", b"IHNf", b"IxPT"],
        read: |bytes| reference(bytes, seeds::PARAMS),
        repair: repair::faiss,
        memory: MEMORY,
    },
    Target {
        name: "params",
        seeds: seeds::params,
        words: &[
            b"\x94",
            b"\x85",
            b"K\x03",
            b"M\0\x04",
            b"]",
            b"}",
            b"\x8c\x01",
            b"layers_to_extract_from",
            b"patchsize",
            b"cos\nsystem\n",
        ],
        read: |bytes| reference(&seeds::faiss()[0], bytes),
        repair: repair::pickle,
        memory: MEMORY,
    },
    Target {
        name: "anomalib_ckpt",
        seeds: seeds::anomalib_ckpt,
        words: ZIP,
        read: |bytes| anomalib("model.ckpt", bytes),
        repair: repair::zip,
        memory: MEMORY,
    },
    Target {
        name: "anomalib_pt",
        seeds: seeds::anomalib_pt,
        words: ZIP,
        read: |bytes| anomalib("model.pt", bytes),
        repair: repair::zip,
        memory: MEMORY,
    },
];

/// The original's saved model of these two files.
fn reference(index: &[u8], params: &[u8]) -> Result<(), String> {
    let files =
        [("reference/nnscorer_search_index.faiss", index), ("reference/patchcore_params.pkl", params)];
    in_folder(&files, |folder| match read_reference(&folder.join("reference")) {
        // Each file can be read: they do not fit each other.
        Ok(_) | Err(ForeignError::Members { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
}

/// A model of anomalib, with all its weights.
fn anomalib(name: &str, bytes: &[u8]) -> Result<(), String> {
    in_file(name, bytes, |path| {
        let model = read_anomalib(path).map_err(|error| error.to_string())?;
        for name in model.weights.names() {
            model.weights.tensor(name).map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

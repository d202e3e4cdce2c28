//! Lists of data sets, as CSV and JSON: a list is taken, and whatever it names is looked for.

use crate::place::in_folder;
use crate::{Memory, Target, repair, seeds};
use patchcore_image::{Dataset, DatasetError, Layout};

/// The text, its rows, a path for every name, and every fault with its path.
const MEMORY: Memory = Memory { fixed: 1 << 17, per_byte: 600 };

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "manifest_csv",
        seeds: seeds::manifest_csv,
        words: CSV,
        read: |bytes| list("manifest.csv", bytes, "manifest.csv", Layout::Manifest),
        repair: repair::nothing,
        memory: MEMORY,
    },
    Target {
        name: "manifest_jsonl",
        seeds: seeds::manifest_jsonl,
        words: JSON,
        read: |bytes| list("manifest.jsonl", bytes, "manifest.jsonl", Layout::Manifest),
        repair: repair::nothing,
        memory: MEMORY,
    },
    Target {
        name: "visa",
        seeds: seeds::visa,
        words: CSV,
        read: |bytes| list("visa/split_csv/1cls.csv", bytes, "visa", Layout::Visa),
        repair: repair::nothing,
        memory: MEMORY,
    },
    Target {
        name: "real_iad",
        seeds: seeds::real_iad,
        words: JSON,
        read: |bytes| list("real/realiad_jsons/bolt.json", bytes, "real", Layout::RealIad),
        repair: repair::nothing,
        memory: MEMORY,
    },
    Target {
        name: "loco",
        seeds: seeds::loco,
        words: JSON,
        read: loco,
        repair: repair::nothing,
        memory: MEMORY,
    },
];

const CSV: &[&[u8]] =
    &[b",", b"\"", b"\n", b"\r", b"../", b"/", b"train", b"test", b"label", b"\xef\xbb\xbf"];
const JSON: &[&[u8]] =
    &[b"[", b"]", b"{", b"}", b"\"", b":", b",", b"null", b"\\ud800", b"\\u0000", b"image_path", b"../"];

/// Opens the data set at `root`, of which `name` is the list, and reads every category.
fn list(name: &str, bytes: &[u8], root: &str, layout: Layout) -> Result<(), String> {
    in_folder(&[(name, bytes), ("real/realiad_256/bolt/none", b"")], |folder| {
        let dataset = Dataset::open(&folder.join(root), Some(layout)).map_err(|e| e.to_string())?;
        for name in dataset.names() {
            match dataset.category(name) {
                // The list could be read: its files are not there.
                Ok(_) | Err(DatasetError::Faulty { .. } | DatasetError::NoFolder { .. }) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    })
}

fn loco(bytes: &[u8]) -> Result<(), String> {
    let files: [(&str, &[u8]); 4] = [
        ("loco/defects_config.json", bytes),
        ("loco/train/good/none", b""),
        ("loco/validation/good/none", b""),
        ("loco/test/none", b""),
    ];
    in_folder(&files, |folder| {
        let dataset =
            Dataset::open(&folder.join("loco"), Some(Layout::MvtecLoco)).map_err(|e| e.to_string())?;
        dataset.saturations("loco").map(drop).map_err(|e| e.to_string())
    })
}

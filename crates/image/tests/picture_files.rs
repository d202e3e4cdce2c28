//! Picture files of every kind, whole and damaged: the numbered cases whose many variants are decided in this crate.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "picture_files/bitmap.rs"]
mod bitmap;
#[path = "picture_files/jpeg.rs"]
mod jpeg;
#[path = "picture_files/png.rs"]
mod png;
#[path = "picture_files/stored.rs"]
mod stored;
#[path = "picture_files/tiff.rs"]
mod tiff;
#[path = "picture_files/webp.rs"]
mod webp;

use patchcore_image::{DecodeError, Intensity, Limits, Picture, decode_bytes, decode_bytes_as};
use patchcore_testkit::{Fixture, testdata};

/// The files of `testdata/picture_files.safetensors`.
struct Files(Fixture);

impl Files {
    fn open() -> Self {
        Self(Fixture::open(&testdata("picture_files.safetensors")))
    }

    /// Name and bytes of each.
    fn all(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.0.names().into_iter().filter(|name| !name.ends_with("/rgb"));
        names.map(|name| (name.clone(), self.bytes(&name))).collect()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        self.0.u8(name).1
    }

    /// What the original's library sees in it, `[h, w, 3]`; `None` for files that are to be refused.
    fn seen(&self, name: &str) -> Option<Vec<u8>> {
        let name = format!("{name}/rgb");
        self.0.names().contains(&name).then(|| self.bytes(&name))
    }
}

/// The reason why the bytes are no picture.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    match decode_bytes(bytes, &Limits::default()) {
        Ok(picture) => panic!("taken as {}x{}", picture.width(), picture.height()),
        Err(error) => {
            let reason = error.to_string();
            assert!(!reason.contains("gave up"), "a decoder panicked: {reason}");
            reason
        }
    }
}

/// The picture in the bytes, 16 bits read as the original reads them.
#[track_caller]
fn taken(bytes: &[u8]) -> Picture {
    as_the_original(bytes).unwrap_or_else(|error| panic!("{error}"))
}

fn as_the_original(bytes: &[u8]) -> Result<Picture, DecodeError> {
    decode_bytes_as(bytes, &Limits::default(), Intensity::Original)
}

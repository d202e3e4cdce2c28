//! The small files that mutants are made of.

mod pictures;

pub(crate) use pictures::{bmp, jpeg, mask, png, pnm, tiff, webp};

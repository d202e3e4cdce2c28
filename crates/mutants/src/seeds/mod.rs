//! The small files that mutants are made of.

mod foreign;
mod lists;
mod models;
mod networks;
mod pictures;
mod weights;

pub(crate) use foreign::{PARAMS, anomalib_ckpt, anomalib_pt, faiss, params};
pub(crate) use lists::{loco, manifest_csv, manifest_jsonl, real_iad, visa};
pub(crate) use models::model;
pub(crate) use networks::{EXTERNAL, onnx};
pub(crate) use pictures::{bmp, jpeg, mask, png, pnm, tiff, webp};
pub(crate) use weights::{pickle, safetensors, torch_legacy, torch_zip};

//! The model file: one safetensors file, readable from Python, with a checksum over every byte.
//!
//! | part | holds |
//! |---|---|
//! | `__metadata__` | `patchcore`: format version, parameters, provenance, thresholds as JSON |
//! | tensor `bank` | `f32 [rows, d]`, in the order of selection |
//! | tensor `bank_origin` | `u32 [rows, 3]`: picture number, row and column of the patch grid; `[0, 3]` if not known |
//! | tensor `filter` | `f32 [1 or more, d]`: mean and directions of the search's filter, if it has one |
//! | tensor `fingerprint` | `u32 [pictures, 68]`: for each training picture the hash of its pixels and the picture at 16 x 16, packed |
//! | tensor `checksum` | `u8 [32]`, the last bytes of the file: SHA-256 of all bytes before |
//!
//! In an ensemble the names of the second member's tensors end in `.2`, and so on. All numbers are little-endian, on every
//! machine. The header also holds a digest of every tensor, which tells which one a damaged file has lost.
//!
//! A checksum finds accidents, not forgery. The version is this format's own: files of every released version stay
//! readable.

use crate::bank::{MemoryBank, Origin};
use crate::calibration::Calibration;
use crate::digests::{Digests, altered, digest};
use crate::extent::Extent;
use crate::filter::{Filter, Parts};
use crate::fitted::{Fitted, Training};
use crate::member::{Member, check_together};
use crate::memory::check_model;
use crate::{Error, Params, Reduction};
use patchcore_files::{RegularFile, shown};
use patchcore_image::Fingerprint;
use patchcore_tensor::Embeddings;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// The version that is written. Earlier ones were never released.
pub const FORMAT_VERSION: u32 = 3;

const CHECKSUM: usize = 32;
/// A file of this length is read whole without a look at its beginning.
const SMALL: u64 = 1 << 20;
/// The one entry of the metadata. One, because the library keeps them in a hash map, whose order changes from run to
/// run.
const ENTRY: &str = "patchcore";

/// What is read first: the version decides whether the rest can be understood.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// What is read of a file whose checksum is wrong.
#[derive(Deserialize)]
struct Told {
    digests: Digests,
}

/// The JSON part of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    members: Vec<MemberHeader>,
    training: Training,
    calibration: Option<Calibration>,
    /// Of every tensor but the checksum.
    #[serde(default)]
    digests: Digests,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberHeader {
    params: Params,
    fingerprint: String,
    patches: usize,
    covering_radius: Option<f32>,
    /// The numbers of the search's filter.
    filter: Option<Parts>,
}

/// The name of a member's tensor.
fn of_member(part: &str, member: usize) -> String {
    if member == 0 { part.to_string() } else { format!("{part}.{}", member + 1) }
}

/// A tensor to be written.
struct Part {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Member {
    fn header(&self) -> MemberHeader {
        MemberHeader {
            params: self.params.clone(),
            fingerprint: self.fingerprint.clone(),
            patches: self.patches,
            covering_radius: self.covering_radius,
            filter: self.filter.as_ref().map(|filter| filter.parts().0),
        }
    }

    fn tensors(&self, number: usize) -> impl Iterator<Item = Part> {
        let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
        let part =
            move |name, dtype, shape, bytes| Part { name: of_member(name, number), dtype, shape, bytes };
        let MemoryBank { rows, origins } = &self.bank;
        let words = origins.iter().flat_map(|o| [o.picture, o.y, o.x]).flat_map(u32::to_le_bytes);
        let bank = part("bank", Dtype::F32, vec![rows.len(), rows.dim()], floats(rows.data()));
        let origin = part("bank_origin", Dtype::U32, vec![origins.len(), 3], words.collect());
        let filter = self.filter.as_ref().map(|filter| {
            let (_, mean, directions) = filter.parts();
            let shape = vec![1 + directions.len() / filter.d(), filter.d()];
            part("filter", Dtype::F32, shape, floats(&[mean, directions].concat()))
        });
        [Some(bank), Some(origin), filter].into_iter().flatten()
    }

    fn read(file: &SafeTensors<'_>, number: usize, header: MemberHeader) -> Result<Self, String> {
        let MemberHeader { params, fingerprint, patches, covering_radius, filter } = header;
        let bank = read_bank(file, number)?;
        let filter = filter.map(|parts| read_filter(file, number, parts)).transpose()?;
        Ok(Self { params, fingerprint, bank, filter, patches, covering_radius })
    }

    fn check(&self, pictures: usize) -> Result<(), String> {
        self.params.check().map_err(|e| e.to_string())?;
        let MemoryBank { rows, origins } = &self.bank;
        if rows.is_empty() || rows.dim() == 0 {
            return Err("the memory bank is empty".into());
        }
        if let Some(i) = rows.data().iter().position(|v| !v.is_finite()) {
            return Err(format!("row {} of the memory bank is not finite", i / rows.dim()));
        }
        if let Some(filter) = self.filter.as_ref().filter(|filter| filter.d() != rows.dim()) {
            return Err(format!(
                "the search's filter is for rows of {} values, those of the memory bank have {}",
                filter.d(),
                rows.dim()
            ));
        }
        if let Reduction::Pooled { target, .. } = self.params.embedding.reduction
            && target != rows.dim()
        {
            return Err(format!("embeddings have {target} values, rows of the memory bank {}", rows.dim()));
        }
        if self.covering_radius.is_some_and(|radius| !(radius.is_finite() && radius >= 0.0)) {
            return Err("the covering radius is not usable".into());
        }
        if let Some(i) = origins.iter().position(|o| o.picture as usize >= pictures) {
            return Err(format!("row {i} of the memory bank comes from a picture that is not listed"));
        }
        if !(origins.is_empty() || origins.len() == rows.len()) {
            return Err(format!(
                "{} of {} rows of the memory bank have an origin",
                origins.len(),
                rows.len()
            ));
        }
        Ok(())
    }
}

impl Fitted {
    /// The bytes of a model file; equal models give equal bytes.
    ///
    /// # Errors
    /// The reason as text, if a value cannot be written (a number that is not finite).
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let of_members = self.members.iter().enumerate().flat_map(|(i, member)| member.tensors(i));
        let mut parts: Vec<Part> = of_members.chain([fingerprints(&self.training)]).collect();
        let header = Header {
            format_version: FORMAT_VERSION,
            members: self.members.iter().map(Member::header).collect(),
            training: self.training.clone(),
            calibration: self.calibration.clone(),
            digests: parts.iter().map(|part| (part.name.clone(), digest(&part.bytes))).collect(),
        };
        let json = serde_json::to_string(&header).map_err(|e| e.to_string())?;
        // The format sorts wider types first, so the checksum, the only bytes, comes last.
        parts.push(Part {
            name: "checksum".into(),
            dtype: Dtype::U8,
            shape: vec![CHECKSUM],
            bytes: vec![0; CHECKSUM],
        });
        let mut tensors = Vec::new();
        for Part { name, dtype, shape, bytes } in &parts {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| e.to_string())?;
            tensors.push((name, view));
        }
        let metadata = HashMap::from([(ENTRY.to_string(), json)]);
        let mut bytes = safetensors::serialize(tensors, Some(metadata)).map_err(|e| e.to_string())?;
        let end = bytes.len() - CHECKSUM;
        let sum = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        Ok(bytes)
    }

    /// Reads the bytes of a model file.
    ///
    /// # Errors
    /// The reason as text: not a model, altered or truncated, made by another version, or inconsistent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let json = header(bytes)?;
        let end = bytes.len() - CHECKSUM;
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        if Sha256::digest(&bytes[..end])[..] != bytes[end..] {
            let told = serde_json::from_str(&json).map_or_else(|_| Digests::new(), |told: Told| told.digests);
            let part = altered(&file, &told);
            return Err(format!("checksum mismatch in {part}: the file was altered or cut off"));
        }
        let unreadable = |e: serde_json::Error| format!("header: {e}");
        let Version { format_version } = serde_json::from_str(&json).map_err(unreadable)?;
        if format_version != FORMAT_VERSION {
            return Err(other_version(format_version, &json));
        }
        let header: Header = serde_json::from_str(&json).map_err(unreadable)?;
        let members = header.members.into_iter().enumerate();
        let members = members.map(|(i, member)| Member::read(&file, i, member));
        let fingerprints = read_fingerprints(&file)?;
        let fitted = Self {
            members: members.collect::<Result<_, _>>()?,
            training: Training { fingerprints, ..header.training },
            calibration: header.calibration,
        };
        fitted.check()?;
        Ok(fitted)
    }

    /// Writes the model file whole or not at all; an existing file only with `force`.
    ///
    /// # Errors
    /// [`Error::File`] with the file and the reason.
    pub fn save(&self, path: &Path, force: bool) -> Result<(), Error> {
        let bytes = self.to_bytes().map_err(|reason| Error::BadModel { path: path.into(), reason })?;
        Ok(patchcore_files::write_atomic(path, &bytes, force)?)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read, [`Error::BadModel`] with the reason if it is not an intact model,
    /// [`Error::Memory`] if there is not enough for it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bad = |reason| Error::BadModel { path: path.into(), reason };
        let file = RegularFile::open(path)?;
        if file.len() > SMALL {
            let length = file.read_range(0, 8)?.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            if !(1..file.len() - 8).contains(&length) {
                return Err(bad(no_model("its header would be longer than the file, or empty")));
            }
            check_model(file.len())?;
        }
        Self::from_bytes(&file.read_whole()?).map_err(bad)
    }

    fn check(&self) -> Result<(), String> {
        check_together(self.members.iter().map(|member| &member.params)).map_err(|e| e.to_string())?;
        let several = self.members.len() > 1;
        for (i, member) in self.members.iter().enumerate() {
            let name = |reason| if several { format!("member {}: {reason}", i + 1) } else { reason };
            member.check(self.training.pictures.len()).map_err(name)?;
        }
        self.training.intensity.check()?;
        self.training.extent.as_ref().map_or(Ok(()), Extent::check)?;
        let (pictures, known) = (self.training.pictures.len(), self.training.fingerprints.len());
        if known != pictures {
            return Err(format!("{known} fingerprints of {pictures} pictures"));
        }
        let Some(c) = &self.calibration else { return Ok(()) };
        c.check()?;
        if c.scales.len() != self.members.len() || !c.scales.iter().all(|&s| s.is_finite() && s > 0.0) {
            return Err("the members' scales are not usable".into());
        }
        Ok(())
    }
}

/// Why a file of another version is refused: both versions, and which program wrote it if it says so.
fn other_version(version: u32, json: &str) -> String {
    let header: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let program = header["training"]["version"].as_str();
    let program = program.map(|v| format!(", made by patchcore {}", shown(Path::new(v)))).unwrap_or_default();
    let advice = if version > FORMAT_VERSION { "a newer patchcore is needed" } else { "fit it again" };
    format!("format version {version}{program}; this program reads {FORMAT_VERSION}: {advice}")
}

fn no_model(why: &str) -> String {
    format!("not a patchcore model, or cut off ({why})")
}

/// The JSON of the header, if the bytes are a file of this format at all.
fn header(bytes: &[u8]) -> Result<String, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err("this is a Git LFS pointer, not the model: fetch it with git lfs pull".into());
    }
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| no_model(&e.to_string()))?;
    let entry = header.metadata().as_ref().and_then(|m| m.get(ENTRY));
    match entry {
        Some(json) if bytes.len() >= CHECKSUM => Ok(json.clone()),
        _ => Err(no_model("another safetensors file")),
    }
}

/// Rows, values of a row, and the bytes of a tensor with two axes.
fn table<'a>(file: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<(usize, usize, &'a [u8]), String> {
    let view = file.tensor(name).map_err(|e| e.to_string())?;
    match (view.shape(), view.dtype()) {
        (&[rows, d], got) if got == dtype => Ok((rows, d, view.data())),
        (shape, got) => Err(format!("{name}: {got:?} {shape:?}, expected {dtype:?} with two axes")),
    }
}

/// What tells the training pictures again. As `u32` like the origins: the only bytes must be the checksum's.
fn fingerprints(training: &Training) -> Part {
    let bytes: Vec<u8> = training.fingerprints.iter().flat_map(Fingerprint::to_bytes).collect();
    let shape = vec![training.fingerprints.len(), Fingerprint::BYTES / 4];
    Part { name: "fingerprint".into(), dtype: Dtype::U32, shape, bytes }
}

fn read_fingerprints(file: &SafeTensors<'_>) -> Result<Vec<Fingerprint>, String> {
    let (rows, words, data) = table(file, "fingerprint", Dtype::U32)?;
    let read = || data.chunks_exact(Fingerprint::BYTES).map(Fingerprint::from_bytes).collect();
    let all: Option<Vec<_>> = if words * 4 == Fingerprint::BYTES { read() } else { None };
    all.ok_or_else(|| {
        format!("fingerprint: [{rows}, {words}], expected [{rows}, {}]", Fingerprint::BYTES / 4)
    })
}

fn floats(data: &[u8]) -> Vec<f32> {
    data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn read_filter(file: &SafeTensors<'_>, member: usize, parts: Parts) -> Result<Filter, String> {
    let (_, d, data) = table(file, &of_member("filter", member), Dtype::F32)?;
    let mut mean = floats(data);
    let directions = mean.split_off(d.min(mean.len()));
    Filter::from_parts(parts, mean, directions).ok_or_else(|| "the search's filter is not usable".into())
}

fn read_bank(file: &SafeTensors<'_>, member: usize) -> Result<MemoryBank, String> {
    let (rows, d, data) = table(file, &of_member("bank", member), Dtype::F32)?;
    let values = floats(data);
    let (origin_rows, three, data) = table(file, &of_member("bank_origin", member), Dtype::U32)?;
    if three != 3 {
        return Err(format!("bank_origin: [{origin_rows}, {three}], expected [{rows}, 3]"));
    }
    let words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let origins = words.as_chunks::<3>().0.iter().map(|&[picture, y, x]| Origin { picture, y, x }).collect();
    Ok(MemoryBank { rows: Embeddings::from_vec(rows, d, values).map_err(|e| e.to_string())?, origins })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted() -> Fitted {
        let rows = Embeddings::from_vec(2, 3, vec![0.5, -1.0, 2.0, 3.0, 4.0, f32::MIN_POSITIVE]).unwrap();
        let origins = vec![Origin { picture: 0, y: 1, x: 2 }, Origin { picture: 1, y: 0, x: 7 }];
        let training = Training {
            pictures: vec!["good/\u{1f600}\n.png".into(), "b.png".into()],
            skipped: Vec::new(),
            clipped: Vec::new(),
            intensity: patchcore_image::Intensity::Window { low: 5, high: 4095 },
            dropped: vec!["c.png".into()],
            extent: Some(Extent { width: [3, 9], height: [4, 4], colour: true, grey: false }),
            version: "0.0.0".into(),
            fingerprints: (0..2u8)
                .map(|v| Fingerprint::from_bytes(&[v; Fingerprint::BYTES]).unwrap())
                .collect(),
        };
        let calibration = Calibration {
            image_threshold: 1.25,
            false_alarm_rate: 1.0 / 3.0,
            review_threshold: 1.25,
            review_rate: 1.0 / 3.0,
            pixel_threshold: 1.0,
            pixel_false_area: 0.125,
            pixel_typical: 0.5,
            asked: crate::Rates::of(0.01),
            held_out: crate::HeldOutBy::Folds(2),
            image_scores: vec![1.0, 1.25],
            scales: vec![1.0],
        };
        let member = Member {
            params: Params::default(),
            fingerprint: "00".into(),
            filter: Filter::whole(&rows),
            bank: MemoryBank { rows, origins },
            patches: 40,
            covering_radius: Some(0.1),
        };
        Fitted { members: vec![member], training, calibration: Some(calibration) }
    }

    /// Two members: the second has another width, no filter, and rows of unknown origin.
    fn ensemble() -> Fitted {
        let mut model = fitted();
        let rows = Embeddings::from_vec(1, 2, vec![7.0, 8.0]).unwrap();
        let bank = MemoryBank { rows, origins: Vec::new() };
        model.members.push(Member { bank, filter: None, ..model.members[0].clone() });
        model.calibration.as_mut().unwrap().scales = vec![1.0, 2.5];
        model
    }

    #[test]
    fn save_load_save_gives_the_same_bytes() {
        for model in [fitted(), ensemble()] {
            let bytes = model.to_bytes().unwrap();
            let back = Fitted::from_bytes(&bytes).unwrap();
            assert_eq!(back, model);
            assert_eq!(back.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn every_changed_byte_is_found() {
        let good = fitted().to_bytes().unwrap();
        let mut bytes = good.clone();
        for i in 0..good.len() {
            for flip in [1u8, 0x80, 0xff] {
                bytes[i] ^= flip;
                assert!(Fitted::from_bytes(&bytes).is_err(), "byte {i} ^ {flip:#x}");
                bytes[i] = good[i];
            }
        }
    }

    #[test]
    fn every_truncation_and_extension_is_found() {
        let good = fitted().to_bytes().unwrap();
        for end in 0..good.len() {
            assert!(Fitted::from_bytes(&good[..end]).is_err(), "cut at {end}");
        }
        for extra in 1..=64 {
            let longer = [good.clone(), vec![0; extra]].concat();
            assert!(Fitted::from_bytes(&longer).is_err(), "{extra} more");
        }
    }

    #[test]
    fn inconsistent_models_are_refused() {
        let refused = |change: fn(&mut Fitted)| {
            let mut model = ensemble();
            change(&mut model);
            model.to_bytes().and_then(|bytes| Fitted::from_bytes(&bytes)).unwrap_err()
        };
        let picture = refused(|m| m.members[0].bank.origins[1].picture = 2);
        assert!(picture.contains("member 1: row 1"), "{picture}");
        let nan = Embeddings::from_vec(1, 2, vec![f32::NAN; 2]).unwrap();
        let bank = MemoryBank { rows: nan, origins: Vec::new() };
        let mut broken = ensemble();
        broken.members[1].bank = bank;
        let nan = Fitted::from_bytes(&broken.to_bytes().unwrap()).unwrap_err();
        assert!(nan.contains("member 2") && nan.contains("not finite"), "{nan}");
        assert!(refused(|m| m.members[1].params.num_nn = 0).contains("anomaly_score_num_nn"));
        assert!(refused(|m| m.training.fingerprints.truncate(1)).contains("1 fingerprints of 2 pictures"));
        assert!(refused(|m| m.members.clear()).contains("members"));
        assert!(refused(|m| m.members[0].bank.origins.truncate(1)).contains("1 of 2 rows"));
        assert!(refused(|m| m.calibration.as_mut().unwrap().scales[1] = 0.0).contains("scales"));
        assert!(refused(|m| m.calibration.as_mut().unwrap().scales.truncate(1)).contains("scales"));
        let crop = |m: &mut Fitted| {
            m.members[1].params.preprocess.geometry =
                patchcore_image::Geometry::ResizeCrop { resize: 9, crop: [9, 9] };
        };
        assert!(refused(crop).contains("geometry"));
        let threshold = refused(|m| m.calibration.as_mut().unwrap().image_threshold = f32::NAN);
        assert!(threshold.contains("header") || threshold.contains("finite"), "{threshold}");
        assert!(refused(|m| m.calibration.as_mut().unwrap().review_threshold = 2.0).contains("above"));
    }

    #[test]
    fn another_version_says_so() {
        let header = serde_json::json!({ "format_version": 4, "something_new": true });
        let checksum = [0u8; CHECKSUM];
        let view = TensorView::new(Dtype::U8, vec![CHECKSUM], &checksum).unwrap();
        let metadata = HashMap::from([(ENTRY.to_string(), header.to_string())]);
        let mut bytes = safetensors::serialize([("checksum", view)], Some(metadata)).unwrap();
        let end = bytes.len() - CHECKSUM;
        let sum = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        let expected = "format version 4; this program reads 3: a newer patchcore is needed";
        assert_eq!(Fitted::from_bytes(&bytes).unwrap_err(), expected);
    }
}

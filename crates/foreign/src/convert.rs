//! Other programs' models as ours, and ours as the original's.
//!
//! What a file does not say is asked for (the original's resize) or left open (which pictures a bank came from). Neither
//! program's thresholds are taken over: the original has none, and anomalib's were chosen with labels.

use patchcore::{
    BankSize, Error, ImageScore, Member, Params, PatchDistance, PatchEmbedding, PatchShape, Reduction,
    Sampler, SamplerKind, Scoring,
};
use patchcore_backbone::networks::find;
use patchcore_image::{Geometry, Preprocess};

use crate::{AnomalibModel, ReferenceParams, SavedMember, SequenceKind, TransformStep};

/// Networks that the original calls otherwise: our name, the original's.
const ORIGINAL_NAMES: [(&str, &str); 3] = [
    ("wide_resnet50_2", "wideresnet50"),
    ("wide_resnet101_2", "wideresnet101"),
    ("resnext101_32x8d", "resnext101"),
];

impl SavedMember {
    /// The parameters that score as the original does, for pictures whose shorter side was brought to `resize` pixels. The
    /// sampler is the original's usual one: the file does not say which it was.
    ///
    /// # Errors
    /// [`Error::Backbone`] for a network that does not run natively, [`Error::Parameter`] for a value out of range.
    pub fn to_params(&self, resize: usize) -> Result<Params, Error> {
        let saved = &self.params;
        let [_, h, w] = saved.input_shape;
        let backbone = find(&saved.backbone)?;
        let base = Params::reference(backbone, resize, h, 0.1);
        let params = Params {
            preprocess: Preprocess {
                geometry: Geometry::ResizeCrop { resize, crop: [h, w] },
                ..base.preprocess
            },
            layers: backbone.overwritten_taps(&saved.layers),
            embedding: PatchEmbedding {
                patch: PatchShape { size: saved.patchsize, stride: saved.patchstride },
                reduction: Reduction::Pooled {
                    pretrain: saved.pretrain_embed_dimension,
                    target: saved.target_embed_dimension,
                },
            },
            sampler: Sampler { size: BankSize::Rows(self.vectors.len()), ..base.sampler },
            num_nn: saved.anomaly_scorer_num_nn,
            ..base
        };
        params.check()?;
        Ok(params)
    }

    /// A member as the original would have saved it.
    ///
    /// # Errors
    /// [`Error::Parameter`] with what the original cannot do: another geometry than resize and crop, another normalisation,
    /// layers joined raw, another scoring rule.
    pub fn from_member(member: &Member, layers_kind: SequenceKind) -> Result<Self, Error> {
        let params = &member.params;
        let cannot = |name, got: String, must: &str| Error::Parameter { name, got, must: must.to_string() };
        let Geometry::ResizeCrop { crop: [h, w], .. } = params.preprocess.geometry else {
            let got = format!("{:?}", params.preprocess.geometry);
            return Err(cannot("geometry", got, "resize and crop for the original"));
        };
        let imagenet = Preprocess::reference(1, 1);
        if (params.preprocess.mean, params.preprocess.std) != (imagenet.mean, imagenet.std) {
            let got = format!("mean {:?}, std {:?}", params.preprocess.mean, params.preprocess.std);
            return Err(cannot("normalisation", got, "ImageNet's for the original"));
        }
        let Reduction::Pooled { pretrain, target } = params.embedding.reduction else {
            return Err(cannot("embedding", "raw".into(), "pooled for the original"));
        };
        if (params.patch_distance, params.image_score) != (PatchDistance::SquaredL2, ImageScore::Max) {
            let got = format!("{:?} of {:?}", params.image_score, params.patch_distance);
            return Err(cannot("scoring", got, "the largest squared distance for the original"));
        }
        let original = ORIGINAL_NAMES.iter().find(|(ours, _)| *ours == params.backbone);
        let saved = ReferenceParams {
            backbone: original.map_or(params.backbone.as_str(), |(_, theirs)| theirs).to_string(),
            layers: params.layers.clone(),
            layers_kind,
            input_shape: [3, h, w],
            pretrain_embed_dimension: pretrain,
            target_embed_dimension: target,
            patchsize: params.embedding.patch.size,
            patchstride: params.embedding.patch.stride,
            anomaly_scorer_num_nn: params.num_nn,
        };
        Ok(Self { params: saved, vectors: member.bank.rows.clone() })
    }
}

impl AnomalibModel {
    /// The parameters that score as anomalib does. Resizing works in 8 bits here and in floats there, so a pixel may differ
    /// by one level of 255. `geometry` says how pictures are brought to the network's input where the file does not.
    ///
    /// # Errors
    /// [`Error::Backbone`] for a network that does not run natively; [`Error::Parameter`] if the file's transform is not
    /// understood and no geometry is given, or for a value out of range.
    pub fn to_params(&self, geometry: Option<Geometry>) -> Result<Params, Error> {
        let stored = geometry.is_none().then(|| preprocess(self.transform.as_deref())).transpose()?;
        let support = self.num_neighbors;
        let base = Params::ours(find(&self.backbone)?).scored_by(Scoring::Anomalib { support });
        let imagenet = Preprocess::reference(1, 1);
        let preprocess = stored.unwrap_or_else(|| Preprocess {
            geometry: geometry.unwrap_or(imagenet.geometry.clone()),
            ..imagenet
        });
        let size = match self.coreset_sampling_ratio {
            Some(ratio) if ratio > 0.0 && ratio < 1.0 => BankSize::Ratio(ratio),
            _ => BankSize::Rows(self.memory_bank.len()),
        };
        let params = Params {
            preprocess,
            layers: self.layers.clone(),
            sampler: Sampler { kind: SamplerKind::Anomalib, size, seed: 0 },
            ..base
        };
        params.check()?;
        Ok(params)
    }
}

/// Resize, perhaps a cut, and normalisation, in this order; the resize may be one of the shorter side.
fn preprocess(steps: Option<&[TransformStep]>) -> Result<Preprocess, Error> {
    let unknown = || Error::Parameter {
        name: "transform",
        got: steps.map_or("missing from the file".to_string(), |steps| format!("{steps:?}")),
        must: "a bilinear, antialiased resize, perhaps a centre crop, and a normalisation".into(),
    };
    let steps = steps.ok_or_else(unknown)?;
    let [TransformStep::Resize { size, interpolation, antialias: true }, rest @ ..] = steps else {
        return Err(unknown());
    };
    let (crop, rest) = match rest {
        [TransformStep::CenterCrop { size }, rest @ ..] => (Some(*size), rest),
        rest => (None, rest),
    };
    let [TransformStep::Normalize { mean, std }] = rest else { return Err(unknown()) };
    let geometry = match (size.as_slice(), crop) {
        (&[h, w], crop) => Geometry::Stretch { size: [h, w], crop: crop.unwrap_or([h, w]) },
        (&[resize], Some(crop)) => Geometry::ResizeCrop { resize, crop },
        _ => return Err(unknown()),
    };
    if interpolation != "bilinear" {
        return Err(unknown());
    }
    Ok(Preprocess { geometry, mean: mean.map(|v| v as f32), std: std.map(|v| v as f32) })
}

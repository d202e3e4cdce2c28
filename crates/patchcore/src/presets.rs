//! Configurations by name: ours, the original's, and those whose results it published.

use crate::coreset::BankSize;
use crate::embedding::Reduction;
use crate::{Error, Params};
use patchcore_backbone::networks::{Architecture, find};
use patchcore_image::Geometry;
use patchcore_image::Intensity;

/// A named configuration of one or more members.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The networks that it runs on unless others are given.
    pub backbones: &'static [&'static str],
    /// Whether the networks are part of the name.
    pub fixed: bool,
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Our own configuration, a member for each side of the square that a picture's area is brought to.
    Ours { sides: &'static [usize] },
    /// The original's.
    Reference(Reference),
}

/// Where the original's configurations differ.
#[derive(Debug, Clone, Copy)]
struct Reference {
    resize: usize,
    image_size: usize,
    percentage: f64,
    target: usize,
    patchsize: usize,
    num_nn: usize,
    seed: u32,
}

impl Preset {
    /// What becomes of pictures of other depths than 8 bits where no window is declared: refused, or as the original has
    /// them.
    pub fn intensity(&self) -> Intensity {
        match self.shape {
            Shape::Ours { .. } => Intensity::EightBit,
            Shape::Reference(_) => Intensity::Original,
        }
    }
}

const WIDE: &[&str] = &["wide_resnet50_2"];
const ENSEMBLE: &[&str] = &["wide_resnet101_2", "resnext101_32x8d", "densenet201"];

const IM224: Reference = Reference {
    resize: 256,
    image_size: 224,
    percentage: 0.1,
    target: 1024,
    patchsize: 3,
    num_nn: 1,
    seed: 0,
};
const IM320: Reference = Reference { resize: 366, image_size: 320, percentage: 0.01, ..IM224 };

const fn published(
    name: &'static str,
    backbones: &'static [&'static str],
    about: &'static str,
    shape: Reference,
) -> Preset {
    Preset { name, about, backbones, fixed: true, shape: Shape::Reference(shape) }
}

/// All presets, the default first.
///
/// ```
/// use patchcore::presets::{preset, PRESETS};
/// assert_eq!(PRESETS[0].name, "default");
/// let accurate = preset("accurate").unwrap();
/// assert_eq!(accurate.members(accurate.backbones)?.len(), 2);
/// # Ok::<(), patchcore::Error>(())
/// ```
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "default",
        about: "Whole picture, layers concatenated, exact greedy, score from the blurred patch map",
        backbones: &["efficientnet_lite0"],
        fixed: false,
        shape: Shape::Ours { sides: &[224] },
    },
    Preset {
        name: "accurate",
        about: "The default at two scales, 224 and 320: finds more, takes about three times as long",
        backbones: &["efficientnet_lite0"],
        fixed: false,
        shape: Shape::Ours { sides: &[224, 320] },
    },
    Preset {
        name: "reference-224",
        about: "The original: resize 256, crop 224, 1024 values, ratio 0.1, approximate greedy",
        backbones: WIDE,
        fixed: false,
        shape: Shape::Reference(IM224),
    },
    Preset {
        name: "reference-320",
        about: "The original: resize 366, crop 320, 1024 values, ratio 0.01, approximate greedy",
        backbones: WIDE,
        fixed: false,
        shape: Shape::Reference(IM320),
    },
    published("IM224_WR50_L2-3_P01_D1024-1024_PS-3_AN-1", WIDE, "Published", IM224),
    published(
        "IM224_Ensemble_L2-3_P001_D1024-384_PS-3_AN-1",
        ENSEMBLE,
        "Published: WideResNet-101, ResNeXt-101 and DenseNet-201 together",
        Reference { percentage: 0.01, target: 384, seed: 3, ..IM224 },
    ),
    published(
        "IM320_WR50_L2-3_P001_D1024-1024_PS-3_AN-1",
        WIDE,
        "Published",
        Reference { seed: 22, ..IM320 },
    ),
    published(
        "IM320_WR50_L2-3_P001_D1024-1024_PS-5_AN-3",
        WIDE,
        "Published: patches of 5 x 5, three neighbours",
        Reference { patchsize: 5, num_nn: 3, seed: 39, ..IM320 },
    ),
    published(
        "IM320_Ensemble_L2-3_P001_D1024-384_PS-3_AN-1",
        ENSEMBLE,
        "Published: the ensemble at 320",
        Reference { target: 384, seed: 40, ..IM320 },
    ),
    published(
        "IM320_Ensemble_L2-3_P001_D1024-384_PS-5_AN-5",
        ENSEMBLE,
        "Published: the ensemble, patches of 5 x 5, five neighbours",
        Reference { target: 384, patchsize: 5, num_nn: 5, seed: 88, ..IM320 },
    ),
];

/// The preset with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The parameters of each member on these networks: network by network, and for each one scale by scale.
    ///
    /// # Errors
    /// [`Error::Backbone`] for an unknown network.
    pub fn members(&self, backbones: &[&str]) -> Result<Vec<Params>, Error> {
        let mut members = Vec::new();
        for name in backbones {
            members.extend(self.on(find(name)?));
        }
        Ok(members)
    }

    fn on(&self, backbone: &Architecture) -> Vec<Params> {
        match self.shape {
            Shape::Ours { sides } => sides
                .iter()
                .map(|&area_side| {
                    let mut params = Params::ours(backbone);
                    params.preprocess.geometry = Geometry::Whole { area_side, multiple: 16 };
                    params
                })
                .collect(),
            Shape::Reference(shape) => {
                let mut params =
                    Params::reference(backbone, shape.resize, shape.image_size, shape.percentage);
                params.embedding.patch.size = shape.patchsize;
                params.embedding.reduction = Reduction::Pooled { pretrain: 1024, target: shape.target };
                params.sampler.size = BankSize::Ratio(shape.percentage);
                params.sampler.seed = shape.seed;
                params.num_nn = shape.num_nn;
                vec![params]
            }
        }
    }

    /// The layers that are tapped where these are asked for: the original takes others than it is told in some networks,
    /// see [`Architecture::overwritten_taps`].
    ///
    /// # Errors
    /// [`Error::Backbone`] for an unknown network.
    pub fn taps(&self, backbone: &str, layers: &[String]) -> Result<Vec<String>, Error> {
        Ok(match self.shape {
            Shape::Ours { .. } => layers.to_vec(),
            Shape::Reference(_) => find(backbone)?.overwritten_taps(layers),
        })
    }

    /// How many scales it has for each network.
    pub fn scales(&self) -> usize {
        match self.shape {
            Shape::Ours { sides } => sides.len(),
            Shape::Reference(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published names say what they hold: `IM<size>_.._P<percent>_D<D>-<T>_PS-<p>_AN-<k>`.
    #[test]
    fn published_names_say_what_they_hold() {
        let mut count = 0;
        for preset in PRESETS.iter().filter(|preset| preset.fixed) {
            for params in preset.members(preset.backbones).unwrap() {
                let Geometry::ResizeCrop { crop, .. } = params.preprocess.geometry else { panic!("no crop") };
                let BankSize::Ratio(percentage) = params.sampler.size else { panic!("no ratio") };
                let Reduction::Pooled { pretrain, target } = params.embedding.reduction else { panic!() };
                let percent = percentage.to_string().replace('.', "");
                let networks = if preset.backbones.len() == 1 { "WR50" } else { "Ensemble" };
                let name = format!(
                    "IM{}_{networks}_L2-3_P{percent}_D{pretrain}-{target}_PS-{}_AN-{}",
                    crop[0], params.embedding.patch.size, params.num_nn
                );
                assert_eq!(name, preset.name);
                params.check().unwrap();
                count += 1;
            }
        }
        assert_eq!(count, 3 + 3 * 3);
    }

    #[test]
    fn only_the_original_overwrites_what_it_taps() {
        let asked: Vec<String> = ["features.0", "features.8"].map(String::from).to_vec();
        let taps = |name: &str| preset(name).unwrap().taps("vgg11", &asked).unwrap();
        assert_eq!(
            (taps("default"), taps("reference-224")),
            (asked.clone(), vec!["features.1".into(), "features.8".into()])
        );
    }

    #[test]
    fn the_default_is_our_own() {
        assert_eq!(PRESETS[0].members(PRESETS[0].backbones).unwrap(), [Params::default()]);
        let sides: Vec<Geometry> = preset("accurate")
            .unwrap()
            .members(&["resnet18"])
            .unwrap()
            .into_iter()
            .map(|params| params.preprocess.geometry)
            .collect();
        let whole = |area_side| Geometry::Whole { area_side, multiple: 16 };
        assert_eq!(sides, [whole(224), whole(320)]);
    }
}

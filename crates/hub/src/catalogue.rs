//! Which weights are known: names, addresses, licences, hashes.
//!
//! Addresses and file names are those in the sources of torchvision 0.29.2 (`IMAGENET1K_V1`, which the original loads) and
//! timm (1.0.31; for `densenet121` 0.4.12, the last that gave an address). Both packages put the first eight digits of
//! a file's SHA-256 into its name, and check them.

use crate::HubError;
use patchcore_backbone::networks::architecture;

/// A published weights file of one network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pretrained {
    /// The network, under a name that `patchcore-backbone` knows.
    pub name: &'static str,
    /// Where its publisher offers it.
    pub url: &'static str,
    /// The publisher's licence of code and weights. ImageNet's terms, under which the pictures were given, may matter too.
    pub licence: &'static str,
    /// The first hexadecimal digits of its SHA-256.
    pub sha256_start: &'static str,
    /// Its size in MiB, to three digits after the point, where the publisher says it.
    pub mib: Option<f64>,
    /// Side of the pictures that it was made for, in pixels.
    pub side: u32,
    /// Mean per channel of those pictures, in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation per channel.
    pub std: [f32; 3],
}

/// No file of unknown size may be larger than this, in MiB.
const MOST_MIB: u64 = 1024;

const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
const HALF: ([f32; 3], [f32; 3]) = ([0.5; 3], [0.5; 3]);

impl Pretrained {
    /// The file name, in the cache and on every mirror.
    pub fn file(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }

    /// The bytes that a file may have at most.
    pub fn allowed(&self) -> u64 {
        self.mib.map_or(MOST_MIB, |mib| mib.ceil() as u64 + 1) << 20
    }
}

macro_rules! torchvision {
    ($name:literal, $file:literal, $hash:literal, $mib:literal) => {
        Pretrained {
            name: $name,
            url: concat!("https://download.pytorch.org/models/", $file, "-", $hash, ".pth"),
            licence: "BSD-3-Clause",
            sha256_start: $hash,
            mib: Some($mib),
            side: 224,
            mean: IMAGENET.0,
            std: IMAGENET.1,
        }
    };
}

macro_rules! timm {
    ($name:literal, $file:literal, $hash:literal, $side:literal, $normal:expr) => {
        timm!("v0.1-weights", $name, $file, $hash, $side, $normal)
    };
    ($release:literal, $name:literal, $file:literal, $hash:literal, $side:literal, $normal:expr) => {
        Pretrained {
            name: $name,
            url: concat!(
                "https://github.com/rwightman/pytorch-image-models/releases/download/",
                $release,
                "/",
                $file,
                "-",
                $hash,
                ".pth"
            ),
            licence: "Apache-2.0",
            sha256_start: $hash,
            mib: None,
            side: $side,
            mean: $normal.0,
            std: $normal.1,
        }
    };
}

/// All of them; those that the original loads under the same name, where it knows the network.
pub const PRETRAINED: &[Pretrained] = &[
    torchvision!("alexnet", "alexnet-owt", "7be5be79", 233.087),
    timm!("densenet121", "densenet121_ra", "50efcf5c", 224, IMAGENET),
    torchvision!("densenet169", "densenet169", "b2777c0a", 54.708),
    torchvision!("densenet201", "densenet201", "c1103571", 77.373),
    timm!("efficientnet_b1", "tf_efficientnet_b1_aa", "ea7a6ee0", 240, IMAGENET),
    timm!("efficientnet_b3", "tf_efficientnet_b3_aa", "84b4657e", 300, IMAGENET),
    timm!("efficientnet_b3a", "efficientnet_b3_ra2", "cf984f9c", 288, IMAGENET),
    timm!("efficientnet_b5", "tf_efficientnet_b5_ra", "9a3e5369", 456, IMAGENET),
    timm!("efficientnet_b7", "tf_efficientnet_b7_ra", "6c08e654", 600, IMAGENET),
    timm!("v0.1-effv2-weights", "efficientnetv2_l", "tf_efficientnetv2_l", "d664b728", 384, HALF),
    timm!("v0.1-effv2-weights", "efficientnetv2_m", "tf_efficientnetv2_m", "cc09e0cd", 384, HALF),
    timm!("efficientnet_lite0", "tf_efficientnet_lite0", "0aa007d2", 224, HALF),
    timm!("mnasnet_a1", "mnasnet_a1", "d9418771", 224, IMAGENET),
    timm!("mnasnet_100", "mnasnet_b1", "74cb7081", 224, IMAGENET),
    torchvision!("mobilenet_v2", "mobilenet_v2", "b0353104", 13.555),
    torchvision!("resnet18", "resnet18", "f37072fd", 44.661),
    torchvision!("resnet34", "resnet34", "b627a593", 83.275),
    torchvision!("resnet50", "resnet50", "0676ba61", 97.781),
    torchvision!("resnet101", "resnet101", "63fe2227", 170.511),
    torchvision!("resnet152", "resnet152", "394f9c45", 230.434),
    torchvision!("resnext50_32x4d", "resnext50_32x4d", "7cdf4587", 95.789),
    torchvision!("resnext101_32x8d", "resnext101_32x8d", "8ba56ff5", 339.586),
    torchvision!("resnext101_64x4d", "resnext101_64x4d", "173b62eb", 319.318),
    torchvision!("vgg11", "vgg11", "8a719046", 506.84),
    torchvision!("vgg19", "vgg19", "dcbb9e9d", 548.051),
    torchvision!("vgg19_bn", "vgg19_bn", "c79401a0", 548.143),
    torchvision!("wide_resnet50_2", "wide_resnet50_2", "95faca4d", 131.82),
    torchvision!("wide_resnet101_2", "wide_resnet101_2", "32ee1156", 242.896),
];

/// The known weights of the network with this name or alias.
///
/// # Errors
/// [`HubError::Unknown`].
pub fn pretrained(name: &str) -> Result<&'static Pretrained, HubError> {
    let stored = architecture(name).map_or(name, |a| a.name);
    let same = |p: &&Pretrained| p.name == name || architecture(p.name).map_or(p.name, |a| a.name) == stored;
    PRETRAINED.iter().find(same).ok_or_else(|| HubError::Unknown {
        name: name.to_string(),
        known: PRETRAINED.iter().map(|p| p.name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_backbone::networks::ARCHITECTURES;

    /// Networks whose publisher names no digits of a hash: their files are brought by hand.
    const BY_HAND: [&str; 3] = ["resnet200", "resnetv2_101", "inception_v4"];

    #[test]
    fn every_network_has_weights_that_suit_its_input() {
        for a in ARCHITECTURES.iter().filter(|a| !BY_HAND.contains(&a.name)) {
            let weights = pretrained(a.name).unwrap();
            // The original normalises as for ImageNet, whatever the weights were trained with.
            if !a.name.starts_with("efficientnetv2") {
                assert_eq!((weights.mean, weights.std), (a.mean, a.std), "{}", a.name);
            }
            for alias in a.aliases {
                assert_eq!(pretrained(alias).unwrap(), weights);
            }
        }
    }

    #[test]
    fn every_line_is_sound() {
        let mut seen = std::collections::BTreeSet::new();
        for p in PRETRAINED {
            assert!(p.url.starts_with("https://"), "{}", p.url);
            assert!(p.file().ends_with(&format!("-{}.pth", p.sha256_start)), "{}", p.url);
            let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            assert!(p.sha256_start.len() == 8 && p.sha256_start.chars().all(digit), "{}", p.name);
            assert!(seen.insert(p.name) && seen.insert(p.file()), "{} stands twice", p.name);
            assert!(p.allowed() > 14 << 20 && p.allowed() <= 1 << 30, "{}", p.name);
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = pretrained("resnet19").unwrap_err().to_string();
        assert!(error.contains("resnet19") && error.contains("resnet18"), "{error}");
    }
}

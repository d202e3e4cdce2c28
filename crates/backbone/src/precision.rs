//! In which numbers a backbone computes.

use patchcore_kernels::conv::Winograd;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How exactly the backbone computes its feature maps. Part of a model: pictures are judged in the precision in which
/// the memory bank was made.
///
/// ```
/// use patchcore_backbone::Precision;
/// assert_eq!("fast".parse(), Ok(Precision::Fast));
/// assert_eq!(Precision::default().to_string(), "f32");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `f32`, with about the error of other engines: Winograd's `F(2x2, 3x3)`. Measured against `PyTorch`'s own error, up to
    /// 1.2 times in residual networks, 1.33 times in `VGG-19`.
    #[default]
    F32,
    /// `f32` with fewer multiplications and about three times the rounding error: `F(4x4, 3x3)` where it pays.
    Fast,
    /// Feature maps and weights are stored with 8 bits of precision and multiplied so; sums stay `f32`. Only on
    /// processors that multiply bf16 themselves. The memory bank is [chosen](Self::choosing) by features in `f32`.
    Bf16,
}

impl Precision {
    /// All of them, the most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Fast, Self::Bf16];

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Fast => "fast",
            Self::Bf16 => "bf16",
        }
    }

    /// The precision whose features choose the memory bank. A greedy coreset is a chain of choices: where rounding puts
    /// one patch before another, all later choices are others too, and the scores of two such models differ far more than
    /// their features. The rounding of `bf16` does that, `fast`'s is too small.
    ///
    /// ```
    /// use patchcore_backbone::Precision;
    /// assert_eq!(Precision::Bf16.choosing(), Precision::F32);
    /// assert_eq!(Precision::Fast.choosing(), Precision::Fast);
    /// ```
    #[must_use]
    pub fn choosing(self) -> Self {
        match self {
            Self::Bf16 => Self::F32,
            own => own,
        }
    }

    /// The tile of a 3x3 convolution with this many input channels. In deep layers maps are small and weights many:
    /// there the larger transformed weights of `F4` cost more to fetch than its products save.
    pub(crate) fn winograd(self, channels: usize) -> Winograd {
        match self {
            Self::Fast if channels <= 256 => Winograd::F4,
            _ => Winograd::F2,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| format!("unknown precision {name}; known: f32, fast, bf16"))
    }
}

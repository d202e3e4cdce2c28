//! The order of axes in what a layer gives.

use std::fmt;
use std::str::FromStr;

/// The order of axes in what a layer gives for one picture.
///
/// ```
/// use patchcore_onnx::Layout;
/// assert_eq!("tokens".parse(), Ok(Layout::Tokens));
/// assert_eq!(Layout::Nchw.to_string(), "nchw");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[1, c, h, w]`: convolutional networks.
    Nchw,
    /// `[1, h, w, c]`: Swin as timm has it.
    Nhwc,
    /// `[1, tokens, c]`: vision transformers. After the prefix tokens (class, distillation, registers) come those of the
    /// grid, row by row.
    Tokens,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nchw, Self::Nhwc, Self::Tokens];

    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::Nhwc => "nhwc",
            Self::Tokens => "tokens",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|layout| layout.name() == name)
            .ok_or_else(|| format!("unknown layout {name}; known: nchw, nhwc, tokens"))
    }
}

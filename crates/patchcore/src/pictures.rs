//! Where pictures come from: files, or memory.

use patchcore_image::{ImageError, Intensity, Limits, Picture, decode_as};
use std::path::PathBuf;

/// A list of pictures, loaded one by one when they are needed.
pub trait Pictures: Sync {
    /// How many there are.
    fn count(&self) -> usize;
    /// The name under which a model remembers picture `i`.
    fn name(&self, i: usize) -> String;
    /// Picture `i`.
    ///
    /// # Errors
    /// The reason why it cannot be read, with its path.
    fn load(&self, i: usize) -> Result<Picture, ImageError>;
    /// What became of samples of other depths than 8 bits, which a model remembers.
    fn intensity(&self) -> Intensity {
        Intensity::EightBit
    }
}

/// Picture files.
pub struct Files {
    /// The files.
    pub paths: Vec<PathBuf>,
    /// The names are relative to this folder; for a file outside it, its own name.
    pub root: PathBuf,
    /// What is refused.
    pub limits: Limits,
    /// What becomes of samples of other depths than 8 bits.
    pub intensity: Intensity,
}

impl Pictures for Files {
    fn count(&self) -> usize {
        self.paths.len()
    }

    fn name(&self, i: usize) -> String {
        let path = &self.paths[i];
        let short = path.strip_prefix(&self.root).ok().or_else(|| path.file_name().map(std::path::Path::new));
        short.unwrap_or(path).to_string_lossy().replace('\\', "/")
    }

    fn load(&self, i: usize) -> Result<Picture, ImageError> {
        decode_as(&self.paths[i], &self.limits, self.intensity)
    }

    fn intensity(&self) -> Intensity {
        self.intensity
    }
}

impl Pictures for Vec<(String, Picture)> {
    fn count(&self) -> usize {
        self.len()
    }

    fn name(&self, i: usize) -> String {
        self[i].0.clone()
    }

    fn load(&self, i: usize) -> Result<Picture, ImageError> {
        Ok(self[i].1.clone())
    }
}

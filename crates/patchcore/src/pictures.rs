//! Where pictures come from: files, or memory; and some of them.

use crate::Error;
use patchcore_image::{ImageError, Intensity, Limits, Picture, decode_as};
use std::collections::BTreeSet;
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

/// Some of a list of pictures, in its order.
pub(crate) struct Selected<'a> {
    all: &'a dyn Pictures,
    numbers: Vec<usize>,
}

impl<'a> Selected<'a> {
    /// All but those with these names.
    pub(crate) fn without(all: &'a dyn Pictures, names: &[String]) -> Result<Self, Error> {
        let left_out: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut found = BTreeSet::new();
        let numbers = (0..all.count()).filter(|&i| match left_out.get(&*all.name(i)) {
            Some(name) => {
                found.insert(*name);
                false
            }
            None => true,
        });
        let numbers = numbers.collect();
        let unknown: Vec<String> = left_out.difference(&found).map(ToString::to_string).collect();
        if unknown.is_empty() { Ok(Self { all, numbers }) } else { Err(Error::NotAmongPictures { unknown }) }
    }

    /// All but those with these numbers of this selection.
    pub(crate) fn without_numbers(self, numbers: &BTreeSet<usize>) -> Self {
        let kept = self.numbers.into_iter().enumerate().filter(|(i, _)| !numbers.contains(i));
        Self { all: self.all, numbers: kept.map(|(_, number)| number).collect() }
    }
}

impl Pictures for Selected<'_> {
    fn count(&self) -> usize {
        self.numbers.len()
    }

    fn name(&self, i: usize) -> String {
        self.all.name(self.numbers[i])
    }

    fn load(&self, i: usize) -> Result<Picture, ImageError> {
        self.all.load(self.numbers[i])
    }

    fn intensity(&self) -> Intensity {
        self.all.intensity()
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

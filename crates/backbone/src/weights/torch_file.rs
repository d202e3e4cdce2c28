//! A torch.save file as it was saved: any tree of Python objects as data, and the tensors in it.

use std::path::Path;
use std::sync::Arc;

use patchcore_files::RegularFile;
use patchcore_pickle::{Id, Pickle, Rules};

use super::file_format::{self, FileFormat};
use super::store::{Listing, Source};
use super::torch_zip::Saved;
use super::{Weights, WeightsError, state_dict, torch_zip};

/// What torch.save wrote, as names, fields and tensors: no class is looked up, and nothing is run.
///
/// A state dict alone is better read by [`Weights::read`], which also says which names it does not know. This is for the
/// files of programs that save more: the caller walks the [`pickle`](Self::pickle) and names the tensors that it found.
///
/// ```no_run
/// use patchcore_backbone::weights::TorchFile;
/// use patchcore_pickle::Value;
///
/// let file = TorchFile::read("patchcore.ckpt".as_ref())?;
/// let Value::Dict { items, .. } = file.pickle().root() else { panic!("no dict") };
/// let bank = items.iter().find(|(key, _)| file.pickle().get(*key) == &Value::Str("bank".into()));
/// let tensors = file.weights(bank.map(|&(_, tensor)| ("bank".to_string(), tensor)))?;
/// assert!(tensors.contains("bank"));
/// # Ok::<(), patchcore_backbone::weights::WeightsError>(())
/// ```
pub struct TorchFile {
    file: Arc<RegularFile>,
    saved: Saved<'static>,
}

impl TorchFile {
    /// Opens a file that torch.save wrote since its version 1.6. Values of tensors are read when they are taken.
    ///
    /// # Errors
    ///
    /// [`WeightsError::File`] if there is no regular file to read, else [`WeightsError::InFile`] with what is wrong: another
    /// kind of file, a truncated or damaged one.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let file = Arc::new(RegularFile::open(path)?);
        Self::open(file).map_err(|error| error.in_file(path))
    }

    fn open(file: Arc<RegularFile>) -> Result<Self, WeightsError> {
        let source = Source::File(Arc::clone(&file));
        match file_format::recognise(&source.head(file_format::HEAD)?)? {
            FileFormat::TorchZip => Ok(Self { saved: torch_zip::open(&source, Rules::Objects)?, file }),
            FileFormat::Safetensors => Err(WeightsError::NotWeights(
                "this is a .safetensors file: it holds tensors alone, expected what torch.save wrote",
            )),
            FileFormat::TorchLegacy => Err(WeightsError::NotWeights(
                "this is a torch.save file from before version 1.6: load and save it again with a current one",
            )),
        }
    }

    /// Everything but the values of the tensors.
    pub fn pickle(&self) -> &Pickle {
        &self.saved.pickle
    }

    /// The tensors that the caller found in the pickle, under names of its choice; [`Weights::take`] reads their values.
    ///
    /// # Errors
    ///
    /// [`WeightsError::InFile`] with the reason: a value that is no tensor or does not fit its storage, one name twice, or
    /// more values than the file has bytes.
    pub fn weights(&self, named: impl IntoIterator<Item = (String, Id)>) -> Result<Weights, WeightsError> {
        let named: Vec<(String, Id)> = named.into_iter().collect();
        self.find(&named).map_err(|error| error.in_file(self.file.path()))
    }

    fn find(&self, named: &[(String, Id)]) -> Result<Weights, WeightsError> {
        let listing = self.list(&self.saved, named)?;
        if listing.is_whole() {
            return Ok(Weights::stored(Listing { zip: Some(self.saved.zip.clone()), ..listing }, &self.file));
        }
        let bytes = self.file.read_range(0, self.file.len())?;
        let saved = torch_zip::open(&Source::Memory(&bytes), Rules::Objects)?;
        Weights::decoded(self.list(&saved, named)?, &bytes)
    }

    fn list<'a>(&self, saved: &Saved<'_>, named: &[(String, Id)]) -> Result<Listing<'a>, WeightsError> {
        let named = named.iter().map(|(name, id)| Ok((name.as_str(), *id)));
        state_dict::tensors(&saved.pickle, named, &saved.storages, self.file.len())
    }
}

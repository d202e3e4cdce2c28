//! The folder where weights lie.

use crate::{HubError, Pretrained, digest, part, record};
use patchcore_files::{FileError, shown};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A folder of weights under their publishers' file names, each with its hash beside it.
///
/// ```
/// use patchcore_hub::{Cache, HubError, PRETRAINED, State, pretrained};
///
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let cache = Cache::at(folder.path());
/// let weights = pretrained("resnet18")?;
/// assert!(matches!(cache.checked(weights), Err(HubError::NotCached { .. })));
///
/// std::fs::write(cache.path(weights), b"not the weights").expect("writable");
/// assert!(matches!(cache.checked(weights), Err(HubError::WrongHash { .. })));
/// assert!(matches!(cache.verify(PRETRAINED)?[0].state, State::Altered { .. }));
/// # Ok::<(), HubError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// What a look at one file in the cache gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// The network, where the table knows the file.
    pub name: Option<&'static str>,
    /// The file's SHA-256.
    pub sha256: String,
    /// How it stands.
    pub state: State,
}

/// How a file in the cache stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it was fetched or imported; where nothing was recorded, as far as the table vouches for it.
    Ok,
    /// Not what it was, or not what its name says.
    Altered {
        /// What it should be, for people.
        expected: String,
    },
    /// A file that the table does not know; nothing uses it.
    Unknown,
}

impl Cache {
    /// The cache in this folder, which is made when something is put into it.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the environment says, which `variable` reads: in `PATCHCORE_WEIGHTS`, else `patchcore/weights` in the user's
    /// folder for caches (`XDG_CACHE_HOME` or `.cache`; `Library/Caches` on macOS, `LOCALAPPDATA` on Windows).
    ///
    /// ```
    /// use patchcore_hub::Cache;
    /// let env = |name: &str| (name == "PATCHCORE_WEIGHTS").then(|| "/srv/weights".into());
    /// assert_eq!(Cache::usual(env)?, Cache::at("/srv/weights"));
    /// # Ok::<(), patchcore_hub::HubError>(())
    /// ```
    ///
    /// # Errors
    /// [`HubError::NoFolder`].
    pub fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = set("PATCHCORE_WEIGHTS") {
            return Ok(Self::at(folder));
        }
        let caches = if cfg!(windows) {
            set("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            set("HOME").map(|home| home.join("Library/Caches"))
        } else {
            let xdg = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
            xdg.or_else(|| set("HOME").map(|home| home.join(".cache")))
        };
        let folder = caches.ok_or(HubError::NoFolder)?;
        Ok(Self::at(folder.join("patchcore").join("weights")))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where these weights lie, or would lie.
    pub fn path(&self, weights: &Pretrained) -> PathBuf {
        self.folder.join(weights.file())
    }

    /// Whether these weights are there, right or wrong.
    pub fn has(&self, weights: &Pretrained) -> bool {
        self.path(weights).is_file()
    }

    /// The weights' file, read once to see that it is the right one.
    ///
    /// # Errors
    /// [`HubError::NotCached`], [`HubError::WrongHash`], [`HubError::BadRecord`], [`HubError::File`].
    pub fn checked(&self, weights: &Pretrained) -> Result<PathBuf, HubError> {
        let path = self.path(weights);
        let got = match digest::of_file(&path) {
            Ok(got) => got,
            Err(error) if error.is_missing() => return Err(HubError::NotCached { path }),
            Err(error) => return Err(error.into()),
        };
        digest::check(weights, record::read(&path)?.as_deref(), &got, shown(&path))?;
        Ok(path)
    }

    /// Reads every file in the cache and says how it stands, in the order of the names. `table` is usually
    /// [`PRETRAINED`](crate::PRETRAINED). A cache that does not exist holds nothing.
    ///
    /// # Errors
    /// [`HubError::File`] for a folder or file that cannot be read.
    pub fn verify(&self, table: &[Pretrained]) -> Result<Vec<Checked>, HubError> {
        let fail = |source| FileError::Read { path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(fail)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(fail)?.file_name());
        }
        names.sort();
        let ours = |name: &OsString| {
            let name = name.to_string_lossy();
            let beside = [record::ENDING, part::ENDING, part::ORIGIN_ENDING, part::LOCK_ENDING];
            beside.iter().any(|ending| {
                name.strip_suffix(ending).is_some_and(|file| table.iter().any(|p| p.file() == file))
            })
        };
        names.iter().filter(|name| !ours(name)).map(|name| self.look_at(name, table)).collect()
    }

    fn look_at(&self, name: &OsString, table: &[Pretrained]) -> Result<Checked, HubError> {
        let path = self.folder.join(name);
        let known = table.iter().find(|p| name == p.file());
        let sha256 = match digest::of_file(&path) {
            Ok(sha256) => sha256,
            Err(FileError::NotRegular { .. }) if known.is_none() => String::new(),
            Err(error) => return Err(error.into()),
        };
        let state = match known {
            None => State::Unknown,
            Some(weights) => match record::read(&path)
                .and_then(|recorded| digest::check(weights, recorded.as_deref(), &sha256, String::new()))
            {
                Ok(()) => State::Ok,
                Err(HubError::WrongHash { expected, .. }) => State::Altered { expected },
                Err(HubError::BadRecord { .. }) => {
                    State::Altered { expected: "a record with its SHA-256".into() }
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Checked { path, name: known.map(|p| p.name), sha256, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(env: &[(&str, &str)]) -> Option<String> {
        let read =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Cache::usual(read).ok().map(|cache| cache.folder().display().to_string())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_usual_folder_follows_the_environment() {
        let home = ("HOME", "/home/a");
        assert_eq!(folder(&[home]).as_deref(), Some("/home/a/.cache/patchcore/weights"));
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "/x")]).as_deref(), Some("/x/patchcore/weights"));
        assert_eq!(
            folder(&[home, ("XDG_CACHE_HOME", "x")]).as_deref(),
            Some("/home/a/.cache/patchcore/weights")
        );
        assert_eq!(folder(&[home, ("PATCHCORE_WEIGHTS", "w")]).as_deref(), Some("w"));
        assert_eq!(folder(&[("PATCHCORE_WEIGHTS", "")]), None);
    }
}

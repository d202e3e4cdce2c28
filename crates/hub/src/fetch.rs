//! Weights brought into the cache: from their publisher, from a mirror, or from a folder.

use crate::part::Turn;
use crate::{Cache, HubError, Pretrained, Stored, Watch, import};
use std::path::PathBuf;

/// Where weights are brought from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Each from its publisher.
    Origin,
    /// All from below this address, under their file names.
    Url(String),
    /// All from this folder, under their file names.
    Folder(PathBuf),
}

impl Source {
    /// An `https://` or `http://` address, or the path of a folder. Plain `http` is used only where a mirror says so.
    ///
    /// ```
    /// use patchcore_hub::Source;
    /// assert_eq!(Source::mirror("http://10.0.0.7/weights/")?, Source::Url("http://10.0.0.7/weights".into()));
    /// assert_eq!(Source::mirror("/mnt/weights")?, Source::Folder("/mnt/weights".into()));
    /// assert!(Source::mirror("ftp://10.0.0.7/weights").is_err());
    /// # Ok::<(), patchcore_hub::HubError>(())
    /// ```
    ///
    /// # Errors
    /// [`HubError::Mirror`] for other kinds of address, and for one that holds a name or password.
    pub fn mirror(text: &str) -> Result<Self, HubError> {
        let refuse = |mirror: &str, problem| Err(HubError::Mirror { mirror: mirror.to_string(), problem });
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(text.into()));
        };
        if !["https", "http"].contains(&scheme) {
            return refuse(text, "must begin with https:// or http://, or be a folder");
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((_, host)) = host.rsplit_once('@') {
            return refuse(&format!("{scheme}://{host}"), "must not hold a name or password");
        }
        if host.is_empty() || rest.contains(['?', '#']) {
            return refuse(text, "must be a host and a path");
        }
        Ok(Self::Url(text.trim_end_matches('/').to_string()))
    }
}

/// How weights are brought into a cache.
///
/// ```
/// use patchcore_hub::{Cache, Fetch, HubError, Source, pretrained};
///
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let cache = Cache::at(folder.path().join("weights"));
/// let mirror = folder.path().join("mirror");
/// let fetch = Fetch { cache, source: Source::Folder(mirror.clone()), certificates: None };
/// let error = fetch.bring(pretrained("resnet18")?, &()).expect_err("the folder is not there");
/// assert!(error.to_string().contains("resnet18-f37072fd.pth"));
///
/// # std::fs::create_dir(&mirror).expect("writable");
/// std::fs::write(mirror.join("resnet18-f37072fd.pth"), b"something else").expect("writable");
/// assert!(matches!(fetch.bring(pretrained("resnet18")?, &()), Err(HubError::WrongHash { .. })));
/// # Ok::<(), HubError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Where to.
    pub cache: Cache,
    /// Where from.
    pub source: Source,
    /// A file of certificates (PEM) to trust instead of those that browsers trust.
    pub certificates: Option<PathBuf>,
}

impl Fetch {
    /// Brings these weights into the cache, unless they are there. What an earlier fetch left unfinished is gone on with,
    /// if the server can do that and its file is still the same.
    ///
    /// # Errors
    /// Any [`HubError`] about files, servers and hashes. The cache then holds what it held before, and perhaps an
    /// unfinished `.part`; never a wrong file under a right name.
    pub fn bring(&self, weights: &Pretrained, watch: &dyn Watch) -> Result<Stored, HubError> {
        let turn = Turn::take(&self.cache, weights, watch)?;
        if let Some(stored) = turn.stored(weights)? {
            return Ok(stored);
        }
        match &self.source {
            Source::Folder(folder) => import::copy(&folder.join(weights.file()), weights, turn, watch),
            Source::Url(base) => self.download(&format!("{base}/{}", weights.file()), weights, turn, watch),
            Source::Origin => self.download(weights.url, weights, turn, watch),
        }
    }

    #[cfg(feature = "fetch")]
    fn download(
        &self,
        url: &str,
        weights: &Pretrained,
        turn: Turn,
        watch: &dyn Watch,
    ) -> Result<Stored, HubError> {
        let client = crate::http::Client::new(self.certificates.as_deref())?;
        crate::download::download(&client, url, weights, turn.part(url)?, watch)
    }

    #[cfg(not(feature = "fetch"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    fn download(&self, url: &str, _: &Pretrained, _: Turn, _: &dyn Watch) -> Result<Stored, HubError> {
        Err(HubError::NoNetwork { url: url.to_string() })
    }
}

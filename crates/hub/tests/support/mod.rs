//! Weights of a few bytes, a cache for them, and servers.

#![allow(dead_code, reason = "no test program needs all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod server;

use patchcore_hub::{Cache, Fetch, HubError, Pretrained, Source, Stored};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use server::{Question, Server};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A server that speaks TLS, with the certificate of `tests/data`.
pub(crate) fn tls_server(answer: impl FnMut(&Question, &mut dyn Write) + Send + 'static) -> Server {
    let chain = vec![CertificateDer::from_pem_file(data("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap());
    Server::with("https", answer, move |stream| {
        Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
    })
}

/// A file under `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

/// 300,000 bytes that follow no simple rule: more than a client reads at a time.
pub(crate) fn content() -> Vec<u8> {
    let mut word = 1u32;
    let next = |_| {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (word >> 24) as u8
    };
    (0..300_000).map(next).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[digit as usize] as char))
        .collect()
}

/// Weights whose file has these bytes; at most 1 MiB are allowed.
pub(crate) fn weights(bytes: &[u8]) -> Pretrained {
    Pretrained {
        name: "tiny",
        url: "https://origin.invalid/models/tiny.pth",
        licence: "CC0-1.0",
        sha256_start: Box::leak(sha256(bytes)[..8].to_string().into_boxed_str()),
        mib: Some(0.0),
        side: 224,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

/// A cache in a temporary folder.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) cache: Cache,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("a/cache"));
        Self { folder, cache }
    }

    /// A path beside the cache.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Brings weights here from a mirror.
    pub(crate) fn fetch(&self, mirror: &str, weights: &Pretrained) -> Result<Stored, HubError> {
        let source = Source::mirror(mirror).unwrap();
        Fetch { cache: self.cache.clone(), source, certificates: None }.bring(weights, &())
    }

    /// The names in the cache, sorted, without locks.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache.folder()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.strip_suffix(".lock").is_none());
        names.sort();
        names
    }

    /// The bytes of a file in the cache.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.cache.folder().join(name)).unwrap()
    }
}

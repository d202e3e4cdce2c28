//! What HTTPS rests on: cryptography in Rust alone, and the certificates that are trusted.

use crate::HubError;
use patchcore_files::read_regular;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A file of certificates is shorter than this.
const MOST_BYTES: u64 = 16 << 20;

/// Trusts the certificates in a file, or those that browsers trust.
pub(crate) fn config(certificates: Option<&Path>) -> Result<TlsConfig, HubError> {
    let roots = match certificates {
        Some(path) => RootCerts::new_with_certs(&read(path)?),
        None => RootCerts::WebPki,
    };
    let provider = Arc::new(rustls_graviola::default_provider());
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

fn read(path: &Path) -> Result<Vec<Certificate<'static>>, HubError> {
    let refuse = |problem: String| HubError::Certificates { path: path.into(), problem };
    let bytes = read_regular(path, MOST_BYTES)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| refuse(e.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(refuse("holds no certificate in PEM form".into()));
    }
    Ok(certificates)
}

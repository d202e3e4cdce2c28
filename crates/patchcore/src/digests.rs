//! A digest of every tensor of a model file. They name the part that was altered; that something was is found by the
//! checksum over the whole file.

use safetensors::tensor::SafeTensors;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// SHA-256 of each tensor's bytes by its name, as the header holds it.
pub(crate) type Digests = BTreeMap<String, String>;

/// The digest of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(DIGITS), |mut text, byte| {
        // Writing to a `String` never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Which part of a file whose checksum is wrong was altered, as words for the user.
pub(crate) fn altered(file: &SafeTensors<'_>, told: &Digests) -> String {
    let damaged = |name: &&String| {
        let (told, bytes) = (told.get(*name), file.tensor(name).map(|view| view.data()));
        told.zip(bytes.ok()).is_some_and(|(told, bytes)| is_of_other_bytes(told, &digest(bytes)))
    };
    let names: Vec<&str> = told.keys().filter(damaged).map(String::as_str).collect();
    if names.is_empty() { "its header or its checksum".into() } else { names.join(", ") }
}

/// Two digests of different bytes share few digits. If they share most, the digest itself was altered.
fn is_of_other_bytes(told: &str, found: &str) -> bool {
    told.bytes().zip(found.bytes()).filter(|(a, b)| a == b).count() < DIGITS / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_altered_digest_is_no_altered_tensor() {
        let told = digest(b"bank");
        assert_eq!(digest(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(is_of_other_bytes(&told, &digest(b"bang")));
        assert!(!is_of_other_bytes(&told.replacen(&told[..1], "x", 1), &told));
    }
}

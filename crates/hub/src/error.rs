//! Why weights could not be fetched, imported or found.

use patchcore_backbone::BackboneError;
use patchcore_files::{FileError, shown};
use std::path::PathBuf;

/// What can go wrong between a publisher and the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The table has no weights of this name.
    #[error("no weights are known for {name}; known: {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// All names.
        known: Vec<&'static str>,
    },

    /// The environment names no place for a cache.
    #[error("no folder for weights: the environment names no home")]
    NoFolder,

    /// What stands for a mirror is neither a folder nor an address.
    #[error("mirror {mirror}: {problem}")]
    Mirror {
        /// As it was given.
        mirror: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),

    /// The weights are not in the cache.
    #[error("{}: not there", shown(path))]
    NotCached {
        /// Where they would be.
        path: PathBuf,
    },

    /// The file beside the weights, which holds their hash, does not.
    #[error("{}: holds no SHA-256", shown(path))]
    BadRecord {
        /// That file.
        path: PathBuf,
    },

    /// A file has another hash than it should.
    #[error("{file}: SHA-256 {got}, expected {expected}{}", after_colon(looks.as_ref()))]
    WrongHash {
        /// The file or its address.
        file: String,
        /// The hash, or its first digits followed by three dots.
        expected: String,
        /// What was found.
        got: String,
        /// What the file seems to be instead, if that can be told.
        looks: Option<String>,
    },

    /// A file is none of those in the table, neither by its name nor by its hash.
    #[error(
        "{}: neither its name nor its SHA-256 {got} is that of known weights{}",
        shown(path), after_colon(looks.as_ref())
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// Its hash.
        got: String,
        /// What the file seems to be instead of weights, if that can be told.
        looks: Option<String>,
    },

    /// The hash is right, and the network cannot be built from the file.
    #[error("{}: cannot be used for {name}", shown(path))]
    DoesNotLoad {
        /// The file.
        path: PathBuf,
        /// The network.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<BackboneError>,
    },

    /// This program was built without network code.
    #[error("{url}: this program was built without network code")]
    NoNetwork {
        /// The address that it would have asked.
        url: String,
    },

    /// The processor lacks instructions that the cryptography of HTTPS is written in.
    #[error("{url}: this processor is too old for the HTTPS of this program")]
    Processor {
        /// The address that it would have asked.
        url: String,
    },

    /// The file with certificates to trust cannot be used.
    #[error("{}: {problem}", shown(path))]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// The server could not be reached, or the connection broke off.
    #[error("{url}: {problem}{}", if *kept > 0 { format!("; {kept} bytes are kept, and the next fetch goes on from there") } else { String::new() })]
    Network {
        /// The address.
        url: String,
        /// What happened.
        problem: String,
        /// The bytes that have come and will not have to come again.
        kept: u64,
    },

    /// The server answered with something else than the file.
    #[error("{url}: the server answers {status}")]
    Status {
        /// The address.
        url: String,
        /// Status code and its meaning.
        status: String,
    },

    /// The server sent on and on, or to where no fetch goes.
    #[error("{url}: {problem}")]
    Redirect {
        /// The address that was asked last.
        url: String,
        /// Why it is not followed.
        problem: String,
    },

    /// What is offered is longer than the file can be.
    #[error("{from}: longer than {allowed} bytes, which these weights cannot be")]
    TooLong {
        /// The address or file.
        from: String,
        /// The limit.
        allowed: u64,
    },
}

fn after_colon(looks: Option<&String>) -> String {
    looks.map(|looks| format!(": {looks}")).unwrap_or_default()
}

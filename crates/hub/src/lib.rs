//! Pretrained weights: where they come from, a cache that checks them, and the only code that touches a network.
//!
//! ```text
//! catalogue (name, address, start of the SHA-256)
//!     |
//!     +--> fetch: from the origin, a mirror or a folder --+
//!     +--> import: a file that someone downloaded --------+--> part (locked, resumable) --> checked --> cache
//! ```
//!
//! A file gets its name in the cache only after its hash is right; until then it is a `.part`. Its whole SHA-256 is kept
//! beside it, in a line as `sha256sum` writes it: publishers vouch for the first digits only, and the record notices
//! every later change. Without the feature `fetch` this crate holds no network code.
//!
//! ```
//! use patchcore_hub::{Cache, pretrained};
//!
//! let weights = pretrained("wideresnet50")?;
//! assert_eq!(weights.file(), "wide_resnet50_2-95faca4d.pth");
//! assert_eq!(weights.licence, "BSD-3-Clause");
//! assert!(!Cache::at("nowhere").has(weights));
//! # Ok::<(), patchcore_hub::HubError>(())
//! ```

mod cache;
mod catalogue;
mod digest;
#[cfg(feature = "fetch")]
mod download;
mod error;
mod fetch;
#[cfg(feature = "fetch")]
mod http;
mod import;
mod looks;
mod part;
mod record;
#[cfg(feature = "fetch")]
mod tls;

pub use cache::{Cache, Checked, State};
pub use catalogue::{PRETRAINED, Pretrained, pretrained};
pub use error::HubError;
pub use fetch::{Fetch, Source};
pub use import::import;
pub use part::{Stored, Watch};

//! `PatchCore`: patch embeddings, coreset, memory bank, nearest-neighbour scores and anomaly maps.
//!
//! The rooms in the order in which a picture walks through them (Roth et al., CVPR 2022,
//! <https://arxiv.org/abs/2106.08265>):
//!
//! | room | step |
//! |---|---|
//! | [`params`](Params), [`presets`] | what a model is made of, and configurations by name |
//! | `patch`, `embedding`, `resample` | feature maps become patch embeddings (section 3.1) |
//! | [`coreset`] | patches become a memory bank (section 3.2) |
//! | `bank`, [`search`] | the bank, and exact nearest neighbours in it |
//! | `score`, `anomaly_map` | distances become scores and maps (section 3.3) |
//! | `pictures`, `ahead` | where pictures come from, and that the next ones are read while the network works |
//! | `audit` | which training pictures look unlike the others, or are there twice |
//! | [`fit`](PatchCore::fit), [`predict`](Model::predict), `steps`, `workspace`, `calibration`, `format` | the method's two verbs, what both share, the memory of a picture's way, thresholds, the model file |
//! | `member`, `fusion` | a model has one member or, as an ensemble, several, whose scores become one |
//!
//! ```
//! use patchcore::{PatchCore, Params, Quiet, Verdict};
//! use patchcore_backbone::Backbone;
//! use patchcore_image::Picture;
//!
//! // Four good pictures: a grey gradient that varies a little in brightness.
//! let good = |k: usize| {
//!     let rgb = (0..64 * 64 * 3).map(|i| (100 + i % 192 / 4 + k) as u8).collect();
//!     Picture::from_rgb(64, 64, rgb).unwrap()
//! };
//! let pictures: Vec<(String, Picture)> = (0..4).map(|k| (format!("{k}.png"), good(k))).collect();
//!
//! let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&pictures, &Quiet)?;
//!
//! let mut bad = good(1).rgb().to_vec();
//! bad[64 * 64..64 * 64 + 3000].fill(0);
//! let prediction = model.predict(&Picture::from_rgb(64, 64, bad)?)?;
//! assert_eq!(model.verdict(prediction.image_score), Some(Verdict::Defect));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod anomaly_map;
mod audit;
mod bank;
mod calibration;
pub mod coreset;
mod digests;
mod embedding;
mod error;
mod extent;
mod filter;
mod fit;
mod fitted;
mod format;
mod fusion;
mod held_out;
mod machine;
mod member;
mod memory;
mod mt19937;
mod params;
mod patch;
mod patch_rows;
mod pictures;
mod predict;
pub mod presets;
mod progress;
mod resample;
mod score;
pub mod search;
mod steps;
mod training_patches;
mod verdict;
mod workspace;

pub use ahead::read_ahead;
pub use anomaly_map::{MapStyle, anomaly_map, gaussian_blur};
pub use audit::{Audit, Duplicate, Outliers, Suspect};
pub use bank::{MemoryBank, Origin, Stretch};
pub use calibration::{Calibration, FALSE_ALARM_RATE, Rates, pictures_needed};
pub use coreset::{BankSize, Sampler, SamplerKind};
pub use embedding::{PatchEmbedding, PictureEmbeddings, Reduction};
pub use error::{Error, PictureFault};
pub use extent::Extent;
pub use filter::Filter;
pub use fit::{OnBadPicture, PatchCore};
pub use fitted::{Fitted, Known, Leak, Training};
pub use format::FORMAT_VERSION;
pub use held_out::HeldOutBy;
pub use machine::Left;
pub use member::Member;
pub use memory::{Expected, MemberPatches, peak_memory};
pub use mt19937::Mt19937;
pub use params::{OnnxTaps, Params, Scoring};
pub use patch::{PatchShape, pool_patches};
pub use patch_rows::{FeaturePrecision, Features, PatchRows};
pub use pictures::{Files, Pictures};
pub use predict::{Model, Steps};
pub use progress::{Progress, Quiet, Stage};
pub use score::{ImageScore, PatchDistance, patch_scores, reweighted};
pub use steps::{MemberPrediction, PatchScores, Prediction};
pub use verdict::{Thresholds, Verdict};
pub use workspace::Workspace;

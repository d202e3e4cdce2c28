//! What people look at: overlays, heat maps, raw maps, result tables, and a report as a page.
//!
//! Everything here turns values into bytes and keeps them in memory; nothing touches a file. The same
//! input gives the same bytes. Colours come from one [`ColourScale`] per model, never from the picture at hand, so that a
//! good part looks calm and two pictures can be compared.
//!
//! ```
//! use patchcore_report::{ColourScale, overlay_png};
//! use patchcore_tensor::AnomalyMap;
//!
//! let scale = ColourScale::of_model(0.5, 1.0); // 1.4 and above is full alarm
//! let map = AnomalyMap::from_vec(1, 2, vec![0.3, 1.4]).expect("two scores");
//! let png = overlay_png(&[128; 6], 2, 1, &map, &scale, Some(1.0))?;
//! assert_eq!(&png[1..4], b"PNG");
//! # Ok::<(), patchcore_report::ReportError>(())
//! ```

mod error;

mod colour;
mod picture;

mod contour;
mod heat_map;
mod overlay;
mod raw_map;

mod contact_sheet;
mod font;

mod results;

mod document;
mod html;

pub use colour::{ColourScale, FULL};
pub use contact_sheet::{Tile, contact_sheet_png};
pub use document::{
    Audit, Budget, Calls, CategoryReport, Curve, Curves, DataTable, Duplicate, Example, FORMAT, Fingerprint,
    KindRow, MemberCard, MetricRow, ModelCard, Nearest, Outcome, Rate, RegionRow, Report, SplitRow, TestPart,
    TestPicture, Threshold, Thumbnail, Unlike, Verdict,
};
pub use error::ReportError;
pub use heat_map::{heat_map_png, heat_map_rgb};
pub use overlay::{overlay_png, overlay_rgb};
pub use raw_map::raw_map_tiff;
pub use results::{ResultsRow, results_csv};

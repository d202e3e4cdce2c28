//! What a report says, as plain data: the page for people and the JSON for programs are both made from it.

mod audit;
mod card;
mod data;
mod findings;
mod report;
mod test_part;
mod thumbnail;

pub use audit::{Audit, Duplicate, Unlike};
pub use card::{MemberCard, ModelCard};
pub use data::{DataTable, Fingerprint, SplitRow};
pub use report::{CategoryReport, FORMAT, Report, Threshold};
pub use test_part::{
    Calls, Curve, Curves, Example, KindRow, MetricRow, Nearest, Outcome, Rate, RegionRow, TestPart,
    TestPicture, Verdict,
};
pub use thumbnail::{Budget, Thumbnail};

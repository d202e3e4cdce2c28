//! The report as a whole, its categories and their thresholds.

use super::{Audit, DataTable, ModelCard, TestPart};
use serde::Serialize;

/// The version of the JSON's form: `schema/report.schema.json` describes it.
pub const FORMAT: u32 = 1;

/// All that a report says.
///
/// The same report gives the same bytes, as HTML and as JSON: it holds no date and no random name. Shares are in `[0, 1]`,
/// scores in the model's own units.
///
/// ```
/// use patchcore_report::{CategoryReport, DataTable, ModelCard, Report};
///
/// let bolt = CategoryReport {
///     name: "bolt <M6>".into(),
///     warnings: vec!["there are no test pictures".into()],
///     threshold: None,
///     test: None,
///     audit: None,
///     data: DataTable::default(),
///     model: ModelCard::default(),
/// };
/// let report = Report::new("Bolts", "patchcore 0.1.0", vec![bolt]);
/// assert!(report.to_html().contains("bolt &lt;M6&gt;"));
/// assert!(report.to_json().contains(r#""name": "bolt <M6>""#));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// What the report is about.
    pub title: String,
    /// The program that made it, with its version.
    pub program: String,
    /// One for each category (product).
    pub categories: Vec<CategoryReport>,
}

/// What is said about one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryReport {
    /// Its name.
    pub name: String,
    /// What the reader should know before trusting a number, in sentences.
    pub warnings: Vec<String>,
    /// The deployed thresholds; none if there were too few good pictures, or scores are on another scale.
    pub threshold: Option<Threshold>,
    /// What the model did on labelled pictures; none for a report on fitting alone.
    pub test: Option<TestPart>,
    /// What is odd about the training pictures; none if nobody looked.
    pub audit: Option<Audit>,
    /// Which pictures took part.
    pub data: DataTable,
    /// What the model is.
    pub model: ModelCard,
}

/// Thresholds from good pictures alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// Image scores at or above this are a defect.
    pub image: f32,
    /// Image scores at or above this, but below `image`, are for a person to look at; none if there is no such band.
    pub review: Option<f32>,
    /// Map values at or above this belong to a defect, if it is known.
    pub pixel: Option<f32>,
    /// Where it comes from, in a few words.
    pub source: String,
    /// The largest share of good pictures that is expected at or above `image`; none for a threshold that somebody gave, which
    /// promises nothing.
    pub false_alarm_rate: Option<f64>,
    /// The same for `review`.
    pub review_rate: Option<f64>,
    /// What good pictures score that the model had not seen: where it promises something, the threshold comes from these.
    pub good_scores: Vec<f32>,
}

impl Report {
    /// A report in today's form.
    pub fn new(title: &str, program: &str, categories: Vec<CategoryReport>) -> Self {
        Self { format: FORMAT, title: title.into(), program: program.into(), categories }
    }

    /// The report as JSON, indented, with a line end. Pictures are named with their sizes; their pixels are in the page only.
    /// Numbers that are not finite become `null`.
    ///
    /// # Panics
    ///
    /// Never: all that a report holds has a form in JSON.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("strings, numbers and lists have a form in JSON");
        text.push('\n');
        text
    }

    /// The report as one HTML page that needs nothing else: no network, no other file.
    pub fn to_html(&self) -> String {
        crate::html::page(self)
    }
}

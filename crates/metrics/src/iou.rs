//! The best intersection over union that any threshold reaches.

use crate::f1::F1Search;
use crate::labelled::Labelled;
use crate::undefined::Undefined;

/// The best intersection over union of alarms and anomalous items, and the threshold that reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IouMax {
    /// `TP / (TP + FP + FN)`, in `(0, 1]`.
    pub iou: f64,
    /// The score to be reached: items with `score >= threshold` count as anomalous.
    pub threshold: f32,
}

/// The largest `TP / (TP + FP + FN)` over all thresholds that are a score of the list.
///
/// It is `F1 / (2 - F1)`, which grows with F1: both have the same best threshold, of equal ones the highest. Chosen with
/// the labels in hand, as [`f1_max`](crate::f1_max).
///
/// # Errors
///
/// As [`f1_max`](crate::f1_max).
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::iou_max;
/// let best = iou_max(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!((best.iou, best.threshold), (2.0 / 3.0, 0.35));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// Jaccard 1912.
pub fn iou_max(scores: &[f32], labels: &[bool]) -> Result<IouMax, Undefined> {
    let labelled = Labelled::new(scores, labels)?;
    let mut search = F1Search::new(labelled.n_anomalous);
    labelled.steps().for_each(|step| search.push(step));
    best_iou(&search)
}

/// The same of a search that has ended.
pub(crate) fn best_iou(search: &F1Search) -> Result<IouMax, Undefined> {
    let best = search.best()?;
    let union = best.alarms + search.n_anomalous - best.hits;
    Ok(IouMax { iou: best.hits as f64 / union as f64, threshold: best.threshold })
}

//! The metrics of each type of defect, against all normal pictures.

use crate::confusion::confusion;
use crate::roc::auroc;
use crate::share::Share;
use crate::undefined::{Metric, Undefined, check_list};
use std::collections::BTreeMap;

/// One type of defect.
#[derive(Debug, Clone, PartialEq)]
pub struct DefectType {
    /// Its name.
    pub name: String,
    /// How many pictures show it.
    pub pictures: usize,
    /// [`auroc`] of these pictures against all normal ones.
    pub auroc: Metric,
    /// The share of these pictures that raise an alarm at the threshold.
    pub recall: Result<Share, Undefined>,
}

/// The AUROC of each type of defect against all normal pictures, and its recall at a threshold.
///
/// `types[i]` names the defect of picture `i`, `None` says that it is normal. The types come in the order of their names.
/// Without normal pictures each AUROC is [`Undefined::NoNormal`]; the recall needs none. Without defects the list is empty.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or the threshold is NaN.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::per_defect_type;
/// let types = [None, None, Some("scratch"), Some("dent"), Some("scratch")];
/// let found = per_defect_type(&[0.1, 0.4, 0.3, 0.8, 0.9], &types, 0.5)?;
/// assert_eq!((found[0].name.as_str(), found[0].pictures, found[0].auroc.clone()), ("dent", 1, Ok(1.0)));
/// assert_eq!((found[1].name.as_str(), found[1].pictures, found[1].auroc.clone()), ("scratch", 2, Ok(0.75)));
/// assert_eq!(found[1].recall.clone()?.value(), 0.5);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn per_defect_type<T: AsRef<str>>(
    scores: &[f32],
    types: &[Option<T>],
    threshold: f32,
) -> Result<Vec<DefectType>, Undefined> {
    check_list(scores, types.len())?;
    if scores.is_empty() {
        return Err(Undefined::Empty);
    }
    if threshold.is_nan() {
        return Err(Undefined::InvalidThreshold);
    }
    let mut normal = Vec::new();
    let mut by_name: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for (&score, name) in scores.iter().zip(types) {
        match name {
            Some(name) => by_name.entry(name.as_ref()).or_default().push(score),
            None => normal.push(score),
        }
    }
    let one = |(name, own): (&str, Vec<f32>)| {
        let pictures = own.len();
        let scores = [own, normal.clone()].concat();
        let labels: Vec<bool> = (0..scores.len()).map(|i| i < pictures).collect();
        DefectType {
            name: name.to_owned(),
            pictures,
            auroc: auroc(&scores, &labels),
            recall: confusion(&scores, &labels, threshold).and_then(|counts| counts.recall()),
        }
    };
    Ok(by_name.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_normal_pictures_there_is_a_recall_only() {
        let found = per_defect_type(&[1.0, 2.0], &[Some("b"), Some("a")], 2.0).unwrap();
        assert_eq!(found.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(found[0].auroc, Err(Undefined::NoNormal));
        let recalls: Vec<_> = found.iter().map(|t| t.recall.clone().map(Share::value)).collect();
        assert_eq!(recalls, [Ok(1.0), Ok(0.0)]);
    }

    #[test]
    fn what_cannot_be_told_apart_says_why() {
        let none: [Option<&str>; 1] = [None];
        assert_eq!(per_defect_type(&[1.0], &none, 0.0), Ok(vec![]));
        assert_eq!(per_defect_type(&[], &none[1..], 0.0), Err(Undefined::Empty));
        assert_eq!(per_defect_type(&[1.0], &none, f32::NAN), Err(Undefined::InvalidThreshold));
        assert_eq!(per_defect_type(&[f32::NAN], &none, 0.0), Err(Undefined::NotFinite { index: 0 }));
        let lengths = per_defect_type(&[1.0, 2.0], &none, 0.0);
        assert_eq!(lengths, Err(Undefined::LengthMismatch { scores: 2, labels: 1 }));
    }
}

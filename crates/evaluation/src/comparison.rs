//! Whether one model is better than another on the same labelled pictures.

use crate::decisions::CONFIDENCE;
use crate::evaluation::Judged;
use patchcore::Verdict;
use patchcore_files::shown;
use patchcore_metrics::{
    Delong, Metric, PairedBootstrap, PairedSet, Resampling, Undefined, auroc, average_precision, delong,
    mcnemar, paired_bootstrap_of_sets,
};
use std::collections::BTreeMap;
use std::path::Path;

/// What a comparison needs to know of a test picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Its path below the data set's root.
    pub name: String,
    /// Whether it shows a defect.
    pub anomalous: bool,
    /// Its raw image score.
    pub image_score: f32,
    /// What the program says to it; `None` without a threshold.
    pub verdict: Option<Verdict>,
}

impl From<Judged> for Scored {
    fn from(judged: Judged) -> Self {
        let anomalous = judged.sample.is_anomalous();
        Self { name: judged.name, anomalous, image_score: judged.image_score, verdict: judged.verdict }
    }
}

/// The scores of both models for the pictures of one category.
///
/// ```
/// use patchcore_evaluation::{Pair, Scored};
///
/// let scored = |name: &str, anomalous, image_score| Scored { name: name.into(), anomalous, image_score, verdict: None };
/// let a = [scored("1.png", false, 0.5), scored("2.png", true, 0.4)];
/// // In any order, but the same pictures.
/// let pair = Pair::new("bolt", &a, &[scored("2.png", true, 3.0), scored("1.png", false, 1.0)])?;
/// let found = pair.compare(Default::default());
/// assert_eq!(found.auroc, [Ok(0.0), Ok(1.0)]);
/// let other = Pair::new("bolt", &a, &[scored("1.png", false, 1.0)]);
/// assert_eq!(other.unwrap_err().differences, ["only A has 2.png"]);
/// # Ok::<(), patchcore_evaluation::OtherPictures>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The category's name.
    pub category: String,
    labels: Vec<bool>,
    scores: [Vec<f32>; 2],
    verdicts: [Vec<Option<Verdict>>; 2],
}

/// Two models were not measured on the same pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: A and B were not measured on the same pictures", shown(Path::new(category)))]
pub struct OtherPictures {
    /// The category.
    pub category: String,
    /// What differs, a line for each picture.
    pub differences: Vec<String>,
}

/// What is found about one category. All differences are B's value less A's, all tests two-sided.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The category's name.
    pub category: String,
    /// How many good and how many defective pictures both were measured on.
    pub pictures: [usize; 2],
    /// Image AUROC of A and of B.
    pub auroc: [Metric; 2],
    /// Their difference by paired bootstrap.
    pub auroc_bootstrap: Result<PairedBootstrap, Undefined>,
    /// Their difference by the test of DeLong.
    pub auroc_delong: Result<Delong, Undefined>,
    /// Image average precision of A and of B.
    pub average_precision: [Metric; 2],
    /// Their difference by paired bootstrap.
    pub average_precision_bootstrap: Result<PairedBootstrap, Undefined>,
    /// Defective pictures called ok; or why that is not known.
    pub escapes: Result<Discordant, String>,
    /// Good pictures called a defect; or why that is not known.
    pub overkill: Result<Discordant, String>,
}

/// Wrong decisions of two models on the same pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discordant {
    /// Number of pictures.
    pub of: u64,
    /// How many A and how many B decides wrongly.
    pub wrong: [u64; 2],
    /// How many only A, and how many only B.
    pub only: [u64; 2],
    /// The chance of such a split or a more uneven one, were both equally often wrong: McNemar's exact test.
    pub p_value: f64,
}

/// The mean over several categories, each with the same weight. The differences are B's value less A's.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanComparison {
    /// Number of all pictures.
    pub pictures: usize,
    /// Mean image AUROC of A and of B.
    pub auroc: [Metric; 2],
    /// The mean difference by paired bootstrap, which draws anew in every category.
    pub auroc_bootstrap: Result<PairedBootstrap, Undefined>,
    /// Mean image average precision of A and of B.
    pub average_precision: [Metric; 2],
    /// The mean difference by paired bootstrap.
    pub average_precision_bootstrap: Result<PairedBootstrap, Undefined>,
}

impl Pair {
    /// Brings together what both models say to the same pictures, in A's order.
    ///
    /// # Errors
    /// [`OtherPictures`] if one of them has a picture that the other lacks, has one twice, or has it with another label.
    pub fn new(category: &str, a: &[Scored], b: &[Scored]) -> Result<Self, OtherPictures> {
        let differences = differences(a, b);
        if !differences.is_empty() {
            return Err(OtherPictures { category: category.to_string(), differences });
        }
        let of_b: BTreeMap<&str, &Scored> = b.iter().map(|own| (own.name.as_str(), own)).collect();
        let b = || a.iter().filter_map(|own| of_b.get(own.name.as_str()));
        Ok(Self {
            category: category.to_string(),
            labels: a.iter().map(|own| own.anomalous).collect(),
            scores: [a.iter().map(|own| own.image_score).collect(), b().map(|own| own.image_score).collect()],
            verdicts: [a.iter().map(|own| own.verdict).collect(), b().map(|own| own.verdict).collect()],
        })
    }

    /// All that can be said about this category.
    pub fn compare(&self, how: Resampling) -> Comparison {
        let [a, b] = &self.scores;
        let anomalous = self.labels.iter().filter(|&&anomalous| anomalous).count();
        Comparison {
            category: self.category.clone(),
            pictures: [self.labels.len() - anomalous, anomalous],
            auroc: [auroc(a, &self.labels), auroc(b, &self.labels)],
            auroc_bootstrap: paired_bootstrap_of_sets(&[self.set()], how, auroc),
            auroc_delong: delong(b, a, &self.labels, CONFIDENCE),
            average_precision: [average_precision(a, &self.labels), average_precision(b, &self.labels)],
            average_precision_bootstrap: paired_bootstrap_of_sets(&[self.set()], how, average_precision),
            escapes: self.discordant(true, Verdict::Ok),
            overkill: self.discordant(false, Verdict::Defect),
        }
    }

    /// B first, so that differences are B's value less A's.
    fn set(&self) -> PairedSet<'_> {
        PairedSet { a: &self.scores[1], b: &self.scores[0], labels: &self.labels }
    }

    /// The pictures of one class to which either model says `wrong`.
    fn discordant(&self, anomalous: bool, wrong: Verdict) -> Result<Discordant, String> {
        let (mut of, mut counts, mut only) = (0, [0, 0], [0, 0]);
        let verdicts = self.verdicts[0].iter().zip(&self.verdicts[1]).zip(&self.labels);
        for ((a, b), _) in verdicts.filter(|&(_, &label)| label == anomalous) {
            let (Some(a), Some(b)) = (a, b) else {
                let who = if a.is_none() { "A" } else { "B" };
                return Err(format!("{who} has no threshold"));
            };
            let is_wrong = [*a == wrong, *b == wrong];
            of += 1;
            for i in 0..2 {
                counts[i] += u64::from(is_wrong[i]);
                only[i] += u64::from(is_wrong[i] && !is_wrong[1 - i]);
            }
        }
        if of == 0 {
            let none = if anomalous { Undefined::NoAnomalous } else { Undefined::NoNormal };
            return Err(none.to_string());
        }
        Ok(Discordant { of, wrong: counts, only, p_value: mcnemar(only[0], only[1]) })
    }
}

/// The mean over several categories.
pub fn compare_means(pairs: &[Pair], how: Resampling) -> MeanComparison {
    let sets: Vec<PairedSet<'_>> = pairs.iter().map(Pair::set).collect();
    let means = |metric: fn(&[f32], &[bool]) -> Metric| {
        [0, 1].map(|i| {
            let values: Vec<f64> =
                pairs.iter().map(|pair| metric(&pair.scores[i], &pair.labels)).collect::<Result<_, _>>()?;
            if values.is_empty() {
                return Err(Undefined::Empty);
            }
            Ok(values.iter().sum::<f64>() / values.len() as f64)
        })
    };
    MeanComparison {
        pictures: pairs.iter().map(|pair| pair.labels.len()).sum(),
        auroc: means(auroc),
        auroc_bootstrap: paired_bootstrap_of_sets(&sets, how, auroc),
        average_precision: means(average_precision),
        average_precision_bootstrap: paired_bootstrap_of_sets(&sets, how, average_precision),
    }
}

fn differences(a: &[Scored], b: &[Scored]) -> Vec<String> {
    let mut found: BTreeMap<&str, [Vec<bool>; 2]> = BTreeMap::new();
    for (i, all) in [a, b].into_iter().enumerate() {
        for own in all {
            found.entry(&own.name).or_default()[i].push(own.anomalous);
        }
    }
    let word = |anomalous: bool| if anomalous { "defective" } else { "good" };
    let difference = |(name, labels): (&&str, &[Vec<bool>; 2])| {
        let name = shown(Path::new(name));
        match [&labels[0][..], &labels[1][..]] {
            [_, []] => Some(format!("only A has {name}")),
            [[], _] => Some(format!("only B has {name}")),
            [[a], [b]] if a != b => Some(format!("{name} is {} in A and {} in B", word(*a), word(*b))),
            [[_], [_]] => None,
            _ => Some(format!("{name} is there {} times in A and {} in B", labels[0].len(), labels[1].len())),
        }
    };
    found.iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(name: &str, anomalous: bool, image_score: f32, verdict: Verdict) -> Scored {
        Scored { name: name.into(), anomalous, image_score, verdict: Some(verdict) }
    }

    /// Two good and four defective pictures; A misses two of them, B one other, both the last; B calls a good one a defect.
    fn example() -> [Vec<Scored>; 2] {
        use Verdict::{Defect, Ok};
        let row = |name, anomalous, a: (f32, Verdict), b: (f32, Verdict)| {
            (scored(name, anomalous, a.0, a.1), scored(name, anomalous, b.0, b.1))
        };
        let rows = [
            row("g1", false, (0.1, Ok), (0.9, Defect)),
            row("g2", false, (0.2, Ok), (0.3, Ok)),
            row("d1", true, (0.3, Ok), (1.2, Defect)),
            row("d2", true, (0.15, Ok), (1.1, Defect)),
            row("d3", true, (2.0, Defect), (0.2, Ok)),
            row("d4", true, (0.4, Ok), (0.4, Ok)),
        ];
        let (a, b) = rows.into_iter().unzip();
        [a, b]
    }

    #[test]
    fn wrong_decisions_by_hand() {
        let [a, mut b] = example();
        b.reverse();
        let found = Pair::new("x", &a, &b).unwrap().compare(Resampling::default());
        assert_eq!(found.pictures, [2, 4]);
        let escapes = Discordant { of: 4, wrong: [3, 2], only: [2, 1], p_value: 1.0 };
        assert_eq!(found.escapes, Ok(escapes));
        let overkill = Discordant { of: 2, wrong: [0, 1], only: [0, 1], p_value: 1.0 };
        assert_eq!(found.overkill, Ok(overkill));
        assert_eq!(found.auroc, [Ok(7.0 / 8.0), Ok(5.0 / 8.0)]);
        // B less A.
        let difference = found.auroc_bootstrap.unwrap().difference.value;
        assert!((difference + 0.25).abs() < 1e-15);
        assert!((found.auroc_delong.unwrap().difference.value + 0.25).abs() < 1e-15);
    }

    #[test]
    fn what_differs_is_named() {
        let [a, b] = example();
        let mut other = b.clone();
        other[0].anomalous = true;
        other[1].name = "g3".into();
        other.push(b[2].clone());
        let error = Pair::new("x", &a, &other).unwrap_err();
        assert_eq!(
            error.differences,
            [
                "d1 is there 1 times in A and 2 in B",
                "g1 is good in A and defective in B",
                "only A has g2",
                "only B has g3"
            ]
        );
    }

    #[test]
    fn without_a_threshold_the_decisions_are_not_known() {
        let [a, mut b] = example();
        b[3].verdict = None;
        let found = Pair::new("x", &a, &b).unwrap().compare(Resampling::default());
        assert_eq!(found.escapes, Err("B has no threshold".into()));
        assert!(found.overkill.is_ok() && found.auroc[1].is_ok());
    }

    #[test]
    fn the_mean_of_one_is_that_one() {
        let [a, b] = example();
        let pair = Pair::new("x", &a, &b).unwrap();
        let (one, mean) =
            (pair.compare(Resampling::default()), compare_means(&[pair], Resampling::default()));
        assert_eq!((mean.auroc, mean.auroc_bootstrap), (one.auroc, one.auroc_bootstrap));
        assert_eq!(compare_means(&[], Resampling::default()).auroc[0], Err(Undefined::Empty));
    }
}

//! Intervals for any metric, by drawing the pictures anew.

use crate::quantile::quantile;
use crate::random::Random;
use crate::share::Bounds;
use crate::undefined::{Metric, Undefined, check_confidence, check_list};
use rayon::prelude::*;

/// How a bootstrap draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// How often the pictures are drawn; 2000 or more for a 95 % interval.
    pub resamples: usize,
    /// The share of resamples inside the interval, between 0 and 1.
    pub confidence: f64,
    /// Where the random numbers start: the same seed gives the same bytes, with any number of threads.
    pub seed: u64,
}

/// 2000 resamples, 95 %, seed 0.
impl Default for Resampling {
    fn default() -> Self {
        Self { resamples: 2000, confidence: 0.95, seed: 0 }
    }
}

/// A value with an interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value, from all pictures as they are.
    pub value: f64,
    /// Where it would lie for other pictures of the same kind.
    pub bounds: Bounds,
}

/// A difference of two models on the same pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedBootstrap {
    /// The metric of model `a` less that of model `b`.
    pub difference: Estimate,
    /// Two-sided: how often a resample tells the other model ahead, or neither. Never below `2 / (resamples + 1)`.
    pub p_value: f64,
}

/// The percentile interval of a metric of scores and labels.
///
/// Each resample draws, with replacement, as many anomalous and as many normal pictures as there are, each from its own
/// class (stratified), and asks `metric` anew. The bounds are quantiles of what it says, linear between values, in the
/// metric's own units. They speak of the pictures that happened to be tested, not of another training.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, the confidence is not between 0 and
/// 1, no resamples are asked for, or the metric has no value: as it is (its own reason), or in any resample.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Resampling, auroc, bootstrap, confusion};
/// let scores = [0.1, 0.3, 0.2, 0.6, 0.5, 0.8, 0.7, 0.9];
/// let labels = [false, false, false, false, true, true, true, true];
/// let found = bootstrap(&scores, &labels, Resampling::default(), auroc)?;
/// assert_eq!(found.value, 15.0 / 16.0);
/// assert!(found.bounds.lower < found.value && found.bounds.upper == 1.0);
/// let f1 = bootstrap(&scores, &labels, Resampling::default(), |s, l| confusion(s, l, 0.6)?.f1())?;
/// assert_eq!(f1.value, 0.75);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// Efron 1979; Efron and Tibshirani 1993, chapter 13.
pub fn bootstrap(
    scores: &[f32],
    labels: &[bool],
    how: Resampling,
    metric: impl Fn(&[f32], &[bool]) -> Metric + Sync,
) -> Result<Estimate, Undefined> {
    check_list(scores, labels.len())?;
    let value = metric(scores, labels)?;
    let classes = Classes::new(labels);
    let again = resampled(how, labels.len(), |random| {
        let drawn: Vec<f32> = classes.draw(random).map(|i| scores[i]).collect();
        metric(&drawn, labels)
    })?;
    Ok(Estimate { value, bounds: middle(&again, how.confidence) })
}

/// The mean of values, one per picture, with its percentile interval; for means such as that of
/// [`aupimo`](crate::aupimo).
///
/// # Errors
///
/// [`Undefined`] if there is nothing, a value is NaN or infinite, the confidence is not between 0 and 1, or no resamples
/// are asked for.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Resampling, bootstrap_mean};
/// let found = bootstrap_mean(&[1.0, 2.0, 6.0], Resampling::default())?;
/// assert_eq!(found.value, 3.0);
/// assert!(found.bounds.lower >= 1.0 && found.bounds.upper <= 6.0);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn bootstrap_mean(values: &[f64], how: Resampling) -> Result<Estimate, Undefined> {
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite { index });
    }
    let n = values.len();
    let again =
        resampled(how, n, |random| Ok((0..n).map(|_| values[random.below(n)]).sum::<f64>() / n as f64))?;
    let value = values.iter().sum::<f64>() / n as f64;
    Ok(Estimate { value, bounds: middle(&again, how.confidence) })
}

/// The difference of a metric between two models that scored the same pictures, with its percentile interval.
///
/// Each resample is drawn as in [`bootstrap`], and both models are asked about the same pictures: what both find hard
/// cancels. For the AUROC, [`delong`](crate::delong) needs no resamples.
///
/// # Errors
///
/// As [`bootstrap`], for either model; [`Undefined::UnequalModels`] if they scored different numbers of pictures.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Resampling, auroc, paired_bootstrap};
/// let labels = [false, false, false, true, true, true];
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 5.0, 4.0, 5.0, 6.0]);
/// let found = paired_bootstrap(&a, &b, &labels, Resampling::default(), auroc)?;
/// assert!((found.difference.value - 1.5 / 9.0).abs() < 1e-15);
/// assert_eq!(found.difference.bounds.lower, 0.0);
/// assert!(found.p_value > 0.1);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// As [`bootstrap`]; the p value as in Davison and Hinkley 1997, section 4.4, from the share on either side of zero.
pub fn paired_bootstrap(
    a: &[f32],
    b: &[f32],
    labels: &[bool],
    how: Resampling,
    metric: impl Fn(&[f32], &[bool]) -> Metric + Sync,
) -> Result<PairedBootstrap, Undefined> {
    paired_bootstrap_of_sets(&[PairedSet { a, b, labels }], how, metric)
}

/// Two models' scores of the same labelled pictures.
#[derive(Debug, Clone, Copy)]
pub struct PairedSet<'a> {
    /// The scores of model `a`.
    pub a: &'a [f32],
    /// The scores of model `b`, in the same order.
    pub b: &'a [f32],
    /// Whether each picture is anomalous.
    pub labels: &'a [bool],
}

/// As [`paired_bootstrap`], for the mean of a metric's differences over several sets, such as the categories of a data set.
/// Each resample draws anew from each class of each set.
///
/// # Errors
///
/// As [`paired_bootstrap`], for any of the sets; [`Undefined::Empty`] without a set.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PairedSet, Resampling, auroc, paired_bootstrap_of_sets};
/// let labels = &[false, false, true, true];
/// let better = PairedSet { a: &[1.0, 2.0, 3.0, 4.0], b: &[1.0, 3.0, 2.0, 4.0], labels };
/// let equal = PairedSet { a: &[1.0, 2.0, 3.0, 4.0], b: &[5.0, 6.0, 7.0, 8.0], labels };
/// let found = paired_bootstrap_of_sets(&[better, equal], Resampling::default(), auroc)?;
/// assert_eq!(found.difference.value, (0.25 + 0.0) / 2.0);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn paired_bootstrap_of_sets(
    sets: &[PairedSet<'_>],
    how: Resampling,
    metric: impl Fn(&[f32], &[bool]) -> Metric + Sync,
) -> Result<PairedBootstrap, Undefined> {
    for PairedSet { a, b, labels } in sets {
        if a.len() != b.len() {
            return Err(Undefined::UnequalModels { model: 1, got: b.len(), expected: a.len() });
        }
        check_list(a, labels.len())?;
        check_list(b, labels.len())?;
    }
    let mean = |differences: &mut dyn Iterator<Item = Metric>| -> Metric {
        let mut sum = 0.0;
        for difference in differences {
            sum += difference?;
        }
        Ok(sum / sets.len() as f64)
    };
    let value =
        mean(&mut sets.iter().map(|set| Ok(metric(set.a, set.labels)? - metric(set.b, set.labels)?)))?;
    let classes: Vec<Classes<'_>> = sets.iter().map(|set| Classes::new(set.labels)).collect();
    let pictures = sets.iter().map(|set| set.labels.len()).sum();
    let again = resampled(how, pictures, |random| {
        mean(&mut sets.iter().zip(&classes).map(|(set, classes)| {
            let drawn: (Vec<f32>, Vec<f32>) = classes.draw(random).map(|i| (set.a[i], set.b[i])).unzip();
            Ok(metric(&drawn.0, set.labels)? - metric(&drawn.1, set.labels)?)
        }))
    })?;

    let not_ahead = again.iter().filter(|&&difference| difference <= 0.0).count();
    let not_behind = again.iter().filter(|&&difference| difference >= 0.0).count();
    let one_sided = (1 + not_ahead.min(not_behind)) as f64 / (1 + again.len()) as f64;
    let difference = Estimate { value, bounds: middle(&again, how.confidence) };
    Ok(PairedBootstrap { difference, p_value: (2.0 * one_sided).min(1.0) })
}

/// The places of the pictures, by class.
struct Classes<'a> {
    labels: &'a [bool],
    normal: Vec<usize>,
    anomalous: Vec<usize>,
}

impl<'a> Classes<'a> {
    fn new(labels: &'a [bool]) -> Self {
        let (anomalous, normal) = (0..labels.len()).partition(|&i| labels[i]);
        Self { labels, normal, anomalous }
    }

    /// For every picture one of its own class, so that the labels stay as they are.
    fn draw(&self, random: &mut Random) -> impl Iterator<Item = usize> {
        self.labels.iter().map(|&anomalous| {
            let class = if anomalous { &self.anomalous } else { &self.normal };
            class[random.below(class.len())]
        })
    }
}

/// What `ask` says in each resample of `n` pictures, ascending. Resample `r` has its own stream of random numbers, so it
/// does not matter who computes it.
fn resampled(
    how: Resampling,
    n: usize,
    ask: impl Fn(&mut Random) -> Metric + Sync,
) -> Result<Vec<f64>, Undefined> {
    check_confidence(how.confidence)?;
    if n == 0 {
        return Err(Undefined::Empty);
    }
    let one = |r: usize| ask(&mut Random::of(how.seed, r as u64)).ok();
    let answers: Vec<Option<f64>> = (0..how.resamples).into_par_iter().map(one).collect();
    let mut values: Vec<f64> = answers.into_iter().flatten().collect();
    if values.len() < how.resamples {
        return Err(Undefined::UndefinedResamples {
            undefined: how.resamples - values.len(),
            of: how.resamples,
        });
    }
    if values.is_empty() {
        return Err(Undefined::NoResamples);
    }
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

fn middle(ascending: &[f64], confidence: f64) -> Bounds {
    let tail = (1.0 - confidence) / 2.0;
    Bounds { lower: quantile(ascending, tail), upper: quantile(ascending, 1.0 - tail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auroc, confusion};

    const LABELS: [bool; 8] = [false, true, false, true, false, true, false, true];
    const SCORES: [f32; 8] = [0.1, 0.2, 0.3, 0.4, 0.15, 0.9, 0.5, 0.6];

    #[test]
    fn each_class_keeps_its_number() {
        let share = |_: &[f32], labels: &[bool]| Ok(labels.iter().filter(|&&l| l).count() as f64);
        let found = bootstrap(&SCORES, &LABELS, Resampling::default(), share).unwrap();
        assert_eq!((found.bounds.lower, found.value, found.bounds.upper), (4.0, 4.0, 4.0));
        let foreign = |scores: &[f32], labels: &[bool]| {
            let own = |(score, label): (&f32, &bool)| {
                SCORES.iter().zip(&LABELS).any(|(s, l)| s == score && l == label)
            };
            Ok(scores.iter().zip(labels).filter(|&pair| !own(pair)).count() as f64)
        };
        assert_eq!(bootstrap(&SCORES, &LABELS, Resampling::default(), foreign).unwrap().bounds.upper, 0.0);
    }

    /// The mean of a large sample: the interval has the width that the normal distribution gives.
    #[test]
    fn the_interval_of_a_mean_has_the_known_width() {
        let values: Vec<f64> = (0..400).map(f64::from).collect();
        let found = bootstrap_mean(&values, Resampling { resamples: 8000, ..Resampling::default() }).unwrap();
        let standard_error = ((400.0_f64 * 400.0 - 1.0) / 12.0 / 400.0).sqrt();
        let width = found.bounds.upper - found.bounds.lower;
        assert!((width / (2.0 * 1.959_964 * standard_error) - 1.0).abs() < 0.04, "{width}");
        assert!((f64::midpoint(found.bounds.lower, found.bounds.upper) - 199.5).abs() < 0.5);
    }

    #[test]
    fn threads_change_nothing_and_seeds_do() {
        let with = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let how = Resampling { resamples: 500, seed, ..Resampling::default() };
            pool.install(|| {
                let mean = bootstrap_mean(&[1.0, 5.0, 2.5, 8.0, 0.1], how).unwrap();
                let turned: Vec<f32> = SCORES.iter().map(|s| 1.0 - s).collect();
                (
                    mean,
                    bootstrap(&SCORES, &LABELS, how, auroc),
                    paired_bootstrap(&SCORES, &turned, &LABELS, how, auroc),
                )
            })
        };
        assert_eq!(with(1, 7), with(3, 7));
        assert_ne!(with(1, 7).0, with(1, 8).0);
    }

    #[test]
    fn a_model_against_itself() {
        let found = paired_bootstrap(&SCORES, &SCORES, &LABELS, Resampling::default(), auroc).unwrap();
        let nothing = Estimate { value: 0.0, bounds: Bounds { lower: 0.0, upper: 0.0 } };
        assert_eq!(found, PairedBootstrap { difference: nothing, p_value: 1.0 });
    }

    #[test]
    fn a_clear_difference_has_the_smallest_p_value() {
        let ahead: Vec<f32> = LABELS.iter().zip(SCORES).map(|(&l, s)| s + f32::from(u8::from(l))).collect();
        let behind: Vec<f32> = ahead.iter().map(|s| -s).collect();
        let how = Resampling { resamples: 999, ..Resampling::default() };
        let found = paired_bootstrap(&ahead, &behind, &LABELS, how, auroc).unwrap();
        assert_eq!((found.difference.value, found.p_value), (1.0, 0.002));
        let turned = paired_bootstrap(&behind, &ahead, &LABELS, how, auroc).unwrap();
        assert_eq!((turned.difference.value, turned.p_value), (-1.0, 0.002));
    }

    /// Two sets with one and the same clear difference: their mean is that difference, as certain as in either. One set with
    /// the opposite one: nothing is left.
    #[test]
    fn the_mean_over_sets() {
        let ahead: Vec<f32> = LABELS.iter().zip(SCORES).map(|(&l, s)| s + f32::from(u8::from(l))).collect();
        let how = Resampling { resamples: 999, ..Resampling::default() };
        let set = PairedSet { a: &ahead, b: &SCORES, labels: &LABELS };
        let turned = PairedSet { a: &SCORES, b: &ahead, labels: &LABELS };
        let alone = paired_bootstrap(&ahead, &SCORES, &LABELS, how, auroc).unwrap();
        let both = paired_bootstrap_of_sets(&[set, set], how, auroc).unwrap();
        assert_eq!(both.difference.value, alone.difference.value);
        // The mean of two draws varies less than one.
        let width = |found: &PairedBootstrap| found.difference.bounds.upper - found.difference.bounds.lower;
        assert!(width(&both) < width(&alone) && both.p_value <= alone.p_value, "{both:?} {alone:?}");
        let none = paired_bootstrap_of_sets(&[set, turned], how, auroc).unwrap();
        assert_eq!(none.difference.value, 0.0);
        assert!(none.p_value > 0.3, "{none:?}");
        assert_eq!(paired_bootstrap_of_sets(&[], how, auroc), Err(Undefined::Empty));
    }

    #[test]
    fn what_has_no_interval_says_why() {
        let plain = Resampling::default();
        let none = Resampling { resamples: 0, ..plain };
        assert_eq!(bootstrap(&SCORES, &LABELS, none, auroc), Err(Undefined::NoResamples));
        let sure = Resampling { confidence: 1.0, ..plain };
        assert_eq!(bootstrap_mean(&[1.0], sure), Err(Undefined::InvalidConfidence { confidence: 1.0 }));
        assert_eq!(bootstrap_mean(&[], plain), Err(Undefined::Empty));
        assert_eq!(bootstrap_mean(&[0.0, f64::NAN], plain), Err(Undefined::NotFinite { index: 1 }));
        assert_eq!(bootstrap(&SCORES, &[true; 8], plain, auroc), Err(Undefined::NoNormal));
        // Only one score raises an alarm: a third of the resamples has none.
        let precision = |s: &[f32], l: &[bool]| Ok(confusion(s, l, 0.9)?.precision()?.value());
        let refused = bootstrap(&SCORES, &LABELS, plain, precision);
        let Err(Undefined::UndefinedResamples { undefined, of: 2000 }) = refused else {
            panic!("{refused:?}");
        };
        assert!((500..800).contains(&undefined), "{undefined}");
        let short = paired_bootstrap(&SCORES, &SCORES[1..], &LABELS, plain, auroc);
        assert_eq!(short, Err(Undefined::UnequalModels { model: 1, got: 7, expected: 8 }));
    }
}

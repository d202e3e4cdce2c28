//! Pictures that were seen before: exactly, or saved again.
//!
//! A [`Fingerprint`] is a hash of all decoded pixels, and the picture at 16 x 16 in grey. Two of those are near when one is
//! the other but for brightness and contrast, and when little is left beside what usually sets the pictures of a
//! collection apart: good parts of one line look alike, and are different pictures all the same.

use crate::picture::Picture;
use crate::preprocess::shrunk;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Bytes of the hash.
const HASH: usize = 16;
/// Side of the small picture.
const SIDE: usize = 16;
/// Its pixels.
const SMALL: usize = SIDE * SIDE;
/// The most that may be left between two near pictures, as a root mean square of 8-bit levels. A JPEG of quality 50 leaves
/// half a level, of which most is rounding; the nearest two different photographs of two real sets leave 0.86.
const LEFT: f64 = 0.75;
/// The same as a share of the difference that is usual in the collection.
const USUAL_SHARE: f64 = 0.25;
/// The least contrast that one picture may have of the other's.
const CONTRAST: f64 = 0.8;
/// The most that the mean brightness may be shifted, in 8-bit levels.
const SHIFT: f64 = 40.0;
/// Most pictures whose differences tell what is usual.
const SAMPLE: usize = 128;

/// What tells a picture again: the hash of its decoded pixels, and how it looks at a small size.
///
/// ```
/// use patchcore_image::{Fingerprint, Picture};
/// let ramp = |bright: u8| (0..64 * 64 * 3).map(|i| (i / 192) as u8 + bright).collect();
/// let picture = Fingerprint::of(&Picture::from_rgb(64, 64, ramp(0))?);
/// assert_eq!(picture, Fingerprint::of(&Picture::from_rgb(64, 64, ramp(0))?));
/// assert_ne!(picture, Fingerprint::of(&Picture::from_rgb(64, 64, ramp(1))?));
/// assert_eq!(Fingerprint::from_bytes(&picture.to_bytes()), Some(picture));
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    hash: [u8; HASH],
    small: [u8; SMALL],
}

/// How two pictures are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Likeness {
    /// All pixels are equal, whatever the files' formats.
    Exact,
    /// One is the other saved again: compressed, a little resized, with another brightness or contrast.
    Near,
}

impl Fingerprint {
    /// Length of [`to_bytes`](Self::to_bytes).
    pub const BYTES: usize = HASH + SMALL;

    /// The fingerprint of a decoded picture.
    pub fn of(picture: &Picture) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((picture.width() as u64).to_le_bytes());
        hasher.update((picture.height() as u64).to_le_bytes());
        hasher.update(picture.rgb());
        let digest: [u8; 32] = hasher.finalize().into();
        let mut hash = [0; HASH];
        hash.copy_from_slice(&digest[..HASH]);
        let mut small = [0; SMALL];
        let pixels = shrunk(picture, [SIDE, SIDE]);
        for (grey, pixel) in small.iter_mut().zip(pixels.as_chunks::<3>().0) {
            let [r, g, b] = pixel.map(u32::from);
            *grey = ((299 * r + 587 * g + 114 * b + 500) / 1000) as u8;
        }
        Self { hash, small }
    }

    /// To be stored: the hash, then the small picture row by row.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..HASH].copy_from_slice(&self.hash);
        bytes[HASH..].copy_from_slice(&self.small);
        bytes
    }

    /// What was stored; `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hash, small) = bytes.split_at_checked(HASH)?;
        Some(Self { hash: hash.try_into().ok()?, small: small.try_into().ok()? })
    }

    /// The sum of the small picture and of its squares.
    fn sums(&self) -> [i64; 2] {
        let sum = self.small.iter().map(|&v| i64::from(v)).sum();
        [sum, self.small.iter().map(|&v| i64::from(v).pow(2)).sum()]
    }

    /// The sum of the products of two small pictures.
    fn product(&self, other: &Self) -> i64 {
        let pairs = self.small.iter().zip(&other.small);
        pairs.map(|(&a, &b)| u32::from(a) * u32::from(b)).sum::<u32>().into()
    }
}

/// The fingerprints of a collection, to look pictures up in.
///
/// ```
/// use patchcore_image::{Fingerprint, Fingerprints, Likeness, Picture};
/// let picture = |step: usize| Picture::from_rgb(16, 16, (0..768).map(|i| (i * step % 256) as u8).collect());
/// let all = [Fingerprint::of(&picture(3)?), Fingerprint::of(&picture(7)?)];
/// let known = Fingerprints::new(&all);
/// assert_eq!(known.find(&all[1]), Some((1, Likeness::Exact)));
/// assert_eq!(known.find(&Fingerprint::of(&picture(11)?)), None);
/// assert_eq!(known.pairs(), []);
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
pub struct Fingerprints<'a> {
    all: &'a [Fingerprint],
    sums: Vec<[i64; 2]>,
    /// The most that may be left between near ones.
    left: f64,
}

impl<'a> Fingerprints<'a> {
    /// Prepares a collection, and measures what usually sets its pictures apart.
    pub fn new(all: &'a [Fingerprint]) -> Self {
        let sums: Vec<[i64; 2]> = all.iter().map(Fingerprint::sums).collect();
        let mut this = Self { all, sums, left: LEFT };
        let every = all.len().div_ceil(SAMPLE).max(1);
        let some: Vec<usize> = (0..all.len()).step_by(every).collect();
        let pairs = some.iter().enumerate().flat_map(|(n, &i)| some[..n].iter().map(move |&j| (i, j)));
        let mut usual: Vec<f64> = pairs.map(|(i, j)| this.difference(i, j)).collect();
        usual.sort_by(f64::total_cmp);
        if let Some(middle) = usual.get(usual.len() / 2) {
            this.left = LEFT.min(USUAL_SHARE * middle);
        }
        this
    }

    /// The first picture of the collection that this one is; an exact one before a near one.
    pub fn find(&self, given: &Fingerprint) -> Option<(usize, Likeness)> {
        self.among(self.all.len(), given)
    }

    /// The pictures that an earlier one is too: the first such one, the picture, and how they are the same.
    pub fn pairs(&self) -> Vec<(usize, usize, Likeness)> {
        let again = |i: usize| self.among(i, &self.all[i]).map(|(first, likeness)| (first, i, likeness));
        (0..self.all.len()).filter_map(again).collect()
    }

    /// The first of the first `count` pictures that this one is; an exact one before a near one.
    fn among(&self, count: usize, given: &Fingerprint) -> Option<(usize, Likeness)> {
        let exact = self.all[..count].iter().position(|own| own.hash == given.hash);
        let near = || {
            let sums = given.sums();
            let mut earlier = self.all[..count].iter().zip(&self.sums);
            earlier.position(|(own, &of_own)| self.is_near(own, of_own, given, sums))
        };
        exact.map(|i| (i, Likeness::Exact)).or_else(|| near().map(|i| (i, Likeness::Near)))
    }

    /// The root mean square of the difference of two pictures, their means brought together.
    fn difference(&self, i: usize, j: usize) -> f64 {
        let ([sum_i, squares_i], [sum_j, squares_j]) = (self.sums[i], self.sums[j]);
        let squares = squares_i + squares_j - 2 * self.all[i].product(&self.all[j]);
        spread(sum_i - sum_j, squares).sqrt()
    }

    /// Whether the fainter picture is the stronger one with less contrast and another brightness.
    fn is_near(
        &self,
        a: &Fingerprint,
        [sum_a, squares_a]: [i64; 2],
        b: &Fingerprint,
        of_b: [i64; 2],
    ) -> bool {
        let [sum_b, squares_b] = of_b;
        let pixels = SMALL as f64;
        if (sum_a - sum_b).abs() as f64 > SHIFT * pixels {
            return false;
        }
        let (of_a, of_b) = (spread(sum_a, squares_a), spread(sum_b, squares_b));
        let (strong, faint) = (of_a.max(of_b), of_a.min(of_b));
        if strong == 0.0 {
            return true;
        }
        if faint < CONTRAST * CONTRAST * strong {
            return false;
        }
        let common = a.product(b) as f64 / pixels - sum_a as f64 * sum_b as f64 / (pixels * pixels);
        let contrast = common / strong;
        let left = (faint - common * contrast).max(0.0).sqrt();
        contrast >= CONTRAST && left <= self.left
    }
}

/// The variance of the pixels with this sum and sum of squares.
fn spread(sum: i64, squares: i64) -> f64 {
    let pixels = SMALL as i64;
    (squares * pixels - sum * sum) as f64 / (pixels * pixels) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_testkit::weights::uniform;
    use proptest::prelude::*;

    /// A smooth picture of blobs; another seed gives another one.
    fn photograph(seed: u64, width: usize, height: usize) -> Vec<f64> {
        let blobs = uniform("blobs", seed, 40);
        let value = |x: f64, y: f64| {
            let blob = |b: &[f64]| {
                let away = ((x - b[0]).powi(2) + (y - b[1]).powi(2)) / (0.01 + 0.05 * b[2]);
                90.0 * (b[3] - 0.5) * (-away).exp()
            };
            128.0 + blobs.chunks_exact(4).map(blob).sum::<f64>()
        };
        let at = |i: usize, side: usize| (i as f64 + 0.5) / side as f64;
        (0..width * height).map(|i| value(at(i % width, width), at(i / width, height))).collect()
    }

    fn fingerprint(values: &[f64], width: usize, height: usize) -> Fingerprint {
        let rgb = values.iter().flat_map(|&v| [v.round().clamp(0.0, 255.0) as u8; 3]).collect();
        Fingerprint::of(&Picture::from_rgb(width, height, rgb).unwrap())
    }

    fn collection() -> Vec<Fingerprint> {
        (0..12).map(|seed| fingerprint(&photograph(seed, 120, 90), 120, 90)).collect()
    }

    #[test]
    fn a_copy_is_found_by_what_it_became() {
        let all = collection();
        let known = Fingerprints::new(&all);
        assert_eq!(known.pairs(), []);
        let own = photograph(7, 120, 90);
        let noise = uniform("noise", 1, own.len());
        let noisy: Vec<f64> = own.iter().zip(&noise).map(|(v, n)| v + 12.0 * (n - 0.5)).collect();
        let bright: Vec<f64> = own.iter().map(|v| v + 15.0).collect();
        let faint: Vec<f64> = own.iter().map(|v| 0.9 * v + 20.0).collect();
        assert_eq!(known.find(&fingerprint(&own, 120, 90)), Some((7, Likeness::Exact)));
        for (name, copy) in [("noisy", noisy), ("bright", bright), ("faint", faint)] {
            assert_eq!(known.find(&fingerprint(&copy, 120, 90)), Some((7, Likeness::Near)), "{name}");
        }
        let smaller = fingerprint(&photograph(7, 108, 81), 108, 81);
        assert_eq!(known.find(&smaller), Some((7, Likeness::Near)));
        let inverted: Vec<f64> = own.iter().map(|v| 255.0 - v).collect();
        assert_eq!(known.find(&fingerprint(&inverted, 120, 90)), None);
        assert_eq!(known.find(&fingerprint(&photograph(99, 120, 90), 120, 90)), None);
    }

    #[test]
    fn both_kinds_of_pairs_are_named_in_order() {
        let mut all = collection();
        all.push(all[3].clone());
        let bright: Vec<f64> = photograph(5, 120, 90).iter().map(|v| v + 9.0).collect();
        all.push(fingerprint(&bright, 120, 90));
        let found = Fingerprints::new(&all).pairs();
        assert_eq!(found, [(3, 12, Likeness::Exact), (5, 13, Likeness::Near)]);
    }

    /// Parts of one mould: the same drawing, and a little that is each one's own.
    #[test]
    fn a_uniform_line_is_no_heap_of_copies() {
        let mould = photograph(3, 160, 160);
        let part = |k: u64| -> Vec<f64> {
            let own = photograph(100 + k, 160, 160);
            mould.iter().zip(own).map(|(m, o)| m + 0.03 * (o - 128.0)).collect()
        };
        let all: Vec<Fingerprint> = (0..40).map(|k| fingerprint(&part(k), 160, 160)).collect();
        // Without the look at what is usual, these would all be taken for copies.
        let strict = Fingerprints { left: LEFT, ..Fingerprints::new(&all) };
        assert!(strict.pairs().len() > 30, "{}", strict.pairs().len());
        assert_eq!(Fingerprints::new(&all).pairs(), []);
    }

    #[test]
    fn flat_pictures_are_near_if_they_are_about_as_bright() {
        let all = [fingerprint(&[20.0; 4], 2, 2)];
        let known = Fingerprints::new(&all);
        assert_eq!(known.find(&fingerprint(&[25.0; 9], 3, 3)), Some((0, Likeness::Near)));
        assert_eq!(known.find(&fingerprint(&[90.0; 4], 2, 2)), None);
    }

    proptest! {
        #[test]
        fn bytes_come_back_and_other_lengths_do_not(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let read = Fingerprint::from_bytes(&bytes);
            prop_assert_eq!(read.is_some(), bytes.len() == Fingerprint::BYTES);
            if let Some(read) = read {
                prop_assert_eq!(&read.to_bytes()[..], &bytes[..]);
            }
        }

        #[test]
        fn a_pair_is_the_same_from_both_sides(a in prop::array::uniform32(any::<u8>()), b in prop::array::uniform32(any::<u8>()), mix in 0u8..=8) {
            let of = |f: &dyn Fn(usize) -> u8| Fingerprint { hash: [f(0); HASH], small: std::array::from_fn(f) };
            let own = |i: usize| a[i % 32];
            let other = |i: usize| ((u32::from(a[i % 32]) * u32::from(8 - mix) + u32::from(b[i % 32]) * u32::from(mix)) / 8) as u8;
            let (first, second) = (of(&own), of(&other));
            let seen = |from: &Fingerprint, to: &Fingerprint| {
                Fingerprints::new(std::slice::from_ref(from)).find(to).map(|(_, likeness)| likeness)
            };
            prop_assert_eq!(seen(&first, &second), seen(&second, &first));
            prop_assert_eq!(seen(&first, &first), Some(Likeness::Exact));
        }
    }
}

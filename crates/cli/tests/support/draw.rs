//! Draws a data set in MVTec AD layout: two categories of striped plates, some with a dent.

use image::{GrayImage, Luma, Rgb, RgbImage};
use std::path::Path;

pub(crate) const WIDTH: u32 = 64;
pub(crate) const HEIGHT: u32 = 48;
/// Seeds of good pictures whose scores lie well below the threshold that the training pictures give.
const GOOD_SEEDS: [u32; 2] = [13, 18];
const DENT: std::ops::Range<u32> = 16..30;

/// `bolt` and `nut`, each with six good pictures to learn from, two good ones and two dented ones to test with.
pub(crate) fn data_set(root: &Path) {
    for (number, category) in ["bolt", "nut"].into_iter().enumerate() {
        let folder = root.join(category);
        let seed = 100 * number as u32;
        for i in 0..6 {
            save(&plate(seed + i), &folder.join(format!("train/good/{i:03}.png")));
        }
        for i in 0..2 {
            save(&plate(seed + GOOD_SEEDS[i as usize]), &folder.join(format!("test/good/{i:03}.png")));
            save(&dented(seed + 20 + i), &folder.join(format!("test/dent/{i:03}.png")));
            save(&dent_mask(), &folder.join(format!("ground_truth/dent/{i:03}_mask.png")));
        }
    }
}

/// A good part. No two seeds give the same pixels.
pub(crate) fn plate(seed: u32) -> RgbImage {
    plate_of(seed, WIDTH, HEIGHT)
}

/// A good part of another size.
pub(crate) fn plate_of(seed: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let stripe = if (x / 8) % 2 == 0 { 90 } else { 140 };
        Rgb([0, 1, 2].map(|channel| stripe + noise(seed, x, y, channel)))
    })
}

/// The same part in more light.
pub(crate) fn brighter(picture: &RgbImage, by: u8) -> RgbImage {
    let mut picture = picture.clone();
    picture.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|v| v + by));
    picture
}

/// A part with a defect.
pub(crate) fn dented(seed: u32) -> RgbImage {
    let mut picture = plate(seed);
    for y in DENT {
        for x in DENT {
            picture.put_pixel(x, y, Rgb([250, 30 + noise(seed, x, y, 3), 30]));
        }
    }
    picture
}

/// Where the defect of [`dented`] is.
pub(crate) fn dent_mask() -> GrayImage {
    let inside = |x, y| DENT.contains(&x) && DENT.contains(&y);
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if inside(x, y) { 255 } else { 0 }]))
}

pub(crate) fn save<P>(picture: &image::ImageBuffer<P, Vec<u8>>, path: &Path)
where
    P: image::PixelWithColorType<Subpixel = u8>,
{
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// 0 to 15, by a formula that mixes its arguments well.
fn noise(seed: u32, x: u32, y: u32, channel: u32) -> u8 {
    let mut word = seed.wrapping_mul(0x9e37_79b9) ^ x.wrapping_mul(0x85eb_ca6b) ^ y.wrapping_mul(0xc2b2_ae35);
    word = (word ^ channel.wrapping_mul(0x27d4_eb2f)).wrapping_mul(0x2c1b_3c6d);
    word ^= word >> 15;
    (word.wrapping_mul(0x297a_2d39) >> 28) as u8
}

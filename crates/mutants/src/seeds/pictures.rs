//! Pictures of a few pixels in every format and kind of sample.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;

/// A picture with many different values.
fn scene() -> DynamicImage {
    RgbImage::from_fn(9, 6, |x, y| {
        image::Rgb([(x * 37 + y * 11) as u8, (x * x * 5 + y) as u8, (x ^ (y * 13)) as u8])
    })
    .into()
}

/// The same in every kind of sample that encoders take.
fn kinds() -> [DynamicImage; 6] {
    let scene = scene();
    [
        scene.clone(),
        scene.to_luma8().into(),
        scene.to_rgba8().into(),
        scene.to_luma_alpha8().into(),
        scene.to_luma16().into(),
        scene.to_rgb16().into(),
    ]
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a kind of sample that the format has");
    bytes.into_inner()
}

/// Files that the encoders here do not make: written by Pillow, or by hand (`interlaced`, `tiled`, `big`, `rle8`).
macro_rules! files {
    ($($name:literal),*) => { [$(include_bytes!(concat!("../../seeds/", $name)).to_vec()),*] };
}

pub(crate) fn png() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = kinds().iter().map(|picture| encoded(picture, ImageFormat::Png)).collect();
    // Stored as it is, so that mutations reach the filters and the samples.
    let mut stored = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut stored, CompressionType::Uncompressed, FilterType::Paeth);
    scene().write_with_encoder(encoder).expect("RGB");
    all.push(stored);
    all.extend(files!["palette.png", "one_bit.png", "interlaced.png"]);
    all
}

pub(crate) fn mask() -> Vec<Vec<u8>> {
    let grey = kinds()[1].clone();
    let mut all = files!["palette.png", "one_bit.png"].to_vec();
    all.extend([ImageFormat::Png, ImageFormat::Bmp].map(|format| encoded(&grey, format)));
    all
}

pub(crate) fn jpeg() -> Vec<Vec<u8>> {
    files!["baseline.jpg", "restarts.jpg", "halved.jpg", "grey.jpg", "cmyk.jpg", "ycck.jpg"].to_vec()
}

pub(crate) fn bmp() -> Vec<Vec<u8>> {
    let [rgb, grey, rgba, ..] = kinds();
    let mut all: Vec<Vec<u8>> = [rgb, grey, rgba].iter().map(|p| encoded(p, ImageFormat::Bmp)).collect();
    all.extend(files!["palette.bmp", "one_bit.bmp", "rle8.bmp"]);
    all
}

pub(crate) fn tiff() -> Vec<Vec<u8>> {
    let [rgb, grey, rgba, _, grey16, rgb16] = kinds();
    let mut all: Vec<Vec<u8>> =
        [rgb, grey, rgba, grey16, rgb16].iter().map(|p| encoded(p, ImageFormat::Tiff)).collect();
    all.extend(files![
        "lzw.tiff",
        "deflate.tiff",
        "packbits.tiff",
        "pages.tiff",
        "wide.tiff",
        "tiled.tiff",
        "big.tiff"
    ]);
    all
}

pub(crate) fn webp() -> Vec<Vec<u8>> {
    let [rgb, _, rgba, ..] = kinds();
    let mut all: Vec<Vec<u8>> = [rgb, rgba].iter().map(|p| encoded(p, ImageFormat::WebP)).collect();
    all.extend(files!["lossy.webp", "alpha.webp", "lossless_alpha.webp"]);
    all
}

pub(crate) fn pnm() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 6] = [
        b"P1\n# a note\n3 2\n1 0 1\n0 1 0\n",
        b"P2 3 2 255\n0 17 255\n1 2 3\n",
        b"P3 2 1 65535\n0 17 65535 300 2 1\n",
        b"P4 10 2\n\xaa\x80\x55\x40",
        b"P5 3 2 255\nabcdef",
        b"P5 2 1 65535\n\x01\x02\xff\xfe",
    ];
    let mut all = texts.map(<[u8]>::to_vec).to_vec();
    all.push([b"P6\n9 6\n255\n", scene().as_bytes()].concat());
    all
}

//! Tiles pictures of a data set into one PNG, to look at many at once.
//!
//! `cargo run --release -p patchcore-demo --example contact_sheet -- OUT.png COLUMNS SCALE PICTURE...`

use image::imageops::{FilterType, replace, resize};
use image::{Rgb, RgbImage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, columns, scale, pictures @ ..] = arguments.as_slice() else {
        return Err("usage: contact_sheet OUT.png COLUMNS SCALE PICTURE...".into());
    };
    let (columns, scale): (u32, f64) = (columns.parse()?, scale.parse()?);
    let (width, height) = (
        (patchcore_demo::WIDTH as f64 * scale).round() as u32,
        (patchcore_demo::HEIGHT as f64 * scale).round() as u32,
    );
    let rows = (pictures.len() as u32).div_ceil(columns);
    let mut sheet = RgbImage::from_pixel(columns * (width + 4), rows * (height + 4), Rgb([255; 3]));
    for (n, path) in (0u32..).zip(pictures) {
        let picture = image::open(path)?.to_rgb8();
        let tile = resize(&picture, width, height, FilterType::Triangle);
        let (x, y) = (n % columns * (width + 4), n / columns * (height + 4));
        replace(&mut sheet, &tile, x.into(), y.into());
    }
    sheet.save(out)?;
    Ok(())
}

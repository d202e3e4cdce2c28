//! Draws a woven cloth with a scratch and a stain, its mask and its overlay, beside a good piece.
//!
//! `cargo run -p patchcore-report --example sample_sheet -- sheet.png`

use patchcore_report::{ColourScale, Tile, contact_sheet_png, heat_map_png, overlay_rgb, raw_map_tiff};
use patchcore_tensor::AnomalyMap;
use std::error::Error;
use std::path::PathBuf;

const SIDE: usize = 256;
const THRESHOLD: f32 = 2.0;

fn main() -> Result<(), Box<dyn Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: sample_sheet SHEET.png")?);
    let scale = ColourScale::of_model(1.0, THRESHOLD);

    let mut pictures = Vec::new();
    for (name, defect) in [("defect", true), ("good", false)] {
        let cloth = cloth(defect);
        let map = map(defect)?;
        let overlay = overlay_rgb(&cloth, SIDE, SIDE, &map, &scale, Some(THRESHOLD))?;
        let heat = image::load_from_memory(&heat_map_png(&map, &scale)?)?.into_rgb8().into_raw();
        pictures.push((format!("{name}/000.png"), cloth));
        pictures.push(("mask".to_owned(), mask(defect)));
        pictures.push(("overlay".to_owned(), overlay));
        pictures.push(("heat map".to_owned(), heat));
        std::fs::write(path.with_extension(format!("{name}.tiff")), raw_map_tiff(&map)?)?;
    }
    let tiles: Vec<Tile<'_>> =
        pictures.iter().map(|(caption, rgb)| Tile { rgb, width: SIDE, height: SIDE, caption }).collect();
    std::fs::write(&path, contact_sheet_png(&tiles, 4)?)?;
    Ok(())
}

/// The value of `f` at every pixel, row by row.
fn per_pixel<T>(f: impl Fn(f32, f32) -> T) -> Vec<T> {
    (0..SIDE * SIDE).map(|p| f((p / SIDE) as f32, (p % SIDE) as f32)).collect()
}

/// Repeatable noise in `[-1, 1]`.
fn noise(y: f32, x: f32) -> f32 {
    ((y * 12.9898 + x * 78.233).sin() * 43_758.547).fract()
}

/// How far a pixel is from the scratch and from the stain, in pixels.
fn distances(y: f32, x: f32) -> (f32, f32) {
    let along = ((x - 60.0) * 0.8 + (y - 70.0) * 0.6).clamp(0.0, 80.0);
    let scratch = (x - 60.0 - along * 0.8).hypot(y - 70.0 - along * 0.6);
    let stain = ((x - 190.0) / 1.3).hypot(y - 185.0) - 14.0;
    (scratch, stain)
}

fn cloth(defect: bool) -> Vec<u8> {
    let pixel = |y: f32, x: f32| {
        let weave = (x * 0.8).sin() * (y * 0.8).sin() * 14.0 + noise(y, x) * 9.0;
        let mut grey = 128.0 + weave + 12.0 * (x / 120.0).sin();
        let (scratch, stain) = distances(y, x);
        if defect && scratch < 1.5 {
            grey += 85.0;
        }
        if defect && stain < 0.0 {
            grey *= 0.6;
        }
        [grey * 0.96, grey, grey * 1.06].map(|channel| channel as u8)
    };
    per_pixel(pixel).concat()
}

fn map(defect: bool) -> Result<AnomalyMap, patchcore_tensor::ShapeError> {
    let score = |y: f32, x: f32| {
        let ground = 0.9 + 0.25 * (x / 31.0).sin() * (y / 23.0).cos();
        let (scratch, stain) = distances(y, x);
        let glow = |distance: f32, reach: f32| (-(distance.max(0.0) / reach).powi(2)).exp();
        ground + if defect { 2.3 * glow(scratch, 9.0).max(0.8 * glow(stain, 10.0)) } else { 0.0 }
    };
    AnomalyMap::from_vec(SIDE, SIDE, per_pixel(score))
}

fn mask(defect: bool) -> Vec<u8> {
    let pixel = |y: f32, x: f32| {
        let (scratch, stain) = distances(y, x);
        [if defect && (scratch < 1.5 || stain < 0.0) { 255 } else { 0 }; 3]
    };
    per_pixel(pixel).concat()
}

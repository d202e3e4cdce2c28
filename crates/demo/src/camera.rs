//! Takes a picture of a scene: samples, lens blur, exposure, sensor noise, eight bits.

use crate::colour::Colour;
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, point};

/// Width of every picture in pixels.
pub const WIDTH: usize = 320;
/// Height of every picture in pixels.
pub const HEIGHT: usize = 256;

/// What the camera looks at.
pub(crate) trait Scene {
    fn look(&self, p: Point) -> Sample;
}

/// The scene at one point.
pub(crate) struct Sample {
    pub(crate) colour: Colour,
    /// Whether the point belongs to the defect.
    pub(crate) is_defect: bool,
}

/// A picture with its ground truth.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    /// Red, green, blue of each pixel, row by row.
    pub(crate) rgb: Vec<u8>,
    /// 255 where the defect is, else 0.
    pub(crate) mask: Vec<u8>,
}

/// The settings that differ from picture to picture.
pub(crate) struct Camera {
    exposure: f64,
    white_balance: Colour,
    /// Share of a pixel's light that falls on each of its neighbours in a row or a column.
    blur: f64,
    /// Brightness change from the middle to the left and to the top edge.
    falloff: Point,
    /// Standard deviation of the sensor noise in grey levels.
    noise: f64,
    noise_seed: u64,
}

/// Four samples per pixel, on a turned grid: better on near-vertical edges than a straight one.
const SAMPLES: [Point; 4] =
    [point(0.375, 0.125), point(0.875, 0.375), point(0.125, 0.625), point(0.625, 0.875)];

impl Camera {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "camera");
        Self {
            exposure: rng.range(0.86, 1.14),
            white_balance: [1.0 + rng.around(0.025), 1.0, 1.0 + rng.around(0.025)],
            blur: rng.range(0.02, 0.12),
            falloff: point(rng.around(0.1), rng.around(0.1)),
            noise: rng.range(1.2, 2.2),
            noise_seed: rng.next_u64(),
        }
    }

    pub(crate) fn shoot(&self, scene: &impl Scene) -> Picture {
        let mut light = Vec::with_capacity(WIDTH * HEIGHT);
        let mut mask = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let samples = SAMPLES.map(|offset| scene.look(point(x as f64, y as f64).plus(offset)));
                let n_defect = samples.iter().filter(|sample| sample.is_defect).count();
                light.push([0, 1, 2].map(|i| samples.iter().map(|s| s.colour[i]).sum::<f64>() / 4.0));
                mask.push(if n_defect >= 2 { 255 } else { 0 });
            }
        }
        self.blur(&mut light);
        Picture { rgb: self.develop(&light), mask }
    }

    fn blur(&self, light: &mut [Colour]) {
        for row in light.chunks_exact_mut(WIDTH) {
            self.blur_line(row, 0, 1, WIDTH);
        }
        for x in 0..WIDTH {
            self.blur_line(light, x, WIDTH, HEIGHT);
        }
    }

    /// Blurs `n` pixels, `step` apart; edge pixels are repeated outwards.
    fn blur_line(&self, light: &mut [Colour], start: usize, step: usize, n: usize) {
        let mut before = light[start];
        for at in 0..n {
            let here = light[start + at * step];
            let after = light[start + (at + 1).min(n - 1) * step];
            for channel in 0..3 {
                light[start + at * step][channel] =
                    here[channel] + self.blur * (before[channel] + after[channel] - 2.0 * here[channel]);
            }
            before = here;
        }
    }

    fn develop(&self, light: &[Colour]) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(light.len() * 3);
        for (at, colour) in light.iter().enumerate() {
            let x = (at % WIDTH) as f64 / WIDTH as f64 - 0.5;
            let y = (at / WIDTH) as f64 / HEIGHT as f64 - 0.5;
            let level = self.exposure * (1.0 - 2.0 * (self.falloff.x * x + self.falloff.y * y));
            for (channel, (&light, &white)) in colour.iter().zip(&self.white_balance).enumerate() {
                // A square root stands in for the display curve: it needs no platform's `pow`.
                let grey = 255.0 * (light * white * level).max(0.0).sqrt();
                let noisy = grey + self.noise * self.gaussian(at, channel);
                rgb.push((noisy + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        rgb
    }

    /// Nearly normal: the sum of three uniform numbers has variance 1 when each spans 2.
    fn gaussian(&self, pixel: usize, channel: usize) -> f64 {
        (0..3).map(|n| noise::lattice(self.noise_seed, pixel as i64, (3 * channel + n) as i64)).sum()
    }
}

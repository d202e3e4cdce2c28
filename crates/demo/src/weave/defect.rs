//! What goes wrong with cloth, from a hole that nobody overlooks to a dye that few would notice.

use crate::camera::Sample;
use crate::colour::{Colour, blend, grey, times, tinted};
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, bump, point, smoothstep};

/// Redder, darker, greener.
const DYES: [Colour; 3] = [[1.9, 1.15, 0.75], [0.44, 0.48, 0.54], [1.15, 1.6, 0.9]];

/// One defect; places are in pixels (`middle`) or in threads from the middle of the picture.
pub(crate) enum WeaveDefect {
    /// Torn through, the table shows; loose ends at the rim.
    Hole { middle: Point, radius: f64, seed: u64 },
    /// Oil: darker and warmer, with a soft edge.
    Stain { middle: Point, radius: f64, strength: f64, seed: u64 },
    /// One weft thread has broken off over some length.
    MissingThread { row: f64, from: f64, to: f64 },
    /// One weft thread was caught and dragged sideways.
    PulledThread { row: f64, middle: f64, reach: f64, amount: f64 },
    /// A few neighbouring warp threads come from another batch of dye.
    WrongDye { from: i64, n: i64, dye: Colour },
}

impl WeaveDefect {
    /// Folder names; each is a name for [`WeaveDefect::new`].
    pub(crate) const NAMES: [&str; 5] = ["hole", "missing_thread", "pulled_thread", "stain", "wrong_dye"];

    /// The defect of that name; `index` counts through its variants, so that a few pictures show them all.
    pub(crate) fn new(name: &str, index: usize, seed: u64) -> Option<Self> {
        let mut rng = Rng::new(seed, name);
        let middle = point(rng.range(45.0, 275.0), rng.range(45.0, 211.0));
        let row = rng.range(-11.0, 11.0).floor();
        Some(match name {
            "hole" => Self::Hole { middle, radius: rng.range(13.0, 22.0), seed: rng.next_u64() },
            "missing_thread" => {
                let from = rng.range(-16.0, -2.0);
                Self::MissingThread { row, from, to: from + rng.range(9.0, 18.0) }
            }
            "pulled_thread" => Self::PulledThread {
                row,
                middle: rng.range(-11.0, 11.0),
                reach: rng.range(4.0, 7.0),
                amount: rng.range(0.6, 0.95) * rng.pick(&[-1.0, 1.0]),
            },
            "stain" => Self::Stain {
                middle,
                radius: rng.range(14.0, 28.0),
                strength: rng.range(0.4, 0.75),
                seed: rng.next_u64(),
            },
            "wrong_dye" => Self::WrongDye {
                from: rng.range(-16.0, 12.0) as i64,
                n: 3 + rng.below(3) as i64,
                dye: DYES[index % DYES.len()],
            },
            _ => return None,
        })
    }

    /// The tint of a warp thread.
    pub(super) fn dye(&self, index: i64) -> Colour {
        match self {
            Self::WrongDye { from, n, dye } if (*from..from + n).contains(&index) => *dye,
            _ => grey(1.0),
        }
    }

    /// Whether the weft is gone at a place in threads.
    pub(super) fn misses_weft(&self, at: Point) -> bool {
        match self {
            // The two ends are frayed: they lie at a slightly different length on each side of the thread.
            Self::MissingThread { row, from, to } => {
                at.y.floor() == *row && at.x > from + 0.6 * (at.y - row) && at.x < to - 0.5 * (at.y - row)
            }
            _ => false,
        }
    }

    /// How far, in threads, the cloth seen at a place was dragged.
    pub(super) fn shift(&self, at: Point) -> Point {
        match self {
            Self::PulledThread { row, middle, reach, amount } => {
                let along = bump((at.x - middle) / reach);
                let away = bump((at.y - row - 0.5) / 2.6);
                // The faint tails, which no mask could follow, are cut off.
                point(0.0, amount * (along * away - 0.1).max(0.0) / 0.9)
            }
            _ => point(0.0, 0.0),
        }
    }

    /// The cloth with what lies on it, or does not.
    pub(super) fn cover(&self, p: Point, at: Point, cloth: Colour) -> Sample {
        match self {
            Self::Hole { middle, radius, seed } => hole(p, at, cloth, (*middle, *radius, *seed)),
            Self::Stain { middle, radius, strength, seed } => {
                let inside = -blob(p, *middle, *radius, *seed);
                let wet = smoothstep(0.0, 7.0, inside);
                // Dirt gathers where the oil stopped.
                let rim = bump((inside - 4.0) / 4.0) * 0.25;
                let tint = blend(grey(1.0), [0.62, 0.5, 0.36], *strength * (wet + rim));
                Sample { colour: tinted(cloth, tint), is_defect: wet > 0.2 }
            }
            Self::MissingThread { .. } => Sample { colour: cloth, is_defect: self.misses_weft(at) },
            Self::PulledThread { .. } => {
                let tension = self.shift(at).y.abs();
                Sample { colour: times(cloth, 1.0 + 0.25 * tension), is_defect: tension > 0.02 }
            }
            Self::WrongDye { from, n, .. } => {
                let is_defect = (*from..from + n).contains(&(at.x.floor() as i64));
                Sample { colour: cloth, is_defect }
            }
        }
    }
}

fn hole(p: Point, at: Point, cloth: Colour, (middle, radius, seed): (Point, f64, u64)) -> Sample {
    let inside = -blob(p, middle, radius, seed);
    let table = times([0.035, 0.03, 0.028], 1.0 + 0.3 * noise::value(seed, p.x * 0.5, p.y * 0.5));
    // Each thread ends somewhere else.
    let ends = 2.5 + 2.5 * noise::lattice(seed, at.x.floor() as i64, at.y.floor() as i64);
    let torn = smoothstep(ends - 0.6, ends + 0.6, inside);
    // Ends that stick up catch the light, and throw a shadow on the table.
    let loose = cloth.map(|v| v * (1.0 + 0.35 * smoothstep(-2.0, 1.0, inside)));
    let shade = smoothstep(0.0, 9.0, inside);
    Sample { colour: blend(loose, times(table, 0.4 + 0.6 * shade), torn), is_defect: inside > -0.8 }
}

/// Signed distance, nearly, to an uneven disc.
fn blob(p: Point, middle: Point, radius: f64, seed: u64) -> f64 {
    let from = p.minus(middle);
    let uneven = noise::cloud(seed, p.x / radius, p.y / radius);
    point(from.x, from.y * 1.2).length() - radius * (1.0 + 0.45 * uneven)
}

//! The category `weave`: a 2/2 twill cloth filling the picture, as on an inspection table.
//!
//! A thread of the warp runs down, one of the weft runs across. In cloth coordinates a thread is 1 wide: the warp thread
//! `i` covers `i..i + 1` of `u`, the weft thread `j` covers `j..j + 1` of `v`. Which of them lies on top depends on
//! `(i + j) mod 4`, which gives the diagonal ribs.

mod defect;

pub(crate) use defect::WeaveDefect;

use crate::camera::{HEIGHT, Sample, Scene, WIDTH};
use crate::colour::{Colour, blend, times, tinted};
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, Turn, point, smoothstep};

const WARP: Colour = [0.10, 0.17, 0.30];
const WEFT: Colour = [0.52, 0.50, 0.44];
const GAP: Colour = [0.015, 0.018, 0.025];

/// One piece of cloth under the camera.
pub(crate) struct Weave {
    turn: Turn,
    /// Width of a thread in pixels.
    pitch: f64,
    phase: Point,
    /// The crossing at the middle of the picture in cloth coordinates; defects count threads from here.
    origin: Point,
    /// How far the threads wander, in threads.
    wander: f64,
    light: Point,
    warp: Colour,
    weft: Colour,
    seed: u64,
    defect: Option<WeaveDefect>,
}

impl Weave {
    pub(crate) fn new(seed: u64, defect: Option<WeaveDefect>) -> Self {
        let mut rng = Rng::new(seed, "cloth");
        let batch = |rng: &mut Rng, yarn: Colour| times(yarn, 1.0 + rng.around(0.05));
        let turn = Turn::degrees(rng.around(2.5));
        let pitch = 7.6 * (1.0 + rng.around(0.03));
        let phase = point(rng.range(0.0, 64.0), rng.range(0.0, 64.0));
        let middle = point(WIDTH as f64, HEIGHT as f64).times(0.5);
        let middle = middle.turned(turn).times(1.0 / pitch).plus(phase);
        Self {
            turn,
            pitch,
            phase,
            origin: point(middle.x.floor(), middle.y.floor()),
            wander: rng.range(0.15, 0.4),
            light: point(-1.0, -0.6).turned(Turn::degrees(rng.around(15.0))),
            warp: batch(&mut rng, WARP),
            weft: batch(&mut rng, WEFT),
            seed: rng.next_u64(),
            defect,
        }
    }

    /// From pixels to cloth coordinates.
    fn to_cloth(&self, p: Point) -> Point {
        let slow = p.times(1.0 / 70.0);
        let straight = p.turned(self.turn).times(1.0 / self.pitch).plus(self.phase);
        let wander = point(
            noise::value(self.seed, slow.x, slow.y),
            noise::value(self.seed.wrapping_add(1), slow.x, slow.y),
        );
        straight.plus(wander.times(self.wander))
    }

    /// The cloth at a place in cloth coordinates.
    fn cloth(&self, at: Point, weft_is_missing: bool) -> Colour {
        let (i, j) = (at.x.floor(), at.y.floor());
        let rib = (i as i64 + j as i64).rem_euclid(4);
        let warp_is_on_top = rib < 2;
        // Where along the two threads that it floats over, 0 to 2, a thread is seen.
        let (down, across) = (at.y - j + (rib % 2) as f64, at.x - i + (rib % 2) as f64);
        let warp = || self.yarn(Axis::Warp, i as i64, at.x - i, at.y, down);
        let weft = || self.yarn(Axis::Weft, j as i64, at.y - j, at.x, across);
        if weft_is_missing {
            // The warp alone lies slack over a dark gap.
            let slack = self.yarn(Axis::Warp, i as i64, at.x - i, at.y, 0.3);
            return blend(GAP, times(slack.colour, 0.8), slack.cover);
        }
        let top = if warp_is_on_top { warp() } else { weft() };
        if top.cover == 1.0 {
            return top.colour;
        }
        let below = if warp_is_on_top { weft() } else { warp() };
        let under = blend(GAP, times(below.colour, 0.35), below.cover);
        blend(under, top.colour, top.cover)
    }

    /// One thread seen from above: `side` runs across it, 0 to 1; `along` runs down its length; `float` from 0 to 2 over
    /// the part that lies on top.
    fn yarn(&self, axis: Axis, index: i64, side: f64, along: f64, float: f64) -> Yarn {
        let (dye, tilt, seed) = match axis {
            Axis::Warp => (self.warp_dye(index), self.light.x, self.seed.wrapping_add(2)),
            Axis::Weft => (self.weft, self.light.y, self.seed.wrapping_add(3)),
        };
        let width = 0.96 + 0.07 * noise::lattice(seed, index, 0);
        let from_middle = (2.0 * side - 1.0 + 0.08 * noise::lattice(seed, index, 1)) / width;
        let round = (1.0 - from_middle * from_middle).max(0.0);
        let arch = 1.0 - (float - 1.0) * (float - 1.0);
        // Twisted fibres run across the thread at a slant.
        let slant = along * 2.6 + side * 1.4 + noise::lattice(seed, index, 2) * 50.0;
        let fibre = noise::value(seed.wrapping_add(index as u64), slant, side * 3.0);
        let thickness = noise::value(seed.wrapping_add(17), along * 0.25, index as f64 * 9.7);
        let level = (0.42 + 0.36 * round + 0.3 * arch)
            * (1.0 + 0.28 * tilt * from_middle)
            * (1.0 + 0.16 * fibre + 0.07 * thickness + 0.06 * noise::lattice(seed, index, 3));
        Yarn { colour: times(dye, level), cover: smoothstep(0.02, 0.3, round) }
    }

    fn warp_dye(&self, index: i64) -> Colour {
        match &self.defect {
            Some(defect) => tinted(self.warp, defect.dye(index - self.origin.x as i64)),
            None => self.warp,
        }
    }
}

impl Scene for Weave {
    fn look(&self, p: Point) -> Sample {
        let at = self.to_cloth(p);
        match &self.defect {
            None => Sample { colour: self.cloth(at, false), is_defect: false },
            Some(defect) => {
                let from_middle = at.minus(self.origin);
                let shift = defect.shift(from_middle);
                let cloth = self.cloth(at.plus(shift), defect.misses_weft(from_middle));
                defect.cover(p, from_middle, cloth)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Axis {
    Warp,
    Weft,
}

struct Yarn {
    colour: Colour,
    /// How much of what lies below is hidden, 0 to 1.
    cover: f64,
}

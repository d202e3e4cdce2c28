//! The conveyor belt: dark rubber with ribs that have moved on in each picture.

use crate::colour::{Colour, blend, times};
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, bump, smoothstep};

const RUBBER: Colour = [0.030, 0.043, 0.040];
const DUST: Colour = [0.16, 0.15, 0.13];
const RIB: f64 = 16.0;

pub(super) struct Belt {
    travel: f64,
    skew: f64,
    wear: u64,
}

impl Belt {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "belt");
        Self { travel: rng.range(0.0, RIB), skew: rng.around(0.015), wear: rng.next_u64() }
    }

    /// The belt at a place in the picture; `shadow` is the distance to the part's shadow, negative inside.
    pub(super) fn colour(&self, p: Point, shadow: f64) -> Colour {
        let along = (p.x + self.skew * p.y + self.travel) / RIB;
        let from_rib = (along - along.floor() - 0.5) * RIB;
        let rib = 0.55 * bump((from_rib + 1.2) / 2.2) - 0.5 * bump((from_rib - 1.6) / 2.2);
        let worn = 0.22 * noise::cloud(self.wear, p.x / 24.0, p.y / 24.0);
        let grain = 0.16 * noise::value(self.wear, p.x * 0.9, p.y * 0.9);
        let speck = smoothstep(0.86, 0.97, noise::value(self.wear.wrapping_add(1), p.x * 0.33, p.y * 0.33));
        let rubber = times(RUBBER, 1.0 + rib + worn + grain);
        let lit = 0.35 + 0.65 * smoothstep(-4.0, 6.0, shadow);
        times(blend(rubber, DUST, 0.5 * speck), lit)
    }
}

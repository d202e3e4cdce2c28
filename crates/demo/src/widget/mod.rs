//! The category `widget`: a milled flange with a bore, a seal, four holes and a printed mark, on a conveyor belt.
//!
//! A point is looked up from the top down: bolt heads, then the part with all that is cut into it, then its shadow, then
//! the belt. Part coordinates are in pixels from the middle of the part, before it was placed and turned.

mod belt;
mod defect;
mod part;
mod print;

pub(crate) use defect::WidgetDefect;

use crate::camera::{HEIGHT, Sample, Scene, WIDTH};
use crate::rng::Rng;
use crate::shape::{Point, Turn, point};

use belt::Belt;
use part::Part;

/// One part under the camera.
pub(crate) struct Widget {
    middle: Point,
    turn: Turn,
    scale: f64,
    /// Towards the light, in the picture; longer means flatter light.
    light: Point,
    belt: Belt,
    part: Part,
    defect: Option<WidgetDefect>,
}

impl Widget {
    pub(crate) fn new(seed: u64, defect: Option<WidgetDefect>) -> Self {
        let mut rng = Rng::new(seed, "pose");
        let place = point(rng.around(9.0), rng.around(7.0));
        Self {
            middle: point(WIDTH as f64, HEIGHT as f64).times(0.5).plus(place),
            turn: Turn::degrees(rng.around(3.5)),
            scale: 1.0 + rng.around(0.012),
            light: point(-0.75, -0.65).turned(Turn::degrees(rng.around(18.0))),
            belt: Belt::new(seed),
            part: Part::new(seed),
            defect,
        }
    }

    fn to_part(&self, p: Point) -> Point {
        p.minus(self.middle).turned(self.turn.back()).times(1.0 / self.scale)
    }
}

impl Scene for Widget {
    fn look(&self, p: Point) -> Sample {
        let at = self.to_part(p);
        let defect = self.defect.as_ref();
        let light = self.light.turned(self.turn.back());
        let belt = || self.belt.colour(p, part::outline(at.plus(light.times(5.0))));
        let colour = self.part.colour(at, light, defect).unwrap_or_else(belt);
        let is_defect = defect.is_some_and(|defect| defect.covers(at));
        match defect {
            Some(defect) => Sample { colour: defect.cover(at, light, colour), is_defect },
            None => Sample { colour, is_defect },
        }
    }
}

//! The part itself: outline, milled face, bore, seal, holes and bolts.

use crate::colour::{Colour, blend, grey, times};
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, Turn, bump, hexagon, point, round_box, smoothstep};

use super::defect::WidgetDefect;
use super::print::Print;

const METAL: Colour = [0.33, 0.345, 0.36];
const STEEL: Colour = [0.17, 0.17, 0.18];
const SEAL: Colour = [0.018, 0.018, 0.02];
const INK: Colour = [0.02, 0.022, 0.05];

const BORE: f64 = 23.0;
const SEAL_MIDDLE: f64 = 36.5;
const SEAL_HALF: f64 = 4.2;
const TURNED: f64 = 49.0;
const BEVEL: f64 = 4.5;

/// Half of the size of the part.
pub(super) const HALF: Point = point(104.0, 80.0);
/// The two holes that stay open.
pub(super) const OPEN_HOLES: [Point; 2] = [point(-79.0, 55.0), point(79.0, -55.0)];
/// The two that hold a bolt.
const BOLTS: [Point; 2] = [point(-79.0, -55.0), point(79.0, 55.0)];
/// Radius of a hole with its countersink.
pub(super) const COUNTERSINK: f64 = 12.5;
const HOLE: f64 = 8.5;

/// Signed distance to the outline.
pub(super) fn outline(at: Point) -> f64 {
    round_box(at, HALF, 24.0)
}

/// Signed distance to the bare face: negative on metal that is neither edge, bore, seal, hole nor bolt.
pub(super) fn bare_face(at: Point) -> f64 {
    let holes = OPEN_HOLES.iter().chain(&BOLTS).map(|&hole| 16.0 - at.minus(hole).length());
    let inner = (TURNED + 1.0 - at.length()).max(outline(at) + BEVEL + 1.0);
    holes.fold(inner, f64::max)
}

/// What differs from part to part.
pub(super) struct Part {
    finish: u64,
    shine: f64,
    shine_at: f64,
    bolt_turns: [Turn; 2],
    print: Print,
}

impl Part {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "part");
        Self {
            finish: rng.next_u64(),
            shine: rng.range(0.25, 0.5),
            shine_at: rng.around(35.0),
            bolt_turns: [0, 1].map(|_| Turn::degrees(rng.around(30.0))),
            print: Print::new(seed),
        }
    }

    /// The part at a place in part coordinates, `None` beside it; `light` points towards the light.
    pub(super) fn colour(&self, at: Point, light: Point, defect: Option<&WidgetDefect>) -> Option<Colour> {
        if outline(at) > 0.0 || defect.is_some_and(|defect| defect.chip(at) < 0.0) {
            return None;
        }
        let cut = self.bolts(at, light).or_else(|| holes(at, light, defect)).or_else(|| middle(at, light));
        Some(cut.unwrap_or_else(|| {
            let ink = defect.map_or_else(|| self.print.ink(at), |defect| defect.ink(&self.print, at));
            blend(self.face(at, light), INK, ink)
        }))
    }

    fn bolts(&self, at: Point, light: Point) -> Option<Colour> {
        BOLTS.iter().zip(&self.bolt_turns).find_map(|(&bolt, &turn)| bolt_colour(at.minus(bolt), turn, light))
    }

    /// Milled metal: streaks along the part, rings around the bore, a bevel at the edges.
    fn face(&self, at: Point, light: Point) -> Colour {
        let radius = at.length();
        let ring = smoothstep(TURNED + 0.7, TURNED - 0.7, radius);
        let streaks = 0.09 * noise::value(self.finish, at.x * 0.015, at.y * 1.1)
            + 0.05 * noise::value(self.finish.wrapping_add(1), at.x * 0.05, at.y * 0.45);
        // The turned ring shines in two wedges, towards the light and away from it.
        let facing = at.unit().dot(light.unit());
        let rings = 0.06 * noise::value(self.finish.wrapping_add(2), radius * 1.3, 0.0)
            + 0.4 * facing * facing * facing * facing
            - 0.12;
        let shine = self.shine * bump((at.dot(light.unit()) - self.shine_at) / 90.0);
        let texture = 1.0 + shine + streaks * (1.0 - ring) + rings * ring;
        let edge = smoothstep(-BEVEL - 0.8, -BEVEL, outline(at));
        let outer = if edge > 0.0 { 1.0 + 0.55 * edge * outline_slope(at, light) } else { 1.0 };
        let rim = smoothstep(BORE + 3.4, BORE + 2.6, radius);
        let inner = 1.0 - 0.5 * at.unit().dot(light) * rim;
        let step = 1.0 - 0.25 * bump((radius - TURNED) / 1.3);
        let seal = (radius - SEAL_MIDDLE).abs() - SEAL_HALF;
        let groove = 0.55 + 0.45 * smoothstep(0.0, 1.6, seal);
        times(METAL, texture * outer * inner * step * groove)
    }
}

/// How much the bevel around the part faces the light, about -1 to 1.
fn outline_slope(at: Point, light: Point) -> f64 {
    const STEP: f64 = 0.5;
    let dx = outline(at.plus(point(STEP, 0.0))) - outline(at.minus(point(STEP, 0.0)));
    let dy = outline(at.plus(point(0.0, STEP))) - outline(at.minus(point(0.0, STEP)));
    point(dx, dy).dot(light)
}

/// The open holes, unless the defect is that one was not drilled.
fn holes(at: Point, light: Point, defect: Option<&WidgetDefect>) -> Option<Colour> {
    let is_hit = |hole: &&Point| {
        at.minus(**hole).length() < COUNTERSINK && !defect.is_some_and(|defect| defect.fills_hole(**hole))
    };
    OPEN_HOLES.iter().find(is_hit).map(|&hole| hole_colour(at.minus(hole), light))
}

/// The bore, and the seal around it.
fn middle(at: Point, light: Point) -> Option<Colour> {
    let radius = at.length();
    if radius < BORE {
        Some(bore_colour(at, light))
    } else if (radius - SEAL_MIDDLE).abs() < SEAL_HALF {
        Some(seal_colour(at, light))
    } else {
        None
    }
}

fn hole_colour(from: Point, light: Point) -> Colour {
    let radius = from.length();
    if radius > HOLE {
        // A cone that falls inwards faces the light on the far side.
        return times(METAL, 0.75 - 0.6 * from.unit().dot(light));
    }
    let wall = smoothstep(HOLE - 3.0, HOLE, radius) * (-from.unit().dot(light)).max(0.0);
    times(grey(0.012), 1.0 + 9.0 * wall)
}

fn bore_colour(at: Point, light: Point) -> Colour {
    let depth = BORE - at.length();
    let wall = smoothstep(6.0, 0.0, depth) * (-at.unit().dot(light)).max(0.0);
    blend(grey(0.010), times(METAL, 0.55), wall)
}

fn seal_colour(at: Point, light: Point) -> Colour {
    let across = (at.length() - SEAL_MIDDLE) / SEAL_HALF;
    let facing = at.unit().dot(light) * across;
    let gloss = bump((facing - 0.35) / 0.5) * 3.2;
    times(SEAL, (1.3 - across * across + gloss).max(0.2))
}

/// A hexagon head on a washer; `None` beside it.
fn bolt_colour(from: Point, turn: Turn, light: Point) -> Option<Colour> {
    let radius = from.length();
    if radius > 14.5 {
        return None;
    }
    let turned = from.turned(turn);
    let head = hexagon(turned, 9.5);
    if head > 0.0 {
        let shadow = smoothstep(-0.5, 3.0, hexagon(turned.plus(light.turned(turn).times(2.2)), 9.5));
        let rim = 1.0 + 0.45 * from.unit().dot(light) * smoothstep(12.6, 13.6, radius);
        return Some(times(METAL, 1.05 * rim * (0.45 + 0.55 * shadow)));
    }
    let edge = smoothstep(-2.4, -1.6, head);
    let dimple = smoothstep(4.6, 3.4, radius);
    let level = 1.0 + 0.6 * from.unit().dot(light) * (edge - dimple);
    Some(times(STEEL, level * (1.0 + 0.25 * from.dot(light) / 10.0)))
}

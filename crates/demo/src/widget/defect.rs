//! What goes wrong with the part, from a hole that was never drilled to a dent that only its shading shows.

use crate::colour::{Colour, blend, grey, times};
use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, Turn, bump, point, round_box, segment, smoothstep};

use super::part::{self, COUNTERSINK, OPEN_HOLES};
use super::print::{self, Print};

/// Oil-soaked dust, swarf, rust.
const DIRT: [Colour; 3] = [[0.09, 0.05, 0.025], [0.03, 0.03, 0.035], [0.30, 0.17, 0.06]];

/// One defect; places are in part coordinates.
pub(crate) enum WidgetDefect {
    /// A piece broke out of the edge.
    ChippedEdge { middle: Point, radius: f64, seed: u64 },
    /// Something lies on the part.
    Contamination { middle: Point, radius: f64, colour: Colour, seed: u64 },
    /// The face was pressed in.
    Dent { middle: Point, radius: f64, depth: f64 },
    /// One of the open holes was not drilled.
    MissingHole { hole: Point },
    /// The mark is wrong.
    Misprint(Misprint),
    /// A thin line, tapered to both ends, in two pieces.
    Scratch { ends: [Point; 3], width: f64, seed: u64 },
}

/// How a mark goes wrong.
pub(crate) enum Misprint {
    /// The last letters are missing.
    CutOff { from: f64 },
    /// It sits in the wrong place.
    Shifted { by: Point, turn: Turn },
    /// It was wiped before it was dry.
    Smeared { by: f64 },
}

impl WidgetDefect {
    /// Folder names; each is a name for [`WidgetDefect::new`].
    pub(crate) const NAMES: [&str; 6] =
        ["chipped_edge", "contamination", "dent", "misprint", "missing_hole", "scratch"];

    /// The defect of that name; `index` counts through its variants, so that a few pictures show them all.
    pub(crate) fn new(name: &str, index: usize, seed: u64) -> Option<Self> {
        let mut rng = Rng::new(seed, name);
        Some(match name {
            "chipped_edge" => {
                let middle = edge_point(&mut rng);
                Self::ChippedEdge { middle, radius: rng.range(7.0, 12.0), seed: rng.next_u64() }
            }
            "contamination" => Self::Contamination {
                middle: face_point(&mut rng, 6.0),
                radius: rng.range(3.0, 6.5),
                colour: DIRT[index % DIRT.len()],
                seed: rng.next_u64(),
            },
            "dent" => Self::Dent {
                middle: face_point(&mut rng, 12.0),
                radius: rng.range(10.0, 15.0),
                depth: rng.range(0.26, 0.42),
            },
            "misprint" => Self::Misprint(match index % 3 {
                0 => Misprint::CutOff { from: 14.0 * rng.range(2.0, 5.0).floor() },
                1 => Misprint::Shifted {
                    by: point(rng.around(9.0), rng.range(-4.0, 2.0)),
                    turn: Turn::degrees(rng.range(4.0, 8.0) * rng.pick(&[-1.0, 1.0])),
                },
                _ => Misprint::Smeared { by: rng.range(7.0, 12.0) },
            }),
            "missing_hole" => Self::MissingHole { hole: OPEN_HOLES[index % OPEN_HOLES.len()] },
            "scratch" => {
                let middle = face_point(&mut rng, 8.0);
                let reach = point(rng.range(16.0, 34.0), 0.0).turned(Turn::degrees(rng.around(180.0)));
                let bend = Turn::degrees(rng.around(25.0));
                Self::Scratch {
                    ends: [middle.minus(reach), middle, middle.plus(reach.turned(bend))],
                    width: rng.range(0.8, 1.25),
                    seed: rng.next_u64(),
                }
            }
            _ => return None,
        })
    }

    /// Signed distance to a piece that is gone.
    pub(super) fn chip(&self, at: Point) -> f64 {
        match self {
            Self::ChippedEdge { middle, radius, seed } => uneven(at, *middle, *radius, *seed),
            _ => f64::INFINITY,
        }
    }

    pub(super) fn fills_hole(&self, place: Point) -> bool {
        matches!(self, Self::MissingHole { hole } if *hole == place)
    }

    /// The ink at a place, in place of [`Print::ink`].
    pub(super) fn ink(&self, print: &Print, at: Point) -> f64 {
        let Self::Misprint(misprint) = self else { return print.ink(at) };
        match misprint {
            Misprint::CutOff { from } => {
                if at.x < print::MIDDLE.x - print::HALF.x + from {
                    print.ink(at)
                } else {
                    0.0
                }
            }
            Misprint::Shifted { by, turn } => print.ink(straightened(at, *by, *turn)),
            Misprint::Smeared { by } => {
                let trail = (1..=8).map(|n| {
                    let share = f64::from(n) / 8.0;
                    print.ink(at.minus(point(by * share, 1.5 * share))) * (1.0 - share)
                });
                0.55 * print.ink(at) + 0.22 * trail.sum::<f64>().min(2.2)
            }
        }
    }

    /// The part with what the defect adds on top of it.
    pub(super) fn cover(&self, at: Point, light: Point, colour: Colour) -> Colour {
        match self {
            Self::ChippedEdge { seed, .. } => {
                let broken = if part::outline(at) < 0.0 { self.chip(at) } else { f64::INFINITY };
                let rough = grey(0.34 + 0.2 * noise::value(*seed, at.x * 0.8, at.y * 0.8));
                let is_rim = (0.0..3.0).contains(&broken);
                if is_rim { rough } else { colour }
            }
            Self::Contamination { middle, radius, colour: dirt, seed } => {
                let body = uneven(at, *middle, *radius, *seed);
                let shadow = uneven(at.plus(light.times(2.2)), *middle, *radius, *seed);
                let shaded = times(colour, 0.5 + 0.5 * smoothstep(-1.5, 1.5, shadow));
                let bulge = 1.0 + 0.6 * at.minus(*middle).dot(light) / radius;
                let grain = 1.0 + 0.3 * noise::value(*seed, at.x * 0.7, at.y * 0.7);
                if body < 0.0 { times(*dirt, bulge * grain) } else { shaded }
            }
            Self::Dent { middle, radius, depth } => {
                let from = at.minus(*middle).times(1.0 / radius);
                // A bowl that is steepest half way out, and flat in the middle and at the rim.
                let steep = 3.5 * from.length() * bump(from.length());
                times(colour, 1.0 - depth * steep * from.unit().dot(light))
            }
            Self::Scratch { seed, .. } => {
                let depth = self.scratch_depth(at);
                let torn = 0.75 + 0.25 * noise::value(*seed, at.x * 0.5, at.y * 0.5);
                // A burr catches the light beside a groove that does not.
                let groove = blend(colour, grey(0.62), smoothstep(-1.0, 0.0, depth) * torn);
                let dark = self.scratch_depth(at.plus(light.times(1.3)));
                if depth > -1.0 { groove } else { times(colour, 1.0 - 0.35 * smoothstep(-1.0, 0.0, dark)) }
            }
            Self::MissingHole { .. } | Self::Misprint(_) => colour,
        }
    }

    /// Whether a place belongs to the ground truth.
    pub(super) fn covers(&self, at: Point) -> bool {
        match self {
            Self::ChippedEdge { .. } => self.chip(at) < 3.0 && part::outline(at) < 0.0,
            Self::Contamination { middle, radius, seed, .. } => uneven(at, *middle, *radius, *seed) < 0.8,
            Self::Dent { middle, radius, .. } => at.minus(*middle).length() < 0.9 * radius,
            Self::MissingHole { hole } => at.minus(*hole).length() < COUNTERSINK,
            Self::Misprint(misprint) => misprint.covers(at),
            Self::Scratch { .. } => self.scratch_depth(at) > -1.15 && part::outline(at) < 0.0,
        }
    }

    /// From 0 in the middle of the scratch down to -1 at its edge, -2 a pixel beside it.
    fn scratch_depth(&self, at: Point) -> f64 {
        let Self::Scratch { ends: [a, b, c], width, .. } = self else { return f64::NEG_INFINITY };
        let (first, second) = (segment(at, *a, *b), segment(at, *b, *c));
        let (distance, from_middle) =
            if first.0 < second.0 { (first.0, 1.0 - first.1) } else { (second.0, second.1) };
        -distance / (width * (1.0 - 0.6 * from_middle * from_middle))
    }
}

impl Misprint {
    fn covers(&self, at: Point) -> bool {
        let from = at.minus(print::MIDDLE);
        let boxed = |from: Point, half: Point| round_box(from, half, 1.0) < 0.0;
        match self {
            Self::CutOff { from: cut } => boxed(from, print::HALF) && from.x > cut - print::HALF.x,
            Self::Shifted { by, turn } => {
                let moved = straightened(at, *by, *turn).minus(print::MIDDLE);
                boxed(from, print::HALF) || boxed(moved, print::HALF)
            }
            Self::Smeared { by } => {
                let half = point(by / 2.0, 0.75);
                boxed(from.minus(half), print::HALF.plus(half))
            }
        }
    }
}

/// Where a place of the shifted mark would be in the right one.
fn straightened(at: Point, by: Point, turn: Turn) -> Point {
    at.minus(print::MIDDLE).minus(by).turned(turn.back()).plus(print::MIDDLE)
}

/// Signed distance, nearly, to an uneven disc.
fn uneven(at: Point, middle: Point, radius: f64, seed: u64) -> f64 {
    let noise = noise::cloud(seed, at.x / radius, at.y / radius);
    at.minus(middle).length() - radius * (1.0 + 0.4 * noise)
}

/// A place on the straight part of the outline.
fn edge_point(rng: &mut Rng) -> Point {
    let (x, y) = (part::HALF.x, part::HALF.y);
    match rng.below(4) {
        0 => point(rng.around(x - 28.0), -y),
        1 => point(rng.around(x - 28.0), y),
        2 => point(-x, rng.around(y - 28.0)),
        _ => point(x, rng.around(y - 28.0)),
    }
}

/// A place on the bare face, at least `margin` from whatever limits it and off the mark.
fn face_point(rng: &mut Rng, margin: f64) -> Point {
    let is_free = |at: Point| {
        part::bare_face(at) < -margin && round_box(at.minus(print::MIDDLE), print::HALF, 1.0) > margin
    };
    let mut tries = (0..200).map(|_| point(rng.around(part::HALF.x), rng.around(part::HALF.y)));
    tries.find(|&at| is_free(at)).unwrap_or(point(0.0, -64.0))
}

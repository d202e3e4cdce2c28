//! Plane geometry in pixels: signed distances, negative inside; `x` to the right, `y` down.
//!
//! Only additions, products, divisions and square roots are used, which every machine rounds alike.

/// A point or a direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

pub(crate) const fn point(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    pub(crate) fn minus(self, other: Self) -> Self {
        point(self.x - other.x, self.y - other.y)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        point(self.x + other.x, self.y + other.y)
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        point(self.x * factor, self.y * factor)
    }

    pub(crate) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    pub(crate) fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1; near the origin, a shorter one.
    pub(crate) fn unit(self) -> Self {
        self.times(1.0 / self.length().max(1e-6))
    }

    /// Turned by a [`Turn`].
    pub(crate) fn turned(self, turn: Turn) -> Self {
        point(turn.cos * self.x - turn.sin * self.y, turn.sin * self.x + turn.cos * self.y)
    }
}

/// A rotation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    cos: f64,
    sin: f64,
}

impl Turn {
    /// By an angle of at most a half turn, from `x` towards `y`.
    pub(crate) fn degrees(angle: f64) -> Self {
        // Taylor series instead of the system's functions, whose last bit differs between machines.
        let a = angle * (std::f64::consts::PI / 180.0);
        let (mut cos, mut sin, mut term) = (0.0, 0.0, 1.0);
        for n in 0..26 {
            match n % 4 {
                0 => cos += term,
                1 => sin += term,
                2 => cos -= term,
                _ => sin -= term,
            }
            term *= a / f64::from(n + 1);
        }
        Self { cos, sin }
    }

    pub(crate) fn back(self) -> Self {
        Self { cos: self.cos, sin: -self.sin }
    }
}

/// From 0 below `low` to 1 above `high`, smoothly.
pub(crate) fn smoothstep(low: f64, high: f64, x: f64) -> f64 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 1 at the middle, 0 from distance 1 on, smoothly.
pub(crate) fn bump(distance: f64) -> f64 {
    let rest = 1.0 - (distance * distance).min(1.0);
    rest * rest
}

/// A rectangle around the origin with round corners.
pub(crate) fn round_box(p: Point, half: Point, radius: f64) -> f64 {
    let q = point(p.x.abs() - half.x + radius, p.y.abs() - half.y + radius);
    point(q.x.max(0.0), q.y.max(0.0)).length() + q.x.max(q.y).min(0.0) - radius
}

/// A hexagon around the origin whose sides lie `radius` away.
pub(crate) fn hexagon(p: Point, radius: f64) -> f64 {
    const HALF_SQRT_3: f64 = 0.866_025_403_784_438_6;
    let (x, y) = (p.x.abs(), p.y.abs());
    (HALF_SQRT_3 * x + 0.5 * y).max(y) - radius
}

/// Distance to a line segment, and how far along it, from 0 to 1, the nearest point lies.
pub(crate) fn segment(p: Point, a: Point, b: Point) -> (f64, f64) {
    let (from_a, along) = (p.minus(a), b.minus(a));
    let t = (from_a.dot(along) / along.dot(along)).clamp(0.0, 1.0);
    (from_a.minus(along.times(t)).length(), t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_agree_with_the_library() {
        for degrees in [-180.0f64, -31.0, 0.0, 0.5, 90.0, 180.0] {
            let turned = point(1.0, 0.0).turned(Turn::degrees(degrees));
            let angle = degrees.to_radians();
            assert!((turned.x - angle.cos()).abs() < 1e-12 && (turned.y - angle.sin()).abs() < 1e-12);
        }
    }

    #[test]
    fn distances_by_hand() {
        assert_eq!(round_box(point(13.0, 0.0), point(10.0, 5.0), 2.0), 3.0);
        assert_eq!(round_box(point(0.0, 4.0), point(10.0, 5.0), 2.0), -1.0);
        assert_eq!(hexagon(point(0.0, 7.0), 5.0), 2.0);
        assert_eq!(segment(point(2.0, 3.0), point(0.0, 0.0), point(4.0, 0.0)), (3.0, 0.5));
    }
}

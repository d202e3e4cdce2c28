//! Colours as linear light, 0 to 1.

/// Red, green, blue.
pub(crate) type Colour = [f64; 3];

pub(crate) fn times(colour: Colour, factor: f64) -> Colour {
    colour.map(|v| v * factor)
}

pub(crate) fn tinted(colour: Colour, by: Colour) -> Colour {
    [colour[0] * by[0], colour[1] * by[1], colour[2] * by[2]]
}

/// `from` at 0, `to` at 1.
pub(crate) fn blend(from: Colour, to: Colour, amount: f64) -> Colour {
    let part = |i: usize| from[i] + (to[i] - from[i]) * amount;
    [part(0), part(1), part(2)]
}

pub(crate) fn grey(level: f64) -> Colour {
    [level; 3]
}

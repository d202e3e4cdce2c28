//! The outer outline of connected pixels.

/// Where the outline is headed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    Right,
    Down,
    Left,
    Up,
}

use Heading::{Down, Left, Right, Up};

impl Heading {
    fn turned_right(self) -> Self {
        match self {
            Right => Down,
            Down => Left,
            Left => Up,
            Up => Right,
        }
    }

    fn turned_left(self) -> Self {
        self.turned_right().turned_right().turned_right()
    }

    fn step(self, [x, y]: [usize; 2]) -> [usize; 2] {
        match self {
            Right => [x + 1, y],
            Down => [x, y + 1],
            Left => [x - 1, y],
            Up => [x, y - 1],
        }
    }

    /// The pixels ahead of a corner, to the left and to the right of the line; `None` above or left of all pixels.
    fn ahead(self, [x, y]: [usize; 2]) -> [Option<[usize; 2]>; 2] {
        let (left, above) = (x.checked_sub(1), y.checked_sub(1));
        let pixel = |x: Option<usize>, y: Option<usize>| Some([x?, y?]);
        let (upper_left, upper_right) = (pixel(left, above), pixel(Some(x), above));
        let (lower_left, lower_right) = (pixel(left, Some(y)), pixel(Some(x), Some(y)));
        match self {
            Right => [upper_right, lower_right],
            Down => [lower_right, lower_left],
            Left => [lower_left, upper_left],
            Up => [upper_left, upper_right],
        }
    }
}

/// Walks around the pixels that are `inside` a grid `[h, w]`, which touch each other, corners included: clockwise along
/// their edges, with the pixels at the right hand, from the upper left corner of the first one. Gives the corners `[x, y]`
/// at which it turns.
pub(crate) fn outline(inside: &[bool], [_, w]: [usize; 2]) -> Vec<[usize; 2]> {
    let Some(first) = inside.iter().position(|&pixel| pixel) else { return Vec::new() };
    let is_inside =
        |pixel: Option<[usize; 2]>| pixel.is_some_and(|[x, y]| x < w && inside.get(y * w + x) == Some(&true));
    let start = ([first % w, first / w], Right);
    let (mut place, mut heading) = start;
    let mut corners = vec![place];
    loop {
        place = heading.step(place);
        let [left, right] = heading.ahead(place);
        let turned = if is_inside(left) {
            heading.turned_left()
        } else if is_inside(right) {
            heading
        } else {
            heading.turned_right()
        };
        if (place, turned) == start {
            return corners;
        }
        if turned != heading {
            corners.push(place);
        }
        heading = turned;
    }
}

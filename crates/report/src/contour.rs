//! The line around what reaches a threshold.

use patchcore_tensor::AnomalyMap;

/// What the contour does to a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing.
    None,
    /// The line itself: the outermost pixels at or above the threshold.
    Core,
    /// The pixels just outside it, darkened so that the line shows on any ground.
    Rim,
}

/// Per pixel, row by row: the contour of `score >= threshold`.
///
/// The line lies inside the region and is closed by the picture's edge. Its width is one pixel, and one more
/// for every 512 pixels of the picture's shorter side.
pub(crate) fn contour(map: &AnomalyMap, threshold: f32) -> Vec<Line> {
    let (height, width) = (map.height(), map.width());
    let line_width = 1 + height.min(width) / 512;
    let region: Vec<bool> = map.data().iter().map(|&score| score >= threshold).collect();

    let mut core = region.clone();
    for _ in 0..line_width {
        core = shrunk(&core, height, width);
    }
    let outside: Vec<bool> = region.iter().map(|&inside| !inside).collect();
    let far_outside = shrunk_keeping_edge(&outside, height, width);

    (0..region.len())
        .map(|p| match (region[p], core[p], far_outside[p]) {
            (true, false, _) => Line::Core,
            (false, _, false) => Line::Rim,
            _ => Line::None,
        })
        .collect()
}

/// The pixels whose four neighbours all belong; beyond the picture's edge nothing does.
fn shrunk(mask: &[bool], height: usize, width: usize) -> Vec<bool> {
    keep_where_neighbours(mask, height, width, false)
}

/// The same, where beyond the edge everything belongs.
fn shrunk_keeping_edge(mask: &[bool], height: usize, width: usize) -> Vec<bool> {
    keep_where_neighbours(mask, height, width, true)
}

fn keep_where_neighbours(mask: &[bool], height: usize, width: usize, beyond: bool) -> Vec<bool> {
    let at = |y: Option<usize>, x: Option<usize>| match (y, x) {
        (Some(y), Some(x)) if y < height && x < width => mask[y * width + x],
        _ => beyond,
    };
    let mut kept = Vec::with_capacity(mask.len());
    for y in 0..height {
        for x in 0..width {
            kept.push(
                mask[y * width + x]
                    && at(y.checked_sub(1), Some(x))
                    && at(Some(y + 1), Some(x))
                    && at(Some(y), x.checked_sub(1))
                    && at(Some(y), Some(x + 1)),
            );
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[&str]) -> String {
        let scores = rows.concat().chars().map(|c| f32::from(u8::from(c == '#'))).collect();
        let map = AnomalyMap::from_vec(rows.len(), rows[0].len(), scores).unwrap();
        contour(&map, 1.0)
            .chunks(rows[0].len())
            .map(|row| {
                row.iter()
                    .map(|line| match line {
                        Line::None => ' ',
                        Line::Core => 'o',
                        Line::Rim => '.',
                    })
                    .collect::<String>()
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_line_inside_and_a_rim_outside() {
        let got = drawn(&["       ", "  ###  ", "  ###  ", "  ###  ", "       "]);
        assert_eq!(got, ["  ...  ", " .ooo. ", " .o o. ", " .ooo. ", "  ...  "].join("\n"));
    }

    #[test]
    fn the_edge_closes_the_line() {
        let got = drawn(&["### ", "### ", "### "]);
        assert_eq!(got, ["ooo.", "o o.", "ooo."].join("\n"));
        assert_eq!(drawn(&["   ", "   "]), "   \n   ");
    }
}

//! Connected regions of a mask.

/// Which pixels touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// Pixels that share an edge.
    Four,
    /// Pixels that share an edge or a corner, as in the MVTec evaluation.
    #[default]
    Eight,
}

/// The regions of one mask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Components {
    /// Per pixel, row by row: 0 outside the mask, else the number of its region, from 1.
    pub labels: Vec<u32>,
    /// Pixels per region; region `k` stands at `k - 1`.
    pub areas: Vec<u32>,
}

impl Components {
    /// Number of regions.
    pub fn count(&self) -> usize {
        self.areas.len()
    }
}

/// Numbers the connected regions of a mask in the order in which their first pixels come, row by row.
///
/// `mask` holds `height * width` pixels, row by row. An empty mask has no regions.
///
/// # Panics
///
/// If the length is not `height * width`, or that is above `u32::MAX`.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Connectivity, components};
/// let mask = [true, false, //
///             false, true];
/// assert_eq!(components(&mask, 2, 2, Connectivity::Eight).labels, [1, 0, 0, 1]);
/// assert_eq!(components(&mask, 2, 2, Connectivity::Four).labels, [1, 0, 0, 2]);
/// ```
pub fn components(mask: &[bool], height: usize, width: usize, connectivity: Connectivity) -> Components {
    assert_eq!(
        Some(mask.len()),
        height.checked_mul(width),
        "{} pixels are no {height}x{width} mask",
        mask.len()
    );
    assert!(u32::try_from(mask.len()).is_ok(), "a mask of {} pixels is too large", mask.len());

    let mut found = Components { labels: vec![0; mask.len()], areas: Vec::new() };
    let mut to_visit = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || found.labels[start] != 0 {
            continue;
        }
        let label = found.areas.len() as u32 + 1;
        let mut area = 0;
        found.labels[start] = label;
        to_visit.push(start);
        while let Some(pixel) = to_visit.pop() {
            area += 1;
            for neighbour in neighbours(pixel, height, width, connectivity) {
                if mask[neighbour] && found.labels[neighbour] == 0 {
                    found.labels[neighbour] = label;
                    to_visit.push(neighbour);
                }
            }
        }
        found.areas.push(area);
    }
    found
}

/// The pixels that touch `pixel`, itself included where it does no harm.
fn neighbours(
    pixel: usize,
    height: usize,
    width: usize,
    connectivity: Connectivity,
) -> impl Iterator<Item = usize> {
    let (y, x) = (pixel / width, pixel % width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |row| (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| (row, column)))
        .filter(move |&(row, column)| connectivity == Connectivity::Eight || row == y || column == x)
        .map(move |(row, column)| row * width + column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &[&str]) -> (Vec<bool>, usize, usize) {
        (rows.concat().chars().map(|c| c == '#').collect(), rows.len(), rows[0].len())
    }

    #[test]
    fn regions_are_numbered_by_their_first_pixel() {
        let (mask, h, w) = picture(&["..#.#", "#...#", "##.#.", "....."]);
        let eight = components(&mask, h, w, Connectivity::Eight);
        assert_eq!(eight.labels, [0, 0, 1, 0, 2, 3, 0, 0, 0, 2, 3, 3, 0, 2, 0, 0, 0, 0, 0, 0]);
        assert_eq!(eight.areas, [1, 3, 3]);
        let four = components(&mask, h, w, Connectivity::Four);
        assert_eq!(four.areas, [1, 2, 3, 1]);
        assert_eq!(four.count(), 4);
    }

    #[test]
    fn rows_do_not_wrap() {
        let (mask, h, w) = picture(&["..#", "#.."]);
        assert_eq!(components(&mask, h, w, Connectivity::Eight).areas, [1, 1]);
    }

    #[test]
    fn a_u_shape_is_one_region() {
        let (mask, h, w) = picture(&["#.#", "#.#", "###"]);
        assert_eq!(components(&mask, h, w, Connectivity::Four).areas, [7]);
    }

    #[test]
    fn nothing_and_everything() {
        assert_eq!(components(&[], 0, 5, Connectivity::Eight), Components::default());
        assert_eq!(components(&[false; 6], 2, 3, Connectivity::Eight).count(), 0);
        assert_eq!(components(&[true; 6], 2, 3, Connectivity::Four).areas, [6]);
    }
}

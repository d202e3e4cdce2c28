//! The quality gate: what no working camera sends.

use crate::error::DecodeError;
use crate::picture::Picture;

/// A channel shows nothing if so many of its values ...
const SHARE: f64 = 0.999;
/// ... lie within so many levels.
const FLAT: usize = 8;
/// A row or column is dead if its values span no more levels than this ...
const DEAD: u8 = 2;
/// ... where its neighbours' span at least so many ...
const ALIVE: u8 = 8;
/// ... and differ from it in such a share of their pixels.
const APART: f64 = 0.75;
/// So many dead ones side by side; more are a background.
const BAND: usize = 4;
/// A picture with fewer rows or columns is too small to tell.
const LEAST: usize = 16;

/// Refuses a picture that shows nothing, or that has dead rows or columns.
pub(crate) fn check(picture: &Picture) -> Result<(), DecodeError> {
    let found = flat(picture).or_else(|| dead_line(picture));
    found.map_or(Ok(()), |what| Err(DecodeError::Quality { what }))
}

/// What a picture without contrast looks like.
fn flat(picture: &Picture) -> Option<String> {
    let mut counts = [[0usize; 256]; 3];
    for pixel in picture.rgb().as_chunks::<3>().0 {
        for (counts, &value) in counts.iter_mut().zip(pixel) {
            counts[usize::from(value)] += 1;
        }
    }
    let enough = (SHARE * (picture.width() * picture.height()) as f64).ceil() as usize;
    let levels: Vec<usize> = counts.iter().filter_map(|counts| narrow(counts, enough)).collect();
    let [red, green, blue] = levels[..] else { return None };
    Some(match (red.min(green).min(blue), red.max(green).max(blue)) {
        (_, 0) => "the picture is black".into(),
        (lowest, _) if lowest + FLAT > 255 => "the picture is white".into(),
        _ => format!("the picture shows nothing: it is about {red}, {green}, {blue} everywhere"),
    })
}

/// The first level of the first stretch of levels that holds enough of the values.
fn narrow(counts: &[usize; 256], enough: usize) -> Option<usize> {
    (0..=256 - FLAT).find(|&level| counts[level..level + FLAT].iter().sum::<usize>() >= enough)
}

/// The first dead row or column.
fn dead_line(picture: &Picture) -> Option<String> {
    let (width, height) = (picture.width(), picture.height());
    let pixels = picture.rgb().as_chunks::<3>().0;
    let mut rows = vec![Span::NONE; height];
    let mut columns = vec![Span::NONE; width];
    for (row, pixels) in rows.iter_mut().zip(pixels.chunks_exact(width)) {
        for (column, pixel) in columns.iter_mut().zip(pixels) {
            row.see(*pixel);
            column.see(*pixel);
        }
    }
    let row = dead(&rows, width, |y, x| pixels[y * width + x]).map(|y| format!("row {y} is dead"));
    row.or_else(|| {
        dead(&columns, height, |x, y| pixels[y * width + x]).map(|x| format!("column {x} is dead"))
    })
}

/// The lowest and highest value of each channel in a row or column.
#[derive(Clone, Copy)]
struct Span {
    low: [u8; 3],
    high: [u8; 3],
}

impl Span {
    const NONE: Self = Self { low: [255; 3], high: [0; 3] };

    fn see(&mut self, pixel: [u8; 3]) {
        for (c, value) in pixel.into_iter().enumerate() {
            self.low[c] = self.low[c].min(value);
            self.high[c] = self.high[c].max(value);
        }
    }

    /// The widest channel's levels.
    fn levels(self) -> u8 {
        self.low.iter().zip(self.high).map(|(low, high)| high - low).fold(0, u8::max)
    }
}

/// Where a narrow band of dead lines begins that has living ones on both sides. A gap between two things on a plain
/// background is none: it looks like much of its neighbours.
fn dead(lines: &[Span], length: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Option<usize> {
    if lines.len().min(length) < LEAST {
        return None;
    }
    let alive = |at: usize| lines[at].levels() >= ALIVE;
    let differs = |a: usize, b: usize, i: usize| {
        let (a, b) = (pixel(a, i), pixel(b, i));
        a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > DEAD)
    };
    let apart = |a, b| (0..length).filter(|&i| differs(a, b, i)).count() as f64 >= APART * length as f64;
    (1..lines.len()).filter(|&at| alive(at - 1)).find(|&at| {
        let band = lines[at..].iter().take_while(|line| line.levels() <= DEAD).count();
        let behind = at + band;
        (1..=BAND).contains(&band)
            && behind < lines.len()
            && alive(behind)
            && apart(at, at - 1)
            && apart(at, behind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture by a formula of x, y and channel.
    fn picture(width: usize, height: usize, value: impl Fn(usize, usize, usize) -> u8) -> Picture {
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                rgb.extend((0..3).map(|c| value(x, y, c)));
            }
        }
        Picture::from_rgb(width, height, rgb).unwrap()
    }

    fn refused(picture: &Picture) -> String {
        check(picture).unwrap_err().to_string()
    }

    fn part(x: usize, y: usize, c: usize) -> u8 {
        (60 + x * 7 % 50 + y * 3 % 40 + c) as u8
    }

    #[test]
    fn case_19_a_picture_that_shows_nothing_is_refused() {
        assert_eq!(refused(&picture(40, 30, |_, _, _| 0)), "fails the quality gate: the picture is black");
        assert_eq!(refused(&picture(40, 30, |_, _, _| 255)), "fails the quality gate: the picture is white");
        // Noise of a sensor behind its cap, with one bright pixel of a thousand and more.
        let capped = picture(40, 30, |x, y, c| if (x, y) == (7, 9) { 240 } else { ((x * y + c) % 5) as u8 });
        assert!(refused(&capped).ends_with("black"));
        let plain = picture(40, 30, |x, _, c| [200, 90, 20][c] + (x % 3) as u8);
        assert!(refused(&plain).contains("shows nothing: it is about"), "{}", refused(&plain));
    }

    #[test]
    fn case_19_a_dead_row_or_column_is_refused_with_its_place() {
        assert_eq!(check(&picture(40, 30, part)), Ok(()));
        for dead in [0, 77, 255] {
            let row = picture(40, 30, |x, y, c| if y == 11 { dead } else { part(x, y, c) });
            assert!(refused(&row).ends_with("row 11 is dead"));
            let columns = picture(40, 30, |x, y, c| if (5..8).contains(&x) { dead } else { part(x, y, c) });
            assert!(refused(&columns).ends_with("column 5 is dead"));
        }
    }

    #[test]
    fn a_background_and_a_small_part_are_no_faults() {
        let border =
            picture(
                40,
                40,
                |x, y, c| {
                    if (8..32).contains(&x) && (8..32).contains(&y) { part(x, y, c) } else { 255 }
                },
            );
        assert_eq!(check(&border), Ok(()));
        let gap = picture(40, 40, |x, y, c| if y == 20 || x < 15 { 255 } else { part(x, y, c) });
        assert_eq!(check(&gap), Ok(()));
        let bar = picture(40, 40, |x, y, c| if (10..20).contains(&y) { 0 } else { part(x, y, c) });
        assert_eq!(check(&bar), Ok(()));
        let dot = picture(100, 100, |x, y, _| if x < 5 && y < 5 { 200 } else { 10 });
        assert_eq!(check(&dot), Ok(()));
        let narrow = picture(3, 100, |x, y, _| if y % 2 == 0 { (x * 100) as u8 } else { 50 });
        assert_eq!(check(&narrow), Ok(()));
    }
}

//! Many small pictures on one sheet.

use crate::ReportError;
use crate::font::{draw_text, fitted, text_height, text_width};
use crate::picture::{Picture, check_rgb, file_size};

/// One picture of a contact sheet.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a> {
    /// `height * width` pixels of 3 bytes, row by row.
    pub rgb: &'a [u8],
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// A few words below the picture; letters, digits and ` .-_/:` are drawn, others as a box. What is too long
    /// is cut. If no tile has a caption no room is kept for it.
    pub caption: &'a str,
}

const GROUND: [u8; 3] = [250, 250, 248];
const INK: [u8; 3] = [40, 42, 48];
/// Pixels between tiles, and around the sheet.
const GAP: usize = 10;
/// Pixels between a picture and its caption.
const CAPTION_GAP: usize = 6;

/// Pictures in a grid, `columns` wide, filled row by row, as PNG.
///
/// Every cell has the size of the largest tile; smaller ones stand in the middle of theirs. Nothing is scaled.
///
/// # Errors
///
/// [`ReportError`] if there are no tiles or columns, or a tile is empty or does not fill its size.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{Tile, contact_sheet_png};
/// let grey = Tile { rgb: &[128; 3 * 64], width: 8, height: 8, caption: "a" };
/// let png = contact_sheet_png(&[grey, grey, grey], 2)?;
/// assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn contact_sheet_png(tiles: &[Tile<'_>], columns: usize) -> Result<Vec<u8>, ReportError> {
    if tiles.is_empty() || columns == 0 {
        return Err(ReportError::EmptySheet { tiles: tiles.len(), columns });
    }
    for tile in tiles {
        check_rgb(tile.rgb, tile.width, tile.height)?;
        file_size(tile.width, tile.height)?;
    }
    let grid = Grid::of(tiles, columns);
    let mut sheet = grid.blank_sheet(tiles.len())?;
    for (i, tile) in tiles.iter().enumerate() {
        grid.place(&mut sheet, i, tile);
    }
    sheet.to_png()
}

/// The sizes that all cells share.
struct Grid {
    columns: usize,
    /// The largest picture.
    width: usize,
    height: usize,
    /// Pixels per dot of the caption's font.
    dot: usize,
    /// Pixels below the picture that the caption takes, gap included; 0 if there are none.
    caption_height: usize,
}

impl Grid {
    fn of(tiles: &[Tile<'_>], columns: usize) -> Self {
        let width = tiles.iter().map(|tile| tile.width).max().unwrap_or(0);
        let height = tiles.iter().map(|tile| tile.height).max().unwrap_or(0);
        let dot = 1 + width / 200;
        let captions = tiles.iter().any(|tile| !tile.caption.is_empty());
        let caption_height = if captions { CAPTION_GAP + text_height(dot) } else { 0 };
        Self { columns: columns.min(tiles.len()), width, height, dot, caption_height }
    }

    fn blank_sheet(&self, n_tiles: usize) -> Result<Picture, ReportError> {
        let rows = n_tiles.div_ceil(self.columns);
        let width = self.columns.saturating_mul(self.width + GAP).saturating_add(GAP);
        let height = rows.saturating_mul(self.height + self.caption_height + GAP).saturating_add(GAP);
        file_size(width, height)?;
        if width.checked_mul(height).and_then(|n| n.checked_mul(3)).is_none() {
            return Err(ReportError::TooLarge { width, height });
        }
        Ok(Picture::filled(width, height, GROUND))
    }

    fn place(&self, sheet: &mut Picture, number: usize, tile: &Tile<'_>) {
        let cell_x = GAP + number % self.columns * (self.width + GAP);
        let cell_y = GAP + number / self.columns * (self.height + self.caption_height + GAP);
        let (left, top) = (cell_x + (self.width - tile.width) / 2, cell_y + (self.height - tile.height) / 2);
        for (y, row) in tile.rgb.chunks_exact(tile.width * 3).enumerate() {
            let at = ((top + y) * sheet.width + left) * 3;
            sheet.rgb[at..at + row.len()].copy_from_slice(row);
        }
        let caption = fitted(tile.caption, self.width, self.dot);
        let indent = (self.width - text_width(&caption, self.dot)) / 2;
        draw_text(sheet, (cell_x + indent, cell_y + self.height + CAPTION_GAP), &caption, self.dot, INK);
    }
}

//! What can go wrong when a report is made.

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The colour scale has no room between its ends.
    #[error("a colour scale needs two finite ends with calm below alarm, got calm {calm} and alarm {alarm}")]
    Scale {
        /// The lower end.
        calm: f32,
        /// The upper end.
        alarm: f32,
    },
    /// A buffer does not fill its picture.
    #[error("a {width}x{height} picture needs {expected} bytes of RGB, got {got}")]
    PictureSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// `3 * width * height` (`usize::MAX` if that overflows).
        expected: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// The map has another size than the picture under it.
    #[error("the map is {map_width}x{map_height}, the picture {width}x{height}")]
    MapSize {
        /// Width of the map.
        map_width: usize,
        /// Height of the map.
        map_height: usize,
        /// Width of the picture.
        width: usize,
        /// Height of the picture.
        height: usize,
    },
    /// A picture without pixels cannot be encoded.
    #[error("a picture of {width}x{height} pixels cannot be encoded")]
    NoPixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A picture is too large for its file format.
    #[error("a picture of {width}x{height} pixels is too large for its file format")]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A score of the map is NaN or infinite.
    #[error("the map's score at row {y}, column {x} is not a finite number")]
    NotFinite {
        /// Row.
        y: usize,
        /// Column.
        x: usize,
    },
    /// A contact sheet has no tiles or no columns.
    #[error("a contact sheet needs at least one tile and one column, got {tiles} and {columns}")]
    EmptySheet {
        /// Number of tiles.
        tiles: usize,
        /// Number of columns.
        columns: usize,
    },
    /// The PNG encoder refused.
    #[error("the PNG encoder failed")]
    Png(#[source] image::ImageError),
    /// The JPEG encoder refused.
    #[error("the JPEG encoder failed")]
    Jpeg(#[source] image::ImageError),
    /// The TIFF encoder refused.
    #[error("the TIFF encoder failed")]
    Tiff(#[source] tiff::TiffError),
}

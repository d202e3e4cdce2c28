//! The anomaly map as numbers, for other programs.

use crate::ReportError;
use crate::picture::file_size;
use patchcore_tensor::AnomalyMap;
use std::io::Cursor;
use tiff::encoder::{TiffEncoder, colortype::Gray32Float};

/// The map as a TIFF with one channel of 32-bit floats, uncompressed: every bit of every score.
///
/// Readable by Pillow, `OpenCV`, tifffile and the MVTec evaluation scripts. NaN and infinite scores are refused, for those
/// readers would carry them on in silence.
///
/// # Errors
///
/// [`ReportError`] if there are no pixels, a score is NaN or infinite, or the map is above 4 GiB.
///
/// # Examples
///
/// ```
/// # use patchcore_report::raw_map_tiff;
/// # use patchcore_tensor::AnomalyMap;
/// let map = AnomalyMap::from_vec(1, 2, vec![0.25, 1.5]).expect("two scores");
/// assert_eq!(&raw_map_tiff(&map)?[..4], b"II*\0");
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn raw_map_tiff(map: &AnomalyMap) -> Result<Vec<u8>, ReportError> {
    let (width, height) = file_size(map.width(), map.height())?;
    crate::colour::check_finite(map)?;
    patchcore_faults::io("encode").map_err(|e| ReportError::Tiff(e.into()))?;
    let mut file = Cursor::new(Vec::with_capacity(map.data().len() * 4 + 1024));
    TiffEncoder::new(&mut file)
        .and_then(|mut encoder| encoder.write_image::<Gray32Float>(width, height, map.data()))
        .map_err(ReportError::Tiff)?;
    Ok(file.into_inner())
}

//! CMYK and YCCK samples of a JPEG as RGB.
//!
//! Such files hold inverted ink (the Adobe convention, taken for granted as the original's library does): a stored 0
//! is full ink. With `n` the stored black, `C` the cyan ink, `R = n - C * n / 255`, the product rounded.

/// RGB of CMYK samples as they stand in the file, `[h, w, 4]`.
pub(super) fn rgb_of_cmyk(stored: &[u8]) -> Vec<u8> {
    stored.as_chunks::<4>().0.iter().flat_map(|&[c, m, y, k]| [c, m, y].map(|v| light(255 - v, k))).collect()
}

/// RGB of YCCK samples as they stand in the file, `[h, w, 4]`: here `YCbCr` codes the ink.
pub(super) fn rgb_of_ycck(stored: &[u8]) -> Vec<u8> {
    let pixels = stored.as_chunks::<4>().0;
    pixels.iter().flat_map(|&[y, cb, cr, k]| of_ycc(y, cb, cr).map(|ink| light(ink, k))).collect()
}

/// What `ink` leaves of the light `n` that black lets through.
fn light(ink: u8, n: u8) -> u8 {
    let t = u32::from(ink) * u32::from(n) + 128;
    let product = ((t >> 8) + t) >> 8;
    n - product as u8
}

/// The three colours of a `YCbCr` pixel in 16-bit fixed point, as libjpeg computes them.
fn of_ycc(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|v| v.clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ink_is_white_and_black_is_black() {
        assert_eq!(
            rgb_of_cmyk(&[255, 255, 255, 255, 9, 99, 199, 0, 0, 255, 255, 255]),
            [255, 255, 255, 0, 0, 0, 0, 255, 255]
        );
        assert_eq!(
            rgb_of_ycck(&[0, 128, 128, 255, 255, 128, 128, 255, 7, 8, 9, 0]),
            [255, 255, 255, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn the_product_is_rounded_to_nearest() {
        for ink in 0..=255u8 {
            for n in 0..=255u8 {
                let exact = f64::from(ink) * f64::from(n) / 255.0;
                assert_eq!(f64::from(n) - exact.round(), f64::from(light(ink, n)), "{ink} {n}");
            }
        }
    }
}

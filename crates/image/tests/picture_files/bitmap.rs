//! BMP: rows from the top, runs that overrun, numbers beyond the palette, headers of no size.

use super::{Files, refused, taken};
use patchcore_testkit::craft::bmp;

const GREYS: [u8; 16] = [0, 0, 0, 0, 80, 80, 80, 0, 160, 160, 160, 0, 240, 240, 240, 0];
const RUNS_OF_8: u32 = 1;
const RUNS_OF_4: u32 = 2;

#[test]
fn case_13_rows_may_begin_at_the_top() {
    let files = Files::open();
    assert_eq!(taken(&files.bytes("top_down.bmp")), taken(&files.bytes("rgb.bmp")));
    let runs = bmp([4, -1], 8, RUNS_OF_8, &GREYS, &[4, 1, 0, 1]);
    assert!(refused(&runs).contains("BMP"));
    assert!(refused(&bmp([4, i32::MIN], 24, 0, &[], &[0; 64])).contains("BMP"));
    assert!(refused(&bmp([-4, 1], 24, 0, &[], &[0; 64])).contains("BMP"));
}

#[test]
fn case_13_numbers_beyond_the_palette_are_refused() {
    assert_eq!(taken(&bmp([4, 1], 8, 0, &GREYS, &[0, 1, 2, 3])).rgb()[9..], [240; 3]);
    assert!(refused(&bmp([4, 1], 8, 0, &GREYS, &[0, 1, 4, 3])).contains("colour 4, and a palette of 4"));
    assert!(refused(&bmp([3, 1], 4, 0, &GREYS, &[0x01, 0xF0, 0, 0])).contains("colour 15"));
    // What fills the row is no pixel.
    assert_eq!(taken(&bmp([3, 1], 4, 0, &GREYS, &[0x01, 0x3F, 0xFF, 0xFF])).rgb()[6..], [240; 3]);
    assert!(refused(&bmp([4, 1], 8, RUNS_OF_8, &GREYS, &[4, 9, 0, 1])).contains("colour 9"));
    assert!(refused(&bmp([4, 1], 4, RUNS_OF_4, &GREYS, &[4, 0x19, 0, 1])).contains("colour 9"));
}

#[test]
fn case_13_runs_fill_the_picture_and_no_more() {
    let grey = |runs: &[u8]| bmp([4, 2], 8, RUNS_OF_8, &GREYS, runs);
    let rows = [[240; 12], [80; 12]].concat();
    assert_eq!(taken(&grey(&[4, 1, 0, 0, 4, 3, 0, 0, 0, 1])).rgb(), rows);
    assert_eq!(taken(&grey(&[4, 1, 0, 0, 4, 3, 0, 1])).rgb(), rows);
    for (runs, reason) in [
        (&[9, 1, 0, 0, 4, 3, 0, 1][..], "beyond the end of its row"),
        (&[4, 1, 0, 0, 4, 3, 0, 0, 4, 2, 0, 1], "beyond the end of its row"),
        (&[0, 5, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1], "BMP"),
        (&[4, 1, 0, 1], "leave out pixels"),
        (&[4, 1, 0, 0, 3, 3, 0, 1], "leave out pixels"),
        (&[2, 1, 0, 2, 2, 0, 0, 0, 4, 3, 0, 1], "leave out pixels"),
        (&[4, 1, 0, 0, 4, 3], "truncated BMP"),
    ] {
        assert!(refused(&grey(runs)).contains(reason), "{runs:?}: {}", refused(&grey(runs)));
    }
}

/// A widespread program lets runs go on to a multiple of four pixels.
#[test]
fn case_13_a_run_into_the_filling_of_its_row_is_taken() {
    let bytes = bmp([3, 2], 8, RUNS_OF_8, &GREYS, &[4, 1, 0, 0, 4, 2, 0, 0, 0, 1]);
    assert_eq!(taken(&bytes).rgb(), [[160; 9], [80; 9]].concat());
}

#[test]
fn case_13_headers_of_no_size_and_of_no_kind() {
    let whole = bmp([4, 1], 24, 0, &[], &[0; 12]);
    assert_eq!(taken(&whole).rgb(), [0; 12]);
    for size in [0u32, 3, 11, 13, 41, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[14..18].copy_from_slice(&size.to_le_bytes());
        assert!(
            refused(&bytes).contains("BMP") || refused(&bytes).contains("Bmp"),
            "{size}: {}",
            refused(&bytes)
        );
    }
    for bits in [0, 3, 64] {
        assert!(refused(&bmp([4, 1], bits, 0, &[], &[0; 64])).contains("BMP"), "{bits}");
    }
    for compression in [4, 5, 11, 99] {
        let _ = refused(&bmp([4, 1], 24, compression, &[], &[0; 64]));
    }
    // A palette that says it has more colours than its bits can number, or bytes are left.
    let mut many = bmp([4, 1], 8, 0, &GREYS, &[0; 4]);
    many[46..50].copy_from_slice(&1000u32.to_le_bytes());
    let _ = refused(&many);
}

#[test]
fn case_08_sizes_that_no_picture_has() {
    for [width, height] in [[0, 0], [0, 5], [5, 0]] {
        let reason = refused(&bmp([width, height], 24, 0, &[], &[0; 64]));
        assert!(reason.contains("shows nothing") || reason.contains("BMP"), "{reason}");
    }
    for [width, height] in [[i32::MAX, i32::MAX], [60_000, 60_000], [20_000, -20_000]] {
        let reason = refused(&bmp([width, height], 24, 0, &[], &[0; 64]));
        assert!(reason.contains("limit") || reason.contains("BMP") || reason.contains("Bmp"), "{reason}");
    }
}

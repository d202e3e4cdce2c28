//! WebP: animation, a canvas of another size than its picture, parts that lie.

use super::{Files, refused, taken};

/// A RIFF container of these chunks.
fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(*data);
        body.extend(&[0][..data.len() % 2]);
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

/// The data of a `VP8X` chunk.
fn extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let [width, height] = [width - 1, height - 1].map(u32::to_le_bytes);
    [&[flags, 0, 0, 0], &width[..3], &height[..3]].concat()
}

/// The one chunk of a simple file.
fn frame(file: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    file[20..20 + length].to_vec()
}

#[test]
fn case_14_an_animation_is_refused_by_name() {
    assert!(refused(&Files::open().bytes("animated.webp")).contains("animated WebP"));
}

#[test]
fn case_14_a_canvas_must_be_as_large_as_its_picture() {
    let files = Files::open();
    for (name, chunk) in [("lossy.webp", b"VP8 "), ("lossless.webp", b"VP8L")] {
        let whole = files.bytes(name);
        let frame = frame(&whole);
        let of = |width, height| webp(&[(b"VP8X", &extended(0, width, height)), (chunk, &frame)]);
        assert_eq!(taken(&of(22, 18)), taken(&whole), "{name}");
        for (width, height) in [(23, 18), (22, 17), (1, 1), (5000, 5000)] {
            assert!(refused(&of(width, height)).contains("WebP"), "{name}: {}", refused(&of(width, height)));
        }
        for side in [20_000, 1 << 24] {
            assert!(refused(&of(side, side)).contains("over the limit"));
        }
    }
}

#[test]
fn case_14_a_profile_that_lies_changes_nothing() {
    const HAS_PROFILE: u8 = 0b10_0000;
    let files = Files::open();
    let whole = files.bytes("lossy.webp");
    let frame = frame(&whole);
    let extended = extended(HAS_PROFILE, 22, 18);
    for profile in [&b""[..], b"acsp", &[0xFF; 3000]] {
        let bytes = webp(&[(b"VP8X", &extended), (b"ICCP", profile), (b"VP8 ", &frame)]);
        assert_eq!(taken(&bytes), taken(&whole));
    }
    // The flag without the profile.
    assert_eq!(taken(&webp(&[(b"VP8X", &extended), (b"VP8 ", &frame)])), taken(&whole));
    // A profile that says it is longer than the file.
    let mut bytes = webp(&[(b"VP8X", &extended), (b"ICCP", b"acsp"), (b"VP8 ", &frame)]);
    bytes[34..38].copy_from_slice(&0x7FFF_FFF0u32.to_le_bytes());
    assert!(refused(&bytes).contains("WebP"));
}

#[test]
fn case_14_containers_that_lie_are_refused() {
    let frame = frame(&Files::open().bytes("lossy.webp"));
    assert!(refused(&webp(&[])).contains("WebP"));
    assert!(refused(&webp(&[(b"VP8X", &extended(0, 22, 18))])).contains("WebP"));
    assert!(refused(&webp(&[(b"VP8 ", &frame[..frame.len() / 2])])).contains("WebP"));
    assert!(refused(&webp(&[(b"VP8L", &frame)])).contains("WebP"));
    assert!(refused(&webp(&[(b"VP8 ", &[])])).contains("WebP"));
}

//! Pictures: bytes to pixels, within limits so narrow that a mutant which declares more is refused.

use crate::place::in_file;
use crate::{Memory, Target, repair, seeds};
use patchcore_image::{Intensity, Limits, decode_bytes_as};

/// What a mutant may ask for: sixteen times what the seeds need.
const LIMITS: Limits = Limits {
    max_side: 256,
    max_pixels: 1 << 14,
    max_alloc: 1 << 18,
    max_file_bytes: 1 << 20,
    strict_names: false,
    quality_gate: false,
};

/// The decoder's own memory, its result, the picture made of it, tables of the format; and a copy of the file.
const MEMORY: Memory = Memory { fixed: (1 << 18) + (1 << 18), per_byte: 8 };

/// The decoder of TIFF holds the pixels twice, and a row or a strip beside them; a directory becomes a table.
const TIFF_MEMORY: Memory = Memory { fixed: 4 << 18, per_byte: 64 };

/// The decoder of WebP takes what one partition declares, up to 16 MiB, before it looks whether it is there; tables of a
/// lossless picture take up to 4 KiB for each eight bytes.
const WEBP_MEMORY: Memory = Memory { fixed: MEMORY.fixed + (17 << 20), per_byte: 520 };

pub(super) const TARGETS: &[Target] = &[
    Target { name: "png", seeds: seeds::png, words: PNG, read, repair: repair::png, memory: MEMORY },
    Target { name: "jpeg", seeds: seeds::jpeg, words: JPEG, read, repair: repair::nothing, memory: MEMORY },
    Target { name: "bmp", seeds: seeds::bmp, words: BMP, read, repair: repair::nothing, memory: MEMORY },
    Target {
        name: "tiff",
        seeds: seeds::tiff,
        words: TIFF,
        read,
        repair: repair::nothing,
        memory: TIFF_MEMORY,
    },
    Target { name: "webp", seeds: seeds::webp, words: WEBP, read, repair: repair::riff, memory: WEBP_MEMORY },
    Target { name: "pnm", seeds: seeds::pnm, words: PNM, read, repair: repair::nothing, memory: MEMORY },
    Target {
        name: "mask",
        seeds: seeds::mask,
        words: PNG,
        read: read_mask,
        repair: repair::png,
        memory: MEMORY,
    },
];

const PNG: &[&[u8]] =
    &[b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"zTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL"];
const JPEG: &[&[u8]] = &[
    b"\xff\xc0",
    b"\xff\xc2",
    b"\xff\xc4",
    b"\xff\xd0",
    b"\xff\xd8",
    b"\xff\xd9",
    b"\xff\xda",
    b"\xff\xdb",
    b"\xff\xdc",
    b"\xff\xdd",
    b"\xff\xe0",
    b"\xff\xe1",
    b"\xff\xe2ICC_PROFILE\0",
    b"\xff\xee\0\x0eAdobe",
    b"\xff\x00",
];
const BMP: &[&[u8]] =
    &[b"BM", b"\x28\0\0\0", b"\x0c\0\0\0", b"\x7c\0\0\0", b"\0\0", b"\0\x01", b"\0\x02\xff\xff"];
const TIFF: &[&[u8]] = &[
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"\0\x01",
    b"\x01\x01",
    b"\x02\x01",
    b"\x03\x01",
    b"\x06\x01",
    b"\x11\x01",
    b"\x15\x01",
    b"\x16\x01",
    b"\x17\x01",
    b"\x1c\x01",
    b"\x3d\x01",
    b"\x42\x01",
    b"\x44\x01",
    b"\x45\x01",
    b"\x53\x01",
    b"\x04\0",
    b"\x10\0",
    b"\x05\0",
    b"\x07\0",
    b"\x08\0",
];
const WEBP: &[&[u8]] = &[
    b"RIFF",
    b"WEBP",
    b"VP8 ",
    b"VP8L",
    b"VP8X",
    b"ALPH",
    b"ANIM",
    b"ANMF",
    b"ICCP",
    b"EXIF",
    b"\x9d\x01\x2a",
];
const PNM: &[&[u8]] =
    &[b"P1 ", b"P3 ", b"P6 ", b"P7\n", b"#", b"\n", b"WIDTH", b"DEPTH", b"TUPLTYPE", b"ENDHDR\n", b" 65535 "];

fn read(bytes: &[u8]) -> Result<(), String> {
    decode_bytes_as(bytes, &LIMITS, Intensity::Original).map(drop).map_err(|error| error.to_string())
}

fn read_mask(bytes: &[u8]) -> Result<(), String> {
    in_file("mask.png", bytes, |path| {
        patchcore_image::read_mask(path, &LIMITS).map(drop).map_err(|e| e.to_string())
    })
}

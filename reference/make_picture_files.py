"""Writes testdata/picture_files.safetensors: small files in every way that pictures are stored, and what Pillow sees in them.

Each file is a tensor of bytes, `NAME.ENDING`; beside it stands `NAME.ENDING/rgb` [h, w, 3], which is what the original's
imaging library decodes. Files that must be refused have no such tensor.
"""
import argparse
import io
import pathlib
import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import safetensors.numpy
import simplejpeg
import tifffile
from PIL import Image

W, H = 22, 18


def scene():
    """Smooth, so that coarse chroma loses little; every channel differs from the others everywhere."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    return np.clip(np.stack([40 + 8 * x, 220 - 9 * y, 60 + 3 * x + 4 * y], axis=-1), 0, 255).round().astype(np.uint8)


def grainy():
    """Every value differs from its neighbours; for formats that lose nothing."""
    y, x = np.mgrid[0:H, 0:W]
    return np.stack([x * 37 + y * 11, x * x * 5 + y, x ^ (y * 13)], axis=-1).astype(np.uint8)


def saved(picture, form, **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


# ---- PNG, by hand: Pillow writes neither interlaced nor all depths ----

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed_row(samples, depth):
    if depth == 16:
        return samples.astype(">u2").tobytes()
    bits = np.unpackbits(samples.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth:]
    return np.packbits(bits.reshape(-1)).tobytes()


def png(samples, depth, colour_type, interlaced=False, extra=()):
    """`samples` is [h, w, channels]."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = []
    for x, y, dx, dy in passes if interlaced else [(0, 0, 1, 1)]:
        part = samples[y::dy, x::dx]
        rows += [b"\0" + packed_row(row.reshape(-1), depth) for row in part if row.size]
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour_type, 0, 0, interlaced)
    body = b"".join(chunk(name, data) for name, data in extra)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
            + chunk(b"IEND", b""))


def pngs():
    colours = grainy()
    grey = colours[..., :1]
    palette = bytes(range(255, 255 - 48, -1))
    for interlaced in (False, True):
        way = "_interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8):
            yield f"grey{depth}{way}.png", png(grey >> (8 - depth), depth, 0, interlaced)
        for depth in (1, 2, 4):
            extra = [(b"PLTE", palette[:3 * 2 ** depth]), (b"tRNS", b"\0\x80")]
            yield f"palette{depth}{way}.png", png(grey >> (8 - depth), depth, 3, interlaced, extra)
        yield f"palette8{way}.png", png(grey >> 4, 8, 3, interlaced, [(b"PLTE", palette)])
        yield f"rgb8{way}.png", png(colours, 8, 2, interlaced, [(b"tRNS", struct.pack(">HHH", 1, 2, 3))])
        alpha = 255 - grey
        yield f"rgba8{way}.png", png(np.concatenate([colours, alpha], axis=-1), 8, 6, interlaced)
        yield f"grey_alpha8{way}.png", png(np.concatenate([grey, alpha], axis=-1), 8, 4, interlaced)
    wide = colours.astype(np.uint16) * 200 + 77
    yield "grey16.png", png(wide[..., :1] // 60, 16, 0)
    yield "rgb16.png", png(wide, 16, 2)
    yield "rgba16.png", png(np.concatenate([wide, wide[..., :1]], axis=-1), 16, 6)


# ---- the others ----

def jpegs():
    picture = scene()
    for way in ("444", "422", "420", "440", "411"):
        yield f"chroma{way}.jpg", simplejpeg.encode_jpeg(picture, quality=95, colorsubsampling=way)
    image = Image.fromarray(picture)
    yield "grey.jpg", saved(image.convert("L"), "JPEG", quality=95)
    yield "progressive.jpg", saved(image, "JPEG", quality=95, progressive=True)
    yield "restarts.jpg", saved(image, "JPEG", quality=95, restart_marker_blocks=1)
    yield "stored_rgb.jpg", saved(image, "JPEG", quality=95, keep_rgb=True)
    yield "cmyk.jpg", saved(image.convert("CMYK"), "JPEG", quality=95)
    yield "twelve_bit.jpg", imagecodecs.jpeg_encode(picture.astype(np.uint16) * 16, level=95, bitspersample=12)
    yield "lossless.jpg", imagecodecs.ljpeg_encode(picture[..., 0])


def tiffs():
    colours = grainy()
    image = Image.fromarray(colours)
    for name, way in (("raw", "raw"), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits"),
                      ("jpeg", "jpeg")):
        yield f"{name}.tif", saved(Image.fromarray(scene()) if way == "jpeg" else image, "TIFF", compression=way)
    yield "rgba.tif", saved(image.convert("RGBA"), "TIFF")
    yield "grey.tif", saved(image.convert("L"), "TIFF")
    yield "palette.tif", saved(image.quantize(16), "TIFF")
    yield "one_bit.tif", saved(image.convert("1"), "TIFF")
    yield "fax.tif", saved(image.convert("1"), "TIFF", compression="group4")
    yield "cmyk.tif", saved(image.convert("CMYK"), "TIFF")

    def written(data, **options):
        out = io.BytesIO()
        tifffile.imwrite(out, data, metadata=None, **options)
        return out.getvalue()

    grey = colours[..., 0]
    yield "tiled.tif", written(colours, photometric="rgb", tile=(16, 16))
    yield "big.tif", written(colours, photometric="rgb", bigtiff=True)
    yield "big_endian.tif", written(colours, photometric="rgb", byteorder=">")
    yield "planar.tif", written(np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate")
    yield "predictor.tif", written(colours, photometric="rgb", compression="lzw", predictor=2)
    yield "white_is_zero.tif", written(grey, photometric="miniswhite")
    yield "strips.tif", written(colours, photometric="rgb", rowsperstrip=5)
    # The writer leaves 16 bytes at the end that nothing points at.
    yield "pages.tif", written(np.stack([grey, 255 - grey, grey]), photometric="minisblack")[:-16]
    yield "grey16.tif", written(grey.astype(np.uint16) * 3, photometric="minisblack")
    for name in ("float16", "float32", "float64", "uint32", "int8", "int16", "int32", "uint64"):
        yield f"{name}.tif", written(grey.astype(name), photometric="minisblack")


def bmp(width, height, bits, compression, palette, pixels, masks=b""):
    offset = 14 + 40 + len(masks) + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, len(palette) // 4, 0)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + masks + palette + pixels


def bmps():
    colours = grainy()
    image = Image.fromarray(colours)
    yield "rgb.bmp", saved(image, "BMP")
    yield "grey.bmp", saved(image.convert("L"), "BMP")
    yield "palette.bmp", saved(image.quantize(16), "BMP")
    yield "one_bit.bmp", saved(image.convert("1"), "BMP")
    yield "rgba.bmp", saved(image.convert("RGBA"), "BMP")
    row = lambda r: b"".join(bytes(p[::-1]) for p in r) + bytes(-3 * W % 4)
    yield "top_down.bmp", bmp(W, -H, 24, 0, b"", b"".join(row(r) for r in colours))
    palette = b"".join(bytes([16 * i, 255 - 9 * i, i * i, 0]) for i in range(16))
    numbers = colours[::-1, :, 0] >> 4
    runs = b"".join(b"".join(bytes([1, n]) for n in r) + b"\0\0" for r in numbers) + b"\0\1"
    yield "rle8.bmp", bmp(W, H, 8, 1, palette, runs)
    runs = b"".join(bytes([0, W]) + bytes(r) + b"\0\0" for r in numbers) + b"\0\1"
    yield "rle8_absolute.bmp", bmp(W, H, 8, 1, palette, runs)
    pairs = [bytes(a << 4 | b for a, b in zip(r[::2], r[1::2])) for r in numbers]
    runs = b"".join(b"".join(bytes([2, p]) for p in r) + b"\0\0" for r in pairs) + b"\0\1"
    yield "rle4.bmp", bmp(W, H, 4, 2, palette, runs)
    words = colours[::-1].astype(np.uint16)
    fives = (words[..., 0] >> 3 << 10 | words[..., 1] >> 3 << 5 | words[..., 2] >> 3).astype("<u2")
    yield "rgb555.bmp", bmp(W, H, 16, 0, b"", fives.tobytes())
    sixes = (words[..., 0] >> 3 << 11 | words[..., 1] >> 2 << 5 | words[..., 2] >> 3).astype("<u2")
    yield "rgb565.bmp", bmp(W, H, 16, 3, b"", sixes.tobytes(), struct.pack("<III", 0xF800, 0x07E0, 0x001F))


def webps():
    picture = Image.fromarray(scene())
    icc = b"not a profile" * 9
    yield "lossy.webp", saved(picture, "WEBP", quality=90)
    yield "lossless.webp", saved(Image.fromarray(grainy()), "WEBP", lossless=True)
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray(255 - grainy()[..., 0]))
    yield "lossy_alpha.webp", saved(alpha, "WEBP", quality=90, exact=True)
    yield "profile.webp", saved(picture, "WEBP", quality=90, icc_profile=icc)
    frames = [picture, picture.transpose(Image.Transpose.ROTATE_180)]
    yield "animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])


def pnms():
    colours = grainy()
    bits = (colours[..., 0] > 127).astype(int)
    text = lambda rows: "\n".join(" ".join(map(str, row)) for row in rows) + "\n"
    yield "plain.pbm", f"P1\n# bits\n{W} {H}\n{text(bits)}".encode()
    yield "plain.pgm", f"P2 {W} {H} 255\n{text(colours[..., 0])}".encode()
    yield "plain.ppm", f"P3 {W} {H} 255\n{text(colours.reshape(H, -1))}".encode()
    yield "raw.pbm", f"P4 {W} {H}\n".encode() + np.packbits(bits.astype(np.uint8), axis=1).tobytes()
    yield "raw.pgm", f"P5 {W} {H} 255\n".encode() + colours[..., 0].tobytes()
    yield "raw.ppm", f"P6 {W} {H} 255\n".encode() + colours.tobytes()


REFUSED = {"twelve_bit.jpg", "lossless.jpg", "animated.webp", "float16.tif", "float32.tif", "float64.tif", "uint32.tif",
           "int8.tif", "int16.tif", "int32.tif", "uint64.tif"}


def seen(data):
    """As the original reads a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "testdata")
    out = parser.parse_args().out
    tensors = {}
    for make in (pngs, jpegs, tiffs, bmps, webps, pnms):
        for name, data in make():
            tensors[name] = np.frombuffer(data, np.uint8)
            if name not in REFUSED:
                rgb = seen(data)
                assert rgb.shape == (H, W, 3), name
                tensors[f"{name}/rgb"] = rgb
    safetensors.numpy.save_file(tensors, out / "picture_files.safetensors")


if __name__ == "__main__":
    main()

"""Makes a larger folder of good pictures out of a small one: turned, shifted and brightened a little, from a fixed seed.

    python grow.py FROM TO --count 209

For timings only: what is made this way is more alike than new pictures of the product would be.
"""
import argparse
from pathlib import Path

import numpy
from PIL import Image, ImageEnhance

DEGREES, SHIFT, BRIGHTNESS = 6.0, 0.03, 0.08


def variant(picture, draw):
    """One of the many pictures that a loose fixture and an unsteady lamp would give."""
    degrees, x, y, light = draw.uniform(-1, 1, 4)
    shift = (x * SHIFT * picture.width, y * SHIFT * picture.height)
    corner = picture.getpixel((0, 0))
    turned = picture.rotate(degrees * DEGREES, Image.Resampling.BILINEAR, translate=shift, fillcolor=corner)
    return ImageEnhance.Brightness(turned).enhance(1 + light * BRIGHTNESS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="FROM")
    parser.add_argument("target", type=Path, metavar="TO")
    parser.add_argument("--count", type=int, default=209)
    args = parser.parse_args()
    args.target.mkdir()
    draw = numpy.random.default_rng(0)
    files = sorted(path for path in args.source.iterdir() if path.is_file())
    for i in range(args.count):
        with Image.open(files[i % len(files)]) as picture:
            variant(picture.convert("RGB"), draw).save(args.target / f"{i:05}.png", compress_level=1)


if __name__ == "__main__":
    main()

"""Decoding, resizing and normalising beside Pillow: the same files, one thread each, rounds in turn, medians.

Makes 1024 x 1024 pictures from a fixed seed in a temporary folder. Both sides read the file, give 8-bit RGB, bring the
shorter side to 256 with the triangle filter, cut out the centre of 224, and normalise to floats.

  cargo build --release -p patchcore-image --example prepare
  taskset -c 1 python bench/peers/pictures.py [--rounds 7] [--program FILE]
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, features

SIDE, RESIZE, CROP = 1024, 256, 224
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
STAGES = ("decode", "resize+crop", "normalise")
REPEATS = 9


def photo(rng):
    """Texture whose spectrum falls as that of photographs, channels alike but not equal, and a sensor's noise."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    amplitude = 1 / np.maximum(frequency, 1 / SIDE) ** 1.2

    def plane():
        phase = np.exp(2j * np.pi * rng.random(frequency.shape))
        values = np.fft.irfft2(amplitude * phase, (SIDE, SIDE))
        return values / values.std()

    light = plane()
    channels = [128 + 45 * light + 12 * plane() + 2.0 * rng.standard_normal((SIDE, SIDE)) for _ in range(3)]
    return Image.fromarray(np.stack(channels, -1).round().clip(0, 255).astype(np.uint8))


def make_files(folder):
    rng = np.random.default_rng(7)
    files = {}
    for kind, ending, options in (
        ("PNG", "png", {}),
        ("JPEG 4:2:0", "jpg", {"quality": 90, "subsampling": "4:2:0"}),
        ("JPEG 4:4:4", "jpg", {"quality": 90, "subsampling": "4:4:4"}),
    ):
        path = Path(folder) / f"{kind.replace(':', '').replace(' ', '_')}.{ending}"
        photo(rng).save(path, **options)
        files[kind] = path
    return files


def pillow(path):
    """The milliseconds of each stage."""
    t0 = time.perf_counter()
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    t1 = time.perf_counter()
    small = picture.resize((RESIZE, RESIZE), Image.Resampling.BILINEAR)
    edge = (RESIZE - CROP) // 2
    small = small.crop((edge, edge, edge + CROP, edge + CROP))
    t2 = time.perf_counter()
    values = np.asarray(small).astype(np.float32)
    values /= 255
    values -= MEAN
    values /= STD
    t3 = time.perf_counter()
    return [(t1 - t0) * 1e3, (t2 - t1) * 1e3, (t3 - t2) * 1e3]


def medians(times):
    return [statistics.median(column) for column in zip(*times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    default = Path(__file__).resolve().parents[2] / "target/release/examples/prepare"
    parser.add_argument("--program", type=Path, default=default)
    args = parser.parse_args()
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    libraries = ", ".join(f"{name} {features.version(name)}" for name in ("libjpeg_turbo", "zlib_ng", "zlib") if features.version(name))
    print(f"{cpu}, 1 thread, Pillow {PIL.__version__} ({libraries}); milliseconds, medians of {args.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(folder)
        ours, theirs = {kind: [] for kind in files}, {kind: [] for kind in files}
        for _ in range(args.rounds):
            for kind, path in files.items():
                theirs[kind].append(medians([pillow(path) for _ in range(REPEATS)]))
                command = [args.program, str(REPEATS), path]
                text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                ours[kind].append([float(word) for word in text.split()[:3]])
        for kind, path in files.items():
            a, b = medians(ours[kind]), medians(theirs[kind])
            for stage, x, y in [*zip(STAGES, a, b), ("total", sum(a), sum(b))]:
                print(f"{kind:10} {path.stat().st_size >> 10:5} KiB  {stage:12} ours {x:6.2f}  Pillow {y:6.2f}  Pillow/ours {y / x:5.2f}")


if __name__ == "__main__":
    main()

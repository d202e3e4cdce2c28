"""Made pictures: a surface with grain, some with a stain. The same numbers give the same pictures on every machine."""
import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def surface(seed, side, stained=False):
    """u8 [side, side, 3]: clouds of all sizes (amplitude falling with frequency), a weave, sensor noise, maybe a stain.

    The noise of two grey levels is what makes PNG decoding cost what it costs on a camera's picture.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) * side
    clouds = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((side, side))) / np.maximum(frequency, 4) ** 1.2, (side, side))
    grey = 120 + 18 * clouds / clouds.std() + 10 * np.sin(80 * np.pi * x) * np.sin(80 * np.pi * y)
    if stained:
        centre_x, centre_y, radius = rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65), rng.uniform(0.03, 0.08)
        grey -= 60 * np.exp(-(((x - centre_x) ** 2 + (y - centre_y) ** 2) / radius**2))
    tint = np.array([1.05, 1.0, 0.9])
    pixels = grey[..., None] * tint + rng.normal(0, 2, (side, side, 3))
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def network_input(count, side, seed):
    """f32 [count, 3, side, side], normalised as for ImageNet."""
    batch = np.stack([surface(seed + i, side, stained=bool(i % 2)) for i in range(count)])
    normalised = (batch.astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))


def write_folder(folder, count, side, seed, stained=False):
    """PNG files 000.png, 001.png ... in a new folder; every second one stained if asked for."""
    folder.mkdir(parents=True)
    for i in range(count):
        picture = surface(seed + i, side, stained and bool(i % 2))
        Image.fromarray(picture).save(folder / f"{i:03}.png")

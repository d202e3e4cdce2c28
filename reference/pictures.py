"""Small pictures drawn by formula: a round part on woven cloth, and one picture for each way a PNG stores colours."""
import numpy as np
from PIL import Image

W, H = 100, 80


def grid(w, h):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    return x, y


def inside(distance):
    """1 where a signed distance in pixels is negative, 0 outside, a soft edge between."""
    return np.clip(0.5 - distance, 0, 1)[..., None]


def part(rng):
    """A good part; place, size, light and grain vary with the generator."""
    x, y = grid(W, H)
    cx, cy, radius = W / 2 + rng.uniform(-2, 2), H / 2 + rng.uniform(-2, 2), 26 + rng.uniform(-1, 1)
    weave = np.sin(x * 0.9 + rng.uniform(0, 6)) * np.sin(y * 0.9 + rng.uniform(0, 6))
    cloth = np.stack([92 + 10 * weave + 0.2 * x, 100 + 12 * weave, 88 + 8 * weave + 0.3 * y], axis=-1)
    r = np.hypot(x - cx, y - cy)
    shine = 40 * np.exp(-((x - cx + 9) ** 2 + (y - cy + 9) ** 2) / 200)
    metal = np.stack([168 + shine - 0.6 * r, 150 + shine - 0.5 * r, 96 + shine - 0.2 * r], axis=-1)
    picture = cloth + (metal - cloth) * inside(r - radius)
    hole = inside(r - 7)
    picture += (np.array([48, 46, 52]) - picture) * hole
    return picture + 4 * rng.integers(-1, 2, (H, W, 1))


def scratch(picture):
    x, y = grid(W, H)
    along, across = (x - 42) * 0.9 + (y - 30) * 0.44, (x - 42) * -0.44 + (y - 30) * 0.9
    line = inside(np.maximum(np.abs(across) - 1.6, np.abs(along) - 14))
    return picture + (np.array([52, 44, 40]) - picture) * line


def spot(picture):
    x, y = grid(W, H)
    return picture + (np.array([190, 48, 44]) - picture) * inside(np.hypot((x - 60) / 1.5, y - 52) - 6) * 0.9


def to_u8(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def colour_modes(rng):
    """Name and picture; the sizes are such that every rounding rule of resize and crop is met, in both directions."""
    x, y = grid(83, 71)
    waves = to_u8(128 + 60 * np.sin(x / 5) + 50 * np.cos(y / 7) + 6 * rng.integers(-1, 2, x.shape))
    yield "grey", Image.fromarray(waves)
    yield "grey_alpha", Image.merge("LA", [Image.fromarray(waves.T), Image.fromarray(waves.T[::-1].copy())])
    # Most 16-bit values are far above 255; the lower left corner holds what is not.
    deep = (waves.astype(np.uint16) * 257) // np.where((x < 40) & (y > 30), 300, 1).astype(np.uint16)
    yield "grey16", Image.fromarray(deep)
    x, y = grid(129, 117)
    colours = np.stack([2 * x, 255 - 2 * y, x + y], axis=-1) + 8 * rng.integers(-1, 2, (117, 129, 1))
    alpha = to_u8(255 - 4 * np.hypot(x - 64, y - 58))
    yield "rgba", Image.fromarray(np.dstack([to_u8(colours), alpha]))
    x, y = grid(74, 91)
    numbers = ((x // 9 + y // 11) % 7 + 3 * (np.hypot(x - 37, y - 45) < 20)).astype(np.uint8)
    indexed = Image.fromarray(numbers)
    indexed.putpalette(rng.integers(0, 256, 10 * 3).astype(np.uint8).tobytes())
    yield "palette", indexed
    yield "one_bit", Image.fromarray(np.hypot(*grid(97, 64)) % 12 < 6)


def write_all(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20)
    drawn = {f"train_{i}": part(rng) for i in range(4)}
    drawn |= {"test_good": part(rng), "test_scratch": scratch(part(rng)), "test_spot": spot(part(rng))}
    named = {name: Image.fromarray(to_u8(picture)) for name, picture in drawn.items()}
    for name, picture in [*named.items(), *colour_modes(rng)]:
        picture.save(folder / f"{name}.png", optimize=True)

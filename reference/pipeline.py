"""The original PatchCore's steps in plain numpy, one function per step, in its order and without shortcuts.

Sums run in f64, and each step hands on f32, as the original does. Arrays are NCHW, patches are listed row by row.
"""
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
PROJECTED = 128
START_POINTS = 10


# ---- pictures ----

def decode(path):
    return Image.open(path).convert("RGB")


def resize(picture, shorter):
    """The shorter side becomes `shorter`, the longer one keeps the aspect, rounded down."""
    w, h = picture.size
    short = min(w, h)
    if short == shorter:
        return picture
    sides = [shorter if side == short else int(shorter * side / short) for side in (w, h)]
    return picture.resize(sides, Image.Resampling.BILINEAR)


def centre_crop(pixels, height, width):
    """Of u8 pixels [h, w, 3]; a side that is too short gets zeros on both ends first."""
    margins = []
    for got, wanted in zip(pixels.shape[:2], (height, width)):
        lack = max(0, wanted - got)
        margins.append((lack // 2, (lack + 1) // 2))
    pixels = np.pad(pixels, [*margins, (0, 0)])
    top, left = (round((got - wanted) / 2) for got, wanted in zip(pixels.shape[:2], (height, width)))
    return pixels[top:top + height, left:left + width]


def cropped(path, shorter, crop):
    return centre_crop(np.asarray(resize(decode(path), shorter)), *crop)


def normalise(pixels):
    """u8 [..., 3] to f32, each operation rounded to f32."""
    return (pixels.astype(np.float32) / np.float32(255) - MEAN) / STD


def network_input(path, shorter, crop):
    return np.ascontiguousarray(normalise(cropped(path, shorter, crop)).transpose(2, 0, 1))


# ---- embeddings ----

def patchify(maps, size, stride=1):
    """[n, c, h, w] to the neighbourhoods [n, c, size, size, grid h, grid w], zeros outside."""
    reach = (size - 1) // 2
    padded = np.pad(maps, [(0, 0), (0, 0), (reach, reach), (reach, reach)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3)


def axis_weights(n_in, n_out):
    """A matrix [n_out, n_in] of bilinear weights, corners not aligned, no antialias."""
    at = np.maximum((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0)
    low = at.astype(int)
    high = np.minimum(low + 1, n_in - 1)
    matrix = np.zeros((n_out, n_in))
    rows = np.arange(n_out)
    np.add.at(matrix, (rows, low), 1 - (at - low))
    np.add.at(matrix, (rows, high), at - low)
    return matrix


def bilinear(planes, h, w):
    """Resamples the last two axes."""
    if planes.shape[-2:] == (h, w):
        return planes
    rows, columns = axis_weights(planes.shape[-2], h), axis_weights(planes.shape[-1], w)
    return (rows @ planes.astype(np.float64) @ columns.T).astype(np.float32)


def mean_bins(vectors, count):
    """The last axis averaged into `count` bins, overlapping or repeating where the numbers do not divide."""
    n = vectors.shape[-1]
    out = np.empty((*vectors.shape[:-1], count), np.float32)
    for j in range(count):
        start, end = j * n // count, -(-(j + 1) * n // count)
        out[..., j] = vectors[..., start:end].mean(axis=-1, dtype=np.float64)
    return out


def embed(layers, patchsize, pretrain, target):
    """Maps of all layers to [n, grid h * grid w, target]; the first layer gives the grid."""
    grid, joined = None, []
    for maps in layers:
        around = patchify(maps, patchsize)
        grid = grid or around.shape[-2:]
        around = bilinear(around, *grid)
        n = len(around)
        vectors = around.transpose(0, 4, 5, 1, 2, 3).reshape(n, grid[0] * grid[1], -1)
        joined.append(mean_bins(vectors, pretrain))
    return mean_bins(np.concatenate(joined, axis=-1), target), grid


# ---- the memory bank ----

def start_points(seed, n):
    return np.random.RandomState(seed).choice(n, min(START_POINTS, n), replace=False)


def projection(seed, width):
    """torch's default linear layer [128, width] without bias; the data loader has drawn two words before."""
    stream = np.random.MT19937()
    stream._legacy_seeding(seed)
    words = stream.random_raw(2 + PROJECTED * width)[2:]
    # torch draws f32 between -b and b by one fused multiply-add: exact here in f64, then rounded once.
    bound = np.float64(np.float32(np.sqrt(3) * np.sqrt(1 / 3) / np.sqrt(width)))
    units = (words & 0xFFFFFF).astype(np.float64) / 2**24
    return (units * (2 * bound) - bound).astype(np.float32).reshape(PROJECTED, width)


def distances(rows, points):
    """L2 by direct differences, [points, rows]."""
    rows, points = rows.astype(np.float64), np.atleast_2d(points).astype(np.float64)
    return np.stack([np.sqrt(((rows - p) ** 2).sum(axis=1)) for p in points])


def approximate_greedy(rows, starts, count):
    """Picks, the anchor distance of each, and the smallest relative gap between a pick and the runner-up."""
    anchors = distances(rows, rows[starts]).mean(axis=0)
    picks, radii, margin = [], [], np.inf
    for _ in range(count):
        pick = int(np.argmax(anchors))
        second = np.max(np.delete(anchors, pick))
        margin = min(margin, (anchors[pick] - second) / anchors[pick])
        picks.append(pick)
        radii.append(anchors[pick])
        anchors = np.minimum(anchors, distances(rows, rows[pick])[0])
    return np.array(picks), np.array(radii), margin


def fit(embeddings, percentage, seed):
    """From [n, patches, width] to the bank, with all that was found on the way."""
    rows = embeddings.reshape(-1, embeddings.shape[-1])
    matrix = projection(seed, rows.shape[1])
    reduced = rows
    if rows.shape[1] != PROJECTED:
        reduced = (rows.astype(np.float64) @ matrix.T.astype(np.float64)).astype(np.float32)
    starts = start_points(seed, len(rows))
    picks, radii, margin = approximate_greedy(reduced, starts, int(len(rows) * percentage))
    return dict(bank=rows[picks], projection=matrix, starts=starts, picks=picks, radii=radii, margin=margin)


# ---- scores ----

def nearest(bank, queries, k):
    """Squared L2 to the k nearest rows by direct differences, ascending, and the rows' numbers."""
    bank = bank.astype(np.float64)
    squared, index = [], []
    for query in queries.astype(np.float64):
        d = ((bank - query) ** 2).sum(axis=1)
        order = np.argsort(d, kind="stable")[:k]
        squared.append(d[order])
        index.append(order)
    return np.array(squared), np.array(index)


def anomaly_map(patch_scores, h, w):
    return gaussian_filter(bilinear(patch_scores, h, w), sigma=4)


def predict(bank, embeddings, grid, size, k):
    """Patch scores, image scores and maps of pictures [n, patches, width]."""
    found = [nearest(bank, e, k) for e in embeddings]
    scores = np.stack([d.mean(axis=1).astype(np.float32).reshape(grid) for d, _ in found])
    maps = np.stack([anomaly_map(s, *size) for s in scores])
    index = np.stack([i for _, i in found])
    return dict(patch_scores=scores, image_scores=scores.max(axis=(1, 2)), maps=maps, nearest=index)

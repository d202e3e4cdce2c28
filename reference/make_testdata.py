"""Writes testdata/: small pictures, and what the original PatchCore makes of them, step by step.

    python make_testdata.py                          writes ../testdata
    python make_testdata.py --check-against FOLDER   holds this implementation to the original's own fixtures

Shares no code with the Rust project; see README.md.
"""
import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save

import check_against
import measures
import networks
import pictures
import pipeline

TRAIN = [f"train_{i}" for i in range(4)]
TEST = ["test_good", "test_scratch", "test_spot"]
MODES = ["grey", "grey_alpha", "grey16", "rgba", "palette", "one_bit"]
RESIZE, CROP = 72, (64, 64)

# Seeds were chosen for a wide margin at every pick of the coreset, so that rounding cannot change its order.
RUNS = {
    "square": dict(layers=("layer2", "layer3"), pretrain=96, target=80, patchsize=3, crop=CROP, percentage=0.25,
                   seed=3, ks=(1, 3)),
    "oblong": dict(layers=("layer1", "layer2", "layer3"), pretrain=64, target=50, patchsize=5, crop=(56, 80),
                   percentage=0.05, seed=10, ks=(2,)),
    "unprojected": dict(layers=("layer3",), pretrain=200, target=128, patchsize=2, crop=(80, 96), percentage=0.3,
                        seed=2, ks=(1,)),
}
LEAST_MARGIN = 1e-4


class Sheet:
    """The tensors to be written."""

    def __init__(self):
        self.tensors = {}

    def put(self, name, values, dtype=np.float32):
        self.tensors[name] = np.ascontiguousarray(values, dtype)

    def put_exact(self, name, values):
        self.put(name, values, np.float64)


def preprocessing(sheet, folder):
    sheet.put("preprocess/levels", pipeline.normalise(np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)))
    for name in [*MODES, *TEST]:
        path = folder / f"{name}.png"
        sheet.put(f"preprocess/{name}/crop", pipeline.cropped(path, RESIZE, CROP), np.uint8)
        if name in MODES:
            decoded = np.asarray(pipeline.decode(path))
            sheet.put(f"preprocess/{name}/decoded_sub3", decoded[::3, ::3], np.uint8)
    # 100x80 becomes 75x60: both sides are shorter than the cut, one by an odd number.
    sheet.put("preprocess/padded/crop", pipeline.cropped(folder / "test_spot.png", 60, (64, 96)), np.uint8)


def backbones(sheet, folder):
    images = [pipeline.network_input(folder / f"{name}.png", RESIZE, CROP) for name in TEST]
    for network, taps in [
        ("resnet18", {"layer1": 16, "layer2": 8, "layer3": 8}),
        ("mobilenet_v2", {"features.6": 2, "features.13": 2}),
        ("resnext50_32x4d", {"layer2": 16}),
    ]:
        for (tap, step), maps in zip(taps.items(), networks.features(network, tuple(taps), images)):
            sheet.put(f"features/{network}/{tap}", maps[:, ::step])


def run(sheet, folder, name, layers, pretrain, target, patchsize, crop, percentage, seed, ks):
    def embedded(names):
        images = [pipeline.network_input(folder / f"{n}.png", RESIZE, crop) for n in names]
        return pipeline.embed(networks.features("resnet18", layers, images), patchsize, pretrain, target)

    (train, _), (test, grid) = embedded(TRAIN), embedded(TEST)
    sheet.put(f"{name}/embeddings_sub7", test[:, ::7])
    fitted = pipeline.fit(train, percentage, seed)
    if fitted["margin"] < LEAST_MARGIN:
        raise SystemExit(f"{name}: a pick leads by only {fitted['margin']:.2g}; take another seed")
    sheet.put(f"{name}/seed", [seed], np.int64)
    sheet.put(f"{name}/starts", fitted["starts"], np.int64)
    if target != pipeline.PROJECTED:
        sheet.put(f"{name}/projection_sub8", fitted["projection"][::8])
    sheet.put(f"{name}/picks", fitted["picks"], np.int64)
    sheet.put_exact(f"{name}/radii", fitted["radii"])
    sheet.put(f"{name}/bank", fitted["bank"])
    two, _ = pipeline.nearest(fitted["bank"], test.reshape(-1, target), 2)
    closest = ((two[:, 1] - two[:, 0]) / two[:, 1]).min()
    for k in ks:
        found = pipeline.predict(fitted["bank"], test, grid, crop, k)
        sheet.put(f"{name}/k{k}/patch_scores", found["patch_scores"])
        sheet.put(f"{name}/k{k}/image_scores", found["image_scores"])
        sheet.put(f"{name}/k{k}/nearest", found["nearest"][..., 0], np.int64)
        sheet.put(f"{name}/k{k}/maps_sub2", found["maps"][:, ::2, ::2])
    print(f"{name:12} bank {len(fitted['bank'])} of {train.shape[0] * train.shape[1]}, grid {grid[0]}x{grid[1]}, "
          f"smallest margin of a pick {fitted['margin']:.2g}, of a neighbour {closest:.2g}")


def quality(sheet):
    rng = np.random.default_rng(5)
    for name, levels in (("smooth", None), ("ties", 5), ("constant", 1)):
        labels = rng.integers(0, 2, 60)
        scores = rng.normal(size=60) + 0.8 * labels
        scores = rounded(scores, levels)
        sheet.put(f"metrics/{name}/scores", scores)
        sheet.put(f"metrics/{name}/labels", labels, np.uint8)
        sheet.put_exact(f"metrics/{name}/auroc", [measures.auroc(scores, labels)])
        sheet.put_exact(f"metrics/{name}/average_precision", [measures.average_precision(scores, labels)])
        masks = np.zeros((4, 15, 18), np.uint8)
        masks[0, 2:6, 3:9] = 1
        masks[0, 6:9, 9:11] = 1  # touches the first region at a corner only
        masks[1, 10, 4] = 1
        masks[1, 0:3, 12:18] = 1
        masks[2] = rng.random((15, 18)) < 0.2
        maps = rounded(rng.normal(size=masks.shape) + 1.3 * masks, levels)
        sheet.put(f"metrics/{name}/maps", maps)
        sheet.put(f"metrics/{name}/masks", masks, np.uint8)
        sheet.put_exact(f"metrics/{name}/pixel_auroc", [measures.auroc(maps.ravel(), masks.ravel())])
        areas = [[measures.aupro(maps, masks, limit, n) for limit in (0.05, 0.3, 1.0)]
                 for n in (measures.EIGHT, measures.FOUR)]
        sheet.put_exact(f"metrics/{name}/aupro", areas)


def rounded(values, levels):
    """As f32, with at most that many distinct values."""
    if levels:
        low, high = values.min(), values.max()
        values = np.floor((values - low) / (high - low) * (levels - 1) + 0.5) / 4
    return values.astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check-against", metavar="FOLDER", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "testdata")
    args = parser.parse_args()
    if args.check_against:
        return check_against.check(args.check_against)
    sheet, folder = Sheet(), args.out / "pictures"
    pictures.write_all(folder)
    preprocessing(sheet, folder)
    backbones(sheet, folder)
    for name, settings in RUNS.items():
        run(sheet, folder, name, **settings)
    quality(sheet)
    (args.out / "parity.safetensors").write_bytes(save(sheet.tensors))


if __name__ == "__main__":
    main()

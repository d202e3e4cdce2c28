"""Holds this implementation to fixtures that the original PatchCore itself has written.

The fixtures are large and lie outside the repository; their folder has `images/`, `mvtec_toy/` and one safetensors file
per run. Every line printed is one quantity with its largest difference.
"""
import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import safe_open

import measures
import networks
import pipeline

# fixture, layers, pretrain, target, patchsize, k, percentage, resize, crop
RUNS = [
    ("resnet18_224_D1024", ("layer2", "layer3"), 1024, 1024, 3, 1, 0.1, 256, (224, 224)),
    ("resnet18_224_D1024_384_k3_p5", ("layer2", "layer3"), 1024, 384, 5, 3, 0.05, 256, (224, 224)),
    ("resnet18_200x232_L1-2-3", ("layer1", "layer2", "layer3"), 256, 320, 3, 1, 0.02, None, (200, 232)),
]
ABC = ["a_rgb_320x240.png", "b_rgb_300x420_q90_420.jpg", "c_gray_310x200.png"]
TOY = ["good/000", "scratch/000", "spot/000"]


class Fixture:
    def __init__(self, folder, name):
        self.file, self.name = safe_open(folder / f"{name}.safetensors", "np"), name
        self.names = set(self.file.keys())

    def get(self, name):
        return self.file.get_tensor(name)

    def compare(self, name, got):
        """Differences, also relative to the largest and to the spread of the expected values."""
        if name not in self.names:
            return
        expected = self.get(name).astype(np.float64)
        got = np.asarray(got, np.float64).reshape(expected.shape)
        worst = np.abs(got - expected).max()
        of_max, of_std = worst / np.abs(expected).max(), worst / expected.std()
        print(f"{self.name:30} {name:28} {expected.size:8} values  max |diff| {worst:9.3g}"
              f"  of max {of_max:9.3g}  of std {of_std:9.3g}")

    def same(self, name, got):
        if name not in self.names:
            return
        expected = self.get(name)
        different = int((np.asarray(got).reshape(expected.shape) != expected).sum())
        print(f"{self.name:30} {name:28} {expected.size:8} values  {different} differ")


def manifest(folder, name):
    return json.loads((folder / "manifest.json").read_text())["files"][f"{name}.safetensors"]["meta"]


def check_run(folder, fixture, layers, pretrain, target, patchsize, k, percentage, shorter, crop):
    golden = Fixture(folder, fixture)
    train = [folder / f"mvtec_toy/widget/train/good/00{i}.png" for i in range(6)]
    if shorter is None:
        test = [folder / f"mvtec_toy/widget/test/{t}.png" for t in TOY]
    else:
        test = [folder / "images" / name for name in ABC]

    def embedded(paths):
        images = [pipeline.network_input(p, shorter or min(pipeline.decode(p).size), crop) for p in paths]
        maps = networks.features("resnet18", layers, images)
        parts = [pipeline.embed([m[i:i + 1] for m in maps], patchsize, pretrain, target) for i in range(len(paths))]
        return maps, np.concatenate([p[0] for p in parts]), parts[0][1]

    maps, rows, grid = embedded(test)
    for layer, found in zip(layers, maps):
        golden.compare(f"features/{layer}", found)
        thin = f"features/{layer}_sub"
        if thin in golden.names:
            golden.compare(thin, found[:, ::found.shape[1] // golden.get(thin).shape[1]])
    golden.compare("embedding_a", rows[0])
    golden.compare("embedding_bc_sub", rows[1:, ::28])
    golden.compare("embedding_sub", rows[:, ::28])
    found = pipeline.fit(embedded(train)[1], percentage, seed=0)
    golden.same("projection", found["projection"])
    facts = manifest(folder, fixture)
    if "projection_sha256_f32" in facts:
        digest = hashlib.sha256(found["projection"].tobytes()).hexdigest()
        verdict = "same" if digest == facts["projection_sha256_f32"] else "OTHER"
        print(f"{fixture:30} projection, as SHA-256 {verdict}")
    golden.same("start_points", found["starts"])
    golden.same("coreset_idx", found["picks"])
    golden.compare("coreset_radius_f64", found["radii"])
    golden.compare("bank", found["bank"])
    result = pipeline.predict(found["bank"], rows, grid, crop, k)
    golden.compare("patch_scores", result["patch_scores"])
    golden.same("nn_idx", result["nearest"])
    golden.compare("image_scores", result["image_scores"])
    golden.compare("maps", result["maps"])
    golden.compare("map_a", result["maps"][0])
    golden.compare("maps_bc_sub4", result["maps"][1:, ::4, ::4])
    norms = (found["bank"].astype(np.float64) ** 2).sum(axis=1).max()
    print(f"{fixture:30} smallest margin of a pick {found['margin']:.3g}; largest |bank row|^2 {norms:.4g}")


def check_pictures(folder):
    golden = Fixture(folder, "preprocess")
    for path in sorted((folder / "images").iterdir()):
        rgb, seen = np.asarray(pipeline.decode(path)), pipeline.cropped(path, 256, (224, 224))
        golden.same(f"{path.stem}/decoded_rgb_u8", rgb)
        golden.same(f"{path.stem}/decoded_rgb_u8_sub4", rgb[::4, ::4])
        golden.same(f"{path.stem}/crop224_u8_sub2", seen[::2, ::2])
        golden.same(f"{path.stem}/norm224", pipeline.network_input(path, 256, (224, 224)))
        golden.same(f"{path.stem}/crop320_u8", pipeline.cropped(path, 366, (320, 320)))
    golden.same("pad_case/norm", pipeline.network_input(folder / "images" / ABC[0], 100, (128, 128)))


def count_parameters():
    """MobileNetV2 has no fixture; torchvision gives its parameters as 3,504,872, head and classifier included."""
    constants = networks.mobilenet_v2(17).constants
    kept = [c for c in constants if c.name.rsplit(".", 1)[1] in ("weight", "bias")]
    head, classifier = 320 * 1280 + 2 * 1280, 1280 * 1000 + 1000
    found = sum(int(np.prod(c.dims)) for c in kept) + head + classifier
    print(f"{'mobilenet_v2':30} parameters {found:,}, published 3,504,872")


def check_grouped_network(folder):
    golden = Fixture(folder, "more_backbones_224")
    image = pipeline.network_input(folder / "images" / ABC[0], 256, (224, 224))
    layers = ("layer2", "layer3")
    for layer, found in zip(layers, networks.features("resnext101_32x8d", layers, [image])):
        name = f"resnext101/{layer}_sub"
        golden.compare(name, found[:, ::found.shape[1] // golden.get(name).shape[1]])


def check_measures(folder):
    golden = Fixture(folder, "metrics")
    facts = manifest(folder, "metrics")
    worst = {"AUROC": 0.0, "AUPRO": 0.0}
    for key, expected in facts.items():
        if key.startswith("auroc/") and expected != "nan":
            got = measures.auroc(golden.get(f"{key}/scores"), golden.get(f"{key}/labels"))
            worst["AUROC"] = max(worst["AUROC"], abs(got - expected))
        if key.startswith("aupro/"):
            maps, masks = golden.get(f"{key}/maps"), golden.get(f"{key}/masks")
            for limit in (0.05, 0.3, 1.0):
                for end, neighbours in (("", measures.EIGHT), ("_4conn", measures.FOUR)):
                    got = measures.aupro(maps, masks, limit, neighbours)
                    worst["AUPRO"] = max(worst["AUPRO"], abs(got - expected[f"limit_{limit:g}{end}"]))
    for name, difference in worst.items():
        print(f"{'metrics':30} {name:28} max |diff| {difference:9.3g}")


def check(folder):
    folder = Path(folder)
    check_pictures(folder)
    check_measures(folder)
    count_parameters()
    check_grouped_network(folder)
    for run in RUNS:
        check_run(folder, *run)

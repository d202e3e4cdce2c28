"""What the original PatchCore does with test pictures, in torch and FAISS: the peer of `patchcore predict`.

    python original.py MODEL WEIGHTS FOLDER --threads 1

One picture at a time: open, resize 256, centre crop 224, normalise, WideResNet-50-2 to layer2 and layer3, 3x3 patches,
1024 values each, nearest neighbour by squared distance (flat index), image score, map of 224 x 224. The memory bank is
read from a model of ours (tensor `bank` of the safetensors file). Prints one JSON object per picture: path, image_score.
The layout of the tensors in between follows the original, because that is part of what it costs.
"""
import argparse
import json
from pathlib import Path

import faiss
import numpy
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter
from torchvision import transforms

LAYERS = ("layer2", "layer3")
PATCH = 3
WIDTH = 1024
SIDE = 224
PREPROCESS = transforms.Compose([
    transforms.Resize(256),
    transforms.CenterCrop(SIDE),
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])


class LastTap(Exception):
    """Ends the forward pass: nothing behind the last tap is needed."""


class Backbone:
    """The frozen network with hooks on the tapped layers."""

    def __init__(self, weights, name="wide_resnet50_2"):
        # Layers behind the taps stay without values; building on "meta" spares the random start values.
        with torch.device("meta"):
            self.network = torchvision.models.get_model(name, weights=None)
        self.network.load_state_dict(load_file(weights), strict=False, assign=True)
        self.network.eval()
        self.maps = {}
        for layer in LAYERS:
            self.network.get_submodule(layer)[-1].register_forward_hook(self.hook(layer))

    def hook(self, layer):
        def keep(_module, _inputs, output):
            self.maps[layer] = output
            if layer == LAYERS[-1]:
                raise LastTap

        return keep

    def features(self, batch):
        self.maps.clear()
        try:
            self.network(batch)
        except LastTap:
            pass
        return [self.maps[layer] for layer in LAYERS]


def patches(maps):
    """[n, c, h, w] to neighbourhoods [n, h * w, c, 3, 3], zeros outside."""
    n, channels, h, w = maps.shape
    columns = F.unfold(maps, PATCH, padding=PATCH // 2)
    return columns.reshape(n, channels, PATCH, PATCH, h * w).permute(0, 4, 1, 2, 3)


def to_grid(around, old, new):
    """Neighbourhoods on one grid resampled to another, every channel and offset as a plane of its own."""
    n, _, *inner = around.shape
    planes = around.reshape(n, *old, *inner).permute(0, 3, 4, 5, 1, 2).reshape(-1, 1, *old)
    planes = F.interpolate(planes, size=new, mode="bilinear", align_corners=False)
    planes = planes.reshape(n, *inner, *new).permute(0, 4, 5, 1, 2, 3)
    return planes.reshape(n, new[0] * new[1], *inner)


def pooled(vectors):
    """Each row averaged into 1024 bins."""
    return F.adaptive_avg_pool1d(vectors.reshape(len(vectors), 1, -1), WIDTH).squeeze(1)


def embed(maps):
    """Feature maps to embeddings [n * h * w, 1024] on the grid of the first layer, and that grid."""
    grid = tuple(maps[0].shape[-2:])
    joined = []
    for layer in maps:
        around = patches(layer)
        if tuple(layer.shape[-2:]) != grid:
            around = to_grid(around, tuple(layer.shape[-2:]), grid)
        joined.append(pooled(around.reshape(-1, *around.shape[2:])))
    return pooled(torch.stack(joined, dim=1)), grid


def distances(rows, picks):
    rows_squared = rows.unsqueeze(1).bmm(rows.unsqueeze(2)).reshape(-1, 1)
    picks_squared = picks.unsqueeze(1).bmm(picks.unsqueeze(2)).reshape(1, -1)
    return (-2 * rows.mm(picks.T) + rows_squared + picks_squared).clamp(0, None).sqrt()


def approximate_greedy(features):
    """The picks of the approximate greedy sampler, one after the other, without end, with the random numbers of seed 0."""
    torch.manual_seed(0)
    numpy.random.seed(0)
    # The data loader draws the seed of its workers first.
    torch.empty((), dtype=torch.int64).random_()
    reduced = torch.nn.Linear(features.shape[1], 128, bias=False)(features)
    start = numpy.random.choice(len(reduced), 10, replace=False).tolist()
    anchors = distances(reduced, reduced[start]).mean(dim=1, keepdim=True)
    while True:
        pick = torch.argmax(anchors).item()
        newest = distances(reduced, reduced[pick:pick + 1])
        anchors = torch.min(torch.cat([anchors, newest], dim=-1), dim=1).values.reshape(-1, 1)
        yield pick


def flat_index(model):
    """A FAISS index over the memory bank of a model file."""
    with safe_open(model, framework="numpy") as file:
        bank = file.get_tensor("bank")
    index = faiss.IndexFlatL2(bank.shape[1])
    index.add(bank)
    return index


def judge(path, backbone, index):
    """Image score and anomaly map of one picture."""
    with Image.open(path) as picture:
        batch = PREPROCESS(picture.convert("RGB")).unsqueeze(0)
    embeddings, grid = embed(backbone.features(batch))
    distances, _ = index.search(embeddings.numpy(), 1)
    scores = distances.mean(axis=-1)
    patch_map = torch.from_numpy(scores).reshape(1, 1, *grid)
    anomaly_map = F.interpolate(patch_map, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return scores.max(), gaussian_filter(anomaly_map[0, 0].numpy(), sigma=4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    faiss.omp_set_num_threads(args.threads)
    backbone, index = Backbone(args.weights), flat_index(args.model)
    with torch.inference_mode():
        for path in sorted(args.folder.iterdir()):
            score, _ = judge(path, backbone, index)
            print(json.dumps({"path": str(path), "image_score": float(score)}))


if __name__ == "__main__":
    main()

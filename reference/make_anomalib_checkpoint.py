"""Writes testdata/anomalib/: a PatchCore of anomalib saved in both of its ways, and the scores that anomalib gives.

    python make_anomalib_checkpoint.py [--layers act1] [--out ../testdata/anomalib]

Needs `pip install anomalib` (CPU is enough, nothing is downloaded: the backbone's weights are random). ResNet-18 is
tapped after its first ReLU, because anomalib stores the network only as far as its last tap: the genuine files stay small.
With --layers layer1,layer2 the files are larger than what a repository should hold, and go elsewhere.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from anomalib.data import Folder
from anomalib.engine import Engine
from anomalib.models import Patchcore
from lightning import seed_everything
from PIL import Image
from safetensors.numpy import save_file

RESIZE, CROP = (40, 48), (32, 40)
NEIGHBOURS, RATIO, SEED = 3, 0.03, 7


def picture(number, spot=None):
    """Waves that move a little from picture to picture, and a bright spot if it has a defect."""
    y, x = np.mgrid[0:44, 0:56]
    noise = np.random.default_rng(number).normal(0, 3, (44, 56, 3))
    waves = np.stack([128 + 60 * np.sin(x / 4 + number / 3), 120 + 50 * np.cos(y / 5 + number / 5), 60 + 2 * x + y], -1)
    waves += noise
    if spot:
        top, left, side = spot
        waves[top:top + side, left:left + side] = (250, 240, 30)
    return Image.fromarray(waves.clip(0, 255).astype(np.uint8))


def draw(folder):
    for kind, numbers, spots in [("train/good", range(4), [None] * 4), ("test/good", range(4, 6), [None] * 2),
                                 ("test/bad", range(6, 8), [(12, 20, 7), (25, 14, 4)])]:
        (folder / kind).mkdir(parents=True)
        for number, spot in zip(numbers, spots):
            picture(number, spot).save(folder / kind / f"{number}.png")


def lively(network):
    """Random norms too, so that swapping or forgetting one of their tensors changes the scores."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.3, 0.3)
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", default="act1")
    parser.add_argument("--precision", help="float32 or float16; anomalib's own default if not given")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "testdata" / "anomalib")
    args = parser.parse_args()
    precision = {"precision": args.precision} if args.precision else {}
    torch.set_num_threads(1)
    seed_everything(SEED)
    args.out.mkdir(parents=True, exist_ok=True)

    # Of a fixed name, because the checkpoint remembers where it was first written.
    scratch = Path(tempfile.gettempdir()) / "patchcore-toy"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        draw(scratch / "data")
        model = Patchcore(backbone="resnet18", layers=args.layers.split(","), pre_trained=False,
                          coreset_sampling_ratio=RATIO, num_neighbors=NEIGHBOURS, **precision,
                          pre_processor=Patchcore.configure_pre_processor(RESIZE, CROP))
        lively(model.model.feature_extractor)
        data = Folder(name="toy", root=str(scratch / "data"), normal_dir="train/good", abnormal_dir="test/bad",
                      normal_test_dir="test/good", train_batch_size=2, eval_batch_size=2, num_workers=0)
        engine = Engine(default_root_dir=str(scratch / "run"), accelerator="cpu", devices=1, logger=False)
        engine.fit(model=model, datamodule=data)
        engine.trainer.save_checkpoint(args.out / "patchcore.ckpt")
        shutil.move(model.to_torch(scratch / "export"), args.out / "patchcore.pt")

        tensors, model = {}, model.eval()
        files = sorted((scratch / "data" / "test").glob("*/*.png"))
        raw = torch.stack([torch.from_numpy(np.array(Image.open(f))).permute(2, 0, 1) / 255 for f in files])
        with torch.no_grad():
            inputs = model.pre_processor.transform(raw)
            score = model.model(inputs)
        tensors["inputs"] = inputs.permute(0, 2, 3, 1)
        tensors["image_scores"] = score.pred_score
        tensors["anomaly_maps"] = score.anomaly_map[:, 0]
        tensors["memory_bank"] = model.model.memory_bank
        post = model.post_processor
        for name in ["_image_threshold", "_pixel_threshold", "image_min", "image_max", "pixel_min", "pixel_max"]:
            tensors[name.removeprefix("_")] = getattr(post, name).reshape(1)
    finally:
        shutil.rmtree(scratch)
    tensors = {name: np.ascontiguousarray(t.float().numpy()) for name, t in tensors.items()}
    save_file(tensors, args.out / "patchcore.safetensors")
    print(json.dumps({p.name: p.stat().st_size for p in sorted(args.out.iterdir())}, indent=1))
    print(tensors["image_scores"])


if __name__ == "__main__":
    main()

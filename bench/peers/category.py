"""Times a whole category as the original does it, fit and evaluation, beside our program, on the same pictures and weights.

    taskset -c 0 python category.py --threads 1 --dataset ROOT --category NAME

A ResNet at 224 (preset reference-224), a bank of 10 %, 209 training and 83 test pictures out of a category in MVTec AD
layout; the random weights are those of the other scripts, or `--weights`. Ours is `patchcore fit` and `patchcore evaluate`,
whole processes that read and write files. The original (torch, FAISS) runs in this process, without its start: embeddings of
all training pictures, its approximate greedy sampler on a projection to 128 values with the same random streams, then test
pictures one at a time, and the image AUROC, which must be the same; ours computes its other metrics too. `--steps N` measures
N steps of the original's sampler and multiplies the rest out; it then evaluates with the bank that our program chose.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import machine

PACKAGES = ("torch", "torchvision", "faiss-cpu", "numpy", "pillow")
SHARE = 0.1
AGREE = 1e-3


def spread(files, count):
    """So many of the files, evenly spread."""
    files = sorted(files)
    count = min(count, len(files))
    return [files[i * len(files) // count] for i in range(count)]


def prepare(args, root):
    """Copies the pictures that take part, and their masks."""
    category = args.dataset / args.category
    chosen = spread((category / "train" / "good").iterdir(), args.train)
    chosen += spread(category.glob("test/*/*"), args.test)
    for path in chosen:
        relative = path.relative_to(category)
        pairs = [relative]
        if relative.parts[0] == "test" and relative.parts[1] != "good":
            pairs += [mask.relative_to(category)
                      for mask in (category / "ground_truth" / relative.parts[1]).glob(f"{path.stem}*")
                      if mask.stem in (path.stem, f"{path.stem}_mask")]
        for pair in pairs:
            to = root / args.category / pair
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(category / pair, to)


def ours(args, root, weights, precision):
    """Seconds of fit and of evaluation, and the image AUROC; leaves the model in `root`."""
    from_data = ["--dataset", root, "--category", args.category, "--weights", weights, "--threads", str(args.threads)]
    model = root / f"{precision}.patchcore"
    fit = ["fit", "-o", model, "--preset", "reference-224", "--percentage", str(SHARE), "--backbone", args.backbone,
           *from_data, "--quiet", *(["--precision", precision] if precision != "f32" else [])]
    evaluate = ["evaluate", model, *from_data, "--json", "--quiet"]
    seconds = []
    for words in (fit, evaluate):
        start = time.perf_counter()
        done = subprocess.run([machine.program("patchcore"), *map(str, words)], check=True, stdout=subprocess.PIPE)
        seconds.append(time.perf_counter() - start)
    return seconds, json.loads(done.stdout)["categories"][0]


def auroc(scores, labels):
    """The share of pairs in the right order, ties half."""
    good = [s for s, label in zip(scores, labels) if not label]
    bad = [s for s, label in zip(scores, labels) if label]
    return sum((b > g) + 0.5 * (b == g) for b in bad for g in good) / (len(good) * len(bad))


def chosen(features, count, steps):
    """The original's picks and the seconds that they take; with `steps`, the seconds alone."""
    import original as method

    start, sampler = time.perf_counter(), method.approximate_greedy(features)
    picks = [next(sampler)]
    first = time.perf_counter() - start
    picks += [next(sampler) for _ in range((steps or count) - 1)]
    seconds = time.perf_counter() - start
    return (None, first + (seconds - first) * (count - 1) / (steps - 1)) if steps else (picks, seconds)


def original(args, root, weights, model):
    """As `ours`, with the seconds of the sampler among those of fit."""
    import faiss
    import torch
    from PIL import Image

    import original as method

    torch.set_num_threads(args.threads)
    faiss.omp_set_num_threads(args.threads)
    category = root / args.category
    with torch.inference_mode():
        backbone = method.Backbone(weights, args.backbone)

        def embedded(path):
            with Image.open(path) as picture:
                batch = method.PREPROCESS(picture.convert("RGB")).unsqueeze(0)
            return method.embed(backbone.features(batch))[0]

        start = time.perf_counter()
        features = torch.cat([embedded(path) for path in sorted((category / "train" / "good").iterdir())])
        extracted = time.perf_counter() - start
        picks, sampled = chosen(features, int(len(features) * SHARE), args.steps)
        start = time.perf_counter()
        if picks is None:
            index = method.flat_index(model)
        else:
            index = faiss.IndexFlatL2(features.shape[1])
            index.add(features[picks].numpy())
        filled = time.perf_counter() - start
        del features
        start, scores, labels = time.perf_counter(), [], []
        for path in sorted(category.glob("test/*/*")):
            score, _ = method.judge(path, backbone, index)
            scores.append(float(score))
            labels.append(path.parent.name != "good")
        found = auroc(scores, labels)
        return [extracted + sampled + filled, time.perf_counter() - start], sampled, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--category", required=True)
    parser.add_argument("--train", type=int, default=209)
    parser.add_argument("--test", type=int, default=83)
    parser.add_argument("--backbone", default="wide_resnet50_2", help="as torchvision calls it")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--precisions", default="f32,bf16", help="of ours")
    parser.add_argument("--steps", type=int, help="of the original's sampler, instead of all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    precisions = args.precisions.split(",")
    print(machine.heading(args.threads, f"ours in {args.precisions}, the original in f32", PACKAGES), flush=True)
    quiet = machine.Quiet(tries=1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        prepare(args, root)
        weights = args.weights or root / "weights.safetensors"
        if not args.weights:
            from safetensors.numpy import save_file

            import networks

            save_file(networks.random_network(args.backbone).tensors(), weights)
        runs = {precision: quiet.measure(lambda: ours(args, root, weights, precision)) for precision in precisions}
        model = root / f"{precisions[0]}.patchcore"
        theirs, sampled, their_auroc = quiet.measure(lambda: original(args, root, weights, model))
    rows = [["original", f"{theirs[0]:.1f}", f"{theirs[1]:.1f}", f"{sum(theirs):.1f}", "", f"{their_auroc:.4f}"]]
    for precision, (seconds, report) in runs.items():
        ratio = sum(theirs) / sum(seconds)
        rows.append([f"ours, {precision}", f"{seconds[0]:.1f}", f"{seconds[1]:.1f}", f"{sum(seconds):.1f}",
                     f"{ratio:.1f}", f"{report['image_auroc']:.4f}"])
    head = ["", "fit, s", "evaluate, s", "both, s", "original / ours", "image AUROC"]
    print(f"\n{machine.table(head, rows, args.markdown)}\n")
    print(f"Of the original's fit, choosing the bank took {sampled:.1f} s; {quiet}.")
    if "f32" in runs and abs(runs["f32"][1]["image_auroc"] - their_auroc) > AGREE:
        raise SystemExit("the image AUROC differs")


if __name__ == "__main__":
    main()

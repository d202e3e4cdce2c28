"""Compares all metrics with other libraries, on seeded random scores and maps with many ties.

    check_metrics.py PROGRAM [--record]

PROGRAM is the example `metrics_json`. scikit-learn, numpy, scipy and safetensors are needed. torchmetrics and anomalib bring
torch, which is gigabytes: what they say lies in `metrics_peers.json`, with their versions and a hash of what they were asked.
--record asks them anew (where they are installed) and writes the file; another numpy may draw other numbers.

Where the definitions agree, the values must agree to 1e-9, or 1e-6 where the other side computes in 32 bits (torchmetrics;
AUPRO, AUPR, PGn and PBn of anomalib 2.7). Where they do not:

* anomalib's AUPIMO takes evenly spaced thresholds, straight lines over ln(FPR), and the thresholds nearest to both ends:
  0.01 for each picture on maps without ties; it is not compared on maps with ties, where its lines mean something else.
* anomalib 2.7's AUPR is the average precision; the area by trapezoids is scikit-learn's `auc` over its curve.
* PGn and PBn take a quantile of 32 bits there: the threshold to 1e-6, the share exactly, for scores that the rounding
  cannot carry across the threshold.
"""
import argparse
import hashlib
import json
import math
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.stats import binomtest, norm
from sklearn import metrics as sk

PEERS = Path(__file__).with_name("metrics_peers.json")
LIMITS = [0.3, 0.05, 0.01, 1.0]


def draw(seed, ties, range_, side):
    """Scores of two related models, and maps with discs of defects in two of three pictures."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 200))
    labels = rng.random(n) < rng.uniform(0.2, 0.8)
    labels[:4] = [True, False, True, False]
    common = labels * 1.0 + rng.normal(size=n)
    scores, other = common + 0.5 * rng.normal(size=n), common + rng.normal(size=n)
    y, x = np.mgrid[:side, :side]
    masks = np.zeros((6, side, side), bool)
    for i in range(6):
        for _ in range(i % 3):
            cy, cx, r = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(side / 16, side / 6)
            masks[i] |= np.hypot(y - cy, x - cx) < r
    maps = masks * 1.5 + rng.normal(size=masks.shape) * (0.5 + rng.random(6)[:, None, None])
    if ties:
        scores, other, maps = (np.round(a * 4) / 4 for a in (scores, other, maps))
    return {
        "scores": scores.astype(np.float32),
        "other": other.astype(np.float32),
        "labels": labels.astype(np.uint8),
        "threshold": np.float32([0.5]),
        "maps": maps.astype(np.float32),
        "masks": masks.astype(np.uint8),
        "limits": np.array(LIMITS),
        "range": np.array(range_),
    }


class Compared:
    """Fails at the first value that is off, and counts the others."""

    def __init__(self):
        self.count = 0
        self.worst = {}

    def __call__(self, what, got, expected, tolerance=1e-9):
        off = float(np.max(np.abs(np.asarray(got, float) - np.asarray(expected, float))))
        assert off <= tolerance, f"{what}: {got}, expected {expected}"
        self.count += 1
        library = what.split(":")[0]
        self.worst[library] = max(self.worst.get(library, 0.0), off)


def best(scores, labels, value):
    """The largest value(TP, FP, FN) over the distinct scores, and the highest score that reaches it."""
    found = (-1.0, math.nan)
    for t in np.unique(scores):
        alarm = scores >= t
        tp, fp, fn = (alarm & labels).sum(), (alarm & ~labels).sum(), (~alarm & labels).sum()
        found = max(found, (value(tp, fp, fn), float(t)))
    return found


def with_sklearn(compared, ours, data):
    scores, labels = data["scores"], data["labels"].astype(bool)
    maps, masks = data["maps"], data["masks"].astype(bool)
    for part, s, l in [("image", scores, labels), ("pixel", maps.ravel(), masks.ravel())]:
        mine, name = ours[part], f"scikit-learn: {part} "
        compared(name + "auroc", mine["auroc"], sk.roc_auc_score(l, s))
        compared(name + "average precision", mine["average_precision"], sk.average_precision_score(l, s))
        precision, recall, threshold = sk.precision_recall_curve(l, s)
        compared(name + "area by trapezoids", mine["aupr_trapezoid"], sk.auc(recall, precision))
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
        compared(name + "best F1", mine["f1_max"][0], f1.max())
        at = threshold == np.float32(mine["f1_max"][1])
        compared(name + "its threshold", f1[:-1][at], f1.max())
        alarm = s >= np.float32(mine["iou_max"][1])
        compared(name + "best IoU", mine["iou_max"][0], sk.jaccard_score(l, alarm))
    f1 = best(scores, labels, lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn))
    compared("scikit-learn: highest of equal thresholds", ours["image"]["f1_max"], f1)
    iou = best(scores, labels, lambda tp, fp, fn: tp / (tp + fp + fn))
    compared("scikit-learn: best IoU of all", ours["image"]["iou_max"], iou)
    fpr, tpr, _ = sk.roc_curve(labels, scores)
    compared("scikit-learn: ROC curve", ours["image"]["roc_curve"], [fpr, tpr])
    precision, recall, _ = sk.precision_recall_curve(labels, scores)
    compared("scikit-learn: precision-recall curve", ours["image"]["precision_recall_curve"], [precision[::-1], recall[::-1]])
    with_defect = masks.any(axis=(1, 2))
    only = sk.roc_auc_score(masks[with_defect].ravel(), maps[with_defect].ravel())
    compared("scikit-learn: pixel auroc of anomalous pictures", ours["pixel"]["auroc_anomalous_only"], only)

    mine, alarm = ours["at_threshold"], scores >= data["threshold"][0]
    tn, fp, fn, tp = sk.confusion_matrix(labels, alarm).ravel()
    compared("scikit-learn: counts", mine["counts"], [tp, fp, fn, tn])
    compared("scikit-learn: precision", mine["precision"][0], sk.precision_score(labels, alarm))
    compared("scikit-learn: recall", mine["recall"][0], sk.recall_score(labels, alarm))
    compared("scikit-learn: F1", mine["f1"], sk.f1_score(labels, alarm))
    compared("scikit-learn: balanced accuracy", mine["balanced_accuracy"], sk.balanced_accuracy_score(labels, alarm))
    shares = {
        "precision": (tp, tp + fp), "recall": (tp, tp + fn), "escape_rate": (fn, tp + fn),
        "specificity": (tn, tn + fp), "false_alarm_rate": (fp, tn + fp),
    }
    for name, (count, of) in shares.items():
        interval = binomtest(int(count), int(of)).proportion_ci(0.95, method="exact")
        compared(f"scipy: bounds of {name}", mine[name], [count / of, interval.low, interval.high])
    only_a, only_b, p = ours["mcnemar"]
    wrong, other = alarm != labels, (data["other"] >= data["threshold"][0]) != labels
    compared("scikit-learn: wrong alone", [only_a, only_b], [(wrong & ~other).sum(), (other & ~wrong).sum()])
    compared("scipy: McNemar's p", p, binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0)
    good, bad = scores[~labels].astype(float), scores[labels].astype(float)
    low, high = np.quantile(bad, 0.05), np.quantile(good, 0.95)
    compared("numpy: PG5", ours["image"]["pg"], [(good < low).mean(), low])
    compared("numpy: PB5", ours["image"]["pb"], [(bad > high).mean(), high])


def with_definitions(compared, ours, data):
    """What none of the libraries has, counted from its definition."""
    labels = data["labels"].astype(bool)
    wins = []
    for scores in (data["scores"], data["other"]):
        bad, good = scores[labels][:, None].astype(float), scores[~labels][None, :].astype(float)
        wins.append((bad > good) + (bad == good) / 2)
    per_bad, per_good = np.array([w.mean(1) for w in wins]), np.array([w.mean(0) for w in wins])
    covariance = np.cov(per_bad) / per_bad.shape[1] + np.cov(per_good) / per_good.shape[1]
    difference = wins[0].mean() - wins[1].mean()
    variance = np.array([1, -1]) @ covariance @ np.array([1, -1])
    z = difference / math.sqrt(variance)
    mine = ours["comparison"]["delong"]
    compared("definition: DeLong", [mine["difference"], mine["variance"], mine["z"]], [difference, variance, z])
    compared("definition: DeLong's p", mine["p_value"], 2 * norm.sf(abs(z)))
    half = norm.ppf(0.975) * math.sqrt(variance)
    compared("definition: DeLong's interval", mine["bounds"], [difference - half, difference + half])
    # Both intervals speak of the same thing: their ends lie within half a width of each other.
    other = ours["comparison"]["bootstrap"]
    compared("bootstrap against DeLong: ends", other["bounds"], mine["bounds"], half)


def pro_curve(compared, ours, data):
    """The thinned curve: points of the whole one, both ends, at most 200."""
    from scipy.ndimage import label

    maps, masks = data["maps"], data["masks"].astype(bool)
    regions = [maps[i][found == r] for i in range(len(masks)) for found, n in [label(masks[i], np.ones((3, 3)))] for r in range(1, n + 1)]
    normal, thresholds = np.sort(maps[~masks]), np.unique(maps)[::-1]
    fpr = 1 - np.searchsorted(normal, thresholds) / len(normal)
    pro = np.mean([1 - np.searchsorted(np.sort(r), thresholds) / len(r) for r in regions], axis=0)
    x, y = (np.array(axis) for axis in ours["pixel"]["pro_curve"])
    assert 3 <= len(x) <= 200 and x[0] == y[0] == 0 and x[-1] == y[-1] == 1, (len(x), x[0], x[-1])
    nearest = [np.min(np.abs(fpr - a) + np.abs(pro - b)) for a, b in zip(x[1:], y[1:])]
    compared("definition: points of the PRO curve", nearest, np.zeros(len(nearest)))
    # No line between two kept points is far from the curve: the areas agree to a step times the length of the axis.
    area = lambda x, y: np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)
    compared("definition: area of the PRO curve", area(x, y), area(np.r_[0, fpr], np.r_[0, pro]), 2 / 199)


class Peers:
    """What torchmetrics and anomalib say: computed and kept, or as it was kept."""

    def __init__(self, record):
        self.record = record
        self.kept = {"versions": {}, "draws": {}}
        if record:
            self.kept["versions"] = {name: version(name) for name in ["torchmetrics", "anomalib", "torch"]}
        else:
            self.kept = json.loads(PEERS.read_text())

    def ask(self, seed, data):
        """Turns to another draw, which must be the one that they were asked about."""
        digest = hashlib.sha256(b"".join(data[name].tobytes() for name in sorted(data))).hexdigest()
        if self.record:
            self.kept["draws"][str(seed)] = {"inputs": digest, "values": {}}
        draw = self.kept["draws"][str(seed)]
        assert draw["inputs"] == digest, f"draw {seed} is another one than {PEERS.name} is about: --record"
        self.values = draw["values"]

    def __call__(self, what, compute):
        if self.record:
            self.values[what] = float(compute())
        return self.values[what]

    def save(self):
        PEERS.write_text(json.dumps(self.kept, indent=1) + "\n")


def with_torchmetrics(compared, ours, data, peers):
    for part, s, l in [("image", "scores", "labels"), ("pixel", "maps", "masks")]:
        for metric in ["auroc", "average_precision"]:
            what = f"torchmetrics: {part} {metric}"
            expected = peers(what, lambda: torchmetrics_value(metric, data[s], data[l]))
            compared(what, ours[part][metric], expected, 1e-6)


def torchmetrics_value(metric, scores, labels):
    import torch
    from torchmetrics.functional import classification as tm

    # Its functions apply a sigmoid to scores outside [0, 1], which joins large ones: scaled by a power of two first.
    scores = torch.from_numpy(scores.ravel().copy()).double() / 64 + 0.5
    labels = torch.from_numpy(labels.ravel().astype(np.int64))
    return getattr(tm, f"binary_{metric}")(scores, labels)


def with_anomalib(compared, ours, data, ties, peers):
    for limit, value in ours["pixel"]["aupro"]:
        what = f"anomalib's AUPRO: up to {limit}"
        compared(what, value, peers(what, lambda: anomalib_value("aupro", data, limit)), 1e-6)
    aupr = peers("anomalib: AUPR", lambda: anomalib_value("aupr", data))
    compared("anomalib: AUPR", ours["image"]["average_precision"], aupr, 1e-6)
    for name in ["pg", "pb"]:
        share, threshold = ours["image"][name]
        if np.abs(data["scores"] - threshold).min() > 1e-6:
            what = f"anomalib: {name}"
            compared(what, share, peers(what, lambda: anomalib_value(name, data, 0.05)), 1e-6)
    if not ties:
        for i, defect in enumerate(data["masks"].any(axis=(1, 2))):
            if defect:
                what = f"anomalib's AUPIMO: picture {i}"
                expected = peers(what, lambda: anomalib_value("aupimo", data)[i])
                compared(what, ours["aupimo"]["per_picture"][i], expected, 0.01)


def anomalib_value(name, data, parameter=None):
    import torch
    from anomalib.metrics.aupr import _AUPR
    from anomalib.metrics.aupro import _AUPRO
    from anomalib.metrics.pg_pb import _PBn, _PGn
    from anomalib.metrics.pimo.functional import aupimo_scores

    scores, labels = torch.from_numpy(data["scores"]), torch.from_numpy(data["labels"].astype(np.int64))
    maps, masks = torch.from_numpy(data["maps"]), torch.from_numpy(data["masks"].astype(np.int64))
    if name == "aupimo":
        return aupimo_scores(maps, masks, num_thresholds=30_000, fpr_bounds=tuple(data["range"]))[-2]
    if name == "aupro":
        metric, asked = _AUPRO(fpr_limit=parameter), (maps, masks)
    elif name == "aupr":
        metric, asked = _AUPR(), (scores / 64 + 0.5, labels)
    else:
        metric, asked = {"pg": _PGn, "pb": _PBn}[name](parameter), (scores, labels)
    metric.update(*asked)
    return metric.compute()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--record", action="store_true")
    arguments = arguments.parse_args()

    compared, peers = Compared(), Peers(arguments.record)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.safetensors"
        for seed in range(8):
            ties = seed % 2 == 0
            data = draw(seed, ties, (1e-3, 1e-1), 48)
            save_file(data, path)
            printed = subprocess.run([arguments.program, path], check=True, capture_output=True, text=True).stdout
            ours = json.loads(printed)
            with_sklearn(compared, ours, data)
            with_definitions(compared, ours, data)
            pro_curve(compared, ours, data)
            peers.ask(seed, data)
            with_torchmetrics(compared, ours, data, peers)
            with_anomalib(compared, ours, data, ties, peers)
    if arguments.record:
        peers.save()
    worst = ", ".join(f"{library} {off:.1e}" for library, off in compared.worst.items())
    print(f"{compared.count} values compared; largest differences: {worst}")


main()

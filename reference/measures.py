"""Quality measures: two from scikit-learn, one straight from its definition."""
import numpy as np
from scipy.ndimage import label
from sklearn.metrics import average_precision_score, roc_auc_score

EIGHT, FOUR = np.ones((3, 3)), None


def auroc(scores, labels):
    return roc_auc_score(labels, scores)


def average_precision(scores, labels):
    return average_precision_score(labels, scores)


def aupro(maps, masks, limit, neighbours=EIGHT):
    """Area under the mean overlap per defect region, over false positive rates up to `limit`, divided by `limit`.

    Every distinct score is tried as a threshold, and everything is counted anew for each.
    """
    regions = []
    for i, mask in enumerate(masks):
        numbered, count = label(mask, structure=neighbours)
        regions += [(i, numbered == r) for r in range(1, count + 1)]
    good = masks == 0
    curve = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        alarm = maps >= threshold
        overlap = np.mean([alarm[i][region].mean() for i, region in regions])
        curve.append(((alarm & good).sum() / good.sum(), overlap))
    curve.append((1.0, 1.0))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(curve, curve[1:]):
        if x0 >= limit or x1 == x0:
            continue
        end = min(x1, limit)
        y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
        area += (end - x0) * (y0 + y_end) / 2
    return area / limit

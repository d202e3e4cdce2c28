"""Network weights from a formula, so that no weight file has to be stored.

A tensor is known by its name in the state dict. FNV-1a turns the name into 64 bits, SplitMix64 started there gives one
word per value (row-major), and the upper 24 bits of a word are a number u in [0, 1); s = 2u - 1.
"""
import math

import numpy as np


def hash_of(name):
    h = 14695981039346656037
    for byte in name.encode():
        h = (h ^ byte) * 1099511628211 % 2**64
    return h


def unit(name, count):
    """`count` numbers in [0, 1) that belong to `name`."""
    step = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = step + np.uint64(hash_of(name))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**24


def weight(name, shape):
    """The f32 tensor of that name; its last part says what kind of parameter it is."""
    u = unit(name, math.prod(shape))
    s = 2 * u - 1
    kind = name.rsplit(".", 1)[1]
    if kind == "running_var":
        values = 0.5 + u
    elif kind == "running_mean":
        values = 0.2 * s
    elif kind == "weight" and len(shape) > 1:
        values = s * math.sqrt(6 / math.prod(shape[1:]))
    elif kind == "weight":
        values = 0.5 + 0.5 * u
    else:
        values = 0.1 * s
    return values.astype(np.float32).reshape(shape)

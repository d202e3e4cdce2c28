"""Writes testdata/onnx/: small networks as ONNX files, and the values of their tensors by onnxruntime.

    python make_onnx.py [--out FOLDER]

The picture is the tensor `picture.weight` of `formula`, [2, 3, 24, 40]. Values are kept for tensors that a graph optimiser
would like to merge with their neighbours, too.
"""
import argparse
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save_model
from safetensors.numpy import save

from formula import weight

PICTURES = weight("picture.weight", (2, 3, 24, 40))


class Graph:
    """Nodes and constants of one network; a tensor bears the name of what it is, a node `node/` before it."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def weight(self, name, *shape):
        return self.constant(name, weight(name, shape))

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind, name, *inputs, **attributes):
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"node/{name}", **attributes))
        return name

    def conv(self, name, x, channels, out, size, stride, pad):
        w = self.weight(f"{name}.weight", out, channels, size, size)
        b = self.weight(f"{name}.bias", out)
        return self.node("Conv", name, x, w, b, strides=[stride] * 2, pads=[pad] * 4)

    def linear(self, name, x, channels, out):
        product = self.node("MatMul", f"{name}.product", x, self.weight(f"{name}.weight", channels, out))
        return self.node("Add", name, product, self.weight(f"{name}.bias", out))

    def norm(self, name, x, channels):
        """Layer norm as older exporters write it, in pieces."""
        mean = self.node("ReduceMean", f"{name}.mean", x, axes=[-1])
        centred = self.node("Sub", f"{name}.centred", x, mean)
        squares = self.node("Pow", f"{name}.squares", centred, self.constant(f"{name}.two", np.float32(2)))
        variance = self.node("ReduceMean", f"{name}.variance", squares, axes=[-1])
        shifted = self.node("Add", f"{name}.shifted", variance, self.constant(f"{name}.eps", np.float32(1e-5)))
        deviation = self.node("Sqrt", f"{name}.deviation", shifted)
        unit = self.node("Div", f"{name}.unit", centred, deviation)
        scaled = self.node("Mul", f"{name}.scaled", unit, self.weight(f"{name}.weight", channels))
        return self.node("Add", name, scaled, self.weight(f"{name}.bias", channels))

    def gelu(self, name, x):
        """GELU as older exporters write it, in pieces."""
        root = self.node("Div", f"{name}.root", x, self.constant(f"{name}.sqrt2", np.float32(2**0.5)))
        erf = self.node("Erf", f"{name}.erf", root)
        above = self.node("Add", f"{name}.above", erf, self.constant(f"{name}.one", np.float32(1)))
        gated = self.node("Mul", f"{name}.gated", x, above)
        return self.node("Mul", name, gated, self.constant(f"{name}.half", np.float32(0.5)))

    def model(self, size, output):
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "network", [value("image", size)], [value(output, None)],
                                  self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def maps():
    """Convolutions; any size, any batch."""
    g = Graph()
    x = g.node("Relu", "stem", g.conv("conv1", "image", 3, 6, 3, 2, 1))
    norm = [g.weight(f"bn.{p}", 8) for p in ("weight", "bias", "running_mean", "running_var")]
    x = g.node("BatchNormalization", "norm", g.conv("conv2", x, 6, 8, 3, 2, 1), *norm, epsilon=1e-5)
    x = g.node("Relu", "stage1", x)
    y = g.node("Sigmoid", "gate", g.conv("conv3", x, 8, 8, 1, 1, 0))
    x = g.node("Mul", "gated", g.conv("conv4", x, 8, 8, 3, 1, 1), y)
    x = g.node("MaxPool", "stage2", g.node("Add", "sum", x, "stage1"), kernel_shape=[3, 3], strides=[2, 2],
               pads=[1] * 4)
    x = g.node("GlobalAveragePool", "pool", x)
    x = g.node("Flatten", "flat", x)
    return g.model(["n", 3, "h", "w"], g.linear("head", x, 8, 4)), ["stage1", "stage2"]


def tokens():
    """A transformer's block after a class token and two registers; any size, one picture."""
    g = Graph()
    x = g.conv("patches", "image", 3, 8, 8, 8, 0)
    x = g.node("Reshape", "flat", x, g.constant("shape", np.array([0, 8, -1], np.int64)))
    x = g.node("Transpose", "embedded", x, perm=[0, 2, 1])
    prefix = [g.weight(f"{p}.weight", 1, n, 8) for p, n in (("class", 1), ("registers", 2))]
    x = g.node("Concat", "tokens", *prefix, x, axis=1)
    y = g.norm("norm1", x, 8)
    query, key, value = (g.linear(p, y, 8, 8) for p in ("query", "key", "value"))
    scores = g.node("MatMul", "scores", query, g.node("Transpose", "keys", key, perm=[0, 2, 1]))
    shares = g.node("Softmax", "shares", scores, axis=-1)
    x = g.node("Add", "attended", x, g.linear("out", g.node("MatMul", "mixed", shares, value), 8, 8))
    y = g.gelu("gelu", g.linear("fc1", g.norm("norm2", x, 8), 8, 12))
    x = g.node("Add", "block", x, g.linear("fc2", y, 12, 8))
    return g.model([1, 3, "h", "w"], g.norm("final", x, 8)), ["attended", "fc1.product", "gelu.gated", "block", "final"]


def channels_last():
    """Patches with the channels last; one size, one picture."""
    g = Graph()
    x = g.node("Transpose", "patches", g.conv("conv", "image", 3, 6, 4, 4, 0), perm=[0, 2, 3, 1])
    y = g.gelu("gelu", g.linear("fc1", g.norm("norm", x, 6), 6, 10))
    x = g.node("Add", "block", x, g.linear("fc2", y, 10, 6))
    return g.model([1, 3, 24, 40], g.norm("final", x, 6)), ["block", "norm.scaled"]


def values(model, names):
    """What each tensor is for each picture alone."""
    every = type(model)()
    every.CopyFrom(model)
    del every.graph.output[:]
    every.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(every.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(names, {"image": picture[None]}) for picture in PICTURES]
    return dict(zip(names, (np.concatenate(parts) for parts in zip(*runs))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "testdata" / "onnx")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    expected = {}
    for network in (maps, tokens, channels_last):
        model, names = network()
        (out / f"{network.__name__}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        expected |= {f"{network.__name__}/{name}": v for name, v in values(model, names).items()}
    for old in out.glob("external.onnx*"):
        old.unlink()
    save_model(maps()[0], out / "external.onnx", save_as_external_data=True, location="external.onnx.data",
               size_threshold=0)
    (out / "expected.safetensors").write_bytes(save(expected))
    print(sum(file.stat().st_size for file in out.iterdir()), "bytes in", out)


if __name__ == "__main__":
    main()

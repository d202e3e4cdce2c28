"""Times onnxruntime on the ResNet family up to layer3, beside our own engine, in one interleaved run.

    pip install -r requirements.txt
    cargo build --release -p patchcore-backbone --example forward
    taskset -c 0 python onnx_engine.py --threads 1

The network is written as an ONNX graph by hand (random weights, batch norm folded), so no torch is needed.
"""
import argparse
import os
import re
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

DEPTH = {"resnet18": (2, 2, 2), "resnet50": (3, 4, 6), "wide_resnet50_2": (3, 4, 6)}
WIDTH = {"resnet50": 64, "wide_resnet50_2": 128}


class Graph:
    def __init__(self):
        self.nodes, self.weights, self.rng = [], [], np.random.default_rng(0)

    def op(self, kind, inputs, **attributes):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def conv(self, x, ci, co, size, stride):
        w = self.rng.standard_normal((co, ci, size, size)) / np.sqrt(ci * size * size)
        names = []
        for value in (w, np.zeros(co)):
            names.append(f"w{len(self.weights)}")
            self.weights.append(numpy_helper.from_array(value.astype(np.float32), names[-1]))
        return self.op("Conv", [x, *names], kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4)


def resnet(name, batch):
    g = Graph()
    x = g.op("Relu", [g.conv("input", 3, 64, 7, 2)])
    x = g.op("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels, taps = 64, []
    for stage, blocks in enumerate(DEPTH[name]):
        planes = 64 << stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            if name in WIDTH:
                inner, out = planes * WIDTH[name] // 64, planes * 4
                convs = [(inner, 1, 1), (inner, 3, stride), (out, 1, 1)]
            else:
                out = planes
                convs = [(out, 3, stride), (out, 3, 1)]
            y, ci = x, channels
            for i, (co, size, step) in enumerate(convs):
                y = g.conv(y, ci, co, size, step)
                ci = co
                if i + 1 < len(convs):
                    y = g.op("Relu", [y])
            shortcut = x if stride == 1 and channels == out else g.conv(x, channels, out, 1, stride)
            x, channels = g.op("Relu", [g.op("Add", [y, shortcut])]), out
        taps.append(x)
    value = lambda n, shape: helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
    outputs = [value(t, None) for t in taps[1:]]
    graph = helper.make_graph(g.nodes, name, [value("input", [batch, 3, 224, 224])], outputs, g.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def session(name, batch, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    data = resnet(name, batch).SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    program = Path(__file__).resolve().parents[2] / "target/release/examples/forward"
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    print(f"{cpu}, {args.threads} thread(s), f32, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    for name in DEPTH:
        for batch in (1, 8):
            run, x = session(name, batch, args.threads), np.full((batch, 3, 224, 224), 0.1, np.float32)
            ours, theirs = [], []
            for _ in range(args.rounds):
                env = {**os.environ, "RAYON_NUM_THREADS": str(args.threads)}
                text = subprocess.run([program, name, str(batch)], env=env, capture_output=True, text=True, check=True)
                ours.append(float(re.search(r": ([\d.]+) ms", text.stdout).group(1)))
                times = []
                for _ in range(15):
                    start = time.perf_counter()
                    run.run(None, {"input": x})
                    times.append((time.perf_counter() - start) * 1e3 / batch)
                theirs.append(statistics.median(times))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{name:16} batch {batch}: ours {a:7.1f} ms, onnxruntime {b:7.1f} ms, ours/onnxruntime {a / b:.2f}", flush=True)


if __name__ == "__main__":
    main()

"""The networks as ONNX graphs, run by onnxruntime.

Layers bear torchvision's names, and weights come from `formula`. Batch norm stays a node of its own and the runtime's
graph optimiser is off, so a network that folds it into the convolution before is compared with one that does not.
"""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from formula import weight


class Net:
    """A graph that grows at its end; every value bears the name of its layer."""

    def __init__(self):
        self.nodes, self.constants, self.channels = [], [], {"image": 3}

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(self, kind, name, inputs, channels, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.channels[name] = channels
        return name

    def conv(self, name, x, out, size=1, stride=1, groups=1):
        shape = (out, self.channels[x] // groups, size, size)
        w = self.constant(f"{name}.weight", weight(f"{name}.weight", shape))
        return self.node("Conv", name, [x, w], out, kernel_shape=[size, size], strides=[stride, stride],
                         pads=[size // 2] * 4, group=groups)

    def norm(self, name, x, parameters=None):
        c, own = self.channels[x], parameters or name
        parts = [self.constant(f"{own}.{p}", weight(f"{own}.{p}", (c,)))
                 for p in ("weight", "bias", "running_mean", "running_var")]
        return self.node("BatchNormalization", name, [x, *parts], c, epsilon=1e-5)

    def relu(self, name, x):
        return self.node("Relu", name, [x], self.channels[x])

    def relu6(self, name, x):
        low, high = self.constant(f"{name}.low", 0.0), self.constant(f"{name}.high", 6.0)
        return self.node("Clip", name, [x, low, high], self.channels[x])

    def add(self, name, a, b):
        return self.node("Add", name, [a, b], self.channels[a])

    def session(self, taps):
        value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
        graph = helper.make_graph(self.nodes, "network", [image], [value(t) for t in taps], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


RESNETS = {
    # blocks per stage, and for a bottleneck: groups and width of a group at 64 planes
    "resnet18": ((2, 2, 2), None),
    "resnext50_32x4d": ((3, 4, 6), (32, 4)),
    "resnext101_32x8d": ((3, 4, 23), (32, 8)),
}


def resnet(name, last_stage):
    depths, bottleneck = RESNETS[name]
    net = Net()
    x = net.relu("relu", net.norm("bn1", net.conv("conv1", "image", 64, 7, 2)))
    x = net.node("MaxPool", "maxpool", [x], 64, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage in range(1, last_stage + 1):
        planes = 32 * 2**stage
        for block in range(depths[stage - 1]):
            stride = 2 if stage > 1 and block == 0 else 1
            last = block == depths[stage - 1] - 1
            own = f"layer{stage}.{block}"
            if bottleneck:
                groups, width = bottleneck
                inner, out = planes * width // 64 * groups, 4 * planes
                convs = [(inner, 1, 1, 1), (inner, 3, stride, groups), (out, 1, 1, 1)]
            else:
                out = planes
                convs = [(out, 3, stride, 1), (out, 3, 1, 1)]
            y = x
            for i, (channels, size, step, groups) in enumerate(convs, 1):
                y = net.norm(f"{own}.bn{i}", net.conv(f"{own}.conv{i}", y, channels, size, step, groups))
                if i < len(convs):
                    y = net.relu(f"{own}.relu{i}", y)
            if stride > 1 or net.channels[x] != out:
                x = net.norm(f"{own}.downsample.1", net.conv(f"{own}.downsample.0", x, out, 1, stride))
            x = net.relu(f"layer{stage}" if last else own, net.add(f"{own}.sum", y, x))
    return net


def mobilenet_v2(last):
    """Up to `features.<last>`."""
    rows = [(1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), (6, 32, 1), (6, 32, 1), (6, 64, 2), (6, 64, 1),
            (6, 64, 1), (6, 64, 1), (6, 96, 1), (6, 96, 1), (6, 96, 1),
            (6, 160, 2), (6, 160, 1), (6, 160, 1), (6, 320, 1)]
    net = Net()
    x = net.relu6("features.0", net.norm("features.0.1", net.conv("features.0.0", "image", 32, 3, 2)))
    for i, (expansion, out, stride) in enumerate(rows[:last], 1):
        own, narrow, y = f"features.{i}.conv", 1, x
        inner = net.channels[x] * expansion
        if expansion > 1:
            y = net.relu6(f"{own}.0.2", net.norm(f"{own}.0.1", net.conv(f"{own}.0.0", y, inner)))
            narrow = 2
        part = f"{own}.{narrow - 1}"
        y = net.relu6(f"{part}.2", net.norm(f"{part}.1", net.conv(f"{part}.0", y, inner, 3, stride, inner)))
        adds = stride == 1 and net.channels[x] == out
        name = f"features.{i}"
        y = net.norm(f"{name}.narrow" if adds else name, net.conv(f"{own}.{narrow}", y, out),
                     parameters=f"{own}.{narrow + 1}")
        x = net.add(name, x, y) if adds else y
    return net


def features(name, taps, images):
    """One f32 map [n, c, h, w] per tap."""
    if name == "mobilenet_v2":
        net = mobilenet_v2(max(int(t.split(".")[1]) for t in taps))
    else:
        net = resnet(name, max(int(t.removeprefix("layer")) for t in taps))
    session = net.session(taps)
    # Picture by picture: the result must not depend on the others in a batch.
    runs = [session.run(list(taps), {"image": image[None]}) for image in images]
    return [np.concatenate(maps) for maps in zip(*runs)]

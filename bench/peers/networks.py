"""The networks that the engines run: torch modules up to the last tap, their random weights, and their ONNX files.

All engines get the same weights: torch from the module itself, ours from a safetensors file under the module's own tensor
names, the others from an ONNX file with batch norm folded into the convolutions (as an exporter would).
"""
import copy
import operator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import pictures

SIDE = 224


@dataclass(frozen=True)
class Recipe:
    """How to build a network, the modules that run one after the other up to the last tap, the taps, and how many times
    PyTorch's error ours may have."""

    build: callable
    steps: tuple
    taps: tuple
    error_limit: float = 1.2


def resnet(build):
    steps = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3")
    return Recipe(lambda: build(weights=None), steps, ("layer2", "layer3"))


RECIPES = {
    "wide_resnet50_2": resnet(torchvision.models.wide_resnet50_2),
    "resnet50": resnet(torchvision.models.resnet50),
    "resnet18": resnet(torchvision.models.resnet18),
    "efficientnet_lite0": Recipe(
        lambda: EfficientNetLite0(),
        ("conv_stem", "bn1", "act1", *(f"blocks.{i}" for i in range(5))),
        ("blocks.2", "blocks.4"),
    ),
    "mobilenet_v2": Recipe(
        lambda: torchvision.models.mobilenet_v2(weights=None),
        tuple(f"features.{i}" for i in range(14)),
        ("features.6", "features.13"),
    ),
    "densenet121": Recipe(
        lambda: torchvision.models.densenet121(weights=None),
        tuple(f"features.{part}" for part in ("conv0", "norm0", "relu0", "pool0", "denseblock1", "transition1",
                                              "denseblock2", "transition2", "denseblock3")),
        ("features.denseblock2", "features.denseblock3"),
    ),
    "vgg19_bn": Recipe(
        lambda: torchvision.models.vgg19_bn(weights=None),
        tuple(f"features.{i}" for i in range(52)),
        ("features.38", "features.51"),
        # Sixteen convolutions of 3x3 in a row, all computed in Winograd's way, with nothing between that does not round so.
        error_limit=1.4,
    ),
}


# ---- EfficientNet-Lite0 ----


class SameConv2d(nn.Conv2d):
    """A convolution padded as in TensorFlow: ceil(size / stride) outputs, the odd pixel at the lower right."""

    def margins(self, height, width):
        """Pixels to add: left, right, top, bottom."""
        out = []
        for size, window, stride in zip((width, height), self.kernel_size[::-1], self.stride[::-1]):
            total = max((-(-size // stride) - 1) * stride + window - size, 0)
            out += [total // 2, total - total // 2]
        return out

    def forward(self, x):
        return super().forward(F.pad(x, self.margins(*x.shape[-2:])))


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel, narrow by 1x1 without activation; timm's names."""

    def __init__(self, channels, out, expansion, stride, size):
        super().__init__()
        inner = channels * expansion
        narrow = "conv_pwl" if expansion > 1 else "conv_pw"
        convs = [("conv_pw", SameConv2d(channels, inner, 1, bias=False))] if expansion > 1 else []
        convs.append(("conv_dw", SameConv2d(inner, inner, size, stride, groups=inner, bias=False)))
        convs.append((narrow, SameConv2d(inner, out, 1, bias=False)))
        self.order = []
        for i, (name, conv) in enumerate(convs, 1):
            parts = {name: conv, f"bn{i}": nn.BatchNorm2d(conv.out_channels, eps=1e-3)}
            if i < len(convs):
                parts[f"act{i}"] = nn.ReLU6(inplace=True)
            for part, module in parts.items():
                self.add_module(part, module)
            self.order += parts
        self.adds = stride == 1 and channels == out

    def forward(self, x):
        y = x
        for part in self.order:
            y = getattr(self, part)(y)
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Up to blocks.4: (expansion, channels, repeats, stride, window) per stage."""

    STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5))

    def __init__(self):
        super().__init__()
        self.conv_stem = SameConv2d(3, 32, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32, eps=1e-3)
        self.act1 = nn.ReLU6(inplace=True)
        channels, stages = 32, []
        for expansion, out, repeats, stride, size in self.STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(InvertedResidual(channels, out, expansion, stride if i == 0 else 1, size))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)


# ---- a network up to its last tap ----


class Tapped(nn.Module):
    """Runs the steps of a recipe and gives the feature maps of its taps; nothing behind the last tap is kept."""

    def __init__(self, recipe):
        super().__init__()
        whole = recipe.build()
        self.steps, self.taps = recipe.steps, recipe.taps
        self.parts = nn.ModuleDict({self.key(step): whole.get_submodule(step) for step in recipe.steps})

    @staticmethod
    def key(step):
        return step.replace(".", "/")

    def forward(self, x):
        maps = []
        for step in self.steps:
            x = self.parts[self.key(step)](x)
            if step in self.taps:
                maps.append(x)
        return maps

    def tensors(self):
        """All float tensors under the network's own names."""
        named = {}
        for step in self.steps:
            for name, value in self.parts[self.key(step)].state_dict().items():
                if value.is_floating_point():
                    named[f"{step}.{name}"] = value.numpy()
        return named


def random_network(name, seed=0):
    """The network in inference mode, with random convolutions and batch norms that have seen pictures.

    Convolutions are normal with He's variance; scales and shifts of the batch norms are random around 1 and 0; their means
    and variances are those of eight pictures, so that every layer works in the range that a trained one works in.
    """
    network = Tapped(RECIPES[name])
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=(2 / fan_in) ** 0.5, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
            module.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(torch.from_numpy(pictures.network_input(8, SIDE, seed=1000)))
    return network.eval()


def float64_maps(network, batch):
    """The feature maps computed in double precision: what every engine is compared with."""
    network = copy.deepcopy(network).double()
    with torch.inference_mode():
        return [m.numpy() for m in network(torch.from_numpy(batch).double())]


# ---- ONNX ----


class Tracer(torch.fx.Tracer):
    """Records the calls of layers; a SameConv2d is one."""

    def is_leaf_module(self, module, name):
        return isinstance(module, SameConv2d) or super().is_leaf_module(module, name)


def onnx_model(network, batch, side=SIDE):
    """The network as an ONNX model for a fixed batch, batch norm folded, one output per tap under the tap's name."""
    graph = Tracer().trace(network)
    modules = dict(network.named_modules())
    shapes = shapes_of(network, graph, modules, (batch, 3, side, side))
    nodes, weights, value, outputs = [], [], {}, []

    def constant(array):
        weights.append(numpy_helper.from_array(np.asarray(array, np.float32), f"w{len(weights)}"))
        return weights[-1].name

    def emit(node, kind, inputs, **attributes):
        value[node] = node.name
        nodes.append(helper.make_node(kind, inputs, [node.name], **attributes))

    for node in graph.nodes:
        inputs = [value.get(n) for n in node.all_input_nodes]
        module = modules.get(node.target) if node.op == "call_module" else None
        if node.op == "placeholder":
            value[node] = "input"
        elif isinstance(module, nn.Conv2d):
            left, right, top, bottom = margins(module, shapes[node.all_input_nodes[0]])
            weight, bias = folded(module, following_norm(node, modules))
            emit(node, "Conv", [*inputs, constant(weight), constant(bias)], kernel_shape=module.kernel_size,
                 strides=module.stride, pads=[top, left, bottom, right], group=module.groups)
        elif isinstance(module, nn.BatchNorm2d):
            (source,) = node.all_input_nodes
            if following_norm(source, modules) is module and isinstance(modules.get(source.target), nn.Conv2d):
                value[node] = inputs[0]
            else:
                tensors = (module.weight, module.bias, module.running_mean, module.running_var)
                constants = [constant(t.detach().numpy()) for t in tensors]
                emit(node, "BatchNormalization", [*inputs, *constants], epsilon=module.eps)
        elif isinstance(module, nn.ReLU6):
            emit(node, "Clip", [*inputs, constant(0.0), constant(6.0)])
        elif isinstance(module, nn.ReLU):
            emit(node, "Relu", inputs)
        elif isinstance(module, nn.MaxPool2d):
            emit(node, "MaxPool", inputs, kernel_shape=[module.kernel_size] * 2, strides=[module.stride] * 2,
                 pads=[module.padding] * 4)
        elif isinstance(module, nn.AvgPool2d):
            emit(node, "AveragePool", inputs, kernel_shape=[module.kernel_size] * 2, strides=[module.stride] * 2)
        elif node.target is torch.cat:
            emit(node, "Concat", inputs, axis=1)
        elif node.target in (operator.add, operator.iadd):
            emit(node, "Add", inputs)
        elif node.op == "output":
            for tap, source in zip(network.taps, node.all_input_nodes):
                nodes.append(helper.make_node("Identity", [value[source]], [tap]))
                outputs.append(helper.make_tensor_value_info(tap, TensorProto.FLOAT, shapes[source]))
        else:
            raise NotImplementedError(f"{node.format_node()}")
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, side, side])
    model = helper.make_graph(nodes, "network", [entry], outputs, weights)
    return helper.make_model(model, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def following_norm(node, modules):
    """The batch norm that alone reads a value, or None."""
    readers = [modules.get(user.target) for user in node.users]
    return readers[0] if len(readers) == 1 and isinstance(readers[0], nn.BatchNorm2d) else None


def folded(conv, norm):
    """Weight and bias of a convolution that does the batch norm as well, if there is one, computed in float64."""
    weight = conv.weight.double()
    bias = torch.zeros(len(weight)).double() if conv.bias is None else conv.bias.double()
    if norm is not None:
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale[:, None, None, None]
        bias = (bias - norm.running_mean.double()) * scale + norm.bias.double()
    return weight.detach().numpy(), bias.detach().numpy()


def margins(conv, shape):
    if isinstance(conv, SameConv2d):
        return conv.margins(*shape[-2:])
    vertical, horizontal = conv.padding
    return [horizontal, horizontal, vertical, vertical]


class Shapes(torch.fx.Interpreter):
    """Runs a graph and remembers the shape of every value."""

    def run_node(self, node):
        result = super().run_node(node)
        if isinstance(result, torch.Tensor):
            self.seen[node] = list(result.shape)
        return result


def shapes_of(network, graph, modules, shape):
    shapes = Shapes(torch.fx.GraphModule(network, graph))
    shapes.seen = {}
    with torch.inference_mode():
        shapes.run(torch.zeros(shape))
    return shapes.seen

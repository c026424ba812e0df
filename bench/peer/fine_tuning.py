"""Fine-tunes the last block and the last convolution of an EfficientNet-Lite. bench/quality/tuned-encoder.ts asks, as JSON on stdin.

All in front of them stays, so what it sees in the pictures is computed once (ONNX Runtime). The loss is InfoNCE over pictures of a
group, of unit vectors under the map (mean, projection) that a model version gives the last layer, so it starts as what is
served. Batch normalisation is folded into the convolutions and stays as it is. A picture may be mirrored, on the map.
"""
import json
import re
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch.nn import functional as F

AT_ONCE = 16
MIRRORED = 0.25
CLIP = 5
SAME = 0.005  # maps are kept as float16


def stages(model) -> tuple[str, list[str]]:
    """What the last block reads, and the names of its convolutions and of the one behind it."""
    nodes = {node.name: node for node in model.graph.node}
    last = max(int(found[1]) for name in nodes if (found := re.match(r"block(\d+)\.expand$", name)))
    names = [f"block{last}.{part}" for part in ("expand", "depthwise", "project")]
    return nodes[names[0]].input[0], [*names, "head"]


def weights_of(model) -> dict:
    return {weight.name.removesuffix(".half"): weight for weight in model.graph.initializer}


def opened(model, outputs: list[str]):
    """A function from pictures' files to what the graph has at these places."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.output[:]
    part.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def look(files, request):
        side = request["side"]
        pictures = np.stack([np.fromfile(file, np.uint8, side * side * 3).reshape(side, side, 3) for file in files])
        inputs = (pictures.astype(np.float32) - np.float32(request["middle"])) / np.float32(request["deviation"])
        return session.run(outputs, {"input": np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))})

    return look


def maps_in_front(model, cut: str, request) -> torch.Tensor:
    look, files = opened(model, [cut]), request["files"]
    seen = [look(files[at : at + AT_ONCE], request)[0].astype(np.float16) for at in range(0, len(files), AT_ONCE)]
    return torch.from_numpy(np.concatenate(seen))


def check_same(model, maps, tuned, names, request):
    """Ends the program unless PyTorch's last stages give what the graph gives, before anything is trained."""
    expected = opened(model, ["last"])(request["files"][:AT_ONCE], request)[0]
    with torch.no_grad():
        found = last_layer(maps[:AT_ONCE].float(), tuned, names).numpy()
    apart = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    if not apart < SAME:
        sys.exit(f"the last stages are not those of the graph: {apart:.4f} of their length apart")


def last_layer(x, tuned, names):
    """[n, c, h, w] to [n, d]: as the graph has it, in float32."""
    expand, depthwise, project, head = names
    kernel = tuned[f"{depthwise}.kernel"]
    x = F.conv2d(x, tuned[f"{expand}.kernel"], tuned[f"{expand}.bias"]).clamp(0, 6)
    x = F.conv2d(x, kernel, tuned[f"{depthwise}.bias"], padding=kernel.shape[-1] // 2, groups=len(kernel)).clamp(0, 6)
    x = F.conv2d(x, tuned[f"{project}.kernel"], tuned[f"{project}.bias"])
    return F.conv2d(x, tuned[f"{head}.kernel"], tuned[f"{head}.bias"]).clamp(0, 6).mean((2, 3))


def train(maps, tuned, names, request, seed):
    random = np.random.default_rng(seed)
    groups = np.array(request["groups"])
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    mean = torch.tensor(request["mean"])
    projection = torch.tensor(request["projection"]).reshape(-1, len(mean))
    each, steps, rate = request["each"], request["steps"], request["rate"]
    optimiser = torch.optim.SGD(tuned.values(), lr=rate, momentum=0.9, nesterov=True)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * min(1, (step + 1) / 5) * (1 + np.cos(np.pi * step / steps)) / 2
        chosen = random.choice(len(members), request["groupsAtOnce"], replace=False)
        rows = np.concatenate([random.choice(members[group], each, replace=False) for group in chosen])
        x = maps[torch.from_numpy(rows)].float()
        mirrored = torch.from_numpy(random.random(len(rows)) < MIRRORED)
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
        y = F.normalize((last_layer(x, tuned, names) - mean) @ projection.T, dim=1)
        alike = (y @ y.T / request["temperature"]).fill_diagonal_(-1e9)
        own = torch.arange(len(rows)) // each
        positive = (own[:, None] == own[None, :]).float().fill_diagonal_(0)
        loss = -(alike.log_softmax(1) * positive).sum(1).mean() / (each - 1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tuned.values(), CLIP)
        optimiser.step()
        if step % 20 == 0 or step == steps - 1:
            print(f"fine-tuning, seed {seed}: step {step}, loss {loss.item():.4f}", file=sys.stderr, flush=True)


def main(request):
    torch.set_num_threads(1)
    model = onnx.load(request["model"])
    cut, names = stages(model)
    maps = maps_in_front(model, cut, request)
    for seed, out in zip(request["seeds"], request["outs"]):
        model = onnx.load(request["model"])
        weights = weights_of(model)
        tuned = {f"{name}.{kind}": torch.from_numpy(numpy_helper.to_array(weights[f"{name}.{kind}"]).astype(np.float32)).requires_grad_()
                 for name in names for kind in ("kernel", "bias")}
        check_same(model, maps, tuned, names, request)
        train(maps, tuned, names, request, seed)
        for name, value in tuned.items():
            old = weights[name]
            array = value.detach().numpy().astype(numpy_helper.to_array(old).dtype)
            old.CopyFrom(numpy_helper.from_array(array, old.name))
        onnx.save(model, out)


if __name__ == "__main__":
    main(json.load(sys.stdin))

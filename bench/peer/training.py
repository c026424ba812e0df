"""The networks of learning/network in PyTorch: the peer of `npm run bench -- training --peer PYTHON`.

Reads one JSON request a line, answers each with one line. `open` makes the network of a NetworkSpec from the weights that
Simili starts from, `step` trains it on one batch, again and again, `weights` writes what came of them. Numbers travel in
files of raw float32, in the order and the layout in which Simili has them (convolutions HWIO, dense [in, out], HWC).
"""

import json
import math
import sys
import time

import torch
import torch.nn.functional as F

NORM_FLOOR = 1e-8
NORM_EPSILON = 1e-5
MAGNITUDE_FLOOR = 1e-6
ENERGY_FLOOR = 1e-4


def orientation_kernel(bins):
    """[bins + 2, 3, 3, 3], as orientation.ts has it: slopes along each direction, then along x and y."""
    angles = [(k + 0.5) * math.pi / bins for k in range(bins)]
    directions = [(math.cos(a), math.sin(a)) for a in angles] + [(1, 0), (0, 1)]
    kernel = torch.zeros(bins + 2, 3, 3, 3)
    for k, (x, y) in enumerate(directions):
        kernel[k, :, 1, 0], kernel[k, :, 1, 2] = -x / 3, x / 3
        kernel[k, :, 0, 1], kernel[k, :, 2, 1] = -y / 3, y / 3
    return kernel


def orientation(x, bins, pool, kernel):
    with torch.no_grad():
        slopes = F.conv2d(x, kernel, padding=1)
        oriented, gradient = slopes[:, :bins], slopes[:, bins:]
        magnitude2 = gradient.square().sum(1, keepdim=True) + MAGNITUDE_FLOOR
        cosine16 = (oriented.square() / magnitude2) ** 8
        energy = F.avg_pool2d(cosine16 * magnitude2.sqrt(), pool)
        return torch.cat([F.avg_pool2d(x, pool), (energy + ENERGY_FLOOR).sqrt()], 1)


def unit(x):
    return x / (x.square().sum(1, keepdim=True) + NORM_FLOOR).sqrt()


def same_padding(size, kernel, stride):
    total = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


def rectifiers_last(layers):
    """max(0, largest) is the largest of max(0, .): a rectifier behind the pool has less to do. Simili does the same."""
    layers = list(layers)
    for i in range(1, len(layers)):
        if layers[i - 1]["type"] == "relu" and layers[i]["type"] == "maxPool":
            layers[i - 1], layers[i] = layers[i], layers[i - 1]
    return layers


class Network(torch.nn.Module):
    """Weights are parameters by Simili's names, with "/" for the dots."""

    def __init__(self, spec, tensors, channels_last):
        super().__init__()
        self.spec, self.channels_last = spec, channels_last
        self.kernels = {}
        self.statistics = {}
        for name, tensor in tensors.items():
            if name.endswith((".mean", ".variance")):
                self.statistics[name] = tensor.clone()
                continue
            if tensor.dim() == 4:
                tensor = tensor.permute(3, 2, 0, 1).contiguous()
                if channels_last:
                    tensor = tensor.to(memory_format=torch.channels_last)
            self.register_parameter(name.replace(".", "/"), torch.nn.Parameter(tensor.clone()))
        self.orientations = {}

    def weight(self, name):
        return self._parameters[name.replace(".", "/")]

    def canonical(self, name):
        tensor = self.weight(name).detach()
        return tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor

    def forward(self, pictures):
        branches = [
            unit(torch.cat([self.path(path, pictures) for path in branch["paths"]], 1)) for branch in self.spec["branches"]
        ]
        joined = torch.cat(branches, 1)
        return unit(torch.addmm(self.weight("embedding.bias"), joined, self.weight("embedding.kernel")))

    def path(self, path, x):
        if path["subsample"] > 1:
            x = F.avg_pool2d(x, path["subsample"])
        for layer in rectifiers_last(path["layers"]):
            x = self.layer(layer, f"{path['name']}.{layer.get('name')}", x)
        return self.rows(x)

    @staticmethod
    def rows(x):
        """HWC, as Simili flattens: with channels last nothing moves."""
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x

    def layer(self, layer, name, x):
        kind = layer["type"]
        if kind == "orientation":
            bins = layer["bins"]
            if bins not in self.orientations:
                self.orientations[bins] = orientation_kernel(bins)
            x = orientation(x, bins, layer["pool"], self.orientations[bins])
            return x.contiguous(memory_format=torch.channels_last) if self.channels_last else x.contiguous()
        if kind == "conv":
            (top, bottom), (left, right) = [same_padding(size, layer["kernel"], layer["stride"]) for size in x.shape[2:]]
            if (top, left) != (bottom, right):
                x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
            kernel, bias = self.weight(f"{name}.kernel"), self.weight(f"{name}.bias")
            return F.conv2d(x, kernel, bias, layer["stride"], (top, left))
        if kind == "maxPool":
            return F.max_pool2d(x, layer["size"])
        if kind == "averagePool":
            return F.avg_pool2d(x, layer["size"])
        if kind == "relu":
            return F.relu(x)
        if kind == "dense":
            return torch.addmm(self.weight(f"{name}.bias"), self.rows(x), self.weight(f"{name}.kernel"))
        if kind == "batchNorm":
            mean, variance = self.statistics[f"{name}.mean"], self.statistics[f"{name}.variance"]
            scale, bias = self.weight(f"{name}.scale"), self.weight(f"{name}.bias")
            return F.batch_norm(x, mean, variance, scale, bias, True, 0.05, NORM_EPSILON)
        raise ValueError(f"The peer knows no layer {kind}")


def info_nce(rows, targets, temperature):
    logits = rows @ rows.T / temperature
    logits = logits.masked_fill(torch.eye(len(rows), dtype=torch.bool), float("-inf"))
    log_probability = F.log_softmax(logits, 1).masked_fill(torch.eye(len(rows), dtype=torch.bool), 0)
    return -(targets * log_probability).sum() / len(rows)


class Training:
    def __init__(self, request):
        spec, rows = request["spec"], request["rows"]
        torch.set_num_threads(request["threads"])
        values = torch.frombuffer(bytearray(open(request["file"], "rb").read()), dtype=torch.float32)
        tensors, at = {}, 0
        side = spec["inputSize"]
        shapes = request["weights"] | {" pictures": [rows, side, side, 3], " targets": [rows, rows]}
        for name, shape in shapes.items():
            tensors[name] = values[at : at + math.prod(shape)].reshape(shape)
            at += math.prod(shape)
        self.pictures = tensors.pop(" pictures").permute(0, 3, 1, 2)
        if not request["channelsLast"]:
            self.pictures = self.pictures.contiguous()
        self.targets = tensors.pop(" targets")
        self.names = list(request["weights"])
        self.network = Network(spec, tensors, request["channelsLast"])
        self.run = torch.compile(self.network) if request.get("compile") else self.network
        self.options = request
        kernels = [self.network.weight(n) for n in self.names if n.endswith(".kernel")]
        others = [p for p in self.network.parameters() if not any(p is k for k in kernels)]
        groups = [{"params": kernels, "weight_decay": 2 * request["weightDecay"]}, {"params": others}]
        rate, momentum = request["rate"], request["momentum"]
        self.optimiser = torch.optim.SGD(groups, rate, momentum, nesterov=True, fused=True)

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        loss = info_nce(self.run(self.pictures), self.targets, self.options["temperature"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options["clip"], foreach=True)
        self.optimiser.step()
        return loss.item()

    def write(self, file):
        trained = [n for n in self.names if n not in self.network.statistics]
        values = torch.cat([self.network.canonical(n).flatten() for n in trained])
        with open(file, "wb") as out:
            out.write(bytes(values.contiguous().untyped_storage()))
        return trained


def answer(trainings, request):
    kind = request["do"]
    if kind == "open":
        trainings[request["id"]] = Training(request)
        return {"torch": torch.__version__}
    training = trainings[request["id"]]
    if kind == "weights":
        return {"names": training.write(request["file"])}
    torch.set_num_threads(training.options["threads"])
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(request["count"]):
        loss = training.step()
    return {"loss": loss, "ms": 1000 * (time.perf_counter() - wall), "cpuMs": 1000 * (time.process_time() - cpu)}


def main():
    trainings = {}
    for line in sys.stdin:
        try:
            result = answer(trainings, json.loads(line))
        except Exception as error:  # told to whoever asked
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

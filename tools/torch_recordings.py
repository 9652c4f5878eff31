"""Records a step of three PyTorch programs for the gallery of the site, whose build has no PyTorch.

path/to/python/with/torch -m tools.torch_recordings

writes the files in tools/site/recordings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import viz

HERE = Path(__file__).resolve()
FOLDER = HERE.parent / "site" / "recordings"


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or width_in != width:
            self.downsample = nn.Sequential(nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Added to what came in."""
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """As torchvision has it."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Block(64, 64, 1), Block(64, 64, 1))
        self.layer2 = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.layer3 = nn.Sequential(Block(128, 256, 2), Block(256, 256, 1))
        self.layer4 = nn.Sequential(Block(256, 512, 2), Block(512, 512, 1))
        self.fc = nn.Linear(512, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of the classes."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def resnet() -> Callable[[], None]:
    """ResNet-18 by SGD with momentum."""
    model, loss_fn = ResNet18(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    images, labels = torch.randn(8, 3, 64, 64), torch.randint(0, 10, (8,))

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_fn(model(images), labels)
        loss.backward()
        optimizer.step()

    return step


class Attention(nn.Module):
    """Causal attention of several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Each token looks at those before it."""
        rows, length, width = x.shape
        q, k, v = [part.view(rows, length, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(width, dim=2)]
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(rows, length, width))


class Layer(nn.Module):
    """A block of a GPT."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attention, then a network for each token."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """A small one; its head has the weights of its embedding."""

    def __init__(self, words: int = 65, length: int = 32, width: int = 64, blocks: int = 4) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Layer(width, 4) for _ in range(blocks)])
        self.ln_f = nn.LayerNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of the tokens that come next."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))


def gpt() -> Callable[[], None]:
    """A GPT by AdamW."""
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    text = torch.randint(0, 65, (8, 33))

    def step() -> None:
        tokens, targets = text[:, :-1], text[:, 1:]
        logits = model(tokens)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def gan() -> Callable[[], None]:
    """A GAN: two networks, two optimizers, one round of both."""
    generator = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loss_fn, real = nn.BCEWithLogitsLoss(), torch.rand(32, 64) * 2 - 1
    ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)

    def step() -> None:
        fake = generator(torch.randn(32, 16))
        opt_d.zero_grad()
        loss_d = loss_fn(discriminator(real), ones) + loss_fn(discriminator(fake.detach()), zeros)
        loss_d.backward()
        opt_d.step()

        opt_g.zero_grad()
        loss_g = loss_fn(discriminator(fake), ones)
        loss_g.backward()
        opt_g.step()

    return step


TITLES = {resnet: "ResNet-18 in PyTorch: a step", gpt: "a GPT in PyTorch: a step", gan: "a GAN in PyTorch: a round"}


def record(make: Callable[[], Callable[[], None]]) -> viz.Recording:
    """A step after some that aren't recorded, so that its times are those of most steps."""
    torch.manual_seed(0)
    step = make()
    for _ in range(3):
        step()
    with viz.trace(TITLES[make], stats="basic") as t:
        step()
    return t


def write() -> None:
    """Write the recordings."""
    FOLDER.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    for make in TITLES:
        path = FOLDER / f"torch_{make.__name__}.efz"
        record(make).save(path)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    # Run again by a name without folders: recordings tell where their lines are, and this one is for others.
    code = compile(HERE.read_text(encoding="utf-8"), HERE.relative_to(HERE.parents[1]).as_posix(), "exec")
    names: dict[str, Any] = {"__name__": "torch_recordings", "__file__": str(HERE)}
    exec(code, names)
    names["write"]()

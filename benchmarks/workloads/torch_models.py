"""The same models for PyTorch, as its users write them: channels first, losses on logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.workloads.data import RATE, Workload

__all__ = ["model_of", "optimizer_of"]


def mlp(workload: Workload) -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(512, workload.classes),
    )


def tiny(workload: Workload) -> nn.Module:
    return nn.Sequential(nn.Linear(100, 32), nn.ReLU(), nn.Linear(32, 1))


def convnet(workload: Workload) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, workload.classes),
    )


class Recurrent(nn.Module):
    """Reads tokens; the last output of each direction goes on."""

    def __init__(self, workload: Workload, kind: Callable[..., nn.Module], bidirectional: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(workload.words, 32)
        self.recurrent = kind(32, 32, batch_first=True, bidirectional=bidirectional)
        self.output = nn.Linear(64 if bidirectional else 32, 1)

    def forward(self, x: Any) -> Any:
        _, last = self.recurrent(self.embedding(x))
        if isinstance(last, tuple):
            last = last[0]
        return self.output(torch.cat(tuple(last), dim=-1))


class Block(nn.Module):
    """Two convolutions and what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolve = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2)])
        self.normalize = nn.ModuleList([nn.BatchNorm2d(channels) for _ in range(2)])

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.normalize[0](self.convolve[0](x)))
        return torch.relu(self.normalize[1](self.convolve[1](y)) + x)


def resnet(workload: Workload) -> nn.Module:
    blocks = [Block(64) for _ in range(3)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, workload.classes),
    )


def mobilenet(workload: Workload) -> nn.Module:
    def normalized(*modules: nn.Module, channels: int) -> list[nn.Module]:
        return [*modules, nn.BatchNorm2d(channels), nn.ReLU()]

    parts, channels = normalized(nn.Conv2d(3, 32, 3, padding=1, bias=False), channels=32), 32
    for filters, stride in ((64, 1), (128, 2), (128, 1), (256, 2)):
        depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        parts += normalized(depthwise, channels=channels)
        parts += normalized(nn.Conv2d(channels, filters, 1, bias=False), channels=filters)
        channels = filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, workload.classes))


class Transformer(nn.Module):
    """Two encoder blocks over embedded tokens."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.embedding = nn.Embedding(workload.words, 64)
        self.positions = nn.Parameter(torch.rand(*workload.inputs, 64) * 0.1)
        block = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.1, activation="gelu", batch_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.output = nn.Linear(64, 1)

    def forward(self, x: Any) -> Any:
        return self.output(self.blocks(self.embedding(x) + self.positions).mean(dim=1))


def autoencoder(workload: Workload) -> nn.Module:
    turn = {"stride": 2, "padding": 1, "output_padding": 1}
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 64, 3, **turn),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, **turn),
        nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1),
    )


def conv3d(workload: Workload) -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Conv3d(16, 32, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(32, workload.classes),
    )


_MODELS: dict[str, Callable[[Workload], nn.Module]] = {
    "mlp": mlp,
    "tiny": tiny,
    "convnet": convnet,
    "lstm": lambda workload: Recurrent(workload, nn.LSTM),
    "gru": lambda workload: Recurrent(workload, nn.GRU),
    "bidirectional": lambda workload: Recurrent(workload, nn.GRU, bidirectional=True),
    "resnet": resnet,
    "mobilenet": mobilenet,
    "transformer": Transformer,
    "autoencoder": autoencoder,
    "conv3d": conv3d,
}


def model_of(workload: Workload) -> nn.Module:
    return _MODELS[workload.name](workload)


def optimizer_of(workload: Workload, model: nn.Module) -> torch.optim.Optimizer:
    parameters = model.parameters()
    if workload.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=RATE, alpha=0.9)
    if workload.optimizer == "adadelta":
        return torch.optim.Adadelta(parameters, lr=0.001, rho=0.95)
    return torch.optim.Adam(parameters, lr=RATE)

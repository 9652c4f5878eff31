"""How PyTorch trains and predicts: the loops that its users write."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.machine import on_gpu
from benchmarks.workloads.data import Workload
from benchmarks.workloads.torch_models import model_of, optimizer_of

__all__ = ["Torch"]

# Where channels last is the faster of PyTorch's memory layouts on a CPU, as its guides say of most convolutions; with
# one or two channels to begin with, or few images at a time, it isn't.
_CHANNELS_LAST = ("resnet", "mobilenet", "autoencoder")


class Torch:
    """PyTorch, eager or compiled.

    Args:
        workload: what to run.
        compile: whether `torch.compile` is used.
    """

    def __init__(self, workload: Workload, compile: bool = False) -> None:
        self.workload = workload
        self.x, self.y = _tensors(workload)
        # Products of float32 numbers: on a GPU PyTorch convolves with 10 bits of each number unless told otherwise.
        torch.backends.cudnn.allow_tf32 = False
        self.device = torch.device("cuda" if on_gpu() else "cpu")
        self.model = model_of(workload).to(self.device, memory_format=_layout(workload))
        self.optimizer = optimizer_of(workload, self.model)
        self.loss = nn.CrossEntropyLoss() if workload.targets == "classes" else nn.BCEWithLogitsLoss()
        self.forward = torch.compile(self.model) if compile else self.model
        self.batch = self._moved(slice(workload.batch))

    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    def fit(self) -> None:
        """One epoch over shuffled batches."""
        self.model.train()
        order, size, total = torch.randperm(len(self.x)), self.workload.batch, 0.0
        for i in range(0, len(order), size):
            chosen = order[i : i + size]
            total += self._step(*self._moved(chosen)).item()

    def predict(self) -> Any:
        """The outputs of all samples."""
        self.model.eval()
        size = self.workload.batch
        with torch.inference_mode():
            parts = [self._outputs(self.x[i : i + size].to(self.device)) for i in range(0, len(self.x), size)]
            return torch.cat(parts).cpu().numpy()

    def train(self, steps: int) -> None:
        """Steps on one batch."""
        self.model.train()
        for _ in range(steps):
            self._step(*self.batch)
        self._wait()

    def infer(self, steps: int) -> None:
        """Outputs of one batch."""
        self.model.eval()
        with torch.inference_mode():
            for _ in range(steps):
                self._outputs(self.batch[0])
        self._wait()

    def _moved(self, rows: Any) -> tuple[Any, Any]:
        """A batch of its own, on the device."""
        return tuple(part[rows].clone().to(self.device) for part in (self.x, self.y))

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.loss(self.forward(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def _outputs(self, x: Any) -> Any:
        logits = self.forward(x)
        return logits.softmax(-1) if self.workload.targets == "classes" else logits.sigmoid()


def _layout(workload: Workload) -> torch.memory_format:
    return torch.channels_last if workload.name in _CHANNELS_LAST else torch.contiguous_format


def _tensors(workload: Workload) -> tuple[Any, Any]:
    x, y = (torch.from_numpy(array) for array in workload.arrays())
    if len(workload.inputs) > 1:  # channels first
        x = x.movedim(-1, 1).contiguous(memory_format=_layout(workload))
    return x, x if workload.targets == "inputs" else y.long() if workload.targets == "classes" else y

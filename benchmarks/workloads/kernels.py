"""The single kernels that are measured: what goes in, and the least work that they can be done with."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

__all__ = ["KERNELS", "Kernel"]


class Kernel(NamedTuple):
    """One kernel at one size.

    Attributes:
        kind: which function makes it, in `kernels_by_eagerflow` and `kernels_by_torch`.
        shape: of the input, channels last.
        weights: shape of the kernel or weights, as eagerflow has it; () without.
        settings: of the kind.
        needs_dx: whether the gradient of the input is asked for (a first layer's is not).
    """

    kind: str
    shape: tuple[int, ...]
    weights: tuple[int, ...] = ()
    settings: dict[str, Any] = {}
    needs_dx: bool = True

    def __str__(self) -> str:
        told = [f"{self.kind} {'×'.join(map(str, self.shape))}"]
        if self.weights:
            told.append("×".join(map(str, self.weights)))
        told += [f"{key} {value}" for key, value in self.settings.items()]
        return ", ".join(told)

    def outputs(self) -> tuple[int, ...]:
        """Lengths of the spatial axes of a convolution's or pooling's result."""
        sizes, stride = self.sizes(), self.settings.get("strides", 1)
        pad = self.settings.get("pad", 0)
        return tuple([(n + 2 * pad - k) // stride + 1 for n, k in zip(self.shape[1:-1], sizes)])

    def sizes(self) -> tuple[int, ...]:
        """Lengths of the windows."""
        size = self.settings.get("size")
        return self.weights[:-2] if size is None else (size,) * (len(self.shape) - 2)

    def operations(self) -> float:
        """Multiply-adds of the plain algorithm's products forward; 0 where there are none worth counting."""
        if self.kind == "conv":
            return math.prod((self.shape[0], *self.outputs(), *self.weights))
        if self.kind == "transposed":
            return math.prod((*self.shape[:-1], *self.weights))
        if self.kind in ("dense", "lstm", "gru"):
            gates = {"lstm": 4, "gru": 3}.get(self.kind, 0)
            rows = math.prod(self.shape[:-1])
            if not gates:
                return rows * math.prod(self.weights)
            return rows * gates * self.weights[0] * (self.weights[0] + self.shape[-1])
        if self.kind == "attention":
            batch, length, heads, width = self.shape
            return 2 * batch * heads * length * length * width
        return 0

    def moved(self) -> float:
        """Bytes that are read and written at least, forward: each input and each output once."""
        outputs = math.prod(self.shape)
        if self.kind.endswith("_pool") or self.kind == "depthwise":
            outputs = math.prod((self.shape[0], *self.outputs(), self.shape[-1]))
        elif self.kind.startswith("global_"):
            outputs = self.shape[0] * self.shape[-1]
        elif self.kind == "crossentropy":
            outputs = self.shape[0]
        elif self.kind == "embedding":
            outputs = 2 * math.prod(self.shape) * self.weights[-1]  # rows are read and written
        return 4.0 * (math.prod(self.shape) + outputs)


def _conv(*shape: int, to: int, size: int = 3, **settings: Any) -> Kernel:
    needs_dx = settings.pop("needs_dx", True)
    groups = settings.pop("groups", 1)
    weights = ((size,) * (len(shape) - 2)) + (shape[-1] // groups, to)
    return Kernel("conv", shape, weights, {k: v for k, v in settings.items() if v}, needs_dx)


KERNELS = [
    _conv(128, 26, 26, 32, to=64),
    _conv(64, 32, 32, 64, to=64, pad=1),
    _conv(32, 16, 16, 128, to=128, pad=1),
    _conv(64, 8, 8, 256, to=256, pad=1),
    _conv(32, 7, 7, 512, to=512, pad=1),
    _conv(4, 112, 112, 64, to=64, pad=1),
    _conv(64, 32, 32, 32, to=32, pad=1),
    _conv(64, 32, 32, 16, to=16, pad=1),
    _conv(64, 32, 32, 8, to=8, pad=1),
    _conv(128, 28, 28, 1, to=32, needs_dx=False),
    _conv(8, 112, 112, 3, to=64, size=7, strides=2, pad=3, needs_dx=False),
    _conv(64, 32, 32, 64, to=128, strides=2, pad=1),
    _conv(32, 32, 32, 64, to=256, size=1),
    _conv(32, 32, 32, 64, to=128, size=1, strides=2),
    _conv(128, 14, 14, 6, to=16, size=5),
    _conv(32, 32, 32, 64, to=64, pad=1, groups=8),
    _conv(32, 400, 32, to=64, size=5),
    _conv(8, 16, 16, 16, 16, to=32, pad=1),
    Kernel("depthwise", (64, 32, 32, 64), (3, 3, 64, 1), {"pad": 1}),
    Kernel("depthwise", (64, 32, 32, 64), (3, 3, 64, 1), {"pad": 1, "strides": 2}),
    Kernel("depthwise", (16, 28, 28, 96), (5, 5, 96, 1), {"pad": 2}),
    Kernel("transposed", (64, 14, 14, 64), (3, 3, 32, 64), {"strides": 2}),
    Kernel("transposed", (64, 14, 14, 64), (2, 2, 32, 64), {"strides": 2}),
    Kernel("transposed", (64, 28, 28, 32), (3, 3, 1, 32), {}),
    Kernel("max_pool", (128, 24, 24, 64), (), {"size": 2, "strides": 2}),
    Kernel("max_pool", (16, 56, 56, 64), (), {"size": 3, "strides": 2}),
    Kernel("average_pool", (64, 32, 32, 64), (), {"size": 2, "strides": 2}),
    Kernel("average_pool", (16, 56, 56, 64), (), {"size": 3, "strides": 1}),
    Kernel("global_average", (64, 16, 16, 256)),
    Kernel("global_max", (64, 16, 16, 256)),
    Kernel("dense", (128, 784), (784, 512)),
    Kernel("dense", (512, 512), (512, 512)),
    Kernel("dense", (128, 9216), (9216, 128)),
    Kernel("batch_norm", (64, 32, 32, 64)),
    Kernel("layer_norm", (6400, 64)),
    Kernel("layer_norm", (6400, 256)),
    Kernel("relu", (64, 32, 32, 64)),
    Kernel("gelu", (6400, 256), (), {"approximate": False}),
    Kernel("gelu", (6400, 256), (), {"approximate": True}),
    Kernel("softmax", (6400, 200)),
    Kernel("crossentropy", (128, 10)),
    Kernel("crossentropy", (6400, 1000)),
    Kernel("dropout", (64, 32, 32, 64)),
    Kernel("embedding", (32, 200), (10000, 64)),
    Kernel("attention", (32, 200, 4, 16)),
    Kernel("lstm", (32, 200, 32), (32,)),
    Kernel("lstm", (32, 100, 64), (128,)),
    Kernel("gru", (32, 200, 32), (32,)),
    Kernel("gru", (32, 100, 64), (128,)),
]

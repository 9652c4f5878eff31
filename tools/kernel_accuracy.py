"""Rounding of the fast convolutions beside PyTorch's, over shapes, and with a number far larger than the others.

    python -m tools.kernel_accuracy          # a python that has PyTorch, too

For each kind of convolution and number of channels, the line tells how many times PyTorch's error ours is, in the worst
case of several sizes and batches: the mean square of errors against float64. `relu` stands for inputs without negative
ones. PyTorch runs on one thread, as its ways depend on their number. Then one number of the input is made 1e3 to 1e30,
infinite or NaN; what is compared are outputs that don't see it. More than four times PyTorch's error is marked, and
ends with status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import eagerflow as ef
from eagerflow import ops

BAR = 4.0
PAIRS = ((3, 16), (16, 16), (32, 32), (64, 64), (128, 128), (256, 256), (512, 512), (16, 512), (512, 16))
SIZES = ((1, 64), (8, 16), (32, 4), (2, 7), (32, 32), (8, 9), (8, 5), (4, 8), (4, 24))  # batch, length
VOLUMES = ((2, 8), (4, 11), (8, 6), (1, 8), (1, 16))
MOST = 6e9  # multiply-adds of a case
NEAR = 3  # pixels: a tile's
VALUES = (1e3, 1e5, 1e7, 1e12, 1e30, np.inf, np.nan)


class Case(NamedTuple):
    """One convolution of stride 1, "same"."""

    kind: str
    rank: int
    size: int
    channels: int
    filters: int
    groups: int
    batch: int
    length: int


def cases() -> Iterator[Case]:
    """Those whose work is little enough."""
    every = [
        *[Case("3x3", 2, 3, *pair, 1, *at) for pair in PAIRS for at in SIZES],
        *[Case("transposed 3x3", 2, 3, n, n, 1, *at) for n in (32, 128, 512) for at in SIZES[:4]],
        *[Case("3x3 in groups", 2, 3, n, n, n // 4, *at) for n in (32, 128) for at in SIZES[:4]],
        *[Case("5x5", 2, 5, n, n, 1, *at) for n in (16, 64) for at in SIZES[:4]],
        *[Case(f"depthwise {k}x{k}", 2, k, n, n, n, *at) for k in (3, 5, 7) for n in (16, 256) for at in SIZES[:4]],
        *[Case("3x3x3", 3, 3, n, n, 1, *at) for n in (16, 32, 64, 128) for at in VOLUMES],
    ]
    for case in every:
        work = case.batch * case.length**case.rank * case.size**case.rank
        if work * case.channels * case.filters // case.groups <= MOST:
            yield case


def arrays(case: Case, relu: bool) -> tuple[Any, Any, Any]:
    """The input, the kernel in our layout, and the gradient of the output."""
    rng = np.random.default_rng([case.size, case.channels, case.filters, case.batch])
    space = (case.length,) * case.rank
    x = rng.normal(size=(case.batch, *space, case.channels)).astype("float32")
    kernel = rng.normal(size=(*(case.size,) * case.rank, case.channels // case.groups, case.filters))
    g = rng.normal(size=(case.batch, *space, case.filters)).astype("float32")
    return np.maximum(x, 0) if relu else x, kernel.astype("float32"), g


def ours(case: Case, x: Any, kernel: Any, g: Any) -> list[Any]:
    """The output and both gradients."""
    if case.kind.startswith("depthwise"):
        kernel = kernel.swapaxes(-1, -2)
    a, b = ef.Variable(x), ef.Variable(kernel)
    functions: dict[str, Any] = {"depthwise": ops.depthwise_conv, "transposed": ops.conv_transpose}
    with ef.GradientTape() as tape:
        out = functions.get(case.kind.split()[0], ops.conv)(a, b, padding="same")
    found = [np.asarray(out), *map(np.asarray, tape.gradient(out, [a, b], output_gradients=ef.Tensor(g)))]
    return [*found[:2], found[2].reshape((*found[2].shape[:-2], -1))]


def theirs(case: Case, x: Any, kernel: Any, g: Any, dtype: str) -> list[Any]:
    """The same by PyTorch."""
    import torch
    from torch.nn import functional

    transposed = case.kind.startswith("transposed")
    last, first = (case.rank + 1, case.rank), range(case.rank)

    def channels_first(a: Any) -> Any:
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(a, -1, 1)).astype(dtype))

    a = channels_first(x).requires_grad_()
    b = torch.from_numpy(np.ascontiguousarray(kernel.transpose(*last, *first)).astype(dtype)).requires_grad_()
    name = f"conv_transpose{case.rank}d" if transposed else f"conv{case.rank}d"
    out = getattr(functional, name)(a, b, padding=case.size // 2, groups=case.groups)
    out.backward(channels_first(g))
    d_kernel = b.grad.numpy().transpose(*range(2, case.rank + 2), 1, 0)
    found = [np.moveaxis(out.detach().numpy(), 1, -1), np.moveaxis(a.grad.numpy(), 1, -1), d_kernel]
    return [*found[:2], d_kernel.reshape((*d_kernel.shape[:-2], -1))]


def ratios(case: Case, relu: bool) -> list[float]:
    """Our error by theirs: of the output, the gradients of the input and of the kernel."""
    given = arrays(case, relu)
    exact = theirs(case, *given, "float64")
    errors = [
        [float(np.sqrt(((a - b) ** 2).mean())) for a, b in zip(found, exact, strict=True)]
        for found in (ours(case, *given), theirs(case, *given, "float32"))
    ]
    return [a / b for a, b in zip(*errors, strict=True)]


def ratio_beside(case: Case, value: float) -> float:
    """Our error by theirs of outputs that don't see one number of this size, but are near to one that does."""
    x, kernel, g = arrays(case, relu=False)
    wild, zero = x.copy(), x.copy()
    at: tuple[int, ...] = (case.batch - 1, *(case.length // 2,) * case.rank, case.channels // 2)
    wild[at], zero[at] = value, 0
    apart = np.zeros((case.batch, *(case.length,) * case.rank), bool)
    for reach, is_apart in ((case.size // 2 + NEAR, True), (case.size // 2, False)):
        some = slice(max(0, case.length // 2 - reach), case.length // 2 + reach + 1)
        where: tuple[Any, ...] = (case.batch - 1, *(some,) * case.rank)
        apart[where] = is_apart
    with np.errstate(all="ignore"):
        exact = theirs(case, zero, kernel, g, "float64")[0]
        found, other = ours(case, wild, kernel, g)[0], theirs(case, wild, kernel, g, "float32")[0]
    ours_away, other_away = (np.sqrt(((a - exact)[apart] ** 2).mean()) for a in (found, other))
    return float(ours_away / other_away)


def main() -> int:
    """Print both tables; 1 where something lies beyond the bar."""
    import torch

    torch.set_num_threads(1)
    worst: dict[tuple[Any, ...], list[float]] = {}
    for case in cases():
        for relu in (False, True):
            key = case.kind, case.channels, case.filters, "relu" if relu else ""
            worst[key] = [max(a, b) for a, b in zip(worst.get(key, [0.0] * 3), ratios(case, relu), strict=True)]
    print(f"{'times PyTorch’s error':45} output  d input  d kernel")
    failed = False
    for (kind, channels, filters, relu), found in worst.items():
        beyond = max(found) > BAR
        failed |= beyond
        name = f"{kind}, {channels} to {filters} channels {relu}"
        print(f"{name:45} {found[0]:6.1f}  {found[1]:7.1f}  {found[2]:8.1f}{'  beyond' * beyond}")
    for case in cases():
        if (case.batch, case.length) in ((8, 16), (4, 11)):
            found = [ratio_beside(case, value) for value in VALUES]
            beyond = not max(found) <= BAR
            failed |= beyond
            name = f"{case.kind}, {case.channels} to {case.filters}, beside a large number"
            print(f"{name:55} {max(found):6.1f}{'  beyond' * beyond}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

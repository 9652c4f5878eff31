"""Where windows lie over the spatial axes of an array: kernel sizes, strides, dilation, padding."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import Sizes

__all__ = ["Geometry", "effective", "per_axis", "window_geometry"]


class Geometry(NamedTuple):
    """One number per spatial axis in every field; windows start in the padded array.

    Attributes:
        sizes: lengths of a window.
        strides: steps from one window to the next.
        dilation: steps from one element of a window to the next.
        before: padding in front.
        after: padding behind.
        lengths: the array's own lengths.
        outputs: how many windows there are.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    lengths: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """The lengths with padding."""
        return tuple([a + n + b for a, n, b in zip(self.before, self.lengths, self.after)])

    @property
    def is_padded(self) -> bool:
        return any(self.before) or any(self.after)

    @property
    def inner(self) -> tuple[slice, ...]:
        """The place of the array itself in the padded one (batch axis first)."""
        return (slice(None), *[slice(a, a + n) for a, n in zip(self.before, self.lengths)])

    @property
    def taps(self) -> int:
        """The number of elements of a window."""
        count = 1
        for k in self.sizes:
            count *= k
        return count

    def tap_places(self) -> Iterator[tuple[slice, ...]]:
        """For each element of a window, in reading order: where it lies in the padded array, for all windows."""
        for tap in itertools.product(*[range(k) for k in self.sizes]):
            yield (
                slice(None),
                *[
                    slice(t * d, t * d + (o - 1) * s + 1 if o else t * d, s)
                    for t, d, o, s in zip(tap, self.dilation, self.outputs, self.strides)
                ],
            )


def effective(size: int, dilation: int) -> int:
    """How far a window reaches."""
    return (size - 1) * dilation + 1


def per_axis(value: Any, rank: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One integer per spatial axis from an integer or a sequence of them.

    Raises:
        ValueError: for another number of integers, or one below `least`.
    """
    if value.__class__ is int and value >= least:
        return (value,) * rank
    if value.__class__ is tuple and len(value) == rank and all([n.__class__ is int and n >= least for n in value]):
        return value  # the usual cases
    if isinstance(value, (list, tuple)) or (hasattr(value, "shape") and value.shape):
        found = tuple(value)
        if len(found) == 1:
            found *= rank
    else:
        found = (value,) * rank
    if len(found) != rank or any(_is_no_integer(n) or n < least for n in found):
        raise ValueError(
            f"{name}={value!r}: expected an integer of at least {least}, or {rank} of them, one per spatial axis."
        )
    return tuple([int(n) for n in found])


def _is_no_integer(n: Any) -> bool:
    return isinstance(n, (bool, float, str)) or not hasattr(n, "__index__")


def window_geometry(
    lengths: Sequence[int], sizes: Sequence[int], strides: Sizes, padding: str, dilation: Sizes = 1
) -> Geometry:
    """The windows of a convolution or pooling.

    `"valid"`: windows inside the array; `"same"`: `ceil(length / stride)` of them, half of the missing length in front
    (the smaller half when it is odd); `"causal"`: everything missing in front.

    Raises:
        ValueError: for wrong settings, and when a window is longer than the array.
    """
    rank = len(lengths)
    strides = per_axis(strides, rank, "strides")
    dilation = per_axis(dilation, rank, "dilation_rate")
    known = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode not in known:
        expect_one_of("", "padding", mode, known)
    return _geometry(tuple(lengths), tuple(sizes), strides, dilation, mode)


@functools.lru_cache(maxsize=1024)
def _geometry(
    lengths: tuple[int, ...], sizes: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...], padding: str
) -> Geometry:
    """The same of settings that are known to be right."""
    before, after, outputs = [], [], []
    for n, k, s, d in zip(lengths, sizes, strides, dilation):
        a, b, o = _along_axis(n, effective(k, d), s, padding)
        before.append(a)
        after.append(b)
        outputs.append(o)
    if min(outputs) < 1 and 0 not in lengths:
        raise ValueError(
            f"a window of {sizes} (dilation_rate {dilation}) doesn't fit into the spatial shape "
            f"{lengths}. Use padding='same', smaller windows, or larger inputs."
        )
    return Geometry(sizes, strides, dilation, tuple(before), tuple(after), lengths, tuple(outputs))


def _along_axis(length: int, reach: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Padding in front, behind, and the number of windows."""
    if padding == "same":
        outputs = -(-length // stride)
        missing = max((outputs - 1) * stride + reach - length, 0)
        return missing // 2, missing - missing // 2, outputs
    front = reach - 1 if padding == "causal" else 0
    return front, 0, max(0, (length + front - reach) // stride + 1)

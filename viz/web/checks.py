"""Samples that travel with a page, and what the model gave for them in Python: the page compares itself with it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from viz.web.numbers import Numbers
from viz.web.runs import Layer, Run

__all__ = ["LOOKED_AT", "alive_channels", "expected", "kept", "made_up", "probe"]

_PROBES, _OUTPUT_PROBES = 64, 2048
_MOST_SAMPLES, _MOST_BYTES = 20, 200_000  # in a page of a small model; of a large one
_SHARE = 0.1  # of the weights' bytes
LOOKED_AT = 256  # samples of which it is known which channels they reach
_BATCH = 32
_OPEN_LENGTH, _OPEN_SIDE = 16, 224  # of sequences and images that may be of any length


def made_up(given: Sequence[Any]) -> list[Any]:
    """One example of numbers for each input (name, shape, type), where nobody gave samples."""
    rng = numpy.random.default_rng(5)
    found = []
    for each in given:
        lengths = each.shape[1:]
        usual = _OPEN_SIDE if len(lengths) == 3 else _OPEN_LENGTH
        shape = [1, *[n or usual for n in lengths]]
        kind = numpy.dtype(each.dtype).kind
        found.append((rng.random(shape) if kind == "f" else rng.integers(0, 2, shape)).astype(each.dtype))
    return found


def kept(samples: Sequence[Any], weights: int) -> int:
    """How many samples travel along: at most 20, and what they take is little compared with the weights."""
    sizes = [len(zlib.compress(numpy.asarray(array[0]).tobytes(), 1)) for array in samples]
    most = max(_MOST_BYTES, int(_SHARE * weights))
    return max(1, min(_MOST_SAMPLES, len(samples[0]), most // max(sum(sizes), 1)))


def probe(array: Any, most: int = _PROBES) -> Any:
    """Numbers of an array at equal distances: the page looks at the same places.

    >>> import numpy
    >>> probe(numpy.arange(10), 4).tolist()
    [0, 2, 5, 7]
    """
    flat = numpy.asarray(array).reshape(-1)
    count = min(most, flat.size)
    return flat[numpy.arange(count) * flat.size // max(count, 1)]


def expected(run: Run, layers: Sequence[Layer], numbers: Numbers) -> dict[str, Any]:
    """What the page must get for one sample: parts of outputs and layers, and the largest number in each."""
    arrays = run.arrays()
    return {
        "outputs": [_part(array, numbers, _OUTPUT_PROBES) for array in run.outputs],
        "layers": [_part(arrays[layer.tensor], numbers, _PROBES) for layer in layers],
    }


def _part(array: Any, numbers: Numbers, most: int) -> dict[str, Any]:
    array = numpy.asarray(array)
    largest = float(numpy.abs(array[numpy.isfinite(array)].astype(float)).max(initial=0.0))
    if array.size == 1 and largest < 1 and array.dtype.kind == "f":
        largest = 1.0  # one share alone, as of a sigmoid, may be tiny: what is left of the whole is rounded, too
    return {**numbers.add(probe(array, most).astype("float32")), "largest": largest}


def alive_channels(
    call: Callable[[Sequence[Any]], dict[int, Any]], samples: Sequence[Any], layers: Sequence[Layer]
) -> list[Any]:
    """For each layer and channel, whether a sample makes anything but zeros there."""
    found: list[Any] = [None] * len(layers)
    for begin in range(0, min(len(samples[0]), LOOKED_AT), _BATCH):
        arrays = call([array[begin : begin + _BATCH] for array in samples])
        for number, layer in enumerate(layers):
            array = numpy.asarray(arrays[layer.tensor])
            some = (array != 0).any(axis=tuple(range(array.ndim - 1)))
            found[number] = some if found[number] is None else found[number] | some
    return found

"""Random changes of a tensor: dropout and shuffling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.base.capturing import replayed, replayed_draw
from eagerflow.base.typing import Seed
from eagerflow.core.device import Device, device_of, place
from eagerflow.core.op import composite
from eagerflow.core.random import fast_bits
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.kernels.machine.threads import each
from eagerflow.ops.neural.dropout import masked_scale
from eagerflow.random.seed_generator import announced, draw
from eagerflow.random.sharded_draws import sharded_rows

__all__ = ["dropout", "shuffle"]

_FINE = 0.01  # below this rate, thresholds of 16 bits would be too coarse
_MANY = 1 << 11  # words, from which another generator is worth being seeded
_PIECE = 1 << 16  # words that one such generator draws
_PER_MICROSECOND = 500  # words, roughly


@composite
def dropout(inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None) -> Tensor:
    """Sets a random fraction of the elements to 0, and scales the others up so that the expected sum stays the same.

    Args:
        inputs: a float tensor.
        rate: the fraction that is dropped, from 0 to 1.
        noise_shape: the shape of the random mask, which is broadcast to `inputs`; None in it stands for the length of
            `inputs` along that axis. Default: the shape of `inputs`.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor like `inputs`. Gradients flow through what was kept.

    Raises:
        ValueError: for a rate outside [0, 1], a mask that doesn't broadcast, or an unusable seed.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> x = ef.ops.ones((8,))
    >>> ef.random.dropout(x, 0.5, seed=3).tolist()
    [2.0, 2.0, 0.0, 2.0, 0.0, 0.0, 2.0, 0.0]
    """
    x = convert_to_tensor(inputs)
    if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 <= rate <= 1:
        raise ValueError(f"random.dropout(rate={rate!r}): expected a number from 0 to 1.")
    if rate == 0:
        return x
    shape = x.shape if noise_shape is None else _noise_shape(x.shape, noise_shape)
    scale = 0.0 if rate == 1 else 1.0 / (1.0 - rate)
    one_for_all = noise_shape is not None and len(noise_shape) > 0 and noise_shape[0] == 1
    drawn = _mask(device_of(x.data), shape, float(rate), seed, one_for_all)
    mask = announced(drawn, seed, "bernoulli", probability=1.0 - rate)
    return masked_scale(x, mask, scale)


def _noise_shape(shape: tuple[int, ...], noise_shape: Sequence[int | None]) -> tuple[int, ...]:
    fits = len(noise_shape) == len(shape) and all(n in (None, 1, m) for n, m in zip(noise_shape, shape, strict=True))
    if not fits:
        raise ValueError(
            f"random.dropout(noise_shape={noise_shape!r}): expected {len(shape)} entries, each None, 1 or the length "
            f"that the inputs of shape {shape} have there."
        )
    return tuple([m if n is None else n for n, m in zip(noise_shape, shape, strict=True)])


@replayed_draw
def _mask(where: Device, shape: tuple[int, ...], rate: float, seed: Seed, one_for_all: bool) -> Any:
    """True with probability 1 - rate. Raw bits against a threshold: several times faster than floats.

    Many come from generators that are twice as fast, one for each piece, and whose seeds the first one draws.
    """
    bits = numpy.dtype("uint32" if rate < _FINE else "uint16")
    in_word = 8 // bits.itemsize
    threshold = bits.type(min(round(rate * 2 ** (8 * bits.itemsize)), 2 ** (8 * bits.itemsize) - 1))
    source = draw(seed, "dropout").bit_generator
    if rate == 1:
        return place(numpy.zeros(shape, "bool"), where)
    mask = numpy.empty(math.prod(shape), "bool")
    first, size = 0, mask.size  # of what one process would draw
    rows = None if active.shard is None or one_for_all else sharded_rows(shape, "dropout")
    if rows is not None:
        entry = mask.size // shape[0]
        first, size = rows.first * entry, rows.all * entry
    words = -(-size // in_word)

    def fill(begin: int, end: int, bits_from: Any) -> None:
        """Elements of the whole draw, which a generator draws from `begin` on: those that are wanted."""
        low, high = max(begin, first), min(end, first + mask.size)
        drawn = bits_from.random_raw(-(-(high - begin) // in_word))
        numpy.greater_equal(
            drawn.view(bits)[low - begin : high - begin], threshold, out=mask[low - first : high - first]
        )

    if words < _MANY:
        fill(0, size, source)
    else:
        seeds = source.random_raw(3 * -(-words // _PIECE)).reshape(-1, 3)
        step = _PIECE * in_word
        begins = range(first // step * step, first + mask.size, step)
        each(
            lambda i: fill(begins[i], begins[i] + step, fast_bits(seeds[begins[i] // step])),
            len(begins),
            words / _PER_MICROSECOND,
        )
    return place(mask.reshape(shape), where)


@composite
def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> Tensor:
    """Shuffles the slices of `x` along `axis`.

    Args:
        x: a tensor.
        axis: the axis along which to shuffle.
        seed: an integer, a `SeedGenerator` or None, as for `normal`.

    Returns:
        A tensor like `x`. Gradients flow back to where the slices came from.

    Raises:
        ValueError: for an axis that `x` doesn't have, or an unusable seed.

    >>> rows = ef.random.shuffle([[1, 10], [2, 20], [3, 30]], seed=1).tolist()
    >>> sorted(rows), all(second == 10 * first for first, second in rows)
    ([[1, 10], [2, 20], [3, 30]], True)
    """
    tensor = convert_to_tensor(x)
    if not isinstance(axis, int) or not -tensor.ndim <= axis < tensor.ndim:
        raise ValueError(f"random.shuffle(axis={axis!r}): the tensor has {tensor.ndim} axes.")
    by_rows = active.shard is not None and not axis % tensor.ndim and sharded_rows(tensor.shape, "shuffle") is not None
    order = _order(tensor.shape[axis], seed, by_rows)
    where = announced(place(order, device_of(tensor.data)), seed, "permutation")
    return tensor[(slice(None),) * (axis % tensor.ndim) + (where,)]


@replayed
def _order(count: int, seed: Seed, by_rows: bool) -> Any:
    return draw(seed, "shuffle", by_rows).permutation(count)

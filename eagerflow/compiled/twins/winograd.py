"""Winograd's convolution, float32: transforms and products of some tiles while they are in the second cache."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.compiled.loops import winograd as loops
from eagerflow.compiled.objects import has_wide_vectors
from eagerflow.compiled.pieces import run
from eagerflow.kernels.convolution.winograd.placing import looked_at
from eagerflow.kernels.machine.parts import parts_of, sum_in_order
from eagerflow.kernels.machine.processor import second_cache
from eagerflow.kernels.machine.scratch import scratch

__all__ = ["convolve", "is_fused", "transformed_kernel_gradient"]

_FEWEST, _MOST = 24, 48  # tiles at a time: multiples of the rows of a product's tiles
_WEIGHTS = 1 << 21  # numbers of transformed weights, which are read again for each of these
_PIECES = 8  # of which threads find enough
_COST = 0.02  # nanoseconds of a multiply-add, with its share of the transforms
_UNIT = 8  # channels that a vector has at least


def is_fused(packs: Any) -> Any:
    """Whether the loops take such products; None where they don't."""
    fits = packs.products == packs.groups == 1 and packs.channels % _UNIT == packs.outputs % _UNIT == 0
    few = 36 * packs.channels * packs.outputs <= _WEIGHTS
    there = [kernel.is_there("float32") for kernel in (loops.winograd, loops.winograd_kernel_gradient)]
    return (fits and few and all(there)) or None


def _columns(filters: int) -> int:
    """How many filters are computed at once."""
    return 32 if has_wide_vectors() and filters % 32 == 0 else 16 if filters % 16 == 0 else 8


def _tiles(numbers: int, channels: int, filters: int) -> int:
    """How many at a time: what is transformed should fit the second cache, but all weights are read for them."""
    fits = second_cache() // (4 * numbers * (channels + filters))
    return _FEWEST if fits < _MOST else _MOST


def _shared(tiling: Any) -> Any:
    """In smaller blocks, if threads would find too few."""
    of_image, most = tiling.rows * tiling.cols, -(-tiling.n // _PIECES)
    if of_image < _MOST or tiling.n >= _PIECES or tiling.band < tiling.rows:
        return tiling._replace(images=min(tiling.images, max(most, -(-_MOST // of_image))))
    band = max(-(-tiling.rows * tiling.n // _PIECES), -(-_MOST // tiling.cols))
    return tiling._replace(images=1, band=min(tiling.rows, band))


def _plan(tiling: Any, channels: int, filters: int, noisy: int = 0) -> Any:
    """All numbers that the loops want."""
    places = *tiling.lengths, *tiling.outputs, *tiling.before, tiling.rows, tiling.cols
    tiles = _tiles(tiling.numbers, channels, filters)
    return numpy.array((channels, filters, tiling.tile, tiles, *places, _columns(filters), noisy), numpy.int64)


def _rooms(tiling: Any, channels: int, filters: int) -> Any:
    """A thread's own: for transformed inputs, for what they are multiplied by or give, and for a tile at the edge."""
    tiles = _tiles(tiling.numbers, channels, filters)
    sizes = [tiling.numbers * (tiles * n + loops.APART) for n in (channels, filters)]
    sizes.append(tiling.numbers * max(channels, filters))
    return [scratch(f"winograd {name}", (size,), numpy.dtype("float32")) for name, size in zip("xyr", sizes)]


def _ends(parts: list[slice]) -> Any:
    return numpy.array([0, *[part.stop for part in parts]], numpy.int64)


def _cuts(tiling: Any, blocks: list[Any]) -> list[slice]:
    """The tiles of blocks."""
    of_image = tiling.rows * tiling.cols
    firsts = [block.images.start * of_image + block.first * tiling.cols for block in blocks]
    return [slice(first, first + math.prod(tiling.shape(block))) for first, block in zip(firsts, blocks)]


def convolve(tiling: Any, packs: Any, x: ndarray, weights: Any, out: ndarray, finish: Any, look: Any) -> Any:
    """True when all outputs are where they belong."""
    if is_fused(packs) is None or x.dtype != numpy.float32 or not x.flags.aligned or not out.size:
        return None
    channels, filters, columns = packs.channels, packs.outputs, _columns(packs.outputs)
    tiling, x = _shared(tiling), numpy.ascontiguousarray(x)
    blocks = tiling.blocks()
    cuts, (noisy, finer) = _cuts(tiling, blocks), tiling.noisy(channels)
    kernel = weights.reshape(-1, channels, filters // columns, columns).swapaxes(1, 2)
    ends, plan = (_ends(tiling.parts(channels)), _ends(finer)), _plan(tiling, channels, filters, noisy)
    flat = x.reshape(-1), numpy.ascontiguousarray(kernel).reshape(-1), out.reshape(-1)
    whole = tiling.band == tiling.rows  # images in a block

    def piece(start: int, stop: int, number: int) -> None:
        is_even = look is None or (whole and look.is_even(blocks[number].images))
        tiles: Any = loops.winograd.on(*flat, *_rooms(tiling, channels, filters), *ends, plan)
        tiles(start, stop)
        looked_at(tiling, out, blocks[number], finish, None if is_even else look)

    run(piece, cuts, 2.25 * out.size * channels * _COST)
    return True


def transformed_kernel_gradient(tiling: Any, packs: Any, x: ndarray, g: ndarray) -> Any:
    """The gradient of the transformed weights, (frequencies, 1, channels, filters)."""
    if is_fused(packs) is None or x.dtype != numpy.float32 or not (x.flags.aligned and g.flags.aligned and g.size):
        return None
    channels, filters, x, g = packs.channels, packs.outputs, numpy.ascontiguousarray(x), numpy.ascontiguousarray(g)
    tiling = _shared(tiling)
    cuts = _cuts(tiling, tiling.blocks())
    parts = parts_of(len(cuts), tiling.numbers * channels * filters)
    shared = [slice(cuts[part][0].start, cuts[part][-1].stop) for part in parts]
    sums = numpy.empty((len(shared), tiling.numbers * channels * filters), x.dtype)
    plan = _plan(tiling, channels, filters)

    def work(start: int, stop: int, part: int) -> None:
        flat = x.reshape(-1), g.reshape(-1), sums[part]
        tiles: Any = loops.winograd_kernel_gradient.on(*flat, *_rooms(tiling, channels, filters), plan)
        tiles(start, stop)

    run(work, shared, 2.25 * g.size * channels * _COST)
    return sum_in_order(sums).reshape(tiling.numbers, 1, channels, filters)

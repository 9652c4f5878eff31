"""Which lengths to try for unknown axes when a call is run for the shapes of its outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.core.tensor import Tensor

__all__ = ["Attempt", "filled", "settlings", "sizes_for"]

# Lengths tried for unknown axes, (batch, others), in pairs; the later ones for what needs more room.
_SIZES = (((2, 32), (3, 80)), ((2, 128), (3, 320)), ((2, 512), (3, 1280)), ((2, 8), (3, 12)), ((2, 60), (3, 120)))
_ALL_ALIKE = ((32, 32), (80, 80))
_LARGEST_GUESS, _GUESSES = 4096, 6  # for lengths guessed from numbers among the arguments
_LARGEST = 2**25  # elements of an array made for a probe at the larger sizes

_CUTTING = frozenset("array_split diagonal dsplit get_item hsplit split vsplit".split())
_LARGEST_PLACE = 1 << 16

# A smaller and a larger size, and the lengths that some axes have at both.
Attempt = tuple[tuple[int, int], tuple[int, int], dict[Any, int]]


def filled(shape: tuple[Any, ...], size: tuple[int, int]) -> tuple[int, ...]:
    """Unknown lengths replaced: the batch axis by one number, all others by another."""
    return tuple([(size[0] if i == 0 else size[1]) if n is None else n for i, n in enumerate(shape)])


def sizes_for(node: Any) -> Iterator[Attempt]:
    """The sizes to try: only one when all lengths are known, and none that fill the memory."""
    unknown = [x.shape for x in node.inputs if None in x.shape]
    small, large = _SIZES[0]
    if unknown and getattr(node.operation, "__name__", "") in _CUTTING:
        beyond = 3 * _farthest_place(node)
        wider = (large[0] + beyond, large[1] + beyond)
        if beyond and all(math.prod(filled(s, wider)) <= _LARGEST for s in unknown):
            yield small, wider, {}
    yield small, large, {}
    without_arrays = getattr(node.operation, "_tells_shapes", bool)()
    for small, large in _SIZES[1:] if unknown else ():
        if without_arrays or all(math.prod(filled(s, large)) <= _LARGEST for s in unknown):
            yield small, large, {}


def _farthest_place(node: Any) -> int:
    """The largest number among the places where a tensor is cut: shorter axes would all give parts of length 0."""
    leaves = [*tree.flatten(node.args), *tree.flatten(node.kwargs)]
    ends = [end for leaf in leaves if isinstance(leaf, slice) for end in (leaf.start, leaf.stop, leaf.step)]
    places = [abs(int(n)) for n in [*leaves, *ends] if isinstance(n, (int, numpy.integer))]
    return max([n for n in places if n <= _LARGEST_PLACE], default=0)


def settlings(node: Any) -> Iterator[Attempt]:
    """Lengths for unknown axes that fit the others: in `a + b`, those of `b`; in `split(x, 3)`, multiples of 3."""
    unknown = [x for x in node.inputs if None in x.shape]
    if not unknown:
        return
    leaves = [*tree.flatten(node.args), *tree.flatten(node.kwargs)]
    shapes = [tuple(x.shape) for x in leaves if isinstance(x, (Tensor, numpy.ndarray))]
    small, large = _ALL_ALIKE  # two unknown lengths that broadcast are the same
    yield small, large, {}
    numbers = sorted({n for n in leaves if type(n) is int and 1 <= n <= _LARGEST_GUESS})[:_GUESSES]
    for n in numbers:
        yield (2 * n, 4 * n), (3 * n, 8 * n), {}
    for from_end in (True, False):
        settled = {(x.origin, i): n for x in unknown for i, n in _lengths_beside(x.shape, shapes, from_end)}
        if settled:
            yield *_SIZES[0], settled
            yield small, large, settled
    axes = [(x.origin, i) for x in unknown for i, m in enumerate(x.shape) if m is None]
    known = {n for shape in shapes for n in shape if n is not None and n > 1} if len(shapes) > 1 else set()
    others = sorted(known)[:_GUESSES]
    for n in [*numbers, *others]:
        for axis in reversed(axes):  # the batch axis last
            yield *_SIZES[0], {axis: n}


def _lengths_beside(shape: Any, shapes: list[Any], from_end: bool) -> Iterator[tuple[int, int]]:
    """For each unknown axis the length that another shape has at its place, counted from the end or the beginning."""
    for i, n in enumerate(shape):
        place = i - len(shape) if from_end else i
        found = [s[place] for s in shapes if -len(s) <= place < len(s)]
        known = [m for m in found if m is not None and m != 1]
        if n is None and known:
            yield i, max(known)

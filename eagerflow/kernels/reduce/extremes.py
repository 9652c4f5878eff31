"""Maxima and minima of large NumPy arrays over neighbouring axes, where NumPy's own are slow, and their gradients.

Short slices are seen as fewer, longer ones first, and combined in the end: long pieces of memory are read faster.
Extremes of short rows are those of the columns of a copy that lies the other way.

Where a gradient will be asked for, the places of the extremes are found at once. Slices are taken in groups; only of
the groups whose extreme is the extreme of all, the elements are looked at. Pieces are large: the search makes many
calls, between which threads wait for each other.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.machine.buffering import long_runs
from eagerflow.kernels.machine.costs import Blocks, Extremes
from eagerflow.kernels.machine.threads import each, scratch
from eagerflow.kernels.reduce.sums import fold_of, folded, in_parts, step_of

__all__ = ["Places", "extreme_gradient", "extreme_over", "extreme_with_places"]

# Where in a flat array the elements are that are an extreme, and which of the extremes each of them is.
Places = tuple[Any, Any]


def extreme_over(x: ndarray, axes: tuple[int, ...], largest: bool) -> Any:
    """The maximum or minimum over `axes`; None when NumPy's way is as good."""
    lengths = folded(x, axes)
    if lengths is None or lengths[1] < 2:
        return None
    choose = numpy.maximum if largest else numpy.minimum
    if lengths[2] == 1 and lengths[1] <= Extremes.SHORT:
        found = _extremes_of_rows(choose, x.reshape(lengths[:2]))
    elif lengths[2] >= Extremes.NARROW:
        slices = x.reshape(lengths)
        found = in_parts(lambda part: _extremes_of_slices(choose, part), slices, 0.2, Extremes.PART)
    else:
        return None
    return found.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])


def _extremes_of_slices(choose: Any, slices: Any) -> Any:
    before, count, after = slices.shape
    fold = fold_of(count, after, Extremes.SLICE)
    if 2 * fold * after > Extremes.SLICE and fold < count:
        slices = choose.reduce(slices.reshape(before, count // fold, fold * after), axis=1).reshape(before, fold, after)
    while slices.shape[1] > 1:
        half, odd = divmod(slices.shape[1], 2)
        smaller = choose(slices[:, :half], slices[:, half : 2 * half])
        if odd:
            choose(smaller[:, 0], slices[:, -1], out=smaller[:, 0])
        slices = smaller
    return slices


def _extremes_of_rows(choose: Any, rows: Any) -> Any:
    """Extremes of short rows. Up to 16 bytes of a row stay together when it is turned, which copies faster."""
    count, width = rows.shape
    together = next(k for k in (16, 8, 4) if k % rows.itemsize == 0 and width * rows.itemsize % k == 0) // rows.itemsize
    unit = {4: "float32", 8: "float64", 16: "complex128"}[together * rows.itemsize]
    step = max(1, Blocks.CHUNK // width)
    out = numpy.empty(count, rows.dtype)

    def run(i: int) -> None:
        part, found = rows[i * step : (i + 1) * step], out[i * step : (i + 1) * step]
        turned = scratch("extremes turned", (width // together, len(part)), unit)
        turned[...] = part.view(unit).T
        few = choose.reduce(turned.view(rows.dtype), axis=0).reshape(len(part), together)
        found[...] = few[:, 0]
        for column in range(1, together):
            choose(found, few[:, column], out=found)

    each(run, -(-count // step), rows.size / 1000)
    return out


def extreme_with_places(x: ndarray, axes: tuple[int, ...], largest: bool) -> tuple[Any, Places | None] | None:
    """The maximum or minimum over `axes`, and for `extreme_gradient` where it is found (None with many ties).

    None when another way is as good: small arrays, short axes.
    """
    lengths = folded(x, axes)
    if lengths is None:
        return None
    before, count, after = lengths
    if after == 1 or count < Extremes.TIES or count * after < Extremes.LEAST:
        return None
    choose, slices = numpy.maximum if largest else numpy.minimum, x.reshape(lengths)
    out = numpy.empty((before, after), x.dtype)
    step = step_of(slices, Extremes.SEARCHED)
    places: list[Places | None] = [None] * -(-before // step)

    def run(i: int) -> None:
        part = slice(i * step, (i + 1) * step)
        found = _found(choose, slices[part], out[part])
        if found is not None:
            places[i] = found[0] + i * step * count * after, found[1] + i * step * after

    each(run, len(places), x.size / 2000)
    out = out.reshape(x.shape[: axes[0]] + x.shape[axes[-1] + 1 :])
    known = [found for found in places if found is not None]
    if len(known) < len(places):
        return out, None
    at, of = (numpy.concatenate(parts) for parts in zip(*known))
    return out, (at, of)


def _found(choose: Any, slices: Any, out: ndarray) -> Places | None:
    """Fill `out` with the extremes of slices (before, count, after), and tell their places; None for many ties."""
    before, count, after = slices.shape
    size = next(k for k in Extremes.GROUPS if count % k == 0)
    groups, most = count // size, slices.size // Extremes.TIES
    run = groups * after  # from one element of a group to the next
    best = choose.reduce(slices.reshape(before, size, run), axis=1).reshape(before, groups, after)
    out[...] = _extremes_of_slices(choose, best).reshape(before, after)
    hits = scratch("extremes found", best.shape, bool)
    with long_runs():
        numpy.equal(best, out[:, None], out=hits)
    group = numpy.flatnonzero(hits)
    if len(group) > most:
        return None
    row = group // run
    first = group + row * ((size - 1) * run)
    of = group - (group // after - row) * after
    at = numpy.add.outer(numpy.arange(size) * run, first)
    wanted = best.reshape(-1)[group]
    element = numpy.flatnonzero(slices.reshape(-1).take(at, mode="wrap") == wanted)  # other modes are slower
    if len(element) > most:
        return None
    which = element // len(group)
    hit = element - which * len(group)
    return first[hit] + which * run, of[hit]


def extreme_gradient(g: ndarray, places: Places, shape: tuple[int, ...]) -> Any:
    """The gradient `g` of the extremes shared among the elements that are, the others 0; None with NaN."""
    at, of = places
    hits = numpy.bincount(of, minlength=g.size)
    if not hits.all():
        return None
    out = numpy.zeros(shape, g.dtype)
    out.reshape(-1)[at] = (g.reshape(-1) / hits.astype(g.dtype))[of]
    return out

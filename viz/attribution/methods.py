"""The four ways to divide an answer among the parts of the inputs."""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import GradientTape
from viz.attribution.question import Question, Source
from viz.attribution.run_survey import Place
from viz.attribution.shapes import axes_of

__all__ = ["Found", "gradcam", "gradient", "integrated", "occlusion"]

_FIRST_STEPS, _MOST_STEPS = 32, 2048
_MOST_NUMBERS = 1 << 23  # that a row may be gone through with in more steps: small rows may have up to 65,536
_ROUNDING = 1e-5  # of what is subtracted, in single precision


class Found(NamedTuple):
    """What a method found."""

    values: list[numpy.ndarray | None]  # for each source; None for one that the answer doesn't depend on
    base: numpy.ndarray | None = None  # the answers for the baseline, None where there is none
    gap: numpy.ndarray | None = None  # for each row how far the values are from adding up, as a share; or None
    steps: int | None = None  # how many steps the path from the baseline was cut into, at most
    notes: tuple[str, ...] = ()  # what should be known


def gradient(question: Question) -> Found:
    """The derivative of each row's answer with respect to the row's numbers."""
    found: list[list[Any]] = [[] for _ in question.sources]
    for rows in question.parts():
        for values, g in zip(found, _gradients(question, rows)):
            values.append(g)
    joined: list[numpy.ndarray | None] = [
        None if any(g is None for g in parts) else numpy.concatenate(parts) for parts in found
    ]
    _refuse_unconnected(joined)
    zero = [values is not None and not values.any() for values in joined]
    note = "every gradient is zero: the answer is saturated (try logits=True), or doesn't depend on its inputs here"
    return Found(joined, notes=(note,) if all(zero) else ())


def _gradients(
    question: Question, rows: slice, given: Sequence[numpy.ndarray] | None = None, copies: int = 1
) -> list[numpy.ndarray | None]:
    tape = GradientTape(watch_accessed_variables=False)
    scores, sources, _ = question.ask(rows, given, copies, tape)
    found = tape.gradient(scores, sources)
    return [None if g is None else g.numpy() for g in found]


def _refuse_unconnected(values: Sequence[numpy.ndarray | None]) -> None:
    if all(each is None for each in values):
        raise ValueError(
            "viz.explain: no gradient reaches the inputs, as something on the way has none (an op on whole numbers, "
            "rounding, stop_gradient). method='occlusion' needs no gradients."
        )


# ---------------------------------------------------------------------- integrated gradients


def integrated(question: Question, baselines: list[numpy.ndarray], steps: int | None, tolerance: float) -> Found:
    """Gradients averaged on the straight way from a baseline, times the way: they add up to what the answer changed.

    Source: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks" (2017),
    https://arxiv.org/abs/1703.01365; averaged by Gauss-Legendre quadrature.
    """
    values: list[numpy.ndarray | None] = [numpy.zeros(s.data.shape) for s in question.sources]
    base, missing, most = numpy.zeros(question.rows), numpy.zeros(question.rows), 0
    width = max(1, sum([source.data[0].size for source in question.sources]))
    limit = max(_MOST_STEPS, min(1 << 16, _MOST_NUMBERS // width))
    for rows in question.parts():
        base[rows] = question.score(rows, [b[rows] for b in baselines])
        allowed = _allowed(question.scores, base, tolerance)
        left = list(range(*rows.indices(question.rows)))
        count = steps or _FIRST_STEPS
        while left:
            for row in _consecutive(left):
                averages = _averages(question, row, baselines, count)
                for number, (source, average) in enumerate(zip(question.sources, averages)):
                    kept = values[number]
                    if average is None or kept is None:
                        values[number] = None
                    else:
                        kept[row] = (source.data[row].astype("float64") - baselines[number][row]) * average
                missing[row] = _missing(values, row, question.scores[row] - base[row])
            most = max(most, count)
            left = [row for row in left if not missing[row] <= allowed[row]]
            if steps is not None or 2 * count > limit:
                break
            count *= 2
    _refuse_unconnected(values)
    change = numpy.abs(question.scores - base)
    gap = numpy.divide(missing, change, out=numpy.zeros(len(change)), where=change > 0)
    missed = numpy.flatnonzero(~(missing <= _allowed(question.scores, base, tolerance)))
    notes = _missed_words(missed, gap, most, tolerance)
    typed = [None if v is None else v.astype(s.data.dtype) for v, s in zip(values, question.sources)]
    return Found(typed, base, gap, most, notes)


def _missed_words(missed: numpy.ndarray, gap: numpy.ndarray, steps: int, tolerance: float) -> tuple[str, ...]:
    if not len(missed):
        return ()
    worst = max(missed, key=lambda row: gap[row])
    note = (
        f"after {steps} steps the values of {len(missed)} row(s) don't add up to what the answer changed within "
        f"{tolerance:.3g}: row {worst} misses {gap[worst]:.2g} of it"
    )
    warnings.warn(f"viz.explain: {note}", RuntimeWarning, stacklevel=4)
    return (note,)


def _consecutive(rows: list[int]) -> Iterator[slice]:
    """The rows as slices."""
    for _, group in itertools.groupby(enumerate(rows), lambda pair: pair[1] - pair[0]):
        found = [row for _, row in group]
        yield slice(found[0], found[-1] + 1)


def _averages(
    question: Question, rows: slice, baselines: list[numpy.ndarray], steps: int
) -> list[numpy.ndarray | None]:
    """The mean gradient on the way, for each source."""
    at, weights = _points(steps)
    ends = [source.data[rows] for source in question.sources]
    starts = [baseline[rows] for baseline in baselines]
    sums: list[Any] = [0.0 for _ in ends]
    together = question.copies_at_once(rows)
    for first in range(0, steps, together):
        part = slice(first, min(first + together, steps))
        copies = part.stop - part.start
        given = [_between(start, end, at[part]) for start, end in zip(starts, ends)]
        for number, g in enumerate(_gradients(question, rows, given, copies)):
            if g is None or sums[number] is None:
                sums[number] = None
                continue
            shaped = g.reshape(copies, *ends[number].shape).astype("float64")
            sums[number] = sums[number] + numpy.tensordot(weights[part], shaped, 1)
    return sums


@functools.cache
def _points(steps: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Where on the way, from 0 to 1, gradients are asked for, and how much each counts.

    Many steps are taken as stretches of 64: finding the points of one formula takes the cube of their number.
    """
    stretches = steps // 64 if steps > 64 and steps % 64 == 0 else 1
    places, weights = numpy.polynomial.legendre.leggauss(steps // stretches)
    starts = numpy.arange(stretches).reshape(-1, 1)
    return ((starts + (places + 1) / 2) / stretches).reshape(-1), numpy.tile(weights / 2 / stretches, stretches)


def _between(start: numpy.ndarray, end: numpy.ndarray, at: numpy.ndarray) -> numpy.ndarray:
    """The rows at some places of the way, one place after the other."""
    shaped = at.reshape(-1, *[1] * end.ndim).astype(end.dtype)
    found: numpy.ndarray = start + shaped * (end - start)
    return found.reshape(-1, *end.shape[1:])


def _missing(values: Sequence[numpy.ndarray | None], rows: slice, change: numpy.ndarray) -> numpy.ndarray:
    """How far the sum of the values is from what the answer changed."""
    total = numpy.zeros(len(change))
    for each in values:
        if each is not None:
            total += each[rows].reshape(len(change), -1).sum(axis=1)
    found: numpy.ndarray = numpy.abs(total - change)
    return found


def _allowed(scores: numpy.ndarray, base: numpy.ndarray, tolerance: float) -> numpy.ndarray:
    """How far it may be; what single precision rounds away counts for nothing."""
    rounding = _ROUNDING * numpy.maximum(numpy.abs(scores), numpy.abs(base))
    found: numpy.ndarray = numpy.maximum(tolerance * numpy.abs(scores - base), rounding)
    return found


# ---------------------------------------------------------------------- grad-CAM


def gradcam(question: Question, place: Place, channels: int) -> numpy.ndarray:
    """Where the channels of a convolution that speak for the answer are active: (rows, its places).

    Source: R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization"
    (2017), https://arxiv.org/abs/1610.02391.
    """
    found = []
    for rows in question.parts():
        tape = GradientTape(watch_accessed_variables=False)
        scores, _, met = question.ask(rows, tape=tape, extra=[place])
        g = tape.gradient(scores, met[place])
        if g is None:
            raise ValueError(
                f"viz.explain(method='gradcam'): the answer doesn't depend on what {place.name!r} gave; name another "
                "layer"
            )
        maps = numpy.moveaxis(numpy.asarray(met[place].numpy()), channels, -1)
        slopes = numpy.moveaxis(numpy.asarray(g.numpy()), channels, -1)
        weights = slopes.mean(axis=tuple(range(1, slopes.ndim - 1)), keepdims=True)
        found.append(numpy.maximum((maps * weights).sum(axis=-1), 0))
    return numpy.concatenate(found)


# ---------------------------------------------------------------------- occlusion


def occlusion(question: Question, baselines: list[numpy.ndarray], window: Any, stride: Any) -> Found:
    """How much the answer falls when a window of the input is hidden, averaged over the windows around each place.

    Args:
        question: what is asked.
        baselines: what is put in place of what is hidden, for each source.
        window: its length on each axis with places; an int: on all of them; None: an eighth of each.
        stride: how far the next window is; None: half a window.

    Source: M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks" (2014),
    https://arxiv.org/abs/1311.2901.
    """
    values: list[numpy.ndarray | None] = []
    for number, source in enumerate(question.sources):
        masks = list(_windows(source, window, stride))
        fallen = numpy.zeros(source.data.shape)
        covered = numpy.zeros(source.data.shape[1:])
        for mask in masks:
            covered += mask
        for rows in question.parts():
            together = question.copies_at_once(rows)
            for first in range(0, len(masks), together):
                _hide(question, number, rows, masks[first : first + together], baselines, fallen)
        values.append((fallen / numpy.maximum(covered, 1)).astype(source.data.dtype))
    return Found(values)


def _hide(
    question: Question,
    number: int,
    rows: slice,
    masks: list[numpy.ndarray],
    baselines: list[numpy.ndarray],
    fallen: numpy.ndarray,
) -> None:
    """Hide each of some windows of one source, and add to each place in it what the answer fell by."""
    copies = len(masks)
    given = [numpy.concatenate([source.data[rows]] * copies) for source in question.sources]
    data, baseline = question.sources[number].data[rows], baselines[number][rows]
    given[number] = numpy.concatenate([numpy.where(mask, baseline, data) for mask in masks])
    answers = question.score(rows, given, copies).reshape(copies, -1)
    for mask, answer in zip(masks, answers):
        fall = question.scores[rows] - answer
        fallen[rows] += mask * fall.reshape(-1, *[1] * (data.ndim - 1))


def _windows(source: Source, window: Any, stride: Any) -> Iterator[numpy.ndarray]:
    shape = source.data.shape[1:]
    lengths, steps = _lengths(source, window, stride)
    starts = [range(0, max(1, math.ceil((n - w) / s) * s + 1), s) for n, w, s in zip(shape, lengths, steps)]
    for corner in itertools.product(*starts):
        mask = numpy.zeros(shape, dtype=bool)
        mask[tuple([slice(at, at + length) for at, length in zip(corner, lengths)])] = True
        yield mask


def _lengths(source: Source, window: Any, stride: Any) -> tuple[list[int], list[int]]:
    """The window's length, and how far the next one is, on every axis; axes without places are hidden whole."""
    shape = source.data.shape[1:]
    placed = axes_of(source)
    if isinstance(window, (tuple, list)) and len(window) == len(shape):
        placed = list(range(len(shape)))
    lengths, steps = list(shape), list(shape)
    for i, axis in enumerate(placed):
        given = window[i] if isinstance(window, (tuple, list)) and len(window) == len(placed) else window
        default = 1 if source.ids is not None or (len(placed) == 1 and len(shape) == 1) else max(1, shape[axis] // 8)
        lengths[axis] = min(_positive("window", default if given is None else given), max(1, shape[axis]))
        given = stride[i] if isinstance(stride, (tuple, list)) and len(stride) == len(placed) else stride
        steps[axis] = _positive("stride", max(1, lengths[axis] // 2) if given is None else given)
    return lengths, [max(1, step) for step in steps]


def _positive(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (int, numpy.integer)) or given < 1:
        raise ValueError(
            f"viz.explain({name}={given!r:.60}): expected a whole number from 1 on, or one for each axis with places"
        )
    return int(given)

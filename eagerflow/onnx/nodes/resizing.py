"""`Resize` and `Upsample`: along each axis a look-up or a product with a matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import Known, as_type, axes_in, counts, is_real, numbers

__all__ = ["NODES"]


def _source(places: Any, scale: float, before: int, after: float, how: str) -> Any:
    """Where in the input each place of the output lies."""
    if how == "align_corners":
        return places * 0.0 if after <= 1 else places * (before - 1) / (after - 1)
    if how == "asymmetric":
        return places / scale
    found = (places + 0.5) / scale - 0.5
    if how == "half_pixel":
        return found
    if how == "pytorch_half_pixel":
        return found if after > 1 else places * 0.0
    raise ValueError(f"coordinate_transformation_mode={how!r:.40}.")


def _nearest(places: Any, how: str) -> Any:
    if how == "round_prefer_floor":
        return numpy.ceil(places - 0.5)
    if how == "round_prefer_ceil":
        return numpy.floor(places + 0.5)
    if how in ("floor", "ceil"):
        return (numpy.floor if how == "floor" else numpy.ceil)(places)
    raise ValueError(f"nearest_mode={how!r:.40}.")


def _cubic(x: Any, a: float) -> Any:
    x = numpy.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return numpy.where(x <= 1, near, numpy.where(x < 2, far, 0))


def _weights(places: Any, before: int, mode: str, a: float) -> Any:
    """How much each element of the output takes of each of the input: (output, input)."""
    room((len(places), before), "float64")
    reach = 1 if mode == "linear" else 2
    near = numpy.floor(places - reach).astype(int)[:, None] + numpy.arange(2 * reach + 2)  # some beyond the ends
    distance = near - places[:, None]
    parts = numpy.maximum(0, 1 - numpy.abs(distance)) if mode == "linear" else _cubic(distance, a)
    parts = parts / parts.sum(1, keepdims=True)
    made = numpy.zeros((len(places), before))
    numpy.add.at(made, (numpy.arange(len(places))[:, None], numpy.clip(near, 0, before - 1)), parts)
    return made


class _Axis(NamedTuple):
    """One axis that changes: its lengths, and the scale of the places."""

    before: int
    after: int
    scale: float


def _resized(x: Any, axes: dict[int, _Axis], mode: str, how: dict[str, Any]) -> Any:
    room([axes[i].after if i in axes else n for i, n in enumerate(x.shape)], x.dtype)
    dtype = x.dtype
    for i, axis in axes.items():
        transform = how["coordinate_transformation_mode"]
        exact = how["sizes"] is None and transform != "pytorch_half_pixel"
        whole = axis.scale * axis.before if exact else axis.after
        places = _source(numpy.arange(axis.after, dtype="float64"), axis.scale, axis.before, whole, transform)
        if mode == "nearest":
            spots = numpy.clip(_nearest(places, how["nearest_mode"]), 0, axis.before - 1).astype(numpy.int64)
            x = ops.take(x, spots, axis=i)
            continue
        weights = _weights(places, axis.before, mode, how["cubic_coeff_a"])
        x = x if is_real(x.dtype) else ops.cast(x, "float32")
        moved = ops.matmul(ops.moveaxis(x, i, -1), weights.T.astype(x.dtype))
        x = ops.moveaxis(moved, -1, i)
    return as_type(x, dtype)


def _resize(
    x: Any,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    antialias: int = 0,
    axes: Any = None,
    coordinate_transformation_mode: str | None = None,
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str | None = None,
    opset: int,
) -> Any:
    if antialias or exclude_outside or keep_aspect_ratio_policy != "stretch":
        raise ValueError("antialias, exclude_outside and keep_aspect_ratio_policy aren't computed here.")
    if opset < 11:  # (x, scales), as Upsample
        return _upsample(x, roi if scales is None else scales, mode=mode)
    along = range(x.ndim) if axes is None else axes_in(axes, x.ndim)
    given = None if sizes is None or not sizes.size else counts(sizes)
    if given is not None:
        factors = [n / max(x.shape[a], 1) for n, a in zip(given, along, strict=True)]
    elif scales is not None and scales.size == len(along):
        factors = [float(n) for n in numbers(scales)]
    else:
        raise ValueError("it needs scales or sizes, one for each axis.")
    changed = {}
    for i, axis in enumerate(along):
        before = x.shape[axis]
        after = given[i] if given is not None else _length(before, factors[i])
        if factors[i] <= 0 or not math.isfinite(factors[i]) or after < 0 or not before:
            raise ValueError(f"a scale of {factors[i]} for a length of {before}.")
        if after != before or factors[i] != 1:
            changed[axis] = _Axis(before, after, factors[i])
    how = {
        "coordinate_transformation_mode": coordinate_transformation_mode or "half_pixel",
        "cubic_coeff_a": cubic_coeff_a,
        "nearest_mode": nearest_mode or "round_prefer_floor",
        "sizes": given,
    }
    return _resized(x, changed, _mode(mode), how)


def _length(before: int, factor: float) -> int:
    found = float(numpy.float32(before) * numpy.float32(factor))  # rounded as runtimes do
    if not math.isfinite(found):
        raise ValueError(f"a scale of {factor}.")
    return math.floor(found)


def _mode(mode: str) -> str:
    if mode in ("nearest", "linear", "cubic"):
        return mode
    if mode == "bilinear":
        return "linear"
    raise ValueError(f"mode={mode!r:.40}.")


def _upsample(x: Any, scales: Any = None, /, *, mode: str = "nearest", **older: Any) -> Any:
    factors = older.pop("scales", None) if scales is None else numbers(scales).tolist()
    if older:
        raise TypeError(f"unexpected attributes {sorted(older)[:5]}")
    scales = Known(numpy.asarray(factors, "float32"), None, None)
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return _resize(x, None, scales, mode=mode, opset=11, **how)  # type: ignore[arg-type]


NODES: dict[str, Callable[..., Any]] = {"Resize": _resize, "Upsample": _upsample}

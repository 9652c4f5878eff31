"""What a reader gives to a model on its page, and how results are shown: chosen by shapes, and by samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

__all__ = ["INPUTS", "OUTPUTS", "USUAL_SIZE", "input_control", "output_control", "value_range"]

INPUTS = ("pad", "image", "sliders", "plane", "text", "numbers")
OUTPUTS = ("bars", "number", "image", "picture")

_MOST_SLIDERS = 400
_LARGEST_PAD = 64  # pixels; larger images are photographs
USUAL_SIZE = 224  # of images whose size a model leaves open
_CHANNELS = (1, 3, 4)
_USUAL = {"box": 20 / 28, "stroke": 0.11, "centre": "mass", "dark": True}  # as MNIST has it


def value_range(samples: Any) -> tuple[float, float]:
    """The range of numbers that pixels have, from those of samples: 0 to 1 where there are none."""
    if samples is None or samples.size == 0:
        return 0.0, 1.0
    low, high = float(samples.min()), float(samples.max())
    if low >= -0.001:
        return 0.0, next((top for top in (1.0, 16.0, 255.0) if high <= top * 1.001), math.ceil(high))
    if low >= -1.001 and high <= 1.001:
        return -1.0, 1.0
    return math.floor(low), math.ceil(high)


def input_control(
    shape: Sequence[int | None], dtype: str, samples: Any, wanted: str | None, options: Mapping[str, Any], makes: str
) -> dict[str, Any]:
    """What stands for one input.

    Args:
        shape: of one example, None for open lengths.
        dtype: the type of its numbers.
        samples: an array of examples, or None.
        wanted: one of `INPUTS`, or None for what suits the shape.
        options: `value_range` and `features`, as `export` takes them, and `scales`: whether the model itself brings
            pixels from 255 to 1.
        makes: how the first output is shown.
    """
    kind = wanted or _kind(shape, dtype, samples, makes)
    if kind not in INPUTS:
        raise ValueError(f"export(input={kind!r}): expected one of {', '.join(map(repr, INPUTS))}")
    if kind == "text" or (kind in ("sliders", "plane") and (len(shape) != 1 or shape[0] is None)):
        more = " together with text=TextVectorization(...)" if kind == "text" else ""
        raise ValueError(f"export(input={kind!r}): an input of shape {tuple(shape)} can't be given so{more}.")
    if kind == "plane" and (shape[0] or 0) < 2:
        raise ValueError(f"export(input='plane'): needs at least two numbers; this input has {shape[0]}.")
    found = {}
    if kind in ("pad", "image"):
        found = _image(shape, dtype, samples, options)
    elif kind != "numbers":
        found = _sliders(shape, samples, options)
    return {"kind": kind, **found, **(pad(samples, found) if kind == "pad" else {})}


def _kind(shape: Sequence[int | None], dtype: str, samples: Any, makes: str) -> str:
    if not dtype.startswith("float"):
        return "image" if dtype == "uint8" and _layout(shape) else "numbers"
    if len(shape) > 1:
        layout = _layout(shape)
        if layout is None:
            return "numbers"
        height, width, channels, _ = layout
        small = max(height or USUAL_SIZE, width or USUAL_SIZE) <= _LARGEST_PAD
        return "pad" if channels == 1 and small else "image"
    length = shape[0] if shape else None
    if length is None:
        return "numbers"
    if length == 2 and makes == "image":
        return "plane"
    if _side(length) and (samples.min() >= 0 if samples is not None else length in (64, 784)):
        return "pad"
    return "sliders" if length <= _MOST_SLIDERS else "numbers"


def _side(length: int | None) -> int | None:
    """The side of the square image that a row of numbers may be."""
    side = math.isqrt(length or 0)
    return side if side >= 8 and side * side == length else None


def _layout(shape: Sequence[int | None]) -> tuple[int | None, int | None, int, str] | None:
    """Height, width, channels, and where the channels stand: "last", "first", or "none"."""
    if len(shape) == 1 and _side(shape[0]):
        side = _side(shape[0])
        return side, side, 1, "none"
    if len(shape) == 2 and shape[0] == shape[1] and (shape[0] or 0) >= 6:
        return shape[0], shape[1], 1, "none"
    if len(shape) != 3:
        return None
    if shape[2] in _CHANNELS:
        return shape[0], shape[1], shape[2], "last"
    return (shape[1], shape[2], shape[0], "first") if shape[0] in _CHANNELS else None


def _image(shape: Sequence[int | None], dtype: str, samples: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    layout = _layout(shape)
    if layout is None:
        raise ValueError(
            f"export(input='image'): expected (height, width), or that with 1, 3 or 4 channels; got {tuple(shape)}."
        )
    height, width, channels, where = layout
    seen = samples.shape[1:] if samples is not None and len(shape) > 1 else None
    if seen is not None:
        height, width = seen[1:] if where == "first" else seen[:2]
    usual = (0.0, 255.0) if samples is None and (dtype == "uint8" or options.get("scales")) else value_range(samples)
    low, high = _given_range(options) or usual
    height, width = int(height or USUAL_SIZE), int(width or USUAL_SIZE)
    given = {"last": [height, width, channels], "first": [channels, height, width]}.get(where, list(shape))
    size = {"height": height, "width": width, "shape": given}
    return {**size, "channels": channels, "channelsAt": where, "low": low, "high": high}


def _given_range(options: Mapping[str, Any]) -> tuple[float, float] | None:
    given = options.get("value_range")
    if given is None:
        return None
    low, high = (float(x) for x in given)
    if not low < high:
        raise ValueError(f"export(value_range={given!r}): expected the lowest and the highest value of a pixel.")
    return low, high


def _sliders(shape: Sequence[int | None], samples: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    length = int(shape[0] or 0)
    names = options.get("features")
    if names is not None and len(names) != length:
        raise ValueError(f"export(features=...): expected {length} names, one for each number; got {len(names)}.")
    given = _given_range(options)
    if samples is None:
        low, high = [[each] * length for each in (given or (-3.0, 3.0))]
        start = [0.0] * length
    else:
        rows = samples.reshape(len(samples), length).astype(float)
        low, high = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
        if given is not None:
            low, high = [given[0]] * length, [given[1]] * length
        low = [a if a < b else a - 1 for a, b in zip(low, high)]
        start = rows[0].tolist()
    names = [str(name) for name in names] if names is not None else [f"x{i}" for i in range(length)]
    return {"names": names, "low": low, "high": high, "start": start}


def output_control(
    shape: Sequence[int], example: Any, labels: Sequence[str] | None, wanted: str | None, drawn: bool
) -> dict[str, Any]:
    """How one output is shown.

    Args:
        shape: of one example.
        example: what the model gave in Python.
        labels: names of classes.
        wanted: one of `OUTPUTS`, or None for what suits the shape.
        drawn: whether a row of numbers may be an image: where the input is a place in a latent space.
    """
    length = int(numpy.prod(shape, dtype=int))
    kind = wanted or _shown(shape, length, labels, drawn)
    if kind not in OUTPUTS:
        raise ValueError(f"export(output={kind!r}): expected one of {', '.join(map(repr, OUTPUTS))}")
    if labels is not None and kind == "bars" and len(labels) != length:
        raise ValueError(f"export(labels=...): expected {length} labels, one for each number; got {len(labels)}.")
    found: dict[str, Any] = {"kind": kind, "labels": None if labels is None else [str(label) for label in labels]}
    finite = example[numpy.isfinite(example)] if example.dtype.kind == "f" else example
    if kind == "image":
        layout = _layout(shape)
        if layout is None:
            raise ValueError(f"export(output='image'): an output of shape {tuple(shape)} is no image.")
        found |= dict(zip(("height", "width", "channels", "channelsAt"), layout))
        found["low"], found["high"] = value_range(finite)
    elif kind == "bars":
        found["shares"] = bool(finite.size) and float(finite.min()) >= 0 and float(finite.max()) <= 1.0001
    elif kind == "number":
        found["share"] = bool(finite.size) and 0 < float(finite.min()) and float(finite.max()) < 1
    return found


def _shown(shape: Sequence[int], length: int, labels: Any, drawn: bool) -> str:
    if length == 1:
        return "number"
    if len(shape) == 1:
        return "image" if drawn and labels is None and _side(length) else "bars"
    layout = _layout(shape)
    small = layout is not None and layout[2] in (1, 3) and min(layout[0] or 0, layout[1] or 0) >= 8
    return "image" if small else "picture"


def pad(samples: Any, image: dict[str, Any]) -> dict[str, Any]:
    """What a drawing pad goes by.

    Args:
        samples: an array of examples, or None.
        image: the image's size and range, as `controls` gives it.

    Returns:
        `box`, the larger side of the box around the ink as a share of the image; `stroke`, how wide lines are as a
        share of that box; `centre`, whether the centre of the ink or of its box is put in the middle; `dark`, whether
        the ground is dark.
    """
    if samples is None:
        return dict(_USUAL)
    height, width = image["height"], image["width"]
    if image["channelsAt"] == "first":
        samples = numpy.moveaxis(samples, 1, -1)
    rows = samples.reshape(len(samples), height, width, -1)[:200].mean(axis=-1)
    ink = (rows.astype(float) - image["low"]) / (image["high"] - image["low"])
    border = numpy.concatenate([ink[:, 0].ravel(), ink[:, -1].ravel(), ink[:, :, 0].ravel(), ink[:, :, -1].ravel()])
    dark = bool(numpy.median(border) <= 0.5)
    ink = ink if dark else 1 - ink
    measured = [_measured(each) for each in ink if (each > 0.2).any()]
    if not measured:
        return {**_USUAL, "dark": dark}
    box, off_mass, off_box, area = numpy.median(numpy.array(measured), axis=0)
    stroke = min(0.3, max(0.04, area / (2.2 * box) / box))  # a digit's line is about 2.2 times as long as its box
    return {
        "box": round(float(min(1.0, box / max(height, width))), 4),
        "stroke": round(float(stroke), 4),
        "centre": "mass" if off_mass <= off_box else "box",
        "dark": dark,
    }


def _measured(ink: Any) -> tuple[float, float, float, float]:
    """Of one image: the box's side, how far the centres of ink and of its box are off, and how much ink there is."""
    marked = ink > 0.2
    rows, columns = numpy.flatnonzero(marked.any(axis=1)), numpy.flatnonzero(marked.any(axis=0))
    middle = (numpy.array(ink.shape) - 1) / 2
    places = numpy.indices(ink.shape).reshape(2, -1)
    mass = (places * ink.reshape(-1)).sum(axis=1) / ink.sum()
    box = numpy.array([rows[0] + rows[-1], columns[0] + columns[-1]]) / 2
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return float(side), float(numpy.abs(mass - middle).sum()), float(numpy.abs(box - middle).sum()), float(ink.sum())

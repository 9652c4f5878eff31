"""How drawings become images like those that a model has learned from: measured on samples."""

from __future__ import annotations

from typing import Any

import numpy

__all__ = ["pad"]

_STROKE = 2.2  # how many times as long as the box around it a digit's line is, about
_USUAL = {"box": 20 / 28, "stroke": 0.11, "centre": "mass", "dark": True}  # as MNIST has it


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
    stroke = min(0.3, max(0.04, area / (_STROKE * box) / box))
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

"""Figures of matplotlib's as pixels. The one file of viz which imports it."""

from __future__ import annotations

from typing import Any

import numpy

__all__ = ["figure_pixels"]


def figure_pixels(figure: Any, what: str) -> numpy.ndarray:
    """Bytes (height, width, 4), also of a figure that a window or nothing at all was going to show.

    Args:
        figure: a `matplotlib.figure.Figure`.
        what: the call, for errors.

    Raises:
        TypeError: for anything else.
    """
    if not hasattr(figure, "set_canvas") or not hasattr(figure, "canvas"):
        raise TypeError(f"{what}: expected a matplotlib Figure; got {type(figure).__name__}. For arrays: images()")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    before = figure.canvas
    try:
        canvas = FigureCanvasAgg(figure)  # which becomes the figure's own
        canvas.draw()
        return numpy.array(canvas.buffer_rgba())
    finally:
        figure.set_canvas(before)

"""`viz.loss_landscape`: the loss around a model's weights, along two directions."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy

from eagerflow.core.observe import unobserved
from viz.dry_run.kept_state import put_back
from viz.frameworks.objects import is_model
from viz.page.heat_map import heat_map, picture
from viz.picture.rendering.raster import check_picture_name, write_picture

__all__ = ["LossLandscape", "loss_landscape"]

_SIDE, _MARGIN = 360, 60  # of the picture, in pixels


class LossLandscape:
    """The losses on a square grid, of which the middle is the model as it is.

    Attributes:
        distances: how far the points lie from the middle, along either direction; 1 is as far as the weights are large.
        losses: an array of shape (points, points): rows along the first direction, columns along the second.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, use_bias=False)])
    >>> model.compile("sgd", "mse")
    >>> viz.loss_landscape(model, ef.ops.ones((4, 2)), ef.ops.ones((4, 1)), points=3).save("loss.svg").name
    'loss.svg'
    """

    def __init__(self, distances: numpy.ndarray, losses: numpy.ndarray) -> None:
        self.distances, self.losses = distances, losses

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Draws it as a map of the logarithms of the losses.

        Args:
            path: the path of a file, which ends in `.svg`, `.png` or `.pdf`.

        Raises:
            ValueError: for another ending.
        """
        check_picture_name(path)
        return write_picture(path, self._repr_svg_())

    def _repr_svg_(self) -> str:
        heights = numpy.log(numpy.maximum(self.losses, 1e-12))
        finite = heights[numpy.isfinite(heights)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        shares = numpy.clip(numpy.nan_to_num((heights - low) / ((high - low) or 1.0), nan=1.0, posinf=1.0), 0, 1)
        size, end = _SIDE + 2 * _MARGIN, self.distances[-1]
        middle = float(self.losses[len(self.losses) // 2, len(self.losses) // 2])
        words = [
            (size / 2, 30, f"loss {middle:.3g} in the middle, {self.losses.min():.3g} to {self.losses.max():.3g}"),
            (_MARGIN, size - 35, f"{-end:g}"),
            (size - _MARGIN, size - 35, f"{end:g}"),
            (size / 2, size - 35, "second direction"),
            (28, size / 2, "first"),
        ]
        texts = "".join([f'<text x="{x}" y="{y}" text-anchor="middle">{text}</text>' for x, y, text in words])
        image = (
            f'<image x="{_MARGIN}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" href="{heat_map(shares, _SIDE)}"/>'
        )
        circle = f'<circle cx="{size / 2}" cy="{size / 2}" r="4" fill="none" stroke="#000"/>'
        return picture(size, size, image + circle + texts)

    def __repr__(self) -> str:
        lowest, highest = float(self.losses.min()), float(self.losses.max())
        return f"<loss landscape: {len(self.distances)}x{len(self.distances)} points, {lowest:.3g} to {highest:.3g}>"


def loss_landscape(model: Any, x: Any, y: Any, points: int = 15, distance: float = 1.0, seed: int = 0) -> LossLandscape:
    """The loss of a compiled model with weights moved along two random directions.

    Each direction is scaled to the size of the weights, unit by unit, as in Li et al., "Visualizing the Loss Landscape
    of Neural Nets" (2018); biases and the weights of normalizations stay. Model and random states are the same after.

    Args:
        model: a compiled model of eagerflow's with weights.
        x: inputs, as for `evaluate`; a few hundred rows are enough.
        y: labels.
        points: how many there are along each direction, an odd number; the model is evaluated `points ** 2` times.
        distance: how far the outermost points lie; 1 is as far as the weights are large.
        seed: of the directions.

    Raises:
        TypeError: when `model` isn't a model.
        ValueError: when it isn't compiled or has no weights, or for an even number of points.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, use_bias=False)])
    >>> model.compile("sgd", "mse")
    >>> found = viz.loss_landscape(model, ef.ops.ones((4, 2)), ef.ops.ones((4, 1)), points=5)
    >>> found.losses.shape
    (5, 5)
    """
    if not is_model(model):
        raise TypeError(f"loss_landscape(model): expected a model, got {type(model).__name__}")
    weights = [v for v in model.trainable_variables if len(v.shape) > 1]
    if getattr(model, "optimizer", None) is None or not weights:
        raise ValueError("loss_landscape(model): expected a compiled model with weights; call compile and build first")
    if points < 3 or points % 2 == 0:
        raise ValueError(f"loss_landscape(points={points}): expected an odd number, 3 or more")
    random = numpy.random.default_rng(seed)
    start = [v.numpy().copy() for v in weights]
    first, second = ([_direction(w, random) for w in start] for _ in range(2))
    distances = numpy.linspace(-distance, distance, points)
    losses = numpy.empty((points, points))
    with put_back(model), unobserved():
        for row, a in enumerate(distances):
            for column, b in enumerate(distances):
                for variable, w, one, two in zip(weights, start, first, second):
                    variable.assign(w + w.dtype.type(a) * one + w.dtype.type(b) * two)
                losses[row, column] = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    return LossLandscape(distances, losses)


def _direction(weights: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """A random array whose units, along the last axis, are as large as those of the weights."""
    drawn = random.standard_normal(weights.shape).astype(weights.dtype)
    axes = tuple(range(weights.ndim - 1))
    sizes = [numpy.sqrt((each.astype("float64") ** 2).sum(axis=axes)) for each in (weights, drawn)]
    return (drawn * (sizes[0] / sizes[1])).astype(weights.dtype)

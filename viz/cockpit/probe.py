"""One step of training, measured before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, tree
from eagerflow.data.arrays import rows_of
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.sandbox import Moment
from eagerflow.training.step_runner import loss_of
from viz.cockpit.curvature import HessianProducts, largest_eigenvalue
from viz.cockpit.noise import Noise, mean_of, noise_of, product
from viz.cockpit.step_length import Side, alpha

__all__ = ["Probe"]


class Probe:
    """Measures a step: made when it begins, asked when it has ended. Nothing of the model is changed.

    Losses and gradients are those of equal parts of the batch, with the same dropout before and after.

    Args:
        model: a model that `fit` trains.
        data: the batch.
        parts: into how many the batch is cut; fewer where it is too small.
    """

    def __init__(self, model: Any, data: Any, parts: int) -> None:
        self.model = model
        x, _, _ = unpack_x_y_sample_weight(data)
        self.rows = rows_of(x)
        count = min(parts, self.rows)
        size = self.rows // count
        self._parts = [_rows(data, i * size, (i + 1) * size) for i in range(count)]
        self._moment = Moment(model)
        self._variables = list(model.trainable_variables)
        self._before = [v.numpy().copy() for v in self._variables]
        self._losses, self._gradients = self._measured()
        gradient = mean_of(self._gradients)
        self.norm = product(gradient, gradient) ** 0.5
        self.noise: Noise | None = noise_of(self._gradients, size) if count > 1 else None

    def curvature(self, begin: Any) -> tuple[float, Any]:
        """The largest eigenvalue of the Hessian of the batch's loss, and a vector that belongs to it."""
        with self._moment.again():
            products = HessianProducts(lambda: _loss(self.model, self._whole()), self._variables)
            fits = begin is not None and len(begin) == products.size
            return largest_eigenvalue(products, products.size, begin if fits else None)

    def step_length(self) -> float:
        """Where on its parabola the step ended; see `alpha`."""
        step = [v.numpy() - before for v, before in zip(self._variables, self._before)]
        losses, gradients = self._measured()
        return alpha(_side(self._losses, self._gradients, step), _side(losses, gradients, step))

    # ------------------------------------------------------------------ inside

    def _whole(self) -> Any:
        return tree.map_structure(_joined, *self._parts) if len(self._parts) > 1 else self._parts[0]

    def _measured(self) -> tuple[list[float], list[list[Any]]]:
        """Loss and gradient of each part."""
        losses, gradients = [], []
        with self._moment.again():
            for part in self._parts:
                with GradientTape() as tape:
                    loss = _loss(self.model, part)
                found = tape.gradient(loss, self._variables, unconnected_gradients="zero")
                losses.append(float(loss))
                gradients.append([g.numpy() for g in found])
        return losses, gradients


def _loss(model: Any, data: Any) -> Any:
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    return loss_of(model, x, y, model(x, training=True), sample_weight, True)


def _rows(data: Any, start: int, stop: int) -> Any:
    return tree.map_structure(lambda t: t[start:stop] if isinstance(t, Tensor) and t.shape else t, data)


def _joined(*tensors: Any) -> Any:
    has_rows = isinstance(tensors[0], Tensor) and tensors[0].shape
    return Tensor(numpy.concatenate([t.numpy() for t in tensors])) if has_rows else tensors[0]


def _side(losses: Sequence[float], gradients: Sequence[Sequence[Any]], step: Sequence[Any]) -> Side:
    slopes = [product(gradient, step) for gradient in gradients]
    return Side(float(numpy.mean(losses)), float(numpy.mean(slopes)), _of_mean(losses), _of_mean(slopes))


def _of_mean(values: Sequence[float]) -> float:
    """The variance of the mean of some numbers."""
    return float(numpy.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0

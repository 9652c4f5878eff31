"""What a step is measured by: the noise of its gradient, how far it went, and the curvature around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import GradientTape, Tensor, tree
from eagerflow.data.arrays import rows_of
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.sandbox import Moment
from eagerflow.training.step_runner import loss_of

__all__ = ["Noise", "NoiseMean", "Probe", "mean_of", "noise_of", "product"]

LONGEST = 5.0  # what longer steps, and steps uphill, are shown as


_EXACT = 100_000  # elements up to which vectors are kept in double precision


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


class Side(NamedTuple):
    """The loss at one end of a step, and its slope along the step, with the variances of both."""

    loss: float
    slope: float
    loss_variance: float = 0.0
    slope_variance: float = 0.0


def alpha(before: Side, after: Side) -> float:
    """Where the step ended on the parabola, as a length: -1 at its start, 0 in the minimum, 1 as far on the other side.

    Args:
        before: at the start of the step; the slope is that per whole step.
        after: at its end.

    Returns:
        From -1 to `LONGEST`. A parabola that is open below has no minimum: any step is too short (-1). A step uphill
        is too long (`LONGEST`). NaN where a number isn't finite.

    Source: the `Alpha` of Schneider, Dangel and Hennig, "Cockpit: a practical debugging tool for the training of deep
    neural networks", 2021.

    >>> abs(round(alpha(Side(1.0, -2.0), Side(0.0, 0.0)), 9))  # of (1 - t)²: exactly into the minimum
    0.0
    >>> round(alpha(Side(1.0, -4.0), Side(1.0, 4.0)), 9)  # of (1 - 2t)²: to the other side
    1.0
    """
    observed = [before.loss, before.slope, after.loss, after.slope]
    if not all(map(math.isfinite, observed)):
        return math.nan
    variances = numpy.array([before.loss_variance, before.slope_variance, after.loss_variance, after.slope_variance])
    variances = variances if numpy.isfinite(variances).all() else numpy.zeros(4)
    floor = 1e-12 + 1e-6 * float(variances.max())
    weights = 1 / numpy.sqrt(variances + floor)
    rows = numpy.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    shift = before.loss  # the level of the loss doesn't matter, and is large
    wanted = numpy.array([0.0, before.slope, after.loss - shift, after.slope])
    bend, slope, _ = numpy.linalg.lstsq(rows * weights[:, None], wanted * weights, rcond=None)[0]
    if slope >= 0:
        return LONGEST if slope > 0 or bend > 0 else 0.0
    if bend <= 0:
        return -1.0
    return float(min(LONGEST, -2 * bend / slope - 1))


class HessianProducts:
    """Products of the Hessian of a loss with vectors: the gradient of the gradient, along them.

    >>> import eagerflow as ef
    >>> import numpy as np
    >>> x = ef.Variable([1.0, 2.0])
    >>> HessianProducts(lambda: (x * x * x).sum(), [x])(np.array([1.0, 0.5])).tolist()
    [6.0, 6.0]
    """

    def __init__(self, loss: Callable[[], Any], variables: Sequence[Any]) -> None:
        with GradientTape(persistent=True) as self._outer:
            with GradientTape() as inner:
                value = loss()
            gradients = inner.gradient(value, list(variables))
        found = [(v, g) for v, g in zip(variables, gradients, strict=True) if g is not None]
        self._variables, self._gradients = [v for v, _ in found], [g for _, g in found]
        self.size = sum(int(numpy.prod(v.shape)) for v in self._variables)

    def __call__(self, vector: Any) -> Any:
        """The product with a flat vector, as one."""
        parts, start = [], 0
        for variable in self._variables:
            count = int(numpy.prod(variable.shape))
            parts.append(Tensor(vector[start : start + count].reshape(variable.shape).astype(variable.dtype)))
            start += count
        found = self._outer.gradient(
            self._gradients, self._variables, output_gradients=parts, unconnected_gradients="zero"
        )
        return numpy.concatenate([g.numpy().reshape(-1) for g in found])


def largest_eigenvalue(
    multiply: Callable[[Any], Any], size: int, begin: Any = None, steps: int = 8, tolerance: float = 0.01
) -> tuple[float, Any]:
    """The largest eigenvalue of a symmetric matrix that is known by its products, by Lanczos' method.

    Args:
        multiply: gives the matrix times a vector.
        size: the length of vectors.
        begin: a vector to begin with, such as the one that an earlier call gave; None: one drawn with a fixed seed.
        steps: products at most.
        tolerance: stop when the eigenvalue is known to this part of it.

    >>> import numpy as np
    >>> matrix = np.diag([1.0, 5.0, 2.0])
    >>> value, vector = largest_eigenvalue(lambda v: matrix @ v, 3)
    >>> round(value, 6), abs(vector).round(3).tolist()
    (5.0, [0.0, 1.0, 0.0])
    """
    exact = "float64" if size <= _EXACT else "float32"
    vector = numpy.random.default_rng(0).normal(size=size) if begin is None else numpy.asarray(begin)
    steps = min(steps, size)
    basis = numpy.empty((steps, size), exact)
    basis[0] = vector / numpy.linalg.norm(vector)
    diagonal: list[float] = []
    off: list[float] = []
    for number in range(1, steps + 1):
        known = basis[:number]
        product = multiply(known[-1]).astype(exact)
        diagonal.append(float(known[-1] @ product))
        for _ in range(2):  # twice, or rounding brings back what is there already
            product -= (known @ product) @ known
        length = float(numpy.linalg.norm(product))
        values, vectors = numpy.linalg.eigh(numpy.diag(diagonal) + numpy.diag(off, 1) + numpy.diag(off, -1))
        error = length * abs(float(vectors[-1, -1]))
        if not numpy.isfinite(length) or error <= tolerance * abs(float(values[-1])) or number == steps:
            break
        off.append(length)
        basis[number] = product / length
    found = vectors[:, -1].astype(exact) @ known
    return float(values[-1]), found / numpy.linalg.norm(found)


class Noise(NamedTuple):
    """What the gradients of parts of one batch tell."""

    variance: float  # the trace of the covariance of a single row's gradient
    squared: float  # the squared length of the gradient over all data


def product(a: Sequence[Any], b: Sequence[Any]) -> float:
    """The scalar product of two gradients (or steps), each given as one array per weight."""
    return float(sum([numpy.vdot(x, y) for x, y in zip(a, b, strict=True)]))


def mean_of(gradients: Sequence[Sequence[Any]]) -> list[Any]:
    """The mean of several gradients."""
    return [sum(arrays[1:], start=arrays[0]) / len(arrays) for arrays in zip(*gradients, strict=True)]


def noise_of(gradients: Sequence[Sequence[Any]], rows: int) -> Noise:
    """Unbiased estimates from the mean gradients of equal parts of a batch.

    Args:
        gradients: two or more, each the mean over `rows` other rows.
        rows: of each part.

    Source: McCandlish, Kaplan and Amodei, "An empirical model of large-batch training", 2018, appendix A.1, for any
    number of parts.

    >>> noise_of([[numpy.array([3.0])], [numpy.array([1.0])]], rows=4)
    Noise(variance=8.0, squared=3.0)
    """
    parts = len(gradients)
    whole = mean_of(gradients)
    squared = product(whole, whole)
    spread = sum(product(g, g) for g in gradients) - parts * squared
    variance = max(0.0, rows * spread / (parts - 1))
    return Noise(variance, squared - variance / (parts * rows))


class NoiseMean:
    """Means of both estimates over time, since their ratio in a single step says little."""

    def __init__(self, keeps: float = 0.9) -> None:
        self._keeps = keeps
        self._weight = self._variance = self._squared = 0.0

    def add(self, noise: Noise) -> None:
        """Take in the estimates of a step."""
        if not (math.isfinite(noise.variance) and math.isfinite(noise.squared)):
            return
        keeps = self._keeps
        self._weight = keeps * self._weight + 1 - keeps
        self._variance = keeps * self._variance + (1 - keeps) * noise.variance
        self._squared = keeps * self._squared + (1 - keeps) * noise.squared

    @property
    def scale(self) -> float:
        """The noise scale, in rows; infinite where no gradient stands out from the noise, NaN before anything came."""
        if not self._weight:
            return math.nan
        return self._variance / self._squared if self._squared > 0 else math.inf

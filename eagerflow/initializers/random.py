"""Initializers that draw from distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy

from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import expect_one_of
from eagerflow.base.machine.budget import room, step
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import DType, Seed
from eagerflow.core import random as core_random
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.initializers.base import Initializer, table
from eagerflow.random import SeedGenerator, normal, truncated_normal, uniform

__all__ = ["GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Orthogonal"]
__all__ += ["RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"]

_Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"] | str
_Distribution: TypeAlias = Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] | str

# The standard deviation that is left of a standard normal distribution cut off at two deviations.
_DEVIATION_AFTER_TRUNCATION = 0.87962566103423978


class RandomInitializer(Initializer):
    """An initializer that draws.

    Args:
        seed: an integer or None: the initializer gives the same numbers at each call with the same shape
            (None: numbers that `set_random_seed` decides). A `SeedGenerator`: others each time.

    Raises:
        ValueError: for another kind of seed.
    """

    def __init__(self, seed: Seed = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = core_random.default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        elif isinstance(seed, bool) or not isinstance(seed, (int, SeedGenerator)):
            raise ValueError(f"{type(self).__name__}(seed={seed!r}): expected an integer, a SeedGenerator or None.")
        self.seed = seed

    def _width(self, name: str, value: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, numpy.number)) or not value >= 0:
            raise ValueError(f"{type(self).__name__}({name}={value!r:.60}): expected a number of at least 0.")
        return value

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {**super().get_config(), "seed": serialize_keras_object(self._init_seed)}


@table.add("random_normal", "normal")
class RandomNormal(RandomInitializer):
    """Draws from a normal distribution.

    Args:
        mean: the mean of the distribution.
        stddev: the standard deviation.
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).

    >>> weights = ef.initializers.RandomNormal(mean=1.0, stddev=0.1, seed=1)((100, 100))
    >>> weights.shape, round(float(weights.mean()), 2), round(float(weights.std()), 2)
    ((100, 100), 1.0, 0.1)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = self._width("stddev", stddev)
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        return normal(shape, mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed)


@table.add("truncated_normal")
class TruncatedNormal(RandomInitializer):
    """Draws from a normal distribution; values beyond two standard deviations are drawn again.

    Args:
        mean: the mean before truncation.
        stddev: the standard deviation before truncation.
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).

    >>> weights = ef.initializers.TruncatedNormal(stddev=0.5, seed=1)((100,))
    >>> float(abs(weights).max()) <= 2 * 0.5
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = mean
        self.stddev = self._width("stddev", stddev)
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        return truncated_normal(shape, mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed)


@table.add("random_uniform", "uniform")
class RandomUniform(RandomInitializer):
    """Draws from a uniform distribution over `[minval, maxval)`.

    Args:
        minval: the lower bound.
        maxval: the upper bound.
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).

    >>> weights = ef.initializers.RandomUniform(-0.5, 0.5, seed=1)((100, 100))
    >>> round(float(weights.min()), 2), round(float(weights.max()), 2)
    (-0.5, 0.5)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        return uniform(shape, minval=self.minval, maxval=self.maxval, dtype=dtype, seed=self.seed)


@table.add("variance_scaling")
class VarianceScaling(RandomInitializer):
    """Draws weights with a variance of `scale / n`, where `n` counts the inputs or outputs of a unit.

    Args:
        scale: a positive factor.
        mode: which `n`: `"fan_in"`, `"fan_out"` or their mean, `"fan_avg"`.
        distribution: `"truncated_normal"` (also `"normal"`), `"untruncated_normal"` or `"uniform"`.
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    Raises:
        ValueError: for a scale that isn't positive, an unknown mode or distribution.

    Source: Glorot and Bengio 2010, He et al. 2015; the interface is Keras'.

    >>> make = ef.initializers.VarianceScaling(scale=2.0, mode="fan_in", distribution="untruncated_normal", seed=1)
    >>> round(float(make((200, 100)).std()), 2), (2.0 / 200) ** 0.5
    (0.1, 0.1)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: _Mode = "fan_in",
        distribution: _Distribution = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if not scale > 0:
            raise ValueError(f"{type(self).__name__}(scale={scale!r}): expected a positive number.")
        word = str(distribution).lower()
        word = "truncated_normal" if word == "normal" else word
        expect_one_of("VarianceScaling", "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        expect_one_of("VarianceScaling", "distribution", word, ("truncated_normal", "untruncated_normal", "uniform"))
        self.scale = scale
        self.mode = mode
        self.distribution = word
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        variance = self.scale / max(1.0, self._count(tuple(shape)))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(shape, minval=-limit, maxval=limit, dtype=dtype, seed=self.seed)
        deviation = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return normal(shape, stddev=deviation, dtype=dtype, seed=self.seed)
        stddev = deviation / _DEVIATION_AFTER_TRUNCATION
        return truncated_normal(shape, stddev=stddev, dtype=dtype, seed=self.seed)

    def _count(self, shape: tuple[int, ...]) -> float:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        return {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]


def compute_fans(
    shape: tuple[int, ...], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs and outputs a unit of a weight of this shape has.

    The last two axes of a convolution's kernel are its input and output channels; the others are its
    receptive field, which counts on both sides.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod([shape[i] for i in input_axes]), math.prod([shape[i] for i in output_axes])
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class _Preset(VarianceScaling):
    """`VarianceScaling` with settings of its own."""

    _scale: float
    _mode: _Mode
    _distribution: _Distribution

    def __init__(
        self, seed: Seed = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(self._scale, self._mode, self._distribution, seed, input_axes, output_axes)


@table.add("glorot_uniform")
class GlorotUniform(_Preset):
    """Draws uniformly from ±`sqrt(6 / (fan_in + fan_out))`. Source: Glorot and Bengio 2010.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.GlorotUniform(seed=1)((300, 300))
    >>> round(float(abs(weights).max()), 2), (6 / (300 + 300)) ** 0.5
    (0.1, 0.1)
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "uniform"


@table.add("glorot_normal")
class GlorotNormal(_Preset):
    """Draws from a truncated normal with variance `2 / (fan_in + fan_out)`. Source: Glorot and Bengio 2010.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.GlorotNormal(seed=1)((300, 100))
    >>> round(float(weights.std()), 2), round((2 / (300 + 100)) ** 0.5, 2)
    (0.07, 0.07)
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "truncated_normal"


@table.add("lecun_normal")
class LecunNormal(_Preset):
    """Draws from a truncated normal with variance `1 / fan_in`. Source: LeCun et al. 1998, Klambauer et al. 2017.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.LecunNormal(seed=1)((100, 200))
    >>> round(float(weights.std()), 2), (1 / 100) ** 0.5
    (0.1, 0.1)
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "truncated_normal"


@table.add("lecun_uniform")
class LecunUniform(_Preset):
    """Draws uniformly from ±`sqrt(3 / fan_in)`. Source: LeCun et al. 1998.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.LecunUniform(seed=1)((300, 10))
    >>> round(float(abs(weights).max()), 2), (3 / 300) ** 0.5
    (0.1, 0.1)
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "uniform"


@table.add("he_normal")
class HeNormal(_Preset):
    """Draws from a truncated normal with variance `2 / fan_in`. Source: He et al. 2015.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.HeNormal(seed=1)((200, 100))
    >>> round(float(weights.std()), 2), (2 / 200) ** 0.5
    (0.1, 0.1)
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "truncated_normal"


@table.add("he_uniform")
class HeUniform(_Preset):
    """Draws uniformly from ±`sqrt(6 / fan_in)`. Source: He et al. 2015.

    Args:
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).
        input_axes: the axes of the weight that count as inputs; default: all but the last.
        output_axes: those that count as outputs; default: all but the second to last.

    >>> weights = ef.initializers.HeUniform(seed=1)((600, 10))
    >>> round(float(abs(weights).max()), 2), (6 / 600) ** 0.5
    (0.1, 0.1)
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "uniform"


@table.add("orthogonal", "OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal columns (or rows, when they are fewer).

    All axes but the last are taken together as rows.

    Args:
        gain: a factor that the matrix is multiplied by.
        seed: an integer, a `SeedGenerator`, or None for the global seed (see `set_random_seed`).

    Source: Saxe et al. 2013, https://arxiv.org/abs/1312.6120; uniform by the signs of R's diagonal, Mezzadri 2006.

    >>> q = ef.initializers.Orthogonal(seed=1)((3, 3))
    >>> ef.ops.allclose(ef.ops.transpose(q) @ q, ef.ops.eye(3), atol=1e-5).item()
    True
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        shape = tuple(shape)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a weight of at least two axes; its shape is {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        size = rows * columns
        step(size * min(rows, columns) / 1e6)
        room(32 * size, f"an orthogonal matrix of shape {shape}")
        drawn = normal((max(rows, columns), min(rows, columns)), dtype="float64", seed=self.seed)
        # On the host, so that all devices start from the same values.
        q, r = numpy.linalg.qr(drawn.numpy())
        q *= numpy.sign(numpy.diagonal(r))
        values = self.gain * (q if rows >= columns else q.T).reshape(shape)
        return Tensor(values.astype(as_dtype(dtype)))

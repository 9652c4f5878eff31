"""`Normalization`: features shifted and scaled to mean 0 and variance 1."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Axes, Data, Shape, TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layers.preprocessing.strings import batches

__all__ = ["Normalization"]


class Normalization(Layer):
    """Normalizes features to mean 0 and variance 1: `(inputs - mean) / sqrt(variance)`.

    Means and variances are given, or computed from data by `adapt`.

    Args:
        axis: the axis or axes of the features: each index along them has its own mean and variance. None: one mean and
            variance for all values.
        mean: known means, a number or one per feature; then `variance` must be given, too.
        variance: known variances.
        invert: whether to undo the normalization instead: `inputs * sqrt(variance) + mean`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: when only one of mean and variance is given, or their shapes don't fit.

    Source: `keras.layers.Normalization` 3.15.

    >>> layer = ef.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> layer([[2.0, 6.0]]).tolist()[0][0]
    0.0
    """

    _kept_as = {"mean": "input_mean", "variance": "input_variance"}

    def __init__(
        self,
        axis: Axes = -1,
        mean: TensorLike = None,
        variance: TensorLike = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = _plain(mean)
        self.input_variance = _plain(variance)
        self.invert = invert
        self.supports_masking = True
        self._build_input_shape: Any = None
        self._check_given()

    def _check_given(self) -> None:
        mean, variance = numpy.shape(self.input_mean), numpy.shape(self.input_variance)
        if (self.input_mean is None) != (self.input_variance is None):
            missing = "mean" if self.input_mean is None else "variance"
            raise ValueError(f"Normalization: mean and variance belong together; {missing} is missing.")
        if mean != variance or len(mean) > len(self.axis):
            raise ValueError(
                f"Normalization: mean has shape {mean} and variance {variance}; expected equal ones with at most "
                f"{len(self.axis)} axes (axis={self.axis})."
            )

    def build(self, input_shape: Shape) -> None:
        """Creates the variables for means and variances, unless these were given."""
        if input_shape is None:
            return
        self._settle_axes(tuple(input_shape))
        shape = tuple([input_shape[a] for a in self._kept])
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
            self.adapt_variance = self.add_weight(name="variance", shape=shape, initializer="ones", trainable=False)
            self.count = self.add_weight(name="count", shape=(), dtype="int32", initializer="zeros", trainable=False)
        self.built = True

    def _settle_axes(self, shape: Shape) -> None:
        ndim = len(shape)
        if any(not -ndim <= a < ndim for a in self.axis):
            raise ValueError(f"{describe(self)}: axis={self.axis} does not fit inputs of shape {shape}.")
        self._kept = tuple(sorted([a % ndim for a in self.axis]))
        if any(shape[a] is None for a in self._kept):
            raise ValueError(
                f"{describe(self)}: the length of axis {self.axis} must be known; the inputs have shape {shape}."
            )
        self._reduced = tuple([a for a in range(ndim) if a not in self._kept])
        self._broadcast = tuple([shape[a] if a in self._kept else 1 for a in range(ndim)])
        self._build_input_shape = shape

    # Finding means and variances

    def adapt(self, data: Data) -> None:
        """Computes the means and variances of data, which replace earlier ones.

        Args:
            data: an array, or a `Dataset` or other iterable of batches; of batches `(x, y)` only `x` is used.

        Raises:
            ValueError: for no data, or data of another shape than the layer was built for.
            TypeError: for anything else.

        >>> layer = ef.layers.Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))  # means 2 and 20, deviations 1 and 10
        >>> layer([[4.0, 0.0]]).tolist()
        [[2.0, -2.0]]
        """
        if self.input_mean is not None:
            raise ValueError(f"{describe(self)} has a given mean, which adapt can't change.")
        if isinstance(data, Tensor) or hasattr(data, "__array__"):
            data = [to_host(data.data) if isinstance(data, Tensor) else numpy.asarray(data)]
        elif not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
            raise TypeError(f"Normalization.adapt: expected an array or batches of data; got {signature_of(data)}.")
        first, rest = self._begun(data)
        if not self.built:
            self.build(first.shape)
        self._assign(itertools.chain([first], rest))

    def _begun(self, data: Any) -> tuple[numpy.ndarray, Any]:
        """The first batch and the others. Examples that a data set gives one by one are batched."""
        rest = batches(data)
        first = next(rest, None)
        if first is None:
            raise ValueError("Normalization.adapt: there are no data. Pass an array, or at least one batch.")
        if numpy.ndim(first) == 1 and hasattr(data, "batch"):
            return self._begun(data.batch(128))
        return self._checked(first), map(self._checked, rest)

    def _checked(self, batch: Any) -> numpy.ndarray:
        if not hasattr(batch, "shape"):
            raise TypeError(
                f"Normalization.adapt: expected an array, or batches that are arrays; got a "
                f"{type(batch).__name__} as a batch. Turn lists of numbers into an array first."
            )
        array = numpy.asarray(batch)
        built = self._build_input_shape
        fits = built is None or (array.ndim == len(built) and all(array.shape[a] == built[a] for a in self._kept))
        if not fits:
            raise ValueError(f"{describe(self)} was built for inputs of shape {built}; adapt got {array.shape}.")
        return array

    def _assign(self, arrays: Any) -> None:
        """Means and variances of all batches together, joined batch by batch."""
        mean: Any = 0.0
        variance: Any = 0.0
        seen = 0
        for array in arrays:
            count = math.prod([array.shape[a] for a in self._reduced])
            if not count:
                continue
            seen += count
            share = count / seen
            own_mean = array.mean(axis=self._reduced, dtype="float64")
            own_variance = array.var(axis=self._reduced, dtype="float64")
            joint = mean * (1 - share) + own_mean * share
            variance = (variance + (mean - joint) ** 2) * (1 - share) + (own_variance + (own_mean - joint) ** 2) * share
            mean = joint
        if not seen:
            raise ValueError(f"{describe(self)}: adapt got data without a value.")
        self.adapt_mean.assign(mean.astype(self.variable_dtype))
        self.adapt_variance.assign(variance.astype(self.variable_dtype))

    def finalize_state(self) -> None:
        """Does nothing here, since the variables are read at every call."""

    # Using them

    def convert_weight(self, weight: Any) -> Any:
        """Returns the weight itself; Keras converts weights between backends here.

        Args:
            weight: the weight.
        """
        return weight

    @property
    def mean(self) -> Tensor | None:
        """The means, with axes of length 1 so that they broadcast; None before the layer is built.

        >>> layer = ef.layers.Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer.mean.tolist()
        [[2.0, 20.0]]
        """
        return self._shaped(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Tensor | None:
        """The variances, with axes of length 1 so that they broadcast; None before the layer is built.

        >>> layer = ef.layers.Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer.variance.tolist()
        [[1.0, 100.0]]
        """
        return self._shaped(self.input_variance, "adapt_variance")

    def _shaped(self, given: Any, found: str) -> Tensor | None:
        if not self.built:
            return None
        if given is None:
            return ops.cast(ops.reshape(getattr(self, found), self._broadcast), self.compute_dtype)
        values = convert_to_tensor(given, self.compute_dtype)
        shape = [1] * len(self._broadcast)
        for i in range(1, values.ndim + 1):
            shape[self._kept[-i]] = values.shape[-i]
        return ops.broadcast_to(values.reshape(tuple(shape)), self._broadcast)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized inputs; with `invert`, the original values of normalized inputs."""
        mean, variance = self.mean, self.variance
        inputs = convert_to_tensor(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(variance), epsilon())
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return input_shape

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the inputs."""
        return {"input_shape": self._build_input_shape} if self._build_input_shape else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer for the shape that `get_build_config` returned.

        Args:
            config: what `get_build_config` returned: a dict with an `input_shape`, or None.
        """
        if config:
            self.build(tuple(config["input_shape"]))


def _plain(values: Any) -> Any:
    return None if values is None else numpy.asarray(values).tolist()

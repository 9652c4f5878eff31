"""Initializers without randomness."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy

from eagerflow.base.errors import expect_one_of
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import DType
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.tensor import Tensor
from eagerflow.initializers.base import Initializer, table
from eagerflow.initializers.windows import WINDOWS
from eagerflow.ops.arrays.creation import made

__all__ = ["STFT", "Constant", "Identity", "Ones", "Zeros"]


@table.add("constant")
class Constant(Initializer):
    """Fills a weight with one value.

    Args:
        value: a number, or an array that broadcasts to the weight's shape, or that has as many values.

    >>> ef.initializers.Constant(2.5)((2,)).tolist()
    [2.5, 2.5]
    >>> layer = ef.layers.Dense(3, bias_initializer=ef.initializers.Constant(0.5))
    >>> layer(ef.ops.zeros((1, 2))).tolist()
    [[0.5, 0.5, 0.5]]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        value, shape = numpy.asarray(self.value, as_dtype(dtype)), tuple(shape)
        if value.ndim and value.size == math.prod(shape):
            return Tensor(value.reshape(shape))
        try:
            return Tensor(numpy.broadcast_to(value, shape))
        except ValueError:
            raise ValueError(
                f"Constant(value=...): an array of shape {value.shape} doesn't fill a weight of shape {shape}."
            ) from None

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer.

        >>> ef.initializers.Constant(2.5).get_config()
        {'value': 2.5}
        """
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Creates an initializer from the dict that `get_config` returned.

        >>> ef.initializers.Constant.from_config({"value": 2.5})((2,)).tolist()
        [2.5, 2.5]
        """
        return cls(deserialize_keras_object(config["value"]))


@table.add("zeros", "zero")
class Zeros(Initializer):
    """Fills a weight with zeros.

    >>> ef.initializers.Zeros()((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        return made(numpy.zeros(tuple(shape), as_dtype(dtype)), "zeros")


@table.add("ones", "one")
class Ones(Initializer):
    """Fills a weight with ones.

    >>> ef.initializers.Ones()((2, 3), dtype="int32").tolist()
    [[1, 1, 1], [1, 1, 1]]
    """

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        return made(numpy.ones(tuple(shape), as_dtype(dtype)), "ones")


@table.add("identity", "IdentityInitializer")
class Identity(Initializer):
    """The identity matrix, times `gain`.

    Args:
        gain: a factor that the matrix is multiplied by.

    >>> ef.initializers.Identity(gain=2.0)((2, 2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices; the weight's shape is {tuple(shape)}.")
        return Tensor(numpy.asarray(self.gain * numpy.eye(*shape), as_dtype(dtype)))


@table.add("stft", "STFTInitializer")
class STFT(Initializer):
    """Kernels with which a 1D convolution computes a short-time Fourier transform, of shape (samples, 1, frequencies).

    Args:
        side: `"real"` or `"imag"`: which part the kernels compute.
        window: a name such as `"hann"`, `"hamming"`, `"blackman"` or `"tukey"`, an array of samples, or None.
        scaling: `"density"` or `"spectrum"` to divide by the window's L2 or L1 norm, or None.
        periodic: whether to use the periodic form of the window (its last sample is left out) instead of the symmetric
            one.

    Raises:
        ValueError: for an unknown side, window or scaling.

    >>> ef.initializers.STFT("real", window=None)((4, 1, 3))[:, 0, 1].numpy().round(3).tolist()
    [1.0, 0.0, -1.0, -0.0]
    """

    def __init__(
        self,
        side: Literal["real", "imag"] | str = "real",
        window: Any = "hann",
        scaling: Literal["density", "spectrum"] | str | None = "density",
        periodic: bool = False,
    ) -> None:
        expect_one_of("STFT", "side", side, ("real", "imag"))
        expect_one_of("STFT", "scaling", scaling, ("density", "spectrum", None))
        if isinstance(window, str):
            expect_one_of("STFT", "window", window, tuple(WINDOWS))
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Any, dtype: DType = None) -> Tensor:
        length, _, frequencies = shape
        period = 2 * (frequencies - 1)
        angles = -2 * numpy.pi * numpy.outer(numpy.arange(length), numpy.arange(frequencies)) / period
        kernel = numpy.cos(angles) if self.side == "real" else numpy.sin(angles)
        if self.window is not None:
            kernel *= self._weights(length)[:, None]
        return Tensor(kernel[:, None, :].astype(as_dtype(dtype)))

    def _weights(self, length: int) -> numpy.ndarray:
        """The samples of the window, scaled."""
        window = self.window
        if isinstance(window, str):
            window = WINDOWS[window](length + self.periodic)[:length]
        window = numpy.asarray(window, "float64")
        if window.shape != (length,):
            raise ValueError(f"STFT(window): expected {length} samples; got shape {window.shape}.")
        if self.scaling == "density":
            return window / numpy.sqrt((window**2).sum())
        return window / abs(window).sum() if self.scaling else window

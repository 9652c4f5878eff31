"""Layers that add noise while training, and do nothing otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops, random
from eagerflow.base.typing import DataFormat, Number, PolicyLike, Seed, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import layout, share

__all__ = ["AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D"]
__all__ += ["SpatialDropout3D"]

# Where SELU saturates: minus its scale times its alpha (Klambauer et al. 2017).
_SELU_FLOOR = -1.6732632423543772 * 1.0507009873554805


class _Noise(Layer):
    """A layer that changes its inputs by `noisy` while training.

    Args:
        strength: the rate or deviation; at 0 nothing is drawn.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.
    """

    _stateless = True

    def __init__(self, strength: float, seed: Seed, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.supports_masking = True
        if strength:
            self.seed_generator = random.SeedGenerator(seed)

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs with noise.

        Args:
            inputs: the inputs of the layer.
        """
        raise NotImplementedError

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """`inputs`, with noise while `training`."""
        return self.noisy(inputs) if training and hasattr(self, "seed_generator") else inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


class Dropout(_Noise):
    """Sets a random fraction of the inputs to 0 while training, and scales up the rest.

    Args:
        rate: the fraction of the inputs to drop, from 0 to 1 (Keras 1: `p`).
        noise_shape: the shape of the random mask; None for a length means the input's. `(None, 1, None)`
            drops the same features at all timesteps.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a rate outside [0, 1] or an unusable noise_shape.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> layer = ef.layers.Dropout(0.5, seed=3)
    >>> layer(ef.Tensor([1.0, 1.0, 1.0, 1.0]), training=True).tolist()
    [2.0, 2.0, 0.0, 2.0]
    >>> layer(ef.Tensor([1.0, 1.0, 1.0, 1.0])).tolist()  # nothing happens outside of training
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        rate: Number,
        noise_shape: Sequence[int | None] | None = None,
        seed: Seed = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        rate = share(self, "rate", rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = _noise_shape(self, noise_shape)

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs with a random part dropped and the rest scaled up, as while training.

        Args:
            inputs: the inputs of the layer.
        """
        return random.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)


def _noise_shape(layer: Any, noise_shape: Any) -> Shape | None:
    if noise_shape is None:
        return None
    usable = isinstance(noise_shape, (list, tuple)) and all(
        n is None or (isinstance(n, int) and n > 0) for n in noise_shape
    )
    if not usable:
        raise ValueError(
            f"{type(layer).__name__}(noise_shape={noise_shape!r}): expected a tuple of positive integers and None."
        )
    return tuple(noise_shape)


class _SpatialDropout(Dropout):
    """Dropout of whole channels."""

    _spatial: int

    def __init__(
        self,
        rate: Number,
        data_format: DataFormat | None = None,
        seed: Seed = None,
        name: str | None = None,
        dtype: PolicyLike = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(ndim=self._spatial + 2)
        ones = (1,) * self._spatial
        self.noise_shape = (None, *ones, None) if self.data_format == "channels_last" else (None, None, *ones)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = {name: getattr(self, name) for name in ("rate", "seed", "name", "dtype", "data_format")}
        return {**config, "dtype": str(self.dtype)}


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences while training.

    Args:
        rate: the fraction of the channels to drop, from 0 to 1.
        seed: an integer, or None for one that `set_random_seed` decides.
        name: the layer's name.
        dtype: a type name or policy; default: the global policy.

    Input and output: (batch, time, channels).

    Raises:
        ValueError: for a rate outside [0, 1].

    Source: Tompson et al. 2014, https://arxiv.org/abs/1411.4280.

    >>> layer = ef.layers.SpatialDropout1D(0.5, seed=2)  # whole channels, at all times
    >>> layer(ef.ops.ones((1, 3, 4)), training=True)[0].tolist()
    [[2.0, 0.0, 2.0, 0.0], [2.0, 0.0, 2.0, 0.0], [2.0, 0.0, 2.0, 0.0]]
    >>> layer(ef.ops.ones((1, 1, 4))).tolist()  # nothing happens outside of training
    [[[1.0, 1.0, 1.0, 1.0]]]
    """

    _spatial = 1

    def __init__(self, rate: Number, seed: Seed = None, name: str | None = None, dtype: PolicyLike = None) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        del config["data_format"]
        return config


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images while training.

    Args:
        rate: the fraction of the channels to drop, from 0 to 1.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        name: the layer's name.
        dtype: a type name or policy; default: the global policy.

    Raises:
        ValueError: for a rate outside [0, 1] or an unknown data format.

    Source: Tompson et al. 2014, https://arxiv.org/abs/1411.4280.

    >>> layer = ef.layers.SpatialDropout2D(0.5, seed=1)
    >>> out = layer(ef.ops.ones((1, 8, 8, 4)), training=True)
    >>> out.shape, out[0, 0, 0].tolist()
    ((1, 8, 8, 4), [2.0, 0.0, 2.0, 0.0])
    >>> bool(ef.ops.all(out == out[:, :1, :1]))  # a channel is dropped as a whole
    True
    """

    _spatial = 2


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes while training.

    Args:
        rate: the fraction of the channels to drop, from 0 to 1.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        seed: an integer, or None for one that `set_random_seed` decides.
        name: the layer's name.
        dtype: a type name or policy; default: the global policy.

    Raises:
        ValueError: for a rate outside [0, 1] or an unknown data format.

    Source: Tompson et al. 2014, https://arxiv.org/abs/1411.4280.

    >>> layer = ef.layers.SpatialDropout3D(0.5, seed=1)
    >>> out = layer(ef.ops.ones((1, 2, 2, 2, 4)), training=True)
    >>> out.shape, out[0, 0, 0, 0].tolist()
    ((1, 2, 2, 2, 4), [2.0, 0.0, 2.0, 0.0])
    """

    _spatial = 3


class GaussianNoise(_Noise):
    """Adds normal noise while training.

    Args:
        stddev: the noise's standard deviation, from 0 to 1.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a deviation outside [0, 1].

    >>> layer = ef.layers.GaussianNoise(0.1, seed=1)
    >>> x = ef.ops.zeros((100, 100))
    >>> round(float(layer(x, training=True).std()), 2), float(layer(x).std())
    (0.1, 0.0)
    """

    def __init__(self, stddev: Number, seed: Seed = None, **kwargs: Unpack[LayerOptions]) -> None:
        stddev = share(self, "stddev", stddev)
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs plus noise, as while training.

        Args:
            inputs: the inputs of the layer.
        """
        dtype = inputs.dtype if inputs.dtype.kind == "f" else self.compute_dtype  # bytes of pictures, for example
        return inputs + random.normal(inputs.shape, stddev=self.stddev, dtype=dtype, seed=self.seed_generator)


class GaussianDropout(_Noise):
    """Multiplies by normal noise around 1 while training.

    Args:
        rate: as for `Dropout`, from 0 to below 1: the noise has the standard deviation `sqrt(rate / (1 - rate))`.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a rate outside [0, 1).

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> layer = ef.layers.GaussianDropout(0.2, seed=1)  # noise of deviation sqrt(0.2 / 0.8) = 0.5 around 1
    >>> noisy = layer(ef.ops.ones((100, 100)), training=True)
    >>> round(float(noisy.mean()), 1), round(float(noisy.std()), 1)
    (1.0, 0.5)
    >>> layer(ef.ops.ones(3)).tolist()  # nothing happens outside of training
    [1.0, 1.0, 1.0]
    """

    def __init__(self, rate: Number, seed: Seed = None, **kwargs: Unpack[LayerOptions]) -> None:
        rate = share(self, "rate", rate)
        super().__init__(rate, seed, **kwargs)
        if rate == 1:
            raise ValueError("GaussianDropout(rate=1): the noise would be infinite; expected a rate below 1.")
        self.rate = rate

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs multiplied by noise, as while training.

        Args:
            inputs: the inputs of the layer.
        """
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        dtype = inputs.dtype if inputs.dtype.kind == "f" else self.compute_dtype
        return inputs * random.normal(inputs.shape, 1.0, deviation, dtype, self.seed_generator)


class AlphaDropout(_Noise):
    """Dropout that keeps the mean and variance of inputs with mean 0 and variance 1, as after `selu`.

    Dropped values are set to the lower bound of `selu`, and the result is scaled and shifted.

    Args:
        rate: the fraction of the inputs to drop, from 0 to 1.
        noise_shape: the shape of the random mask, as for `Dropout`.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a rate outside [0, 1] or an unusable noise_shape.

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515.

    >>> layer = ef.layers.AlphaDropout(0.2, seed=1)
    >>> x = ef.random.normal((100, 100), seed=1)  # as after a layer with SELU: mean 0, deviation 1
    >>> out = layer(x, training=True)
    >>> abs(round(float(out.mean()), 1)), round(float(out.std()), 1)
    (0.0, 1.0)
    """

    def __init__(
        self,
        rate: Number,
        noise_shape: Sequence[int | None] | None = None,
        seed: Seed = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        rate = share(self, "rate", rate)
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = _noise_shape(self, noise_shape)

    def noisy(self, inputs: Tensor) -> Tensor:
        """The inputs with a random part dropped, as while training.

        Args:
            inputs: the inputs of the layer.
        """
        rate, floor = self.rate, _SELU_FLOOR
        lengths = self.noise_shape or inputs.shape
        shape = [m if n is None else n for n, m in zip(lengths, inputs.shape, strict=True)]
        kept = ops.cast(random.uniform(shape, seed=self.seed_generator) >= rate, inputs.dtype)
        scale = ((1 - rate) * (1 + rate * floor**2)) ** -0.5 if rate < 1 else 0.0
        return (inputs * kept + (1 - kept) * floor) * scale - scale * floor * rate

"""`BatchNormalization`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.capturing import replayed_assignment
from eagerflow.base.config import epsilon as tiny
from eagerflow.base.typing import ConstraintLike, InitializerLike, RegularizerLike, Shape, TensorLike
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.kernels.gpu.averages import mixed_on_gpu
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import at_least_zero, settle, settled_weight, share
from eagerflow.ops.neural.normalization import normalize_batch

__all__ = ["BatchNormalization"]

_CLIPS = ("rmax", "rmin", "dmax")


class BatchNormalization(Layer):
    """Batch normalization: brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it.

    While training, the moments are those of the batch, and moving averages of them are kept; these are used
    otherwise, and when the layer is frozen (`trainable = False`).

    Args:
        axis: the axis of the channels.
        momentum: the fraction of the moving averages that is kept at each step.
        epsilon: a small number that is added to the variance.
        center: whether to add a learned shift, `beta`.
        scale: whether to multiply by a learned factor, `gamma`.
        beta_initializer: initializer of `beta`.
        gamma_initializer: initializer of `gamma`.
        moving_mean_initializer: initializer of the moving mean.
        moving_variance_initializer: initializer of the moving variance.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: constraint on `beta`.
        gamma_constraint: constraint on `gamma`.
        renorm: whether to use batch renormalization, which corrects the batch's moments towards moving averages.
        renorm_clipping: bounds of that correction: a dict with `rmin`, `rmax`, `dmax`.
        renorm_momentum: like `momentum`, for the moments of the correction.
        synchronized: in data-parallel training, whether the moments are computed over the whole batch, exactly as in
            one process, or over each rank's rows alone. `DataParallel(synchronize_batch_norm=...)` decides for all
            layers.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an unusable momentum, axis or renorm_clipping.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167; renorm: Ioffe 2017, 1702.03275.

    >>> layer = ef.layers.BatchNormalization(epsilon=1e-4)
    >>> x = ef.Tensor([[1.0], [3.0]])
    >>> layer(x, training=True).numpy().astype(float).round(3).tolist()  # by the mean 2 and the deviation 1
    [[-1.0], [1.0]]
    >>> layer.moving_mean.numpy().astype(float).round(3).tolist()  # 0.99 * 0 + 0.01 * 2
    [0.02]
    >>> layer(x).numpy().astype(float).round(2).tolist()  # by the moving mean and deviation
    [[0.98], [2.98]]
    """

    center: bool
    scale: bool
    beta_initializer: Any
    gamma_initializer: Any
    moving_mean_initializer: Any
    moving_variance_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any
    renorm: bool
    renorm_momentum: float

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        share(self, "momentum", momentum)
        self.axis, self.momentum, self.synchronized = _one_axis(axis), float(momentum), bool(synchronized)
        self.epsilon = at_least_zero(self, "epsilon", epsilon)
        settle(self, locals(), "center scale renorm renorm_momentum")
        self.renorm_clipping = _checked_clips(renorm_clipping) if renorm else renorm_clipping
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Creates gamma, beta, and the moving mean and variance."""
        rank = len(input_shape)
        channels = input_shape[self.axis] if -rank <= self.axis < rank else None
        if channels is None:
            hint = ""
            if self.axis >= rank:
                hint = " The first argument is that axis; how many channels there are is found: BatchNormalization()."
            raise ValueError(
                f"{describe(self)}(axis={self.axis}): inputs of shape {tuple(input_shape)} have no "
                f"axis of known length there.{hint}"
            )
        self.gamma = settled_weight(self, "gamma", (channels,), autocast=False) if self.scale else None
        self.beta = settled_weight(self, "beta", (channels,), autocast=False) if self.center else None
        self.moving_mean = self._moment("moving_mean", channels, self.moving_mean_initializer)
        self.moving_variance = self._moment("moving_variance", channels, self.moving_variance_initializer)
        if self.renorm:
            deviation = self._deviation_initializer
            self.moving_stddev = self._moment("moving_stddev", channels, deviation)
            self.renorm_mean = self._moment("renorm_mean", channels, self.moving_mean_initializer)
            self.renorm_stddev = self._moment("renorm_stddev", channels, deviation)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})
        self._reduced = tuple([i for i in range(rank) if i != self.axis % rank])
        self.built = True

    def _moment(self, name: str, channels: int, initializer: InitializerLike) -> Variable:
        return self.add_weight(name=name, shape=(channels,), initializer=initializer, trainable=False, autocast=False)

    def _deviation_initializer(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None, mask: TensorLike = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """The normalized inputs. The moments leave out where `mask` (of their shape without the channels) is False."""
        # Half precision would overflow in the moments.
        x = ops.cast(inputs, "float32") if inputs.dtype.itemsize < 4 else inputs
        if not (training and self.trainable):
            return self._normalized(x, self.moving_mean, self.moving_variance, self.gamma, self.beta)
        together = active.shard is not None and self._is_synchronized()
        if mask is None and not self.renorm and not together:
            out, mean, variance = normalize_batch(x, self.gamma, self.beta, self._reduced, self.epsilon)
            self._move_moments(mean, variance)
            return ops.cast(out, self.compute_dtype)
        mean, variance = self._moments_of_all(x, mask) if together else self._moments(x, mask)
        if self.renorm:
            return self._normalized(x, mean, variance, *self._renormed(mean, variance))
        self._move_moments(mean, variance)
        return self._normalized(x, mean, variance, self.gamma, self.beta)

    def _normalized(self, x: Tensor, mean: Tensor, variance: Tensor, gamma: Any, beta: Any) -> Tensor:
        out = ops.batch_normalization(x, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon)
        return ops.cast(out, self.compute_dtype)

    def _move_moments(self, mean: Tensor, variance: Tensor) -> None:
        self._move(self.moving_mean, mean, self.momentum)
        self._move(self.moving_variance, variance, self.momentum)

    def _moments(self, x: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        """Mean and variance per channel, of the positions where `mask` is True."""
        if mask is None:
            mean, variance = ops.moments(x, axes=self._reduced)
            return mean, variance
        kept = self._kept(x, mask)
        count = ops.sum(kept, axis=self._reduced) + tiny()
        mean = ops.sum(x * kept, axis=self._reduced) / count
        difference = (x - mean.reshape(self._broadcast(x))) * kept
        return mean, ops.sum(difference * difference, axis=self._reduced) / count

    def _kept(self, x: Tensor, mask: Any) -> Tensor:
        """The mask as numbers, in the shape of the inputs."""
        if mask.ndim != x.ndim - 1:
            raise ValueError(f"{describe(self)}: expected a mask of shape {x.shape[:-1]}; got {mask.shape}.")
        kept: Tensor = ops.broadcast_to(ops.expand_dims(ops.cast(mask, x.dtype), -1), x.shape)
        return kept

    def _broadcast(self, x: Tensor) -> list[int]:
        return [n if i not in self._reduced else 1 for i, n in enumerate(x.shape)]

    def _is_synchronized(self) -> bool:
        decided = active.strategy.synchronize_batch_norm
        return self.synchronized if decided is None else decided

    def _moments_of_all(self, x: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        """The same, over the rows of all ranks."""
        shard, own = active.shard, float(active.shard.own > 0)
        kept = ops.full_like(x, own) if mask is None else self._kept(x, mask) * own
        told = ops.stack([ops.sum(x * kept, axis=self._reduced), ops.sum(kept, axis=self._reduced)])
        total, count = ops.unstack(shard.all_sum(told))
        count = count if mask is None else count + tiny()
        mean = total / count
        difference = (x - mean.reshape(self._broadcast(x))) * kept
        return mean, shard.all_sum(ops.sum(difference * difference, axis=self._reduced)) / count

    @replayed_assignment
    def _move(self, average: Variable, now: Tensor, momentum: float) -> None:
        """One step of a moving average; not recorded. A rank that has no row of its own leaves it."""
        if active.shard is not None and not active.shard.own and not self._is_synchronized():
            return
        array = now.data.astype(average.dtype, copy=False)
        moved = mixed_on_gpu(average.data, array, momentum)
        average.assign(average.data * momentum + array * (1.0 - momentum) if moved is None else moved)

    def _renormed(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Gamma and beta with the corrections of batch renormalization, whose moving moments then move on."""
        with_epsilon = ops.sqrt(ops.stop_gradient(variance) + self.epsilon)
        floor = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        ratio = with_epsilon / floor
        shift = (ops.stop_gradient(mean) - ops.cast(self.renorm_mean, mean.dtype)) / floor
        clips = self.renorm_clipping or {}
        ratio = ops.maximum(ratio, clips["rmin"]) if "rmin" in clips else ratio
        ratio = ops.minimum(ratio, clips["rmax"]) if "rmax" in clips else ratio
        shift = ops.clip(shift, -clips["dmax"], clips["dmax"]) if "dmax" in clips else shift
        gamma = ratio if self.gamma is None else ratio * self.gamma
        beta = shift if self.gamma is None else shift * self.gamma
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, with_epsilon, self.renorm_momentum)
        self._move(self.moving_mean, mean, self.momentum)
        self._move(self.moving_stddev, with_epsilon, self.momentum)
        squared = self.moving_stddev.data**2 - self.epsilon
        self.moving_variance.assign(squared * (squared > 0))
        return gamma, beta if self.beta is None else beta + self.beta

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


def _one_axis(axis: Any) -> int:
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise ValueError(f"BatchNormalization(axis={axis!r}): expected one integer, the axis of the channels.")
    return int(axis)


def _checked_clips(clips: Mapping[str, float] | None) -> dict[str, float]:
    found = dict(clips or {})
    wrong = found.keys() - set(_CLIPS)
    inverted = "rmin" in found and "rmax" in found and found["rmax"] < found["rmin"]
    if wrong or inverted or found.get("dmax", 0) < 0:
        raise ValueError(
            f"BatchNormalization(renorm_clipping={clips!r}): expected a dict with some of {', '.join(_CLIPS)}, "
            "rmin <= rmax and dmax >= 0."
        )
    return found

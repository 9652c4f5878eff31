"""Layers that hand their inputs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import regularizers
from eagerflow.base.typing import TensorLike, Tensors
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions, WeightOptions

__all__ = ["ActivityRegularization", "Identity"]


class Identity(Layer):
    """Returns its inputs unchanged.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    >>> layer = ef.layers.Identity()
    >>> layer(ef.Tensor([[1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    >>> shortcut, dense = ef.layers.Identity(), ef.layers.Dense(2, kernel_initializer="ones")
    >>> x = ef.Tensor([[1.0, 2.0]])
    >>> ef.layers.Add()([shortcut(x), dense(x)]).tolist()
    [[4.0, 5.0]]
    """

    _stateless = True

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor | Any: ...

    def call(self, inputs: Any) -> Tensors:
        """Returns `inputs` unchanged."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape


class ActivityRegularization(Layer):
    """Adds an L1 and L2 penalty on its inputs to the loss, and returns them unchanged.

    Args:
        l1: the factor of the sum of absolute values.
        l2: the factor of the sum of squares.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a factor that is negative or no number.

    >>> layer = ef.layers.ActivityRegularization(l2=0.1)
    >>> layer(ef.Tensor([[1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    >>> [round(float(loss), 4) for loss in layer.losses]  # 0.1 * (1 + 4), the mean over one row
    [0.5]
    """

    _stateless = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[WeightOptions]) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor | Any: ...

    def call(self, inputs: Any) -> Tensors:
        """Returns `inputs` unchanged."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = {**super().get_config(), "l1": self.l1, "l2": self.l2}
        config.pop("activity_regularizer", None)
        return config

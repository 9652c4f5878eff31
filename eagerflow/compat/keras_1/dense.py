"""`Highway`, `MaxoutDense`, `SReLU`, `ParametricSoftplus`: layers that Keras 2 left out."""

from __future__ import annotations

from typing import Any

from eagerflow import activations, initializers, layers, ops
from eagerflow.base.typing import Identifier, Shape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.settings import settle, settled_weight
from eagerflow.layers.core.dense import known_last

__all__ = ["Highway", "MaxoutDense", "ParametricSoftplus", "SReLU"]


class _Affine(layers.Layer):
    """A kernel and a bias with Keras 1's settings."""

    use_bias: bool
    kernel_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any

    def __init__(
        self,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("input_dim") is None:
            kwargs.pop("input_dim", None)
        super().__init__(**kwargs)
        settle(self, locals(), "use_bias")
        self.bias_initializer = initializers.get("zeros")


class Highway(_Affine):
    """As many outputs as inputs: a dense layer's, or the inputs themselves, as a gate that learns decides.

    Source: Srivastava, Greff and Schmidhuber 2015, https://arxiv.org/abs/1505.00387.
    """

    def __init__(self, activation: Identifier = None, transform_bias: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def build(self, input_shape: Shape) -> None:
        """Make the weights of the dense layer and of the gate."""
        count = known_last(self, input_shape)
        self.kernel, self.bias = settled_weight(self, "W", (count, count), "kernel"), None
        self.gate = self.add_weight(name="W_carry", shape=(count, count), initializer=self.kernel_initializer)
        self.gate_bias = None
        if self.use_bias:
            self.bias = settled_weight(self, "b", (count,), "bias")
            self.gate_bias = self.add_weight(name="b_carry", shape=(count,), initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        """The mixture."""
        gate, made = ops.matmul(inputs, self.gate), ops.matmul(inputs, self.kernel)
        if self.use_bias:
            gate, made = gate + self.gate_bias, made + self.bias
        share = ops.sigmoid(gate)
        return self.activation(made) * share + (1 - share) * inputs


class MaxoutDense(_Affine):
    """The largest, element by element, of several dense layers.

    Source: Goodfellow et al. 2013, https://arxiv.org/abs/1302.4389.
    """

    def __init__(self, output_dim: int, nb_feature: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_dim, self.nb_feature = int(output_dim), int(nb_feature)

    def build(self, input_shape: Shape) -> None:
        """Make the kernels and biases."""
        several, count = self.nb_feature, self.output_dim
        self.kernel = settled_weight(self, "W", (several, known_last(self, input_shape), count), "kernel")
        self.bias = settled_weight(self, "b", (several, count), "bias") if self.use_bias else None

    def call(self, inputs: Tensor) -> Tensor:
        """The largest outputs."""
        made = ops.einsum("bi,fio->bfo", inputs, self.kernel)
        return ops.max(made if self.bias is None else made + self.bias, axis=1)


class _OfElements(layers.Layer):
    """Weights for every element, or shared along some axes."""

    def __init__(self, shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes or ())

    def _weight(self, name: str, input_shape: Any, initializer: Identifier) -> Any:
        shape = [1 if i in self.shared_axes else n for i, n in enumerate(input_shape)][1:]
        if None in shape:
            raise ValueError(
                f"{describe(self)}: its weights need to know the lengths of {tuple(input_shape)}; "
                "name those that vary in shared_axes."
            )
        return self.add_weight(name=name, shape=tuple(shape), initializer=initializers.get(initializer))


class SReLU(_OfElements):
    """The input between two thresholds; beyond each, a line with a slope that is learned, as they are.

    Source: Jin et al. 2015, https://arxiv.org/abs/1512.07030.
    """

    t_left: Any
    a_left: Any
    t_right: Any
    a_right: Any

    def __init__(
        self,
        t_left_init: Any = "zeros",
        a_left_init: Any = "glorot_uniform",
        t_right_init: Any = "glorot_uniform",
        a_right_init: Any = "ones",
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(shared_axes, **kwargs)
        self.first = {"t_left": t_left_init, "a_left": a_left_init, "t_right": t_right_init, "a_right": a_right_init}

    def build(self, input_shape: Shape) -> None:
        """Make the thresholds and slopes."""
        for name, initializer in self.first.items():
            setattr(self, name, self._weight(name, input_shape, initializer))

    def call(self, inputs: Tensor) -> Tensor:
        """The bent inputs."""
        left = self.t_left
        right = left + ops.abs(self.t_right)
        bent = ops.where(inputs < left, left + self.a_left * (inputs - left), inputs)
        return ops.where(inputs > right, right + self.a_right * (inputs - right), bent)


class ParametricSoftplus(_OfElements):
    """`alpha * log(1 + exp(beta * x))`, with both learned."""

    def __init__(self, alpha_init: float = 0.2, beta_init: float = 5.0, shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(shared_axes, **kwargs)
        self.alpha_init, self.beta_init = float(alpha_init), float(beta_init)

    def build(self, input_shape: Shape) -> None:
        """Make both weights."""
        self.alpha = self._weight("alpha", input_shape, initializers.Constant(self.alpha_init))
        self.beta = self._weight("beta", input_shape, initializers.Constant(self.beta_init))

    def call(self, inputs: Tensor) -> Tensor:
        """The smooth inputs."""
        return self.alpha * ops.softplus(self.beta * inputs)

"""Cells: one step of a recurrent layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops, random
from eagerflow.base.machine.budget import take
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    Number,
    RegularizerLike,
    Seed,
    Shape,
    TensorLike,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import RecurrentOptions
from eagerflow.layer.settings import integer, settle, settled_weight, share
from eagerflow.layers.core.dense import known_last

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell"]


def zero_state(shape: Shape, dtype: Any) -> Tensor:
    """Zeros that a sequence begins with."""
    take(8 * math.prod(n for n in shape if n is not None), f"a state of shape {shape}")
    return ops.zeros(shape, dtype=dtype)


class DropoutRNNCell:
    """Dropout masks that stay the same for all steps of a sequence.

    A cell that inherits this has the attributes `dropout`, `recurrent_dropout` and `seed_generator`, and may
    set `dropout_mask_count` to get a list of that many masks, one per gate.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: Any
    dropout_mask_count: int | None = None

    def get_dropout_mask(self, step_input: Tensor) -> Any:
        """The dropout mask that inputs are multiplied by, drawn at the first step of a sequence; None without dropout.

        Args:
            step_input: the inputs of a step, of whose shape the mask is.

        >>> cell = ef.layers.SimpleRNNCell(2, dropout=0.5)
        >>> mask = cell.get_dropout_mask(ef.ops.ones((1, 4)))
        >>> mask.shape, cell.get_dropout_mask(ef.ops.ones((1, 4))) is mask  # the same at all steps
        ((1, 4), True)
        """
        return self._mask("_dropout_mask", step_input, self.dropout)

    def get_recurrent_dropout_mask(self, step_input: Tensor) -> Any:
        """The dropout mask that states are multiplied by, drawn at the first step of a sequence; None without dropout.

        Args:
            step_input: a state, of whose shape the mask is.

        >>> print(ef.layers.SimpleRNNCell(2).get_recurrent_dropout_mask(ef.ops.ones((1, 2))))  # without dropout
        None
        """
        return self._mask("_recurrent_dropout_mask", step_input, self.recurrent_dropout)

    def _mask(self, name: str, like: Tensor, rate: float) -> Any:
        # In `__dict__`: masks are no part of the layer, and setting them is frequent.
        if rate and self.__dict__.get(name) is None:
            ones = ops.ones(like.shape, dtype=like.dtype)
            drawn = [random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.dropout_mask_count or 1)]
            self.__dict__[name] = drawn if self.dropout_mask_count else drawn[0]
        return self.__dict__.get(name)

    def reset_dropout_mask(self) -> None:
        """Forgets the dropout mask of inputs, so that the next step draws a new one.

        >>> cell = ef.layers.SimpleRNNCell(2, dropout=0.5)
        >>> mask = cell.get_dropout_mask(ef.ops.ones((1, 4)))
        >>> cell.reset_dropout_mask()
        >>> cell.get_dropout_mask(ef.ops.ones((1, 4))) is mask
        False
        """
        self.__dict__["_dropout_mask"] = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets the dropout mask of states, so that the next step draws a new one.

        >>> cell = ef.layers.SimpleRNNCell(2, recurrent_dropout=0.5)
        >>> mask = cell.get_recurrent_dropout_mask(ef.ops.ones((1, 2)))
        >>> cell.reset_recurrent_dropout_mask()
        >>> cell.get_recurrent_dropout_mask(ef.ops.ones((1, 2))) is mask
        False
        """
        self.__dict__["_recurrent_dropout_mask"] = None


class RecurrentSettings:
    """The types of the settings that recurrent layers and their cells keep unchanged."""

    activation: Any
    use_bias: bool
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    dropout: float
    recurrent_dropout: float
    seed: Any


def of_both(options: Mapping[str, Any]) -> dict[str, Any]:
    """The general layer arguments that a layer passes to its cell."""
    return {name: options[name] for name in ("dtype", "trainable") if name in options}


class _Cell(DropoutRNNCell, RecurrentSettings, Layer):
    """A cell with a kernel for the inputs and one for the state, `gates` times as wide as the state."""

    gates = 1

    def __init__(self, arguments: Mapping[str, Any], /, **kwargs: Unpack[RecurrentOptions]) -> None:
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = integer(self, "units", arguments["units"])
        settle(self, arguments, "use_bias seed")
        self.dropout = share(self, "dropout", arguments["dropout"])
        self.recurrent_dropout = share(self, "recurrent_dropout", arguments["recurrent_dropout"])
        self.seed_generator = random.SeedGenerator(self.seed)
        self.state_size: Any = self.units
        self.output_size = self.units
        if self.gates > 1 and (self.recurrent_dropout or self.implementation == 1):
            self.implementation = 1
            self.dropout_mask_count = self.gates

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _bias_values(self) -> Any:
        return self.bias_initializer

    def build(self, input_shape: Shape) -> None:
        """Make both kernels and the bias."""
        width = self.gates * self.units
        self.kernel = settled_weight(self, "kernel", (known_last(self, input_shape), width))
        self.recurrent_kernel = settled_weight(self, "recurrent_kernel", (self.units, width), "recurrent")
        self.bias = None
        if self.use_bias:
            self.bias = settled_weight(self, "bias", self._bias_shape(), initializer=self._bias_values())
        self.built = True

    def _dropped(self, inputs: Tensor, state: Tensor, training: Any) -> tuple[list[Tensor], list[Tensor]]:
        """Inputs and state with dropout: one of each for all gates, or one per gate."""
        if not training or not (self.dropout or self.recurrent_dropout):
            return [inputs], [state]
        masks = self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(state)
        x, h = [
            [value] if mask is None else [value * m for m in (mask if isinstance(mask, list) else [mask])]
            for value, mask in zip((inputs, state), masks, strict=True)
        ]
        return x, h

    def _product(self, values: list[Tensor], kernel: Tensor) -> Tensor:
        """The values times the kernel; with one value per gate, each times its gate's columns."""
        if len(values) == 1:
            return values[0] @ kernel
        return ops.concatenate([v @ self._gate(kernel, i) for i, v in enumerate(values)], axis=-1)

    def _gate(self, wide: Tensor, i: int) -> Tensor:
        """The part of gate `i`."""
        return wide[:, i * self.units : (i + 1) * self.units]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """The states that a sequence begins with: a list of zeros.

        Args:
            batch_size: the number of sequences.

        >>> [state.tolist() for state in ef.layers.LSTMCell(2).get_initial_state(1)]
        [[[0.0, 0.0]], [[0.0, 0.0]]]
        """
        lengths = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [zero_state((batch_size, n), self.compute_dtype) for n in lengths]

    def compute_output_shape(self, inputs_shape: Shape, states_shape: Any) -> Any:
        """The shapes of the output and of the states."""
        return (inputs_shape[0], self.units), states_shape


class SimpleRNNCell(_Cell):
    """One step of `SimpleRNN`: `activation(inputs @ kernel + state @ recurrent_kernel + bias)`.

    Args:
        units: the length of the state, which is also the output.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (inputs, units).
        recurrent_initializer: initializer of the recurrent kernel, (units, units).
        bias_initializer: initializer of the bias, (units,).
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training.
        recurrent_dropout: the fraction of the state that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    >>> cell = ef.layers.SimpleRNNCell(2, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
    >>> output, states = cell(ef.Tensor([[1.0, 2.0]]), [ef.Tensor([[10.0, 20.0]])])
    >>> output.tolist()  # 1 + 2 + 10 + 20
    [[33.0, 33.0]]
    """

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        seed: Seed = None,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)

    if TYPE_CHECKING:

        def __call__(
            self, sequence: TensorLike, states: TensorLike, training: bool | None = None
        ) -> tuple[Tensor, Any]: ...

    def call(self, sequence: Tensor, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        """Computes one step: returns the output, which is the new state, and a list with the new state.

        Args:
            sequence: the inputs of the step: (batch, features).
            states: a list with the state before the step: (batch, units).
            training: whether dropout is applied.
        """
        nested = isinstance(states, (list, tuple))
        x, h = self._dropped(sequence, states[0] if nested else states, training)
        z = self._product(x, self.kernel) + self._product(h, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        out = z if self.activation is None else self.activation(z)
        return out, [out] if nested else out


class LSTMCell(_Cell):
    """One step of `LSTM`.

    Args:
        units: the size of the hidden state, which is also the output, and of the cell state (the carry).
        activation: a function or its name, applied to the candidate for the cell state, and to the cell state before it
            is output.
        recurrent_activation: the activation of the three gates, a function or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (inputs, 4 units): input, forget, candidate, output.
        recurrent_initializer: initializer of the recurrent kernel, (units, 4 units).
        bias_initializer: initializer of the bias, (4 units,).
        unit_forget_bias: if True, the bias of the forget gate is initialized with ones.
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training.
        recurrent_dropout: the fraction of the state that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    Source: Hochreiter and Schmidhuber 1997; the forget bias: Jozefowicz et al. 2015.

    >>> cell = ef.layers.LSTMCell(3)
    >>> output, (state, carry) = cell(ef.ops.ones((2, 5)), cell.get_initial_state(2))
    >>> output.shape, state.shape, carry.shape
    ((2, 3), (2, 3), (2, 3))
    """

    gates = 4
    recurrent_activation: Any

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        seed: Seed = None,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias_values(self) -> Any:
        return self._with_open_forget_gate if self.unit_forget_bias else self.bias_initializer

    def _with_open_forget_gate(self, shape: Any, dtype: Any = None) -> Tensor:
        n = self.units
        parts = [self.bias_initializer((n,), dtype=dtype), ops.ones((n,), dtype=dtype)]
        return ops.concatenate([*parts, self.bias_initializer((2 * n,), dtype=dtype)])

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, states: TensorLike, training: bool | None = None
        ) -> tuple[Tensor, list[Tensor]]: ...

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Computes one step: returns the output (the new hidden state), and a list of the hidden and cell states.

        Args:
            inputs: the inputs of the step: (batch, features).
            states: a list of the hidden state and the cell state before the step, both (batch, units).
            training: whether dropout is applied.
        """
        x, h = self._dropped(inputs, states[0], training)
        z = self._product(x, self.kernel) + self._product(h, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        gate, squash = self.recurrent_activation, self.activation
        kept = gate(self._gate(z, 1)) * states[1]
        carry = kept + gate(self._gate(z, 0)) * squash(self._gate(z, 2))
        out = gate(self._gate(z, 3)) * squash(carry)
        return out, [out, carry]


class GRUCell(_Cell):
    """One step of `GRU`.

    Args:
        units: the length of the state, which is also the output.
        activation: a function or its name, applied to the candidate for the new state.
        recurrent_activation: the activation of the two gates, a function or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (inputs, 3 units): update, reset, candidate.
        recurrent_initializer: initializer of the recurrent kernel, (units, 3 units).
        bias_initializer: initializer of the bias, (2, 3 units) with `reset_after`, else (3 units,).
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training.
        recurrent_dropout: the fraction of the state that is dropped while training.
        reset_after: whether the reset gate multiplies the product of state and recurrent kernel (True), or the state
            before this product (False).
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078.

    >>> cell = ef.layers.GRUCell(3)
    >>> output, states = cell(ef.ops.ones((2, 5)), cell.get_initial_state(2))
    >>> output.shape, [state.shape for state in states]
    ((2, 3), [(2, 3)])
    """

    gates = 3
    recurrent_activation: Any

    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        reset_after: bool = True,
        seed: Seed = None,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def biases(self) -> tuple[Any, Any]:
        """The biases that are added to the product of the inputs and to that of the state; None for none."""
        if self.bias is None:
            return None, None
        return (self.bias[0], self.bias[1]) if self.reset_after else (self.bias, None)

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, states: TensorLike, training: bool | None = None
        ) -> tuple[Tensor, Any]: ...

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        """Computes one step: returns the output, which is the new state, and a list with the new state.

        Args:
            inputs: the inputs of the step: (batch, features).
            states: a list with the state before the step: (batch, units).
            training: whether dropout is applied.
        """
        nested = isinstance(states, (list, tuple))
        state = states[0] if nested else states
        x, h = self._dropped(inputs, state, training)
        bias, recurrent_bias = self.biases()
        drive = self._product(x, self.kernel)
        drive = drive if bias is None else drive + bias
        out = self._step(drive, h, state, recurrent_bias)
        return out, [out] if nested else out

    def _step(self, drive: Tensor, h: list[Tensor], state: Tensor, recurrent_bias: Any) -> Tensor:
        gate, kernel = self.recurrent_activation, self.recurrent_kernel
        if self.reset_after:
            inner = self._product(h, kernel)
            inner = inner if recurrent_bias is None else inner + recurrent_bias
            reset = gate(self._gate(drive, 1) + self._gate(inner, 1))
            candidate = self._gate(drive, 2) + reset * self._gate(inner, 2)
        else:
            inner = self._product(h[:2], kernel[:, : 2 * self.units])
            reset = gate(self._gate(drive, 1) + self._gate(inner, 1))
            candidate = self._gate(drive, 2) + (reset * h[-1]) @ self._gate(kernel, 2)
        update = gate(self._gate(drive, 0) + self._gate(inner, 0))
        return update * state + (1 - update) * self.activation(candidate)

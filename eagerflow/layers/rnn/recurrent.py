"""`SimpleRNN`, `GRU`, `LSTM`: a cell over whole sequences, in one op wherever their settings allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from eagerflow import activations, ops
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    Number,
    RegularizerLike,
    Seed,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer_options import RecurrentOptions
from eagerflow.layer.settings import one_of, passed_on
from eagerflow.layers.rnn.calls import ReturnState
from eagerflow.layers.rnn.cells import GRUCell, LSTMCell, RecurrentSettings, SimpleRNNCell, of_both
from eagerflow.layers.rnn.rnn import RNN
from eagerflow.ops.sequences import recurrent as kernels

if TYPE_CHECKING:
    from eagerflow.layers.rnn.calls import OfRecurrent

__all__ = ["GRU", "LSTM", "SimpleRNN"]

_OF_CELL = """units activation recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer
    unit_forget_bias kernel_regularizer recurrent_regularizer bias_regularizer kernel_constraint recurrent_constraint
    bias_constraint dropout recurrent_dropout reset_after seed implementation""".split()


class _Recurrent(RecurrentSettings, RNN[ReturnState]):
    """A recurrent layer with a cell of its own, whose settings it shows as its own."""

    _op: Callable[..., Any]  # over whole sequences
    # The cell's, see `__getattr__`.
    units: int
    implementation: int

    def __init__(
        self, cell: Any, cell_name: str, arguments: Mapping[str, Any], /, **kwargs: Unpack[RecurrentOptions]
    ) -> None:
        of_cell = of_both(kwargs)
        if "implementation" in kwargs:  # which is the cell's alone
            of_cell["implementation"] = kwargs.pop("implementation")
        rest: dict[str, Any] = {**kwargs}
        try:
            made = cell(name=cell_name, **passed_on(arguments, cell), **of_cell)
        except (TypeError, ValueError) as error:  # about an argument of this layer
            own = f"{type(self).__name__}("
            error.args = tuple([a.replace(f"{cell.__name__}(", own) if isinstance(a, str) else a for a in error.args])
            raise
        super().__init__(
            made, activity_regularizer=arguments["activity_regularizer"], **passed_on(arguments, RNN), **rest
        )
        self.input_spec = InputSpec(ndim=3)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _OF_CELL and "cell" in self.__dict__:
                return getattr(self.cell, name)
            return super().__getattr__(name)

    def inner_loop(
        self, sequences: Tensor, initial_state: list[Any], mask: Any, training: bool = False
    ) -> tuple[Any, Tensor, list[Any]]:
        """The outputs of all steps, the last one, and the last states; by one op if possible."""
        if not self._runs_as_one_op(sequences, training):
            return super().inner_loop(sequences, initial_state, mask, training)
        sequences, mask = self._in_order(sequences, mask, training)
        zeroed = mask is not None and self.zero_output_for_mask
        found = self._kernel(sequences, initial_state, mask, self.return_sequences or zeroed)
        return self._results(found, mask)

    def _runs_as_one_op(self, sequences: Tensor, training: Any) -> bool:
        cell = self.cell
        gate = getattr(cell, "recurrent_activation", ops.sigmoid)
        fits = cell.activation in self._activations and (gate is activations.sigmoid or gate is ops.sigmoid)
        dropped = training and (cell.recurrent_dropout or (cell.dropout and cell.dropout_mask_count))
        return bool(fits and not dropped and sequences.shape[1])

    _activations: Mapping[Any, str] = {ops.tanh: "tanh"}  # that the op computes, by function

    def _in_order(self, sequences: Tensor, mask: Any, training: Any) -> tuple[Tensor, Any]:
        """The op's inputs: in the order of the steps, with dropout."""
        if training and self.cell.dropout:
            sequences = sequences * ops.expand_dims(self.cell.get_dropout_mask(sequences[:, 0]), 1)
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        return sequences, mask

    def _results(self, found: tuple[Tensor, ...], mask: Any) -> tuple[Any, Tensor, list[Any]]:
        """What `inner_loop` answers, from what the op found."""
        outputs, *states = found
        if mask is None or not self.zero_output_for_mask:
            return outputs, states[0], states
        outputs = ops.where(ops.expand_dims(mask, -1), outputs, 0)
        return outputs, outputs[:, -1], states

    def _given(self, sequences: Tensor, states: list[Any], mask: Any) -> tuple[Any, ...]:
        """The arguments of the op: sequences, states, weights, mask."""
        raise NotImplementedError

    def _kernel(self, sequences: Tensor, states: list[Any], mask: Any, all_steps: bool) -> tuple[Tensor, ...]:
        return type(self)._op(*self._given(sequences, states, mask), all_steps)

    @classmethod
    def from_config(cls: Any, config: dict[str, Any]) -> Any:  # type: ignore[override]
        """Creates a layer from the dict that `get_config` returned."""
        return cls(**config)


class SimpleRNN(_Recurrent[ReturnState]):
    """A recurrent layer whose output is fed back: `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: the size of the state, which is also the output of a step.
        activation: a function or its name; None for no activation.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (inputs, units).
        recurrent_initializer: initializer of the recurrent kernel, (units, units).
        bias_initializer: initializer of the bias, (units,).
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training, the same at all steps.
        recurrent_dropout: the fraction of the state that is dropped while training.
        return_sequences: if True, return the outputs of all steps; by default, only that of the last step.
        return_state: if True, also return the last state.
        go_backwards: if True, read the sequence from its last step to its first; outputs come in that order.
        stateful: if True, each batch begins with the state that the one before it ended with.
        unroll: accepted for compatibility with Keras; it changes nothing.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, inputs). Output: (batch, units), or (batch, time, units) with `return_sequences`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    >>> layer = ef.layers.SimpleRNN(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
    >>> x = ef.Tensor([[[1.0], [2.0], [3.0]]])
    >>> layer(x).tolist()  # each step adds its input to the state
    [[6.0]]
    >>> ef.layers.SimpleRNN(4, return_sequences=True)(ef.ops.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    _config_omits = ("seed",)
    _config_adds = ("zero_output_for_mask",)
    _op = staticmethod(kernels.simple_rnn)
    _activations = {
        ops.tanh: "tanh",
        activations.relu: "relu",
        ops.relu: "relu",
        activations.sigmoid: "sigmoid",
        ops.sigmoid: "sigmoid",
        activations.linear: "linear",
    }

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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        return_sequences: bool = False,
        return_state: ReturnState = False,  # type: ignore[assignment]
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Seed = None,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(SimpleRNNCell, "simple_rnn_cell", locals(), **kwargs)

    if TYPE_CHECKING:
        __call__: OfRecurrent[tuple[Tensor, Tensor]]

    def _given(self, sequences: Tensor, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell = self.cell
        return sequences, states[0], cell.kernel, cell.recurrent_kernel, cell.bias, mask

    def _kernel(self, sequences: Tensor, states: list[Any], mask: Any, all_steps: bool) -> tuple[Tensor, ...]:
        op: Callable[..., tuple[Tensor, ...]] = kernels.simple_rnn
        activation = self._activations[self.cell.activation]
        return op(*self._given(sequences, states, mask), all_steps, activation)


class LSTM(_Recurrent[ReturnState]):
    """Long short-term memory (LSTM): a recurrent layer whose gates decide what its cell state adds, keeps and outputs.

    Args:
        units: the size of the hidden state, which is also the output of a step, and of the cell state (the carry).
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
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training, the same at all steps.
        recurrent_dropout: the fraction of the state that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        return_sequences: if True, return the outputs of all steps; by default, only that of the last step.
        return_state: if True, also return the last hidden state and the last cell state.
        go_backwards: if True, read the sequence from its last step to its first; outputs come in that order.
        stateful: if True, each batch begins with the states that the one before it ended with.
        unroll: accepted for compatibility with Keras; it changes nothing.
        use_cudnn: accepted for compatibility with Keras; it changes nothing.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, inputs). Output: (batch, units), or (batch, time, units) with `return_sequences`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.

    >>> x = ef.ops.ones((2, 5, 3))  # (batch, time, features)
    >>> ef.layers.LSTM(4)(x).shape, ef.layers.LSTM(4, return_sequences=True)(x).shape
    ((2, 4), (2, 5, 4))
    >>> output, state, carry = ef.layers.LSTM(4, return_state=True)(x)
    >>> bool(ef.ops.all(output == state)), carry.shape
    (True, (2, 4))
    """

    recurrent_activation: Any  # the cell's
    unit_forget_bias: bool
    _config_omits = ("use_cudnn",)
    _config_adds = ("zero_output_for_mask",)
    _op = staticmethod(kernels.lstm)

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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: ReturnState = False,  # type: ignore[assignment]
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(LSTMCell, "lstm_cell", locals(), **kwargs)
        self.use_cudnn = _checked_cudnn(self, use_cudnn)

    if TYPE_CHECKING:
        __call__: OfRecurrent[tuple[Tensor, Tensor, Tensor]]

    def _given(self, sequences: Tensor, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell, (state, carry) = self.cell, states
        return sequences, state, carry, cell.kernel, cell.recurrent_kernel, cell.bias, mask


class GRU(_Recurrent[ReturnState]):
    """Gated recurrent unit (GRU): a recurrent layer whose gates decide how much of its state each step replaces.

    Args:
        units: the size of the state, which is also the output of a step.
        activation: a function or its name, applied to the candidate for the new state.
        recurrent_activation: the activation of the two gates, a function or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (inputs, 3 units): update, reset, candidate.
        recurrent_initializer: initializer of the recurrent kernel, (units, 3 units).
        bias_initializer: initializer of the bias, (2, 3 units) with `reset_after`, else (3 units,).
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training, the same at all steps.
        recurrent_dropout: the fraction of the state that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        return_sequences: if True, return the outputs of all steps; by default, only that of the last step.
        return_state: if True, also return the last state.
        go_backwards: if True, read the sequence from its last step to its first; outputs come in that order.
        stateful: if True, each batch begins with the state that the one before it ended with.
        unroll: accepted for compatibility with Keras; it changes nothing.
        reset_after: whether the reset gate multiplies the product of state and recurrent kernel (True), or the state
            before this product (False).
        use_cudnn: accepted for compatibility with Keras; it changes nothing.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, inputs). Output: (batch, units), or (batch, time, units) with `return_sequences`.

    Raises:
        ValueError: for units below 1, or a rate outside [0, 1].

    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078.

    >>> x = ef.ops.ones((2, 5, 3))  # (batch, time, features)
    >>> ef.layers.GRU(4)(x).shape, ef.layers.GRU(4, return_sequences=True)(x).shape
    ((2, 4), (2, 5, 4))
    >>> output, state = ef.layers.GRU(4, return_state=True)(x)
    >>> bool(ef.ops.all(output == state))
    True
    """

    recurrent_activation: Any  # the cell's
    reset_after: bool
    _config_omits = ("use_cudnn",)
    _config_adds = ("zero_output_for_mask",)
    _op = staticmethod(kernels.gru)

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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: Number = 0.0,
        recurrent_dropout: Number = 0.0,
        seed: Seed = None,
        return_sequences: bool = False,
        return_state: ReturnState = False,  # type: ignore[assignment]
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(GRUCell, "gru_cell", locals(), **kwargs)
        self.use_cudnn = _checked_cudnn(self, use_cudnn)

    if TYPE_CHECKING:
        __call__: OfRecurrent[tuple[Tensor, Tensor]]

    def _given(self, sequences: Tensor, states: list[Any], mask: Any) -> tuple[Any, ...]:
        cell: Any = self.cell
        return sequences, states[0], cell.kernel, cell.recurrent_kernel, *cell.biases(), mask

    def _kernel(self, sequences: Tensor, states: list[Any], mask: Any, all_steps: bool) -> tuple[Tensor, ...]:
        given = (*self._given(sequences, states, mask), self.cell.reset_after, all_steps)
        return type(self)._op(*given)


def _checked_cudnn(layer: Any, use_cudnn: Any) -> Any:
    return use_cudnn if isinstance(use_cudnn, bool) else one_of(layer, "use_cudnn", use_cudnn, ("auto",))

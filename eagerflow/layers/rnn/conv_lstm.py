"""`ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`: LSTM whose products are convolutions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops, random
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    DataFormat,
    InitializerLike,
    Integer,
    Number,
    Padding,
    RegularizerLike,
    Seed,
    Shape,
    Sizes,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import integer, passed_on, settled_weight, share
from eagerflow.layers.convolutional.conv_base import ConvolutionBase
from eagerflow.layers.rnn.calls import ReturnState
from eagerflow.layers.rnn.cells import DropoutRNNCell, RecurrentSettings, of_both, zero_state
from eagerflow.layers.rnn.rnn import RNN

if TYPE_CHECKING:
    from eagerflow.layers.rnn.calls import OfRecurrent

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]

_OF_CELL = """filters kernel_size strides padding data_format dilation_rate activation recurrent_activation use_bias
    kernel_initializer recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer recurrent_regularizer
    bias_regularizer kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout seed""".split()


class _ConvLSTMCell(DropoutRNNCell, RecurrentSettings, ConvolutionBase):
    """One step: gates from a convolution of the input and one of the state, which keeps its shape."""

    dropout_mask_count = 4
    recurrent_activation: Any

    _config_omits = ("rank", "arguments")

    def __init__(self, rank: int, arguments: dict[str, Any], **kwargs: Unpack[WeightOptions]) -> None:
        self.rank = rank
        super().__init__({**arguments, "activity_regularizer": None}, **kwargs)
        self._refuse_strides_with_dilation()
        self.filters = integer(self, "filters", arguments["filters"])
        self.dropout = share(self, "dropout", arguments["dropout"])
        self.recurrent_dropout = share(self, "recurrent_dropout", arguments["recurrent_dropout"])
        self.unit_forget_bias, self.seed = arguments["unit_forget_bias"], arguments["seed"]
        self.seed_generator = random.SeedGenerator(self.seed)
        self.state_size = [self.filters, self.filters]  # their whole shape follows from the input's

    def build(self, inputs_shape: Shape, states_shape: Any = None) -> None:
        """Make both kernels and the bias, gates side by side: input, forget, candidate, output."""
        channels = self._channels(inputs_shape)
        self._expect_channels(channels)
        if None in self._spatial(inputs_shape):
            raise ValueError(
                f"ConvLSTM{self.rank}D needs to know the lengths of the spatial axes; got steps of shape "
                f"{tuple(inputs_shape)}."
            )
        self._step_shape = tuple(inputs_shape[1:])
        self.kernel = settled_weight(self, "kernel", (*self.kernel_size, channels, 4 * self.filters))
        self.recurrent_kernel = settled_weight(
            self, "recurrent_kernel", (*self.kernel_size, self.filters, 4 * self.filters), "recurrent"
        )
        self.bias = None
        if self.use_bias:
            start = self._with_open_forget_gate if self.unit_forget_bias else self.bias_initializer
            self.bias = settled_weight(self, "bias", (4 * self.filters,), initializer=start)
        self.built = True

    def _with_open_forget_gate(self, shape: Any, dtype: Any = None) -> Tensor:
        n = self.filters
        parts = [self.bias_initializer((n,), dtype=dtype), ops.ones((n,), dtype=dtype)]
        return ops.concatenate([*parts, self.bias_initializer((2 * n,), dtype=dtype)])

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """The new state, and the new state and carry."""
        state, carry = states
        gates = self._gates(inputs, self.kernel, self.get_dropout_mask(inputs) if training else None, True)
        fed_back = self.get_recurrent_dropout_mask(state) if training else None
        gates = gates + self._gates(state, self.recurrent_kernel, fed_back, False)
        if self.bias is not None:
            last = self.data_format == "channels_last"
            gates = gates + (self.bias if last else self.bias.reshape((-1,) + (1,) * self.rank))
        let_in, forget, candidate, let_out = ops.split(gates, 4, axis=self._channels_axis)
        squash, gate = self.activation, self.recurrent_activation
        carry = gate(forget) * carry + gate(let_in) * squash(candidate)
        out = gate(let_out) * squash(carry)
        return out, [out, carry]

    @property
    def _channels_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _gates(self, x: Tensor, kernel: Any, masks: Any, of_input: bool) -> Tensor:
        """A convolution for all gates at once; with dropout, one per gate, each of its own part of `x`."""
        if masks is None:
            return self._convolved(x, kernel, of_input)
        kernels = ops.split(kernel, 4, axis=-1)
        parts = [self._convolved(x * mask, part, of_input) for mask, part in zip(masks, kernels, strict=True)]
        return ops.concatenate(parts, axis=self._channels_axis)

    def _convolved(self, x: Tensor, kernel: Any, of_input: bool) -> Tensor:
        if not of_input:
            return ops.conv(x, kernel, strides=1, padding="same", data_format=self.data_format)
        return ops.conv(
            x,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def compute_output_shape(self, inputs_shape: Shape, states_shape: Any = None) -> Any:
        """The shapes of the output and of both states."""
        shape = self._shape_of_windows(inputs_shape, self.filters)
        return shape, [shape, shape]

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros."""
        shape = self.compute_output_shape((batch_size, *self._step_shape))[0]
        return [zero_state(shape, self.compute_dtype) for _ in range(2)]


class _ConvLSTM(RecurrentSettings, RNN[ReturnState]):
    """LSTM over sequences of arrays with `rank` spatial axes, whose products are convolutions.

    Args:
        filters: the number of channels of the state, which is the output.
        kernel_size: the lengths of the windows: an integer, or one per spatial axis.
        strides: the steps from one window to the next on the input; on the state they are always 1.
        padding: of the input: `"valid"` or `"same"`; of the state, it is always `"same"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dilation_rate: the steps between the elements of a window on the input.
        activation: a function or its name, applied to the candidate and, before the output gate, to the cell state.
        recurrent_activation: the activation of the gates, a function or its name.
        use_bias: whether a bias is added.
        kernel_initializer: initializer of the kernel, (*window, channels, 4 filters).
        recurrent_initializer: initializer of the recurrent kernel, (*window, filters, 4 filters).
        bias_initializer: initializer of the bias, (4 filters,).
        unit_forget_bias: whether the forget gate's bias begins with ones.
        kernel_regularizer: penalty on the kernel.
        recurrent_regularizer: penalty on the recurrent kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: constraint on the kernel.
        recurrent_constraint: constraint on the recurrent kernel.
        bias_constraint: constraint on the bias.
        dropout: the fraction of the inputs that is dropped while training.
        recurrent_dropout: the fraction of the state that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        return_sequences: if True, return the outputs of all steps; by default, only that of the last step.
        return_state: whether the last states are returned too.
        go_backwards: if True, read the sequence from its last step to its first; outputs come in that order.
        stateful: whether each batch begins with the states that the one before it ended with.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, *spatial, channels). Output: (batch, *spatial, filters), with a time axis behind the
    batch's with `return_sequences`.

    Raises:
        ValueError: for sizes below 1, rates outside [0, 1], or spatial axes of unknown length.

    Source: Shi et al. 2015, https://arxiv.org/abs/1506.04214.
    """

    rank: int
    # The cell's, see `__getattr__`.
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    data_format: str
    dilation_rate: tuple[int, ...]
    recurrent_activation: Any
    unit_forget_bias: bool

    _config_adds = ("unroll", "zero_output_for_mask")

    def __init__(
        self,
        filters: Integer,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
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
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        arguments = locals()
        of_cell = {name: arguments[name] for name in _OF_CELL}
        super().__init__(
            _ConvLSTMCell(self.rank, of_cell, name="conv_lstm_cell", **of_both(kwargs)),
            activity_regularizer=activity_regularizer,
            **passed_on(arguments, RNN),
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _OF_CELL and "cell" in self.__dict__:
                return getattr(self.cell, name)
            return super().__getattr__(name)

    if TYPE_CHECKING:
        __call__: OfRecurrent[tuple[Tensor, Tensor, Tensor]]

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The shape of the outputs, and of the states with `return_state`."""
        state = self.cell.compute_output_shape((sequences_shape[0], *sequences_shape[2:]))[0]
        output = tuple(sequences_shape[:2]) + state[1:] if self.return_sequences else state
        return (output, state, state) if self.return_state else output

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:  # type: ignore[override]
        """Creates a layer from the dict that `get_config` returned."""
        return cls(**config)


def _documented(rank: int, axes: str) -> str:
    """The documentation of one of the layers, with an example."""
    start = f"ef.layers.ConvLSTM{rank}D(4, 3, padding='same', return_sequences=True)"
    lengths = (5,) * rank
    example = [
        f">>> layer = {start}  # 3 steps, {axes}, 1 channel",
        f">>> layer(ef.ops.ones({(2, 3, *lengths, 1)})).shape",
        f"{(2, 3, *lengths, 4)}",
    ]
    shared = inspect.cleandoc(_ConvLSTM.__doc__ or "").replace("`rank` spatial axes", axes)
    return "\n".join([shared, "", *example, ""])


class ConvLSTM1D(_ConvLSTM[ReturnState]):  # noqa: D101 - below
    __doc__ = _documented(1, "one spatial axis")

    rank = 1


class ConvLSTM2D(_ConvLSTM[ReturnState]):  # noqa: D101 - below
    __doc__ = _documented(2, "two spatial axes")

    rank = 2


class ConvLSTM3D(_ConvLSTM[ReturnState]):  # noqa: D101 - below
    __doc__ = _documented(3, "three spatial axes")

    rank = 3

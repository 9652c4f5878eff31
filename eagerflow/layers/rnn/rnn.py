"""`RNN`: a cell over all steps of a sequence; `StackedRNNCells`: cells on top of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.errors import signature_of
from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.base.typing import Shape, TensorLike, Tensors
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layers.rnn.calls import RecurrentLayer, ReturnState
from eagerflow.layers.rnn.cells import DropoutRNNCell, zero_state

if TYPE_CHECKING:
    from eagerflow.layers.rnn.calls import OfRecurrent

__all__ = ["RNN", "StackedRNNCells"]


class StackedRNNCells(Layer):
    """Stacks several cells to one: each gets the output of the one before.

    Args:
        cells: a list of cells; the first gets the inputs.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a cell without `call` or `state_size`.

    >>> cells = ef.layers.StackedRNNCells([ef.layers.SimpleRNNCell(4), ef.layers.SimpleRNNCell(2)])
    >>> output, states = cells(ef.ops.ones((1, 3)), cells.get_initial_state(1))
    >>> output.shape, [state.shape for state in states]
    ((1, 2), [(1, 4), (1, 2)])
    """

    def __init__(self, cells: Any, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """A list of the `state_size` of each cell.

        >>> ef.layers.StackedRNNCells([ef.layers.LSTMCell(4), ef.layers.SimpleRNNCell(2)]).state_size
        [[4, 4], 2]
        """
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The length of the last cell's output.

        >>> ef.layers.StackedRNNCells([ef.layers.SimpleRNNCell(4), ef.layers.SimpleRNNCell(2)]).output_size
        2
        """
        return output_size_of(self.cells[-1])

    def build(self, input_shape: Shape) -> None:
        """Builds the cells, each for the output of the one before."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))
        self.built = True

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states that a sequence begins with: for each cell a tensor, or a list where its `state_size` is a list.

        Args:
            batch_size: the number of sequences.

        >>> cells = ef.layers.StackedRNNCells([ef.layers.SimpleRNNCell(4), ef.layers.SimpleRNNCell(2)])
        >>> [state.shape for state in cells.get_initial_state(3)]
        [(3, 4), (3, 2)]
        """
        found = [initial_state_of(cell, batch_size, self.compute_dtype) for cell in self.cells]
        several = [isinstance(size, (list, tuple)) for size in self.state_size]
        return [states if nested else states[0] for states, nested in zip(found, several, strict=True)]

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, states: TensorLike, training: bool | None = None, **kwargs: Any
        ) -> tuple[Tensor, Any]: ...

    def call(self, inputs: Tensor, states: Any, training: bool = False, **kwargs: Any) -> tuple[Tensor, Any]:
        """The output of the last cell, and a list of the new states of all cells.

        Args:
            inputs: the inputs of the step: (batch, features).
            states: a list of the states of each cell before the step.
            training: whether dropout is applied.
            **kwargs: ignored.
        """
        found = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = isinstance(state, (list, tuple))
            inputs, new = step_of(cell, inputs, list(state) if nested else [state], training)
            found.append(new if nested else new[0])
        return inputs, found

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> StackedRNNCells:
        """Creates a layer from the dict that `get_config` returned."""
        rest = dict(config)
        return cls([deserialize_keras_object(cell, custom_objects) for cell in rest.pop("cells")], **rest)


class RNN(RecurrentLayer[ReturnState]):
    """Runs a cell over the steps of a sequence.

    Args:
        cell: a layer whose `call(inputs, states)` returns the output and the new states, with the attribute
            `state_size` (an integer or a list of them); or a list of such cells, which are stacked.
        return_sequences: if True, return the outputs of all steps; by default, only that of the last step.
        return_state: whether the last states are returned too.
        go_backwards: if True, read the sequence from its last step to its first; outputs come in that order.
        stateful: whether each batch begins with the states that the one before it ended with.
        unroll: accepted; steps are always run one by one.
        zero_output_for_mask: whether the outputs of masked steps are zeros; otherwise they repeat the output before
            them.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, ...). Output: (batch, units), or (batch, time, units) with `return_sequences`; with
    `return_state`, a tuple of it and the states. Masked steps leave the states as they are.

    Raises:
        ValueError: for a cell without `call` or `state_size`; on a call, when a stateful layer gets another batch
            size.

    >>> class Sum(ef.layers.Layer):  # a custom cell: the sum of all inputs so far
    ...     state_size = output_size = 1
    ...     def call(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> layer = ef.layers.RNN(Sum(), return_sequences=True)
    >>> layer(ef.Tensor([[[1.0], [2.0], [3.0]]])).tolist()
    [[[1.0], [3.0], [6.0]]]
    """

    cell: Any
    states: Any

    def __class_getitem__(cls, arguments: Any) -> type[RNN]:
        """The class itself: what it is generic over is for type checkers."""
        return cls

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: ReturnState = False,  # type: ignore[assignment]
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else check_cell(cell)
        self.return_sequences = return_sequences
        self.return_state: bool = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.state_size = _sizes_of(self.cell.state_size)
        # Not tracked: the state of a stateful layer is no weight.
        self.__dict__["states"] = None

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds the cell, and creates the states of a stateful layer.

        Args:
            sequences_shape: the shape of the sequences: (batch, steps, ...).
            initial_state_shape: the shapes of the initial states; they aren't needed.
        """
        if isinstance(self.cell, Layer) and not self.cell.built and type(self.cell).build is not Layer.build:
            self.cell.build(_each_shape(lambda shape: (shape[0], *shape[2:]), sequences_shape))
            self.cell.built = True
        first = _shapes_in(sequences_shape)[0]
        if self.stateful and self.states is None:
            if first[0] is None:
                raise ValueError(f"{describe(self)}(stateful=True) needs a fixed batch size: give Input a batch_size.")
            start = self.get_initial_state(first[0])
            self.__dict__["states"] = tree.map_structure(_state_variable, start)
        self.built = True

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states that a sequence begins with: a list of what the cell's `get_initial_state` returns, or of zeros.

        Args:
            batch_size: the number of sequences.

        >>> [state.shape for state in ef.layers.LSTM(3).get_initial_state(2)]
        [(2, 3), (2, 3)]
        """
        return initial_state_of(self.cell, batch_size, self.compute_dtype)

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zeros.

        >>> layer = ef.layers.GRU(2, stateful=True)
        >>> x = ef.ops.ones((1, 3, 4))
        >>> first, second = layer(x), layer(x)  # the second goes on where the first ended
        >>> layer.reset_state()
        >>> bool(ef.ops.all(first == second)), bool(ef.ops.all(first == layer(x)))
        (False, True)
        """
        for variable in tree.flatten(self.states) if self.states is not None else ():
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    if TYPE_CHECKING:
        __call__: OfRecurrent[tuple[Any, ...]]

    def call(
        self, sequences: Tensor, initial_state: Tensors = None, mask: Any = None, training: bool = False
    ) -> Tensors:
        """The outputs, and the last states with `return_state`.

        Args:
            sequences: (batch, time, ...).
            initial_state: the states to begin with, as a tensor or a list of them.
            mask: bools, (batch, time): False for steps that are skipped.
            training: whether the cell's dropout is on.
        """
        if not isinstance(sequences, Tensor):  # several, which go side by side
            sequences = tree.map_structure(self._in_floats, sequences)
        elif not is_differentiable(sequences.dtype):
            sequences = ops.cast(sequences, self.compute_dtype)
        first = sequences if isinstance(sequences, Tensor) else tree.flatten(sequences)[0]
        start = self._start(first, initial_state)
        mask = self._checked_mask(first, mask)
        return self._finish(*self.inner_loop(sequences, start, mask, training))

    def _in_floats(self, x: Any) -> Tensor:
        x = convert_to_tensor(x)
        return x if is_differentiable(x.dtype) else ops.cast(x, self.compute_dtype)

    def _finish(self, outputs: Any, last: Tensor, states: list[Any]) -> Any:
        """What a call answers; a stateful layer keeps the states."""
        _reset_dropout(self.cell)
        if self.stateful:
            for variable, state in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                variable.assign(ops.stop_gradient(state))
        output = tree.map_structure(
            lambda x: ops.cast(x, self.compute_dtype), outputs if self.return_sequences else last
        )
        return (output, *states) if self.return_state else output

    def _checked_mask(self, sequences: Tensor, mask: Any) -> Tensor | None:
        if mask is None:
            return None
        found: Tensor = ops.cast(tree.flatten(mask)[0], "bool")
        batch, steps = sequences.shape[:2]
        if len(found.shape) < 2 or found.shape[0] not in (1, batch) or found.shape[1] != steps:
            raise ValueError(
                f"{describe(self)}: mask: expected the shape (batch, time) of the sequences, "
                f"{(batch, steps)}; got {found.shape}."
            )
        return found if found.shape[0] == batch else ops.broadcast_to(found, (batch, *found.shape[1:]))

    def _start(self, sequences: Tensor, initial_state: Any) -> list[Any]:
        """The states to begin with, in the compute type."""
        _reset_dropout(self.cell)  # an error may have left masks there
        if self.stateful:
            expected = tree.flatten(self.states)[0].shape[0]
            if sequences.shape[0] != expected:
                raise ValueError(
                    f"{describe(self)}(stateful=True) keeps the states of a batch of {expected}; "
                    f"got a batch of {sequences.shape[0]}. Use a batch size that divides the rows, or drop the rest."
                )
        if initial_state is None:
            start = self.states if self.stateful else self.get_initial_state(sequences.shape[0])
        else:
            start = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        sizes = _flat_sizes(self.state_size)
        count = len(sizes)
        if len(tree.flatten(start)) != count:
            raise ValueError(
                f"{describe(self)}: initial_state: expected {count} tensor(s); got {len(tree.flatten(start))}."
                + (" Give the states in a list, such as [h, c]." if count > 1 else "")
            )
        for state, size in zip(tree.flatten(start), sizes):
            found = state.shape if isinstance(state, Tensor) else numpy.shape(state)
            if isinstance(size, int) and sequences.ndim == 3 and found != (sequences.shape[0], size):
                raise ValueError(
                    f"{describe(self)}: initial_state: expected the shape (batch, units), "
                    f"{(sequences.shape[0], size)}; got {found}."
                )
        return tree.map_structure(lambda x: convert_to_tensor(x, self.compute_dtype), list(start))

    def inner_loop(
        self, sequences: Tensor, initial_state: list[Any], mask: Any, training: bool = False
    ) -> tuple[Any, Tensor, list[Any]]:
        """Runs the cell over the sequence; subclasses may override it.

        Args:
            sequences: (batch, time, ...).
            initial_state: the states to begin with.
            mask: (batch, time) of bools, or None.
            training: whether the cell's dropout is on.

        Returns:
            The outputs of all steps (None unless `return_sequences`), the last output, and the last states.
        """
        steps = _steps_of(sequences)
        live: list[Any] = [None] * len(steps) if mask is None else ops.unstack(mask, axis=1)
        if not steps:
            raise ValueError(f"{describe(self)}: the sequences have no steps.")
        order = range(len(steps))
        states = initial_state
        output: Any = None
        outputs: list[Tensor] = []
        for t in reversed(order) if self.go_backwards else order:
            new, new_states = step_of(self.cell, steps[t], states, training)
            counts = live[t]
            if counts is not None:
                before = _first(states, new) if output is None else output
                before = None if self.zero_output_for_mask else before
                new = _chosen_parts(counts, new, before)
                new_states = tree.map_structure(partial(_chosen, counts), new_states, states)
            output, states = new, new_states
            if self.return_sequences:
                outputs.append(output)
        if not outputs:
            return None, output, list(states)
        return tree.map_structure(lambda *xs: ops.stack(xs, axis=1), *outputs), output, list(states)

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        """The mask of the steps, with `return_sequences`; states have none.

        Args:
            sequences: the sequences.
            mask: their mask: (batch, steps), or None.
        """
        found = None if mask is None else tree.flatten(mask)[0]
        of_output = found if self.return_sequences else None
        return [of_output, *[None for _ in self.state_size]] if self.return_state else of_output

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The shape of the outputs, and of the states with `return_state`."""
        lead: tuple[Any, ...] = tuple(_shapes_in(sequences_shape)[0][: 2 if self.return_sequences else 1])
        if initial_state_shape and len(_shapes_in(sequences_shape)[0]) == 3:
            self._check_states(_shapes_in(initial_state_shape))
        size = output_size_of(self.cell)
        output: Any = [lead + _dims(n) for n in size] if type(size) is list else lead + _dims(size)
        if not self.return_state:
            return output
        return (output, *[_state_shape(lead[0], n) for n in self.state_size])

    def _check_states(self, shapes: list[Any]) -> None:
        """Compare the lengths of symbolic states with those of the cell's."""
        for shape, size in zip(shapes, _flat_sizes(self.state_size)):
            if isinstance(size, int) and len(shape) == 2 and shape[1] not in (None, size):
                raise ValueError(
                    f"{describe(self)}: initial_state: expected the shape (batch, units), (None, {size}); got "
                    f"(None, {shape[1]}). The layer that gives the states needs as many units."
                )

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> RNN:
        """Creates a layer from the dict that `get_config` returned."""
        rest = dict(config)
        return cls(deserialize_keras_object(rest.pop("cell"), custom_objects), **rest)


def check_cell(cell: Any) -> Any:
    """`cell`, if it can be one.

    Raises:
        ValueError: when it lacks `call` or `state_size`.
    """
    missing = [name for name in ("call", "state_size") if not hasattr(cell, name)]
    if missing:
        raise ValueError(
            f"A cell needs a method call(inputs, states) and an attribute state_size; {type(cell).__name__} has no "
            f"{' and no '.join(missing)}."
        )
    return cell


def output_size_of(cell: Any) -> Any:
    """The length of a cell's output: `output_size`, or that of its first state. Also a shape, or a list of several."""
    found = getattr(cell, "output_size", None)
    if found is None:
        found = _sizes_of(cell.state_size)[0]
    if isinstance(found, (list, tuple)):
        return found if _is_one_size(found) else list(found)
    return int(found)


def _is_one_size(size: Any) -> bool:
    """A number, or a shape (of TensorFlow's class) of a state with more axes; a list is one of several sizes."""
    return not isinstance(size, (list, tuple)) or hasattr(size, "as_list")


def _flat_sizes(size: Any) -> list[Any]:
    return [size] if _is_one_size(size) else [n for part in size for n in _flat_sizes(part)]


def _sizes_of(size: Any) -> list[Any]:
    return [size] if _is_one_size(size) else list(size)


def _dims(size: Any) -> tuple[int, ...]:
    return tuple([int(n) for n in size]) if isinstance(size, (list, tuple)) else (int(size),)


def _shapes_in(shape: Any) -> list[Any]:
    """The shapes in a structure of them."""
    if isinstance(shape, dict):
        return [s for part in shape.values() for s in _shapes_in(part)]
    if any(isinstance(part, (list, tuple, dict)) for part in shape):
        return [s for part in shape for s in _shapes_in(part)]
    return [shape]


def _each_shape(function: Callable[[Any], Any], shape: Any) -> Any:
    if isinstance(shape, dict):
        return {k: _each_shape(function, part) for k, part in shape.items()}
    if any(isinstance(part, (list, tuple, dict)) for part in shape):
        return [_each_shape(function, part) for part in shape]
    return function(shape)


def _steps_of(sequences: Any) -> list[Any]:
    """What each step gives to the cell: a tensor, or a structure of them where there are several sequences."""
    if isinstance(sequences, Tensor):
        return ops.unstack(sequences, axis=1)
    parts = [ops.unstack(x, axis=1) for x in tree.flatten(sequences)]
    if len({len(part) for part in parts}) > 1:
        raise ValueError(f"RNN: sequences need the same number of steps; got {[len(part) for part in parts]}.")
    return [tree.pack_sequence_as(sequences, list(leaves)) for leaves in zip(*parts)]


def initial_state_of(cell: Any, batch_size: int | None, dtype: Any) -> list[Any]:
    """The states a cell begins with, as a list."""
    make = getattr(cell, "get_initial_state", None)
    if make is None:
        return [zero_state((batch_size, *_dims(n)), dtype) for n in _sizes_of(cell.state_size)]
    made = make(batch_size=batch_size)
    return list(made) if isinstance(made, (list, tuple)) else [made]


def step_of(cell: Any, inputs: Tensor, states: list[Any], training: Any) -> tuple[Tensor, list[Any]]:
    """One step of a cell: its output, and its new states as a list."""
    call: Callable[..., Any] = cell if callable(cell) else cell.call
    wants_training = not isinstance(cell, Layer) or cell._ef_state.signature.takes_training
    answer = call(inputs, states, training=training) if wants_training else call(inputs, states)
    if not isinstance(answer, (list, tuple)) or len(answer) != 2:
        raise TypeError(
            f"{type(cell).__name__}: the call of a cell gives two things, its output and a list of its new states: "
            f"return h, [h]. This one gave {signature_of(answer)}."
        )
    output, new = answer
    return output, list(new) if isinstance(new, (list, tuple)) else [new]


def _state_variable(start: Tensor) -> Variable:
    return Variable(start, trainable=False, name="rnn_state")


def _state_shape(batch: int | None, size: Any) -> Any:
    return (batch, *_dims(size)) if _is_one_size(size) else [_state_shape(batch, n) for n in size]


def _first(states: list[Any], output: Tensor) -> Tensor | None:
    """The first state of the (top) cell, which is the output before the first step, if it can be one."""
    if not isinstance(output, Tensor):
        return None
    found: Any = states
    while isinstance(found, (list, tuple)):
        found = found[-1 if isinstance(found[0], (list, tuple)) else 0]
    return found if found.shape == output.shape else None


def _chosen(live: Tensor, new: Tensor, old: Tensor | None) -> Tensor:
    """`new` where the step counts, `old` (or zeros) elsewhere."""
    spread = live.reshape((-1,) + (1,) * (new.ndim - 1))
    return ops.where(spread, new, 0 if old is None else old)


def _chosen_parts(live: Tensor, new: Any, old: Any) -> Any:
    """`_chosen` for each part of an output."""
    if isinstance(new, Tensor):
        return _chosen(live, new, old)
    if old is None:
        return tree.map_structure(lambda a: _chosen(live, a, None), new)
    return tree.map_structure(lambda a, b: _chosen(live, a, b), new, old)


def _reset_dropout(cell: Any) -> None:
    if isinstance(cell, DropoutRNNCell):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
    for part in getattr(cell, "cells", ()):
        _reset_dropout(part)

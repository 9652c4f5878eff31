"""`Bidirectional`: a recurrent layer run forwards and backwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from eagerflow import ops
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.base.typing import Shape, Tensors
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import AnyLayer, Layer
from eagerflow.layer.layer_options import NamedOptions
from eagerflow.layers.rnn.both_directions import fit_together, run_together
from eagerflow.layers.rnn.calls import BothDirections, MergeMode, ReturnState

if TYPE_CHECKING:
    from eagerflow.layers.rnn.calls import CallOfBothDirections, GivesStates, MergeModes

__all__ = ["Bidirectional"]

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(BothDirections[ReturnState, MergeMode]):
    """Runs a recurrent layer over a sequence and over its reverse.

    Args:
        layer: a recurrent layer; copies of it (without its weights) do the work.
        merge_mode: how the two outputs are joined: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None for both.
        weights: initial values of the weights of both directions, as a list of arrays.
        backward_layer: another recurrent layer for the reverse direction, with the opposite `go_backwards`; default: a
            copy of `layer`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, ...). Output: like the layer's, with twice the units for `"concat"`. With `return_state`,
    the states of both directions follow.

    Raises:
        ValueError: for an unknown merge_mode, or layers that don't fit together.

    Source: Schuster and Paliwal 1997.

    >>> x = ef.ops.ones((2, 5, 3))
    >>> ef.layers.Bidirectional(ef.layers.LSTM(4, return_sequences=True))(x).shape  # 4 forward and 4 backward
    (2, 5, 8)
    >>> ef.layers.Bidirectional(ef.layers.GRU(4), merge_mode="sum")(x).shape
    (2, 4)
    """

    _config_omits = ("weights",)
    _kept_as = {"layer": "forward_layer"}
    forward_layer: AnyLayer
    backward_layer: AnyLayer

    def __init__(
        self,
        layer: GivesStates[ReturnState],
        merge_mode: MergeMode | Literal["sum", "mul", "ave", "concat"] | str = "concat",
        weights: Any = None,
        backward_layer: Layer | None = None,
        **kwargs: Unpack[NamedOptions],
    ) -> None:
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, Layer) and not (given is None and name == "backward_layer"):
                raise ValueError(
                    f"Bidirectional({name}={signature_of(given)}): expected a recurrent layer, such as layers.LSTM(32)."
                )
            if given is not None and not hasattr(given, "go_backwards"):
                raise ValueError(
                    f"Bidirectional({name}={type(given).__name__} {given.name!r:.60}): expected a recurrent "
                    "layer (LSTM, GRU, SimpleRNN, RNN), or one with go_backwards, return_sequences, ..."
                )
        expect_one_of("Bidirectional", "merge_mode", merge_mode, _MODES)
        super().__init__(**kwargs)
        self._ef_state.initial_weights = weights
        told: Any = layer
        self.forward_layer = _copy(told, "forward_", {})
        other: Any = backward_layer
        self.backward_layer = _copy(told, "backward_", {"go_backwards": True}) if other is None else other
        self._check_pair()
        for direction in (self.forward_layer, self.backward_layer):
            # Masked steps of both directions then stand at the same places, without echoes.
            if hasattr(told, "use_cudnn") and hasattr(direction, "use_cudnn"):
                direction.use_cudnn = told.use_cudnn
            if hasattr(direction, "zero_output_for_mask"):
                direction.zero_output_for_mask = direction.return_sequences
        self.merge_mode: MergeModes | str = merge_mode
        self.stateful = self.forward_layer.stateful
        self.return_sequences = self.forward_layer.return_sequences
        self.return_state = self.forward_layer.return_state
        self.supports_masking = True
        self.input_spec = told.input_spec

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        common = ("stateful", "return_sequences", "return_state")
        apart = [name for name in common if getattr(forward, name) != getattr(backward, name)]
        if apart or forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Bidirectional needs two layers with the same stateful, return_sequences and return_state, and "
                f"different go_backwards; they {'differ in ' + ', '.join(apart) if apart else 'go the same way'}."
            )

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds the layers of both directions.

        Args:
            sequences_shape: the shape of the sequences: (batch, steps, ...).
            initial_state_shape: the shapes of the initial states; they aren't needed.
        """
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        self.built = True

    if TYPE_CHECKING:
        __call__: CallOfBothDirections

    def call(
        self, sequences: Tensor, initial_state: Tensors = None, mask: Any = None, training: bool | None = None
    ) -> Tensors:
        """The joined outputs; with `return_state`, the states of both directions follow.

        Args:
            sequences: (batch, time, ...).
            initial_state: a list of the states to begin with: those of the forward direction, then those of the other.
            mask: bools, (batch, time): False for steps that are skipped.
            training: whether dropout is on.
        """
        half = len(initial_state) // 2 if initial_state is not None else 0
        starts = (initial_state[:half], initial_state[half:]) if initial_state is not None else (None, None)
        outputs: list[Tensor] = []
        states: list[Tensor] = []
        for found in self._of_directions(sequences, starts, mask, training):
            output, *rest = found if self.return_state else (found,)
            outputs.append(ops.cast(output, self.compute_dtype))
            states += rest
        if self.return_sequences:
            outputs[1] = ops.flip(outputs[1], axis=1)
        joined: Any = self._joined(*outputs)
        if not self.return_state:
            return joined
        return (*joined, *states) if self.merge_mode is None else (joined, *states)

    def _of_directions(self, sequences: Tensor, starts: tuple[Any, Any], mask: Any, training: Any) -> list[Any]:
        """What each direction answers."""
        layers = self.forward_layer, self.backward_layer
        if fit_together(layers, sequences, training):
            return run_together(layers, sequences, starts, mask, training)
        return [
            layer(sequences, initial_state=start, mask=mask, training=training)
            for layer, start in zip(layers, starts, strict=True)
        ]

    def _joined(self, y: Tensor, reverse: Tensor) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([y, reverse], axis=-1)
        if self.merge_mode == "mul":
            return y * reverse
        if self.merge_mode is None:
            return y, reverse
        return y + reverse if self.merge_mode == "sum" else (y + reverse) / 2

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zeros.

        >>> layer = ef.layers.Bidirectional(ef.layers.GRU(2, stateful=True))
        >>> y = layer(ef.ops.ones((1, 3, 4)))
        >>> layer.reset_state()
        >>> [float(abs(state).sum()) for state in layer.states]
        [0.0, 0.0]
        """
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    @property
    def states(self) -> Any:
        """The states of both directions of a stateful layer.

        >>> layer = ef.layers.Bidirectional(ef.layers.GRU(2, stateful=True))
        >>> y = layer(ef.ops.ones((1, 3, 4)))
        >>> [state.shape for state in layer.states]
        [(1, 2), (1, 2)]
        """
        if self.forward_layer.states is None:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        """The mask of the steps, with `return_sequences`; states have none.

        Args:
            sequences: the sequences.
            mask: their mask: (batch, steps), or None.
        """
        found = mask[0] if isinstance(mask, list) else mask
        of_output = found if self.return_sequences else None
        of_outputs = [of_output, of_output] if self.merge_mode is None else [of_output]
        if self.return_state:
            of_outputs += [None] * (2 * len(self.forward_layer.state_size))
        return of_outputs if len(of_outputs) > 1 else of_output

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The shape of the joined outputs, and of the states with `return_state`."""
        told = self.forward_layer.compute_output_shape(sequences_shape)
        output: Any = told[0] if self.return_state else told
        states: tuple[Any, ...] = tuple(told[1:]) if self.return_state else ()
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        outputs: tuple[Any, ...] = (output, output) if self.merge_mode is None else (output,)
        found = (*outputs, *states, *states)
        return found if len(found) > 1 else output

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a layer from the dict that `get_config` returned."""
        rest = dict(config)
        for name in ("layer", "backward_layer"):
            rest[name] = deserialize_keras_object(rest.get(name), custom_objects)
        return cls(**rest)


def _copy(layer: Layer, prefix: str, changes: dict[str, Any]) -> Any:
    """A layer with the same settings under another name."""
    name = prefix + layer.name.removeprefix(prefix)
    return type(layer).from_config({**layer.get_config(), **changes, "name": name})

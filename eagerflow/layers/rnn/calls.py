"""What calling a recurrent layer takes and gives, for type checkers: with `return_state=True`, the states too.

What a layer gives is decided where it is made, so its class is generic over the arguments that decide it. A call is
looked up (by `__get__`) according to them, and is then one function: a misspelt argument is named in the message, as it
wouldn't be among overloads. `LSTM` alone means the usual layer, which gives a tensor.

At run time nothing of this exists: `RecurrentLayer[...]` is `Layer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, Never, Protocol, TypeAlias, overload

from eagerflow.base.typing import TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer

__all__ = ["BothDirections", "MergeMode", "MergeModes", "RecurrentLayer", "ReturnState"]

# How the outputs of two directions are joined; None: not at all.
MergeModes: TypeAlias = Literal["sum", "mul", "ave", "concat"] | None

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # with `default=`, which Python's own has from 3.13 on

    # The argument `return_state`: `Literal[True]` where the states are given. Covariant: what is annotated `LSTM` may
    # be one that gives them. pyright takes the narrowest for an argument that is `Any`, as in `LSTM(4, **options)`:
    # so that there is one for what isn't known.
    ReturnState = TypeVar("ReturnState", bool, Literal[True], Never, default=bool, covariant=True)

    # The argument `merge_mode`: None where both outputs are given.
    MergeMode = TypeVar("MergeMode", MergeModes, None, Never, default=MergeModes, covariant=True)

    Found = TypeVar("Found", covariant=True)

    class CallOnSequences(Protocol[Found]):
        """A call on sequences."""

        def __call__(
            self,
            sequences: TensorLike,
            initial_state: TensorLike = None,
            mask: TensorLike = None,
            training: bool | None = None,
        ) -> Found: ...

    # pyright asks the following what they are called with where a layer stands for a function.

    class OfRecurrent(CallOnSequences[Tensor | Any], Generic[Found]):
        """The call of a recurrent layer; with its states it gives `Found`."""

        @overload
        def __get__(self, layer: RecurrentLayer[Never], owner: Any = None) -> CallOnSequences[Tensor | Any]: ...
        @overload
        def __get__(self, layer: RecurrentLayer[Literal[True]], owner: Any = None) -> CallOnSequences[Found]: ...
        @overload
        def __get__(self, layer: RecurrentLayer[bool], owner: Any = None) -> CallOnSequences[Tensor]: ...
        def __get__(self, layer: Any, owner: Any = None) -> Any: ...

    class CallOfBothDirections(CallOnSequences[Tensor | Any]):
        """The call of `Bidirectional`."""

        @overload
        def __get__(
            self, layer: BothDirections[Never, MergeModes] | BothDirections[bool, Never], owner: Any = None
        ) -> CallOnSequences[Tensor | Any]: ...
        @overload
        def __get__(
            self, layer: BothDirections[Literal[True], MergeModes], owner: Any = None
        ) -> CallOnSequences[tuple[Tensor, ...]]: ...
        @overload
        def __get__(
            self, layer: BothDirections[bool, None], owner: Any = None
        ) -> CallOnSequences[tuple[Tensor, Tensor]]: ...
        @overload
        def __get__(self, layer: BothDirections[bool, MergeModes], owner: Any = None) -> CallOnSequences[Tensor]: ...
        def __get__(self, layer: Any, owner: Any = None) -> Any: ...

    class RecurrentLayer(Layer, Generic[ReturnState]):
        """A layer over sequences, by its argument `return_state`."""

        _gives_states: ReturnState

    class GivesStates(Protocol[ReturnState]):
        """Any layer, for `Bidirectional`; one that isn't ours gives a tensor as far as is known."""

        @property
        def _gives_states(self) -> ReturnState: ...

    class BothDirections(Layer, Generic[ReturnState, MergeMode]):
        """Two of them, by that of theirs and by `merge_mode`."""
else:
    ReturnState = MergeMode = None

    class _Plain:
        def __class_getitem__(cls, arguments):
            return Layer

    RecurrentLayer = BothDirections = _Plain

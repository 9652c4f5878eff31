"""What calling a layer or an operation gives, to type checkers: what its own `call` gives.

`__call__` takes `self` for something with a `call`, and gives that one's result:

- One that returns a known type, by its annotation or by what the checker infers, gives this type.
- One without annotations, of which the checker knows nothing (`Any`), fits `Calls[Untold]` too, as nothing else does.
  It gives an `AnyTensor`: editors complete a tensor's methods, and checkers accept all that is done with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from eagerflow.core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AnyTensor", "Calls", "Result", "Untold"]

Result = TypeVar("Result", covariant=True)


class Calls(Protocol[Result]):
    """What computes by a method `call`, which gives a `Result`."""

    @property
    def call(self) -> Callable[..., Result]: ...


class Untold:
    """What no `call` gives, so that only `Any` passes for it."""


if TYPE_CHECKING:

    class AnyTensor(Tensor, Any):
        """What a `call` without annotations gives: mostly a tensor, but it may be anything."""

        def __getitem__(self, index: Any) -> Any: ...

        def __iter__(self) -> Iterator[Any]: ...
else:
    AnyTensor = Tensor

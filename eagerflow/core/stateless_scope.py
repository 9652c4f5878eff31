"""`StatelessScope`: variables with other values for a while, and nothing assigned to them stays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from eagerflow.base.capturing import not_replayable
from eagerflow.base.errors import WrongTypeError, signature_of
from eagerflow.core.in_place import undone
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable

__all__ = ["StatelessScope", "current_stateless_scope"]

current_stateless_scope: ContextVar[StatelessScope | None] = ContextVar("stateless_scope", default=None)


class StatelessScope:
    """A block inside which variables have the given values; assignments to them last until its end.

    Gradients flow to the given values. Layers that are built inside the block keep their weights.

    Args:
        state_mapping: pairs of a variable and its value.
        collect_losses: whether the losses that layers add inside are collected in `losses`.
        initialize_variables: accepted for Keras' signature; variables made inside always get their values at once.

    Raises:
        TypeError: for a pair that doesn't begin with a variable.
        ValueError: for a value of another shape.

    Source: the interface of `keras.StatelessScope` 3.15.

    >>> v = ef.Variable(1.0)
    >>> with ef.StatelessScope([(v, 5.0)]) as scope:
    ...     _ = v.assign_add(1.0)
    >>> float(v), float(scope.get_current_value(v))
    (1.0, 6.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self.state_mapping = {variable: _fitting(variable, value) for variable, value in state_mapping or ()}

    def __enter__(self) -> StatelessScope:
        not_replayable("it gives variables other values for a while (StatelessScope)")
        self._before = [(v, v.data, v.key) for v in self.state_mapping]
        self._token = current_stateless_scope.set(self)
        self._block = contextlib.ExitStack()
        self._assigned = self._block.enter_context(undone())
        for variable, value in self.state_mapping.items():
            variable.data, variable.key = value.data, value.key
        return self

    def __exit__(self, *error: Any) -> None:
        self.state_mapping.update({v: Tensor(v.data, None, None) for v in self._assigned})
        self._block.close()
        current_stateless_scope.reset(self._token)
        for variable, data, key in self._before:
            variable.data, variable.key = data, key

    def add_loss(self, loss: Any) -> None:
        """Adds a loss to `losses`.

        Args:
            loss: the loss.

        >>> with ef.StatelessScope(collect_losses=True) as scope:
        ...     scope.add_loss(0.5)
        >>> scope.losses
        [0.5]
        """
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Assigns a value to a variable.

        Args:
            update: a pair of the variable and the value.

        >>> v = ef.Variable(1.0)
        >>> with ef.StatelessScope() as scope:
        ...     scope.add_update((v, 7.0))
        >>> float(v), float(scope.get_current_value(v))
        (1.0, 7.0)
        """
        variable, value = update
        variable.assign(value)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value of a variable in the block; None if the block neither set nor assigned it.

        Args:
            variable: the variable.

        >>> v, untouched = ef.Variable(1.0), ef.Variable(1.0)
        >>> with ef.StatelessScope() as scope:
        ...     _ = v.assign(2.0)
        >>> float(scope.get_current_value(v)), scope.get_current_value(untouched)
        (2.0, None)
        """
        if current_stateless_scope.get() is self and variable in self._assigned:
            return Tensor(variable.data, None, None)
        return self.state_mapping.get(variable)


def _fitting(variable: Any, value: Any) -> Tensor:
    if not isinstance(variable, Variable):
        raise WrongTypeError(f"StatelessScope(state_mapping=...): expected variables; got {signature_of(variable)}.")
    tensor = convert_to_tensor(value)
    if tensor.shape != variable.shape:
        raise ValueError(
            f"StatelessScope(state_mapping=...): {variable.path!r} has shape {variable.shape}; "
            f"got {signature_of(tensor)}."
        )
    return tensor if tensor.dtype == variable.dtype else tensor.astype(variable.dtype)

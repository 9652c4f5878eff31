"""The part of `Layer` that computes with values given from outside, and changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from eagerflow.base.capturing import not_replayable
from eagerflow.base.errors import signature_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.input_spec import describe

__all__ = ["StatelessCall"]


class StatelessCall:
    """`stateless_call`."""

    def stateless_call(
        self: Any,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Calls the layer as if its variables had these values; gradients flow to the values.

        Args:
            trainable_variables: values in the order of `layer.trainable_variables`.
            non_trainable_variables: values in the order of `layer.non_trainable_variables`.
            *args: the arguments of the call.
            return_losses: whether the losses are returned too.
            **kwargs: the arguments of the call, by name.

        Returns:
            The outputs, and the values that the non-trainable variables would have now; then the losses, if asked for.
            The variables themselves keep their values.

        Raises:
            ValueError: before the layer is built, or when numbers or shapes of the values don't fit.

        >>> layer = ef.layers.Dense(1, use_bias=False)
        >>> layer.build((None, 2))
        >>> outputs, non_trainable = layer.stateless_call([ef.Tensor([[1.0], [2.0]])], [], ef.Tensor([[10.0, 1.0]]))
        >>> outputs.tolist(), non_trainable
        ([[12.0]], [])
        """
        if not self.built:
            raise ValueError(f"{describe(self)}.stateless_call: the layer isn't built. Call it on data first.")
        own = [*self.trainable_variables, *self.non_trainable_variables]
        fixed = self.non_trainable_variables
        values = [convert_to_tensor(v) for v in (*trainable_variables, *non_trainable_variables)]
        _check(self, own, values)
        with _holding(own, values):
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
            after = [Tensor(v.data, None, v.key) for v in fixed]
        return (outputs, after, losses) if return_losses else (outputs, after)


def _check(layer: Any, variables: list[Variable], values: list[Tensor]) -> None:
    if len(variables) != len(values):
        raise ValueError(
            f"{describe(layer)}.stateless_call: expected {len(layer.trainable_variables)} trainable and "
            f"{len(layer.non_trainable_variables)} other values; got {len(values)} in all."
        )
    for variable, value in zip(variables, values):
        if variable.shape != value.shape:
            raise ValueError(
                f"{describe(layer)}.stateless_call: {variable.path!r} has shape {variable.shape}; "
                f"got {signature_of(value)}."
            )


@contextlib.contextmanager
def _holding(variables: list[Variable], values: list[Tensor]) -> Iterator[None]:
    """Inside the block the variables are the given tensors."""
    not_replayable("it gives variables other values for a while (stateless_call)")
    before = [(v, v.data, v.key) for v in variables]
    for variable, value in zip(variables, values):
        variable.data, variable.key = value.data, value.key
    try:
        yield
    finally:
        for variable, data, key in before:
            variable.data, variable.key = data, key

"""The last update, repeated for the same variables: one check instead of all that an optimizer asks each time.

An update of a small network takes longer to prepare than to compute. Where all its variables are packed, the last one
is remembered; if nothing speaks against it, the next one is a copy of the gradients and one call of the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter, is_
from typing import Any

import numpy

from eagerflow.core.in_place import taken_back
from eagerflow.core.tensor import Tensor
from eagerflow.optimizers.updates.packed import Packed

__all__ = ["CachedUpdate"]

# What makes an update more than its rule, as it is where it isn't asked for.
_NOTHING_ELSE = {
    "built": True,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "weight_decay": None,
    "use_ema": False,
}
_settings_of, _as_usual = attrgetter(*_NOTHING_ELSE), tuple(_NOTHING_ELSE.values())
_constraint, _overwritten = attrgetter("constraint"), attrgetter("overwrite_with_gradient")


class CachedUpdate:
    """An update that may be made once more.

    Args:
        rule: the rule.
        packed: all the variables.
    """

    def __init__(self, rule: Any, packed: Packed) -> None:
        self.rule, self.packed = rule, packed
        self.variables = [entry.variable for entry in packed.entries]
        self.shapes = packed.shapes

    def arrays(self, optimizer: Any, grads: Sequence[Any], variables: Sequence[Any]) -> list[Any] | None:
        """The gradients' arrays, if the update of these variables is the last one once more; else None.

        Args:
            optimizer: whose update it is.
            grads: its gradients.
            variables: its variables.
        """
        if len(variables) != len(self.variables) or not all(map(is_, variables, self.variables)):
            return None
        if not all(map(is_, _settings_of(optimizer), _as_usual)) or taken_back():
            return None
        if optimizer.rule is not self.rule or not getattr(optimizer, "epsilon", 1.0):
            return None
        kind = type(optimizer)
        if kind.update_step is not kind._own_update_step or kind._update is not kind._own_update:
            return None
        if not all(map(is_, map(_constraint, variables), repeat(None))) or any(map(_overwritten, variables)):
            return None
        arrays = [g.data for g in grads if g.__class__ is Tensor]
        return arrays if len(arrays) == len(variables) and self._fit(arrays) else None

    def _fit(self, arrays: Sequence[Any]) -> bool:
        """Whether these are gradients of the variables' shapes and type."""
        dtype = self.packed.dtype
        return all(
            [
                array.__class__ is numpy.ndarray and array.dtype is dtype and array.shape == shape
                for array, shape in zip(arrays, self.shapes)
            ]
        )

"""The type of optimizers that are known at run time only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.optimizers.base import Optimizer

__all__ = ["AnyOptimizer"]

if TYPE_CHECKING:

    class AnyOptimizer(Optimizer):
        """An optimizer whose class only a run knows, as `model.optimizer`: it may have any attribute."""

        def __getattr__(self, name: str) -> Any: ...
else:
    AnyOptimizer = Optimizer

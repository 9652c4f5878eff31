"""The type of losses that are known at run time only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.core.tensor import Tensor
from eagerflow.losses.base import Loss

__all__ = ["AnyLoss"]

if TYPE_CHECKING:

    class AnyLoss(Loss, Any):
        """A loss or a function of that kind, which only a run knows: it may take and have more."""

        def __call__(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Tensor: ...
else:
    AnyLoss = Loss

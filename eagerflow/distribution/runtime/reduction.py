"""`all_sum`: the sum over all ranks as an op, for what they compute together in the middle of a model."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.capturing import not_replayable
from eagerflow.base.typing import Array, Numpy, Rule
from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.op import op
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["all_sum", "reduce_array", "together"]


def together(communicator: Communicator) -> None:
    """What runs is done by all ranks together, each time that the step runs: it ends a capture."""
    if communicator.size > 1:
        not_replayable("ranks talk to each other")


def reduce_array(communicator: Communicator, array: Array, operation: str = "sum") -> Array:
    """A new array, on the device of the old one: the sum (`"max"`, `"min"`, `"prod"`) of all ranks' arrays.

    No captured step holds it: ranks write steps down and compare them in different calls, and compute ops twice then.
    """
    together(communicator)
    made = numpy.array(to_host(array), order="C")  # sums of numbers may be NumPy's scalars, which can't be written
    communicator.all_reduce(made, operation)
    return place(made, device_of(array))


def _spread(xp: Numpy, g: Any, communicator: Communicator, weight: float) -> Any:
    """What all ranks' losses tell of this rank's part.

    Together they minimize the mean of their losses, each counted by its weight, and a rank's gradient is multiplied
    by its weight in the end: so it is divided by it here.
    """
    found = g * weight
    total = all_sum(found, communicator, weight) if isinstance(g, Tensor) else reduce_array(communicator, found)
    return total / weight if weight else total * 0.0


_rule: Rule = _spread


@op(_rule, arrays=("x",))
def all_sum_op(xp: Numpy, x: Array, communicator: Communicator, weight: float) -> Array:
    """The sum of `x` over all ranks."""
    return reduce_array(communicator, x)


def all_sum(x: Any, communicator: Communicator, weight: float | None = None) -> Tensor:
    """The sum of a tensor over all ranks, on all of them. Gradients flow back to every rank's part.

    Args:
        x: a tensor, of the same shape on all ranks.
        communicator: of these ranks.
        weight: what this rank's loss counts in the loss of all; default: that of the running step.
    """
    if weight is None:
        weight = 1.0 if active.shard is None else active.shard.weight
    made: Tensor = all_sum_op(convert_to_tensor(x), communicator, weight)
    return made

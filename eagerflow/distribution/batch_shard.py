"""Which rows of a global batch a rank works on, and what they weigh.

A global batch of `rows` rows is cut in the order of its rows. Rank r of n takes rows `r * rows // n` to
`(r + 1) * rows // n`: no divisibility is asked for, and sizes differ by one at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eagerflow.base.typing import Array
from eagerflow.core.observe import state
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.distribution.report import note
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.gradient_sums import ahead, reduce_gradients
from eagerflow.distribution.runtime.reduction import all_sum
from eagerflow.optimizers.base import Optimizer

__all__ = ["BatchShard", "bounds", "shard_of"]


class BatchShard(NamedTuple):
    """A rank's part of a global batch.

    Attributes:
        communicator: of the ranks among which the batch is shared.
        start: the first row of this rank.
        stop: the one after its last.
        rows: of the whole batch.
        gathers: metrics take in the rows of all ranks: nobody puts together what each has counted, as loops of ours do.

    A rank whose shard is empty (`start == stop`) still makes the step, on one row that weighs nothing, so that it
    takes part in all that ranks do together.

    >>> shard = BatchShard(Communicator(), 0, 3, 4)
    >>> shard.own, shard.weight
    (3, 0.75)
    """

    communicator: Communicator
    start: int
    stop: int
    rows: int
    gathers: bool = False

    @property
    def own(self) -> int:
        """How many rows are this rank's."""
        return self.stop - self.start

    @property
    def weight(self) -> float:
        """What this rank's loss counts in that of all: its gradient is multiplied by it."""
        return self.own / self.rows

    @property
    def rank(self) -> int:
        """The number of this process."""
        return self.communicator.rank

    @property
    def size(self) -> int:
        """How many processes share the batch."""
        return self.communicator.size

    def all_reduce(self, array: Array) -> None:
        """An array becomes the sum of all ranks'."""
        self.communicator.all_reduce(array)

    def all_sum(self, x: Any) -> Tensor:
        """The sum of a tensor over all ranks; it can be differentiated."""
        return all_sum(x, self.communicator)

    def gather_objects(self, value: Any) -> list[Any]:
        """The values of all ranks."""
        return self.communicator.gather_objects(value)

    def note(self, text: str) -> None:
        """Note for `distribution.report()` what is otherwise than in one process."""
        note(text)

    def reduce_gradients(self, variables: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
        """The gradients of the global loss."""
        return reduce_gradients(self, variables, gradients)

    def differentiate_and_apply(self, optimizer: Any, tape: GradientTape, loss: Any, variables: list[Any]) -> None:
        """An update whose gradients are on their way to the other ranks while the tape finds more of them.

        Nobody can change them in between: that is why this is one call, and only for our own `apply`.
        """
        own = type(optimizer).apply is Optimizer.apply
        if not own or any([v.overwrite_with_gradient for v in variables]):
            optimizer.apply(tape.gradient(loss, variables), variables)
            return
        with ahead(self, variables) as finished:
            tape._finished = finished
            optimizer.apply(tape.gradient(loss, variables), variables)

    def apply(self, optimizer: Any, gradients: list[Any], variables: list[Any]) -> Any:
        """One update with the gradients of all ranks."""
        kept = state.on or optimizer._has_own_step
        return optimizer._apply_sums(reduce_gradients(self, variables, gradients, kept), variables)


def bounds(rows: int, size: int) -> list[int]:
    """Where the shares of a batch begin, and where the last one ends.

    >>> bounds(10, 4)
    [0, 2, 5, 7, 10]
    """
    return [rank * rows // size for rank in range(size + 1)]


def shard_of(communicator: Communicator, rows: int) -> BatchShard:
    """This rank's shard of a global batch."""
    rank, size = communicator.rank, communicator.size
    return BatchShard(communicator, rank * rows // size, (rank + 1) * rows // size, rows)

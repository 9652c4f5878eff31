"""Running a model's steps without lasting effects: for measurements during training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy

from eagerflow.core.in_place import undone
from eagerflow.core.observe import unobserved
from eagerflow.core.random import frozen, get_state, set_state
from eagerflow.layer.added_losses import losses_left_alone
from eagerflow.training.shuffle_schedule import passes_forgotten

__all__ = ["Moment", "only_kept", "sandbox"]


@contextlib.contextmanager
def sandbox(model: Any) -> Iterator[None]:
    """Undo at the end of the block, bit for bit, what ran inside, and hide it from observers.

    Weights, moving statistics, states of random generators and of recurrent layers, the optimizer's and the metrics'
    variables, the losses that layers added in their last call, the orders of later epochs, and all process-wide random
    states are those of before. What the user's own Python code keeps elsewhere isn't.

    Args:
        model: a compiled model; trainable in the block is what `fit` would train.

    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> before = model.get_weights()[0].tolist()
    >>> with sandbox(model):
    ...     _ = model.train_on_batch(ef.ops.ones((4, 2)), ef.ops.ones((4, 1)))
    >>> model.get_weights()[0].tolist() == before
    True
    """
    compiled = model._ef_state.compiled
    flags = [(metric, metric.updated) for metric in model.metrics if hasattr(metric, "updated")]
    measured, deferred = compiled.measured, compiled.deferred
    with undone(), frozen(), unobserved(), losses_left_alone(), passes_forgotten(model), numpy.errstate(all="ignore"):
        try:
            yield
        finally:
            compiled.measured, compiled.deferred = measured, deferred
            for metric, updated in flags:
                metric.updated = updated


@contextlib.contextmanager
def only_kept(variables: Callable[[], Iterable[Any]]) -> Iterator[None]:
    """Assignments inside the block are taken back at its end, but those to some variables.

    For steps that are only asked what they report: metrics go on counting, and weights stay what they are.

    Args:
        variables: gives those that keep what they are assigned; asked at the end of the block.

    >>> a, b = ef.Variable(1.0), ef.Variable(1.0)
    >>> with only_kept(lambda: [b]):
    ...     _ = a.assign(2.0), b.assign(2.0)
    >>> float(a), float(b)
    (1.0, 2.0)
    """
    with undone():
        yield
        staying = [(variable, variable.data) for variable in variables()]
    for variable, array in staying:
        variable.assign(array)


class Moment:
    """A moment of a training, from which steps can be run several times with the same random draws and states.

    Args:
        model: a compiled model. Its weights aren't remembered: what runs later does so with those of then.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._random = get_state()
        self._states = [(variable, variable.numpy()) for variable in model.non_trainable_variables]

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """Within, what isn't trained is as it was at that moment, and nothing leaves a trace; see `sandbox`."""
        with sandbox(self._model):
            set_state(self._random)
            for variable, values in self._states:
                variable.assign(values)
            yield

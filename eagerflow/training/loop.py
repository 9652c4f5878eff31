"""`Loop`: what happens around the steps of one epoch, one evaluation or prediction."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.callbacks import CallbackList
from eagerflow.callbacks.logs import Logs
from eagerflow.core.device import to_host
from eagerflow.core.observe import logs as announce_logs, scope, state
from eagerflow.core.strategy import Strategy, active
from eagerflow.core.tensor import Tensor
from eagerflow.data.feed import Feed
from eagerflow.training.checks import explain_unpacking
from eagerflow.training.interrupt import Interruption
from eagerflow.training.state_snapshot import StateSnapshot

__all__ = ["Loop", "as_list", "as_numbers", "as_numpy", "check_numbers", "deferring", "in_order", "joined"]
__all__ += ["observed_batches", "observed_step", "one_step", "shared_step", "under"]


def as_numbers(logs: Any) -> dict[str, Any]:
    """Logs as Python floats (arrays for what isn't one number). Only here a device is waited for."""
    if logs is None:
        return {}
    check_numbers(logs)
    return {name: _number(value) for name, value in logs.items()}


def check_numbers(logs: Any, step: str = "a step") -> None:
    """A step gives its numbers by name."""
    if not isinstance(logs, dict):
        raise TypeError(
            f"{step} must return a dict of names and numbers, such as {{'loss': loss}}; got {type(logs).__name__}."
        )


def _number(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.data.item() if value.data.size == 1 else value.numpy()
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def observed_step(model: Any, name: str, step: Callable[[Any], Any], data: Any) -> Any:
    """The step, within a scope of its own while somebody observes."""
    if not state.on:
        return step(data)
    with scope("step", name, model, data) as announced:
        announced.value = step(data)
        return announced.value


def observed_batches(feed: Feed, steps: int | None) -> Iterator[Any]:
    """The batches of an epoch, the making of each within a scope while somebody observes; its input is the feed."""
    batches = feed.epoch()
    for done in itertools.count():
        if not state.on or done == steps:
            data = next(batches, _END)
        else:
            with scope("data", "batch", inputs=feed) as announced:
                data = announced.value = next(batches, _END)
        if data is _END:
            return
        yield data


_END: Any = object()


@contextlib.contextmanager
def under(strategy: Strategy | None) -> Iterator[None]:
    """Inside the block a strategy applies, unless another one does."""
    before = active.strategy
    if strategy is not None and type(before) is Strategy:
        active.strategy = strategy
    try:
        yield
    finally:
        active.strategy = before


@contextlib.contextmanager
def deferring(compiled: Any) -> Iterator[None]:
    """Within, steps give no numbers: those of the metrics are asked for where somebody wants them. Not for None."""
    if compiled is None:
        yield
        return
    before, compiled.deferred = compiled.deferred, True
    try:
        yield
    finally:
        compiled.deferred = before


class Loop:
    """What happens around the steps of one epoch, or of one evaluation.

    Args:
        model: the model.
        kind: `"train"`, `"test"` or `"predict"`.
        callbacks: all callbacks.
        shows: whether the progress bar belongs to this loop.
        every: callbacks are called once per this many batches, and for the rest at the end.
    """

    def __init__(self, model: Any, kind: str, callbacks: CallbackList, shows: bool, every: int = 1) -> None:
        self.model = model
        self.begin = callbacks.hooks(f"on_{kind}_batch_begin")
        self.end = callbacks.hooks(f"on_{kind}_batch_end")
        self.bar = callbacks.progress if shows else None
        self.every = every
        self.name = f"{kind}_step"
        self.kind = kind
        self.function = getattr(model, f"make_{kind}_function")()
        self.deferred = model._is_ours(self.function)
        self.stop = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}[kind]
        self._outputs: list[Any] | None = [] if kind == "predict" and every > 1 and self.end else None
        self.states = StateSnapshot(model) if kind == "train" else None

    def run(self, feed: Feed, interruption: Interruption, keep: Callable[[Any], None], first: int = 0) -> int:
        """Run all steps from `first` on and call `keep` with the result of each. Returns the number of steps."""
        model, bar, begin, end = self.model, self.bar, self.begin, self.end
        function, states, deferred = self.function, self.states, self.deferred
        done = told = first
        logs: Any = None
        left = None if feed.steps is None else feed.steps - first
        batches = observed_batches(feed, left)
        with deferring(model._ef_state.compiled if deferred else None):
            for step, data in enumerate(batches, first):
                if begin and step % self.every == 0:
                    for hook in begin:
                        hook(step, {})
                before = None if states is None else states.taken()
                try:
                    logs = function(data) if not state.on else observed_step(model, self.name, function, data)
                except BaseException as error:
                    explain_unpacking(error, self.name, data)
                    if states is not None and before is not None:
                        states.undo(before)
                    raise
                if states is not None and before is not None:
                    states.settle(before)
                    before = None  # held any longer, its arrays wouldn't be the variables' alone
                done = step + 1
                if logs.__class__ is not dict and self.kind != "predict":
                    check_numbers(logs, self.name)
                if not deferred:
                    keep(logs)
                if self._outputs is not None:
                    self._outputs.append(logs)
                if end and done % self.every == 0:
                    told = done
                    self._report(step, logs)
                if bar is not None and bar.due():
                    bar.show(step, self._numbers(logs, shown=True))
                if state.on and self.kind != "predict":
                    announce_logs("batch", step, self._numbers(logs))
                if interruption.requested:
                    interruption.check()
                if getattr(model, self.stop):
                    break
            if end and told < done:
                self._report(told + self.every - 1, logs)  # as if the group were whole, like Keras
            if bar is not None:
                bar.stop_clock(done)
        if deferred and done:
            keep(model.get_metrics_result())
        return done

    def _numbers(self, logs: Any, shown: bool = False) -> dict[str, Any]:
        if self.kind == "predict":
            return {} if shown else {"outputs": self._made(logs)}
        found = as_numbers(self.model.get_metrics_result() if self.deferred else logs)
        return Logs(sorted(found.items()))

    def _made(self, logs: Any) -> Any:
        """The outputs that callbacks haven't seen yet."""
        if self._outputs is None:
            return tree.map_structure(_to_numpy, logs)
        parts, self._outputs = [tree.map_structure(_to_numpy, part) for part in self._outputs], []
        return tree.map_structure(joined, *parts)

    def _report(self, step: int, logs: Any) -> None:
        values = self._numbers(logs)
        for hook in self.end:
            hook(step, values)


def joined(*parts: Any) -> numpy.ndarray:
    """Arrays one after the other; numbers become rows."""
    return numpy.concatenate([part if part.ndim else numpy.atleast_1d(part) for part in parts])


def as_numpy(found: Any) -> Any:
    """A structure of tensors as NumPy arrays."""
    return _to_numpy(found) if isinstance(found, Tensor) else tree.map_structure(_to_numpy, found)


def _to_numpy(value: Any) -> Any:
    return to_host(value.data) if isinstance(value, Tensor) else numpy.asarray(value)


def one_step(
    model: Any, name: str, step: Any, data: Any, states: StateSnapshot | None = None, reset: bool = True
) -> dict[str, Any]:
    """Make one step of a model; gives its numbers."""
    compiled = model._ready(name)
    if reset:
        model.reset_metrics()
    step = shared_step(model, name, step)
    deferred, compiled.deferred = compiled.deferred, False  # a callback of `fit` may make steps too
    before = None if states is None else states.taken()
    try:
        with numpy.errstate(all="ignore"):
            logs = observed_step(model, name, step, data)
        check_numbers(logs, name)
    except BaseException:
        if states is not None and before is not None:
            states.undo(before)
        raise
    finally:
        compiled.deferred = deferred
    if states is not None and before is not None:
        states.settle(before)
    numbers = as_numbers(logs)
    if state.on:
        announce_logs("step", 0, numbers)
    return numbers


def shared_step(model: Any, name: str, step: Any) -> Any:
    """The step; where ranks share each batch, one that gives all of them the numbers of the whole batch."""
    if active.shard is not None:
        return step
    loop = active.strategy.loop(model, name.removesuffix("_step"), CallbackList(), False, 1)
    return step if loop is None else loop.one


def in_order(model: Any, numbers: dict[str, Any]) -> dict[str, Any]:
    """Loss, losses of single outputs and whatever is named like one of `metrics`; then the rest by name."""
    first = [m.name for m in model.metrics if m.name in numbers]
    return {name: numbers[name] for name in (*first, *sorted(numbers))}


def as_list(numbers: dict[str, Any]) -> Any:
    """The numbers in a list; one alone without."""
    values = list(numbers.values())
    return values[0] if len(values) == 1 else values

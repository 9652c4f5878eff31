"""An update on a GPU as one CUDA graph, instead of a dozen kernels for each variable.

Variables and slots are changed where they lie; gradients are copied to where the graph reads them. Numbers that change
from step to step, as a learning rate does, lie in memory of the GPU's: which they are shows when they first change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.base.tracebacks import warn
from eagerflow.core.device import is_device_array
from eagerflow.core.in_place import Writing, taken_back
from eagerflow.core.observe import state
from eagerflow.graphs.closeness import not_close
from eagerflow.graphs.recording import PER_THREAD, Recording, graphing, place_now
from eagerflow.optimizers.entry import Entry, Scratch

__all__ = ["GraphedUpdates"]

_SETS = 8  # of variables that one optimizer updates in turn
_PATIENCE = 16  # recordings that are allowed; then a graph that is recorded in most updates is given up

Rule = Callable[..., None]


class GraphedUpdates:
    """The CUDA graphs of one optimizer, one for each set of variables that it updates together.

    Args:
        name: the name of the optimizer, for a warning.
        temporaries: how many scratch arrays its rule needs.
    """

    def __init__(self, name: str, temporaries: int) -> None:
        self.name, self.temporaries = name, temporaries
        self.why: str | None = None  # why updates aren't graphs, once that is known
        self._updates: dict[tuple[Any, ...], _Update] = {}

    def __reduce__(self) -> Any:
        """Copies and pickles start over: their variables lie elsewhere."""
        return GraphedUpdates, (self.name, self.temporaries)

    @property
    def recorded(self) -> list[int]:
        """How often each graph was recorded."""
        return [update.recorded for update in self._updates.values()]

    def update(
        self, optimizer: Any, rule: Any, settings: Any, entries: Sequence[Entry], gradients: Sequence[Any], rate: float
    ) -> bool:
        """Update by an optimizer's rule; False, and nothing has happened, where that isn't to be a graph.

        Recordings are to see each variable's update, and some runs are taken back.
        """
        if not graphing.get() or not getattr(rule, "elementwise", False) or state.ops or taken_back():
            return False
        shrinks = optimizer.weight_decay is not None
        decays = [shrinks and optimizer._decays(entry.variable) for entry in entries]
        return self.run(rule, settings, entries, gradients, decays, (optimizer.weight_decay or 0.0) * rate)

    def run(
        self,
        rule: Rule,
        settings: tuple[Any, ...],
        entries: Sequence[Entry],
        gradients: Sequence[Any],
        decays: Sequence[bool],
        decay: float,
    ) -> bool:
        """Update all variables; False, and nothing has happened, where that can't be a graph.

        Args:
            rule: an elementwise rule.
            settings: its numbers in this step.
            entries: the variables.
            gradients: theirs, raw arrays.
            decays: which of the variables shrink.
            decay: the share by which they do, before the rule works.
        """
        place = place_now()
        if self.why is not None or place[1] == PER_THREAD or not all(map(is_device_array, gradients)):
            return False
        key = (*map(id, entries), *decays)
        update = self._updates.get(key)
        if update is None:
            if len(set(map(id, entries))) < len(entries) or any(g.device.id != place[0] for g in gradients):
                return False
            if len(self._updates) >= _SETS:
                self._updates.clear()
            update = self._updates[key] = _Update(entries, decays, self.temporaries, place)
        if update.place != place:
            return False
        done = update.run(rule, (*settings, decay), gradients)
        if update.why is not None:
            self.why = update.why
            self._updates.clear()
            warn(f"{self.name}: updates aren't CUDA graphs: {self.why}.")
        return done


class _Update:
    """The graph of one set of variables.

    Args:
        entries: the variables.
        decays: which of them shrink.
        temporaries: how many scratch arrays the rule needs.
        place: the GPU and the stream on which it runs.

    Attributes:
        recorded: how often it was recorded.
        why: why it can't be a graph, in words.
    """

    def __init__(
        self, entries: Sequence[Entry], decays: Sequence[bool], temporaries: int, place: tuple[int, int]
    ) -> None:
        self.entries = list(entries)  # held, since they are known by their identities
        self.decays = list(decays)
        self.variables = [v for entry in entries for v in (entry.variable, *entry.slots)]
        self.temporaries, self.place = temporaries, place
        self.recorded = self.calls = 0
        self.why: str | None = None
        self._varying: set[int] = set()  # settings that have changed
        self._settings: tuple[Any, ...] = ()  # those in the graph, and in its numbers
        self._graph: Any = None
        self._addresses: list[tuple[int, tuple[int, ...]]] = []
        self._gradients: list[Any] = []  # where the graph reads them
        self._numbers: dict[numpy.dtype, Any] = {}  # the settings that vary, in the types of variables
        self._kept: list[Any] = []  # memory that the graph works in

    def run(self, rule: Rule, settings: tuple[Any, ...], gradients: Sequence[Any]) -> bool:
        """Update the variables; False, and nothing has happened, where that can't be a graph.

        The last of the settings is the share by which variables shrink.
        """
        self.calls += 1
        if self.recorded > _PATIENCE and 2 * self.recorded > self.calls:
            self.why = "weights or their slots lie elsewhere in most steps"
            return False
        with Writing(self.variables) as arrays:
            if not self._fits(arrays, settings):
                return self._record(rule, settings, gradients, arrays)
            self._fill(settings, gradients)
            self._graph.launch()
        return True

    def _fits(self, arrays: Sequence[Any], settings: tuple[Any, ...]) -> bool:
        """Whether all lies where the graph reads and writes it, and numbers in it are those of now."""
        changed = {i for i, (a, b) in enumerate(zip(settings, self._settings)) if a != b and i not in self._varying}
        if self._graph is not None and changed:
            self._varying |= changed
            return False
        return self._graph is not None and list(map(_where, arrays)) == self._addresses

    def _fill(self, settings: tuple[Any, ...], gradients: Sequence[Any]) -> None:
        for place, gradient in zip(self._gradients, gradients):
            place[...] = gradient
        if settings != self._settings:
            self._settings = settings
            for dtype, numbers in self._numbers.items():
                numbers.set(numpy.array([settings[i] for i in sorted(self._varying)], dtype))

    def _record(self, rule: Rule, settings: tuple[Any, ...], gradients: Sequence[Any], arrays: Sequence[Any]) -> bool:
        """Make the graph, and launch it: the variables are updated then."""
        self._graph, self._settings = None, ()
        recording = Recording()
        with recording.memory():
            self._gradients = list(map(recording.cupy.empty_like, gradients))
            count = len(self._varying)
            self._numbers = {a.dtype: recording.cupy.empty(count, a.dtype) for a in arrays} if count else {}
            scratch = Scratch(self.temporaries)
            for array in arrays:
                scratch.like(array)
        expected, again = [a.copy(order="K") for a in arrays], [a.copy(order="K") for a in arrays]
        self._fill(settings, gradients)
        by_type = {a.dtype: self._with_numbers(settings, a.dtype) for a in arrays}
        try:
            self._work(rule, expected, scratch, recording, dict.fromkeys(by_type, settings))
            self._work(rule, again, scratch, recording, by_type)  # kernels are compiled before the capture
            graph, _ = recording.capture(lambda: self._work(rule, arrays, scratch, recording, by_type))
        except Exception as error:  # noqa: BLE001 - whatever CuPy says, the update is made without a graph
            self.why = f"{type(error).__name__}: {error}"
            return False
        graph.launch()
        apart = next(filter(None, map(not_close, arrays, expected)), None)
        if apart is not None:
            for array, values in zip(arrays, expected):
                array[...] = values
            self.why = f"one gave {apart}"
            return True
        self._graph, self._addresses = graph, list(map(_where, arrays))
        self._kept = [recording, scratch, by_type]
        self.recorded += 1
        return True

    def _with_numbers(self, settings: tuple[Any, ...], dtype: numpy.dtype) -> tuple[Any, ...]:
        """The settings, with arrays of one number in the places of those that vary."""
        found = list(settings)
        for number, i in enumerate(sorted(self._varying)):
            found[i] = self._numbers[dtype][number : number + 1].reshape(())
        return tuple(found)

    def _work(
        self,
        rule: Rule,
        arrays: Sequence[Any],
        scratch: Scratch,
        recording: Recording,
        settings: dict[numpy.dtype, tuple[Any, ...]],
    ) -> None:
        start = 0
        for entry, gradient, decays in zip(self.entries, self._gradients, self.decays):
            stop = start + 1 + len(entry.slots)
            w, *slots = arrays[start:stop]
            *numbers, decay = settings[w.dtype]
            if decays:
                w -= w * decay
            rule(recording.cupy, w, gradient, slots, tuple(numbers), scratch.like(w))
            start = stop


def _where(array: Any) -> tuple[int, tuple[int, ...]]:
    return array.data.ptr, array.strides

"""How an elementwise rule goes over all variables: small ones packed into one array, large ones in pieces.

A rule is a dozen calls of NumPy. For a small variable they cost more than the arithmetic, so small ones are packed
(`packed.py`). Large ones are cut into pieces that stay in the processor's cache while the rule works on them, and
shared among threads. Elementwise rules give the same bits however their arrays are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.core.in_place import Writing
from eagerflow.core.observe import clock, current
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.kernels.machine.numbers import Numbers
from eagerflow.kernels.machine.threads import each, get_num_threads, scratch
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.updates.packed import Packed, packable

__all__ = ["Passes", "announce_pass", "announce_update", "as_given", "elementwise"]

_PIECE = 1 << 19  # bytes of one array
_WHOLE = 1 << 22  # bytes of an array below which one thread works faster without cutting it
_SHARED = 1 << 17  # bytes of an array below which sharing it costs more than it saves
_LINE = 16  # elements that pieces are a multiple of, so that they begin with lines of the cache
_SETS = 8  # of variables that one optimizer updates in turn; with more, further ones aren't packed
_MICROSECONDS = 1e-3  # that a rule takes for an element, roughly
_NAMES = tuple([f"optimizers.{i}" for i in range(8)])  # of scratch arrays


def elementwise(rule: Callable[..., None]) -> Callable[..., None]:
    """Declare that a rule treats every element by itself: its arrays may be joined and cut."""
    rule.elementwise = True  # type: ignore[attr-defined]
    return rule


class Part(NamedTuple):
    """Arrays of one shape that a rule works on: the weights of one or more variables, gradient, slots and scratch."""

    weights: Any
    gradient: Any
    slots: Sequence[Any]
    decays: bool  # whether the weights shrink before the update
    temporaries: Sequence[Any] | None = None  # None: what all threads have
    bound: dict[int, Any] | None = None  # for arrays that come again: what does a rule's work on them


class Plan:
    """Which of a set of variables are packed."""

    def __init__(self, entries: list[Entry], decays: list[bool], temporaries: int) -> None:
        self.entries, self.decays = entries, decays
        self.distinct = len(set(entries)) == len(entries)
        kinds: dict[Any, list[int]] = {}
        for i, (entry, decay) in enumerate(zip(entries, decays)):
            if packable(entry):
                kinds.setdefault((entry.variable.data.dtype, len(entry.slots), decay), []).append(i)
        chosen = [kind for kind in kinds.values() if len(kind) > 1]
        self.packs = [(Packed([entries[i] for i in kind], temporaries), kind) for kind in chosen]
        self._sort_out()

    def _sort_out(self) -> None:
        packed = {i for _, places in self.packs for i in places}
        self.alone = [i for i in range(len(self.entries)) if i not in packed]
        entries = [self.entries[i] for i in self.alone]
        self.variables = [v for entry in entries for v in (entry.variable, *entry.slots)]

    def give_up(self) -> None:
        """Pack no more what packing doesn't pay for."""
        self.packs = [pair for pair in self.packs if not pair[0].hopeless]
        self._sort_out()

    def parts(self, gradients: list[Any], arrays: list[Any]) -> Iterator[Part]:
        """What the rule is to work on; `arrays` are those of `variables`."""
        for packed, places in self.packs:
            weights, *slots = packed.begin(
                gradients if len(places) == len(gradients) else [gradients[i] for i in places]
            )
            yield Part(weights, packed.gradient, slots, self.decays[places[0]], packed.temporaries, packed.bound)
        start = 0
        for i in self.alone:
            stop = start + 1 + len(self.entries[i].slots)
            weights, *slots = arrays[start:stop]
            yield Part(weights, gradients[i], slots, self.decays[i])
            start = stop


class Passes:
    """The passes of one optimizer."""

    def __init__(self, temporaries: int, decays: Callable[[Any], bool]) -> None:
        self.temporaries, self.decays = temporaries, decays
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._last: Plan | None = None
        self._numbers = Numbers()

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles plan again: their variables have arrays of their own."""
        return {**self.__dict__, "_plans": {}, "_last": None, "_numbers": Numbers()}

    def run(
        self, rule: Any, settings: Any, entries: list[Entry], gradients: list[Any], decay: float, scale: float | None
    ) -> None:
        """Update all variables."""
        plan = self._plan(entries)
        if not plan.distinct:  # somebody gives a variable twice: one update after the other
            for entry, gradient in zip(entries, gradients):
                self.run(rule, settings, [entry], [gradient], decay, scale)
            return
        if plan.alone:
            with Writing(plan.variables) as arrays:
                self.update(plan.parts(gradients, arrays), rule, settings, decay, scale)
        else:
            self.update(plan.parts(gradients, []), rule, settings, decay, scale)
        for packed, _ in plan.packs:
            packed.show()
            if packed.hopeless:
                plan.give_up()

    def update(self, parts: Iterable[Part], rule: Any, settings: Any, decay: float, scale: float | None) -> None:
        """Let a rule work on some parts; see `run`."""
        large: list[Part] = []
        for part in parts:
            if part.weights.nbytes > _SHARED:
                large += _pieces(part)
            else:
                self.work(part, rule, settings, decay, scale)
        if large:
            microseconds = sum([piece.weights.size for piece in large]) * _MICROSECONDS
            each(lambda i: self.work(large[i], rule, settings, decay, scale), len(large), microseconds)

    def work(self, piece: Part, rule: Any, settings: Any, decay: float, scale: float | None) -> None:
        """Let a rule work on a part that isn't cut any more; see `run`."""
        w, g, slots, decays, temporaries, bound = piece
        if decay and decays:
            less = scratch(_NAMES[-1], w.shape, w.dtype)
            numpy.multiply(w, decay, out=less)
            w -= less
        if scale is not None:
            g = numpy.multiply(g, scale, out=scratch(_NAMES[-1], w.shape, w.dtype))
        if temporaries is None:
            temporaries = [scratch(name, w.shape, w.dtype) for name in _NAMES[: self.temporaries]]
        settings = self._numbers.as_arrays(w.dtype, settings)
        if bound is None or scale is not None:
            rule(numpy, w, g, slots, settings, temporaries)
            return
        known = bound.get(id(w))
        if known is not None and known[0] is rule and known[1] is settings:
            known[2]()
            return
        rule(numpy, w, g, slots, settings, temporaries)
        again = getattr(rule, "bind", lambda *_: None)(numpy, w, g, slots, settings, temporaries)
        if again is not None:
            bound[id(w)] = rule, settings, again

    def _plan(self, entries: list[Entry]) -> Plan:
        plan = self._last
        if plan is None or plan.entries != entries:
            key = tuple(map(id, entries))
            plan = self._plans.get(key)
            if plan is None:
                if len(self._plans) >= _SETS:
                    self._plans.clear()
                plan = Plan(list(entries), [self.decays(entry.variable) for entry in entries], self.temporaries)
                self._plans[key] = plan
            self._last = plan
        return plan


def _pieces(part: Part) -> Iterator[Part]:
    """The part, cut where it is large: for each thread a piece, or for the cache.

    As few as possible: between two calls of NumPy only one thread runs, and waiting threads wake late.
    """
    w, g, slots, decays, *_ = part
    threads = get_num_threads()
    most = _WHOLE if threads == 1 else _PIECE
    if w.nbytes <= most or not all([a.flags.c_contiguous for a in (w, *slots)]):
        yield part
        return
    w, g, *slots = (a.reshape(-1) for a in (w, g, *slots))
    length = _PIECE // w.itemsize
    if w.nbytes <= threads * _WHOLE:
        length = -(-w.size // threads)
        length += -length % _LINE
    for start in range(0, w.size, length):
        cut = slice(start, start + length)
        yield Part(w[cut], g[cut], [slot[cut] for slot in slots], decays)


def as_given(grads: list[Any], arrays: list[Any]) -> list[Tensor]:
    """The gradients as they are announced: the tensors that came, so that observers know what made them."""
    given = [g for g in grads if g is not None]
    return [g if type(g) is Tensor and g.data is a else Tensor(a, None, None) for g, a in zip(given, arrays)]


def announce_update(name: str, variable: Variable, gradient: Any, started: int, ended: int) -> None:
    """Tell observers that a variable was changed by its gradient, a raw array."""
    for observer in current():
        observer.on_update(name, variable, (Tensor(gradient, None, None),), started, ended)


def announce_pass(
    name: str, entries: Sequence[Entry], gradients: Sequence[Any], scale: float | None, started: int
) -> None:
    """Tell observers of a pass over many variables: each took the part of the time that its size makes."""
    passed, whole, done, begin = clock() - started, sum([g.size for g in gradients]) or 1, 0, started
    updates: list[tuple[Variable, tuple[Tensor], int, int]] = []
    for entry, g in zip(entries, gradients):
        done += g.size
        end = started + passed * done // whole
        given = Tensor(g if scale is None else g * g.dtype.type(scale), None, None)
        updates.append((entry.variable, (given,), begin, end))
        begin = end
    for observer in current():
        observer.on_updates(name, updates)

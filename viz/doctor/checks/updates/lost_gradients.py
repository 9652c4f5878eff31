"""Where the way from weights to the loss ends, and terms of the loss that nothing learns from."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, host, is_tensor, is_variable, key_of, tensors, tracked
from viz.doctor.facts.source_calls import tape_around
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import Program, layer_label
from viz.doctor.user_code import Place, user_frames
from viz.frameworks.contract import Tensor

__all__ = ["End", "LostGradients", "LostTerms"]

_FLAT = ("round", "floor", "ceil", "trunc", "sign", "stop_gradient")  # ops whose outputs have no gradient, or 0
_READS = {"numpy": ".numpy()", "item": ".item()", "tolist": ".tolist()", "array": "NumPy", "float": "float(...)"}
_NOTHING: frozenset[int] = frozenset()
_Marks = dict[int | None, "End"]  # by weights (None: those of a tape that is over)


class End(NamedTuple):
    """Where the way ends."""

    how: str  # "op", "read", "before" (no tape records where weights are used) or "behind" (after the tape's block)
    by: str  # the name of the op, what reads the values, or what is called
    place: Place | None
    means: str = ""  # what the op does


class LostGradients:
    """Follows with which weights tensors are made, up to where no tape follows them."""

    def __init__(self, watch: Program) -> None:
        self._watch = watch
        self._made_with: dict[int, frozenset[int]] = {}  # the numbers of weights, by the keys of tensors
        self._ends: list[tuple[End, frozenset[int]]] = []
        self._over = False  # was a gradient asked for since then? A second tape of the same block asks for another
        self._marked: dict[int, tuple[weakref.ref[Tensor], _Marks]] = {}  # what was made outside of tapes, by ids

    def hear(self, op: Any, inputs: Iterable[Any], outputs: Tensor) -> None:
        """Hear of an op."""
        given = tensors(list(inputs))
        flat = outputs.data.dtype.kind in "biu" or op.means in _FLAT
        self._unrecorded(given, outputs, flat)
        if outputs.key is not None:
            if self._over:
                self._over = False
                self._ends.clear()
            found = self._weights(given)
            if found:
                self._made_with[outputs.key] = found
        elif flat and any(x.key is not None for x in given):  # others stand outside of the tape
            self._end(End("op", op.name, self._watch.place(), op.means), given)

    def read(self, tensor: Any, how: str, place: Place) -> None:
        """Hear of values that a line of the user's reads."""
        if tensor.key is None or how not in _READS or self._watch.inside("metric"):
            return
        of_fit = self._watch.trains() and self._watch.inside("loss", "layer", "model")
        if (
            of_fit
            or not self._watch.has_tapes
            or any(tape_around(Place(f.f_code.co_filename, f.f_lineno)) for f in user_frames())
        ):
            self._end(End("read", _READS[how], place), [tensor])

    def _end(self, end: End, given: Iterable[Any]) -> None:
        found = self._weights([x for x in given if not is_variable(x)])
        if end.how == "op" or all(end != known for known, _ in self._ends):
            self._ends.append((end, found))

    def _weights(self, given: Iterable[Any]) -> frozenset[int]:
        found = _NOTHING
        for x in given:
            if is_variable(x):
                own = frozenset([x.identity]) if x.trainable else _NOTHING
            else:
                own = self._made_with.get(x.key, _NOTHING) if x.key is not None else _NOTHING
            found = found if own <= found else own if found <= own else found | own
        return found

    def _unrecorded(self, given: list[Tensor], made: Tensor, flat: bool) -> None:
        if self._watch.step >= limits.WINDOW or self._watch.inside("optimizer"):
            return
        if self._watch.inside("step") and not self._watch.trains():
            return
        found: _Marks = {}
        for x in given:
            found.update(self._marks(x))
        if made.key is None and not flat:
            own = [x for x in given if is_variable(x) and x.trainable]
            tracked = any(x.key is not None and not is_variable(x) for x in given)
            outer = own and self._watch.has_tapes
            place = None if not own and not tracked else self._watch.called_at() if outer else self._watch.place()
            if place is not None:
                callers = [opened.owner for opened in self._watch.scopes if opened.kind in ("layer", "model")]
                end = End("before" if own else "behind", layer_label(callers[0]) or "" if callers else "", place)
                found.update({x.identity: end for x in own} if own else {None: end})
        if found:
            self._marked[id(made)] = weakref.ref(made, partial(_forget, self._marked, id(made))), found

    def _marks(self, x: Tensor) -> _Marks:
        known = self._marked.get(id(x))
        return known[1] if known is not None and known[0]() is x else {}

    def asked(self, gradients: Gradients) -> dict[int, End]:
        """Where the way ends from weights without a gradient, by the numbers of these, as far as that is known.

        What some of the others are made with, too, as an accuracy is, hides nothing: these have their gradient.
        """
        self._over = True
        have = {s.identity for s, r in zip(gradients.sources, gradients.results) if is_tensor(r)}
        marks: _Marks = {}
        for target in tensors(gradients.targets):
            marks.update(self._marks(target))
        ends = [(end, found) for end, found in self._ends if found.isdisjoint(have)]
        last = [end for end, _ in ends if end.how == "op"][-1:] if not have else []
        lines = {end for end, _ in ends} if not have else set()
        found: dict[int, End] = {}
        for number in gradients.asked - have:
            mine = dict.fromkeys([end for end, weights in ends if number in weights])
            ops = [end for end in mine if end.how == "op"]
            marked = marks.get(number) or marks.get(None)
            one = next((list(each) for each in (mine, ops, lines) if len(each) == 1), None)
            known = last or ([marked] if marked is not None else one)
            if known:
                found[number] = known[0]
        return found

    def clear(self) -> None:
        """Forget what belongs to a step that is over."""
        self._made_with.clear()


class _Source(NamedTuple):
    """What a tensor comes from."""

    weights: frozenset[int] = _NOTHING  # through which its gradient goes, by their numbers
    lost: frozenset[int] = _NOTHING  # weights that it was made with behind a place that lets no gradient through
    place: Place | None = None  # of that; of other tensors, where they were made
    by: str = ""  # the name of the op at that place; empty for none
    data: bool = False  # was it made of anything but weights?


class LostTerms(Check):
    """Follows what each term of a loss was made with, and which weights are updated with its gradient."""

    rules = {
        "no_gradient.term": Rule.error(
            "a term of the loss teaches nothing, in {steps!c}: {why}",
            "Leave detach, item, argmax and comparisons out of what shall be learnt from; what is counted belongs into "
            "metrics. A term that is only to be looked at isn't added to the loss.",
        ),
        "penalty_dominates.term": Rule.warning(
            "a penalty of weights is {penalty!n}, {times!n} times the rest of the loss ({data_loss!n}), after "
            "{steps!c}: training makes weights small, and learns little else",
            "Use a hundredth of that penalty, or none; weight_decay=1e-4 in the optimizer is a usual one.",
        ),
    }

    always = ("on_gradients", "on_update")

    def begin(self) -> None:
        self._known: dict[Any, _Source] = {}  # by the keys of tensors that a gradient goes through
        self._before: dict[Any, _Source] = {}  # the same of the step before: a GAN's rows are used in both
        self._plain: dict[int, tuple[Any, _Source]] = {}  # of others, by their ids
        self._numbers: dict[float, _Source] = {}  # that were read
        self._terms: dict[Any, list[Any]] = {}  # of sums, by their keys
        self._asked: tuple[list[_Source], set[int]] | None = None  # terms, and whose gradients were asked for
        self._updated: set[int] = set()
        self._dominated = 0  # steps, from the first on, in which a penalty did
        self._counts: dict[Any, list[Any]] = {}  # by the place: a term, how often it taught nothing, and something

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or self.watch.inside("optimizer", "metric"):
            return
        found = [self._source(x) for x in inputs]
        weights = _NOTHING.union(*[each.weights for each in found])
        lost = _NOTHING.union(*[each.lost for each in found])
        given = [x for x in tensors(list(inputs)) if not is_variable(x)]
        known = [x.key in self._known or x.key in self._before for x in given if x.key is not None]
        data = any(each.data for each in found) or not all(known)
        data = data or any(x.key is None and x.data.size > 1 for x in given)
        at = next((each for each in found if each.by), _Source(place=self.watch.place()))
        for out in tensors(outputs):
            if out.key is not None:
                self._known[out.key] = _Source(weights, lost, at.place, at.by, data)
                scales = op.means in ("multiply", "divide", "negative") and sum(map(tracked, inputs)) == 1
                if out.data.size == 1 and (scales or (op.means in ("add", "subtract") and len(inputs) == 2)):
                    self._terms[out.key] = list(zip(inputs, found))
            elif weights or lost:
                by = at.by or (op.name if any(map(computed, inputs)) else "")
                made = _Source(_NOTHING, weights | lost, at.place, by, data)
                self._plain[id(out)] = weakref.ref(out, partial(_forget, self._plain, id(out))), made

    def _source(self, x: Any) -> _Source:
        if isinstance(x, float):
            return self._numbers.get(x, _Source())
        if not is_tensor(x):
            return _Source()
        if is_variable(x):
            return _Source(frozenset([x.identity]))
        if x.key is not None:
            return self._known.get(x.key) or self._before.get(x.key, _Source())
        known = self._plain.get(id(x))
        return known[1] if known is not None and known[0]() is x else _Source()

    def on_read(self, tensor: Any, how: str, place: Any) -> None:
        if how in ("item", "float") and tensor.data.size == 1:
            source, value = self._source(tensor), float(tensor.data.reshape(()))
            if (source.weights or source.lost) and value not in (0.0, 1.0):
                lost = source.weights | source.lost
                self._numbers[value] = _Source(_NOTHING, lost, place if source.weights else source.place, how, True)

    def on_gradients(self, gradients: Gradients) -> None:
        self._judge()
        terms = self._parts(gradients.key) if self.watch.heavy else []
        if 1 < len(terms) <= limits.WINDOW:
            self._asked = [each for _, each in terms], gradients.asked
        penalty = sum(abs(value) for value, each in terms if not each.data and len(each.weights) > 1)
        rest = abs(gradients.value - penalty)
        self._dominated = self._dominated + 1 if terms and penalty > limits.PENALTY * rest > 0 else 0
        if self._dominated == self.watch.step + 1 == limits.WINDOW:  # later, little may be left of the rest
            place = next(each.place for _, each in terms if not each.data and len(each.weights) > 1)
            about = {"penalty": penalty, "data_loss": rest, "times": penalty / rest, "steps": self._dominated}
            self.tell("penalty_dominates.term", place=place, key=("penalty_dominates", 0), **about)

    def _parts(self, key: Any) -> list[tuple[float, _Source]]:
        """The values of the terms that a loss is the sum of, and what they come from."""
        found: list[tuple[float, _Source]] = []
        for x, source in self._terms.get(key, ()):
            inner = self._parts(key_of(x)) if key_of(x) in self._terms and source.data else []
            value = float(host(x.data).reshape(())) if is_tensor(x) and x.data.size == 1 else 0.0
            found += inner or ([(value, source)] if source.weights or source.lost else [])
        return found

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if self._asked is not None:
            self._updated.add(variable.identity)

    def _judge(self) -> None:
        """The updates with the last gradients are over."""
        asked, updated = self._asked, self._updated
        self._asked, self._updated = None, set()
        for term in asked[0] if asked is not None and updated else ():
            known = self._counts.setdefault(term.place, [term, 0, 0, updated])
            known[1 if term.weights.isdisjoint(updated) else 2] += 1

    def on_step_end(self) -> None:
        self._before, self._known = self._known, {}
        self._numbers.clear()
        self._terms.clear()

    def finish(self) -> None:
        self._judge()
        taught = any(right for _, _, right, _ in self._counts.values())
        for place, (term, idle, right, updated) in self._counts.items():
            if idle < max(limits.WINDOW, 4 * right) or not taught:
                continue
            own = bool(term.by) and not term.lost.isdisjoint(updated)
            why = f"{term.by} lets no gradient of it through" if own else "it is made without the weights that learn"
            severity = "error" if own or not term.weights else "warning"
            at = {"op": term.by or None, "place": place, "key": ("no_gradient.term", place)}
            self.tell("no_gradient.term", severity, steps=idle, why=why, **at)


def _forget(known: dict[int, Any], number: int, gone: Any) -> None:
    known.pop(number, None)

"""`no_gradient.term`: a term of the loss that nothing learns from."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, host, is_tensor, is_variable, key_of, tensors, tracked
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import Place

__all__ = ["LostTerms"]

_PENALTY = 10.0  # penalties against the rest of the loss; usual ones are below it
_TERMS = 8  # of more, most are penalties of single weights
_NOBODY: frozenset[int] = frozenset()


class _Source(NamedTuple):
    """What a tensor comes from.

    Attributes:
        weights: through which its gradient goes, by their numbers.
        lost: weights that it was made with, too, behind a place that lets no gradient through.
        place: of that; of other tensors, where they were made.
        by: the name of the op at that place; empty for none.
        data: was it made of anything but weights?
    """

    weights: frozenset[int] = _NOBODY
    lost: frozenset[int] = _NOBODY
    place: Place | None = None
    by: str = ""
    data: bool = False


class LostTerms(Check):
    """Follows what each term of a loss was made with, and which weights are updated with its gradient."""

    rules = {
        "no_gradient.term": Rule(
            "error",
            "a term of the loss teaches nothing, in {steps!c}: {why}",
            "Leave detach, item, argmax and comparisons out of what shall be learnt from; what is counted belongs into "
            "metrics. A term that is only to be looked at isn't added to the loss.",
        ),
        "penalty_dominates.term": Rule(
            "warning",
            "a penalty of weights is {penalty!n}, {times!n} times the rest of the loss ({data_loss!n}), after "
            "{steps!c}: training makes weights small, and learns little else",
            "Use a hundredth of that penalty, or none; weight_decay=1e-4 in the optimizer is a usual one.",
        ),
    }

    always = ("on_gradients", "on_update")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._known: dict[Any, _Source] = {}  # by the keys of tensors that a gradient goes through
        self._before: dict[Any, _Source] = {}  # the same of the step before: a GAN's rows are used in both
        self._plain: dict[int, tuple[Any, _Source]] = {}  # of others, by their ids
        self._numbers: dict[float, _Source] = {}  # that were read
        self._terms: dict[Any, list[Any]] = {}  # of sums, by their keys
        self._asked: tuple[list[_Source], set[int]] | None = None  # terms, and whose gradients were asked for
        self._updated: set[int] = set()
        self._dominated = 0  # steps, from the first on, in which a penalty did
        self._counts: dict[Any, list[Any]] = {}  # by the place: a term, how often it taught nothing, and something

    # ------------------------------------------------------------------ what tensors come from

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or self.watch.inside("optimizer", "metric"):
            return
        found = [self._source(x) for x in inputs]
        weights = _NOBODY.union(*[each.weights for each in found])
        lost = _NOBODY.union(*[each.lost for each in found])
        given = [x for x in tensors(list(inputs)) if not is_variable(x)]
        known = [x.key in self._known or x.key in self._before for x in given if x.key is not None]
        data = any(each.data for each in found) or not all(known)
        data = data or any(x.key is None and x.data.size > 1 for x in given)
        at = next((each for each in found if each.by), _Source(place=self.watch.place()))
        for out in tensors(outputs):
            if out.key is not None:
                self._known[out.key] = _Source(weights, lost, at.place, at.by, data)
                scales = op.name in ("multiply", "divide", "negative") and sum(map(tracked, inputs)) == 1
                if out.data.size == 1 and (scales or (op.name in ("add", "subtract") and len(inputs) == 2)):
                    self._terms[out.key] = list(zip(inputs, found))
            elif weights or lost:
                by = at.by or (op.name if any(map(computed, inputs)) else "")
                made = _Source(_NOBODY, weights | lost, at.place, by, data)
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
                self._numbers[value] = _Source(_NOBODY, lost, place if source.weights else source.place, how, True)

    # ------------------------------------------------------------------ judging

    def on_gradients(self, gradients: Gradients) -> None:
        self._judge()
        terms = self._parts(gradients.key) if self.watch.heavy else []
        if 1 < len(terms) <= _TERMS:
            self._asked = [each for _, each in terms], gradients.asked
        penalty = sum(abs(value) for value, each in terms if not each.data and len(each.weights) > 1)
        rest = abs(gradients.value - penalty)
        self._dominated = self._dominated + 1 if terms and penalty > _PENALTY * rest > 0 else 0
        if self._dominated == self.watch.step + 1 == limits.UNREACHED_STEPS:  # later, little may be left of the rest
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
        """Tell of terms that never taught anything, while others did."""
        self._judge()
        taught = any(right for _, _, right, _ in self._counts.values())
        for place, (term, idle, right, updated) in self._counts.items():
            if idle < max(limits.UNREACHED_STEPS, 4 * right) or not taught:
                continue
            own = bool(term.by) and not term.lost.isdisjoint(updated)
            why = f"{term.by} lets no gradient of it through" if own else "it is made without the weights that learn"
            severity = "error" if own or not term.weights else "warning"
            self.tell(
                "no_gradient.term",
                severity,
                op=term.by or None,
                place=place,
                steps=idle,
                why=why,
                key=("no_gradient.term", place),
            )


def _forget(known: dict[int, Any], number: int, gone: Any) -> None:
    known.pop(number, None)

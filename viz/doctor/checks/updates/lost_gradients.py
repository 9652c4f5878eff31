"""Where the way from weights to the loss ends: at ops without a slope, where values are read, or outside of a tape."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import is_tensor, is_variable, tensors
from viz.doctor.facts.source_calls import tape_before
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import Program, layer_label
from viz.doctor.user_code import Place, user_frames
from viz.frameworks.contract import Tensor

__all__ = ["End", "LostGradients"]

_FLAT = ("round", "floor", "ceil", "trunc", "sign", "stop_gradient")  # ops whose outputs have no gradient, or 0
_READS = {"numpy": ".numpy()", "item": ".item()", "tolist": ".tolist()", "array": "NumPy", "float": "float(...)"}
_NOTHING: frozenset[int] = frozenset()
_Marks = dict[int | None, "End"]  # by weights (None: those of a tape that is over)


class End(NamedTuple):
    """Where the way ends.

    Attributes:
        how: `"op"`, `"read"`, `"before"` (weights are used where no tape records it) or `"behind"` (what a tape
            recorded is computed with after its block).
        by: the name of the op, what reads the values, or what is called.
        place: the user's line.
    """

    how: str
    by: str
    place: Place | None


class LostGradients:
    """Follows with which weights tensors are made, up to where no tape follows them.

    Args:
        watch: the program.
    """

    def __init__(self, watch: Program) -> None:
        self._watch = watch
        self._made_with: dict[int, frozenset[int]] = {}  # the numbers of weights, by the keys of tensors
        self._ends: list[tuple[End, frozenset[int]]] = []
        self._over = False  # was a gradient asked for since then? A second tape of the same block asks for another
        self._marked: dict[int, tuple[weakref.ref[Tensor], _Marks]] = {}  # what was made outside of tapes, by ids

    def hear(self, op: Any, inputs: Iterable[Any], outputs: Tensor) -> None:
        """Hear of an op."""
        given = tensors(list(inputs))
        flat = outputs.data.dtype.kind in "biu" or op.name in _FLAT
        self._unrecorded(given, outputs, flat)
        if outputs.key is not None:
            if self._over:
                self._over = False
                self._ends.clear()
            found = self._weights(given)
            if found:
                self._made_with[outputs.key] = found
        elif flat and any(x.key is not None for x in given):  # others stand outside of the tape
            self._end(End("op", op.name, self._watch.place()), given)

    def read(self, tensor: Any, how: str, place: Place) -> None:
        """Hear of values that a line of the user's reads."""
        if tensor.key is None or how not in _READS or self._watch.inside("metric"):
            return
        of_fit = self._watch.trains() and self._watch.inside("loss", "layer", "model")
        if (
            of_fit
            or not self._watch.has_tapes
            or any(_in_tape(Place(f.f_code.co_filename, f.f_lineno)) for f in user_frames())
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

    # ------------------------------------------------------------------ what no tape recorded

    def _unrecorded(self, given: list[Tensor], made: Tensor, flat: bool) -> None:
        if self._watch.step >= limits.UNREACHED_STEPS or self._watch.inside("optimizer"):
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
            key, marked = id(made), self._marked

            def forget(ref: weakref.ref[Tensor]) -> None:
                if key in marked and marked[key][0] is ref:
                    del marked[key]

            marked[key] = weakref.ref(made, forget), found

    def _marks(self, x: Tensor) -> _Marks:
        known = self._marked.get(id(x))
        return known[1] if known is not None and known[0]() is x else {}

    # ------------------------------------------------------------------ what is asked

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


def _in_tape(place: Place) -> bool:
    """Does a line stand in the block of a tape?"""
    block = tape_before(place)
    return block is not None and place.line <= block[1]

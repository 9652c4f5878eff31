"""What a loss is made of that no tape recorded: calls before the tape begins, or a loss that is computed behind it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import tensors
from viz.doctor.program import Program, layer_label
from viz.doctor.source_calls import tape_before
from viz.doctor.user_code import Place

__all__ = ["Unrecorded", "Way"]


class Way(NamedTuple):
    """Where weights were used, or what was computed from them, while no tape recorded it.

    Attributes:
        place: the user's line.
        caller: the name of the layer or model that is called there; None for an op.
        behind: is it that what a tape recorded is computed with after its block?
    """

    place: Place
    caller: str | None
    behind: bool

    def words(self, gradient: Place | None) -> str:
        """What is wrong, in words.

        Args:
            gradient: the line on which gradients are asked of the tape.
        """
        block = tape_before(gradient) if gradient is not None and gradient.file == self.place.file else None
        if self.behind:
            lines = "" if block is None or self.place.line <= block[1] else f", lines {block[0]} to {block[1]}"
            return f"the loss is computed outside of the block of the tape{lines}"
        what = f"{self.caller!r} is called" if self.caller is not None else "the weights are used"
        if block is None or self.place.line >= block[0]:
            return f"{what} where no tape records it"
        return f"{what} before the tape of line {block[0]} begins, so that tape never sees it"


class Unrecorded:
    """Follows tensors that were made while no tape recorded, up to what gradients are asked of.

    Args:
        watch: the program.
    """

    def __init__(self, watch: Program) -> None:
        self._watch = watch
        # By the tensors, which may go at any time: the weights that they were made with (None: those of a tape that
        # is over), and where.
        self._marked: dict[int, tuple[weakref.ref[Tensor], dict[int | None, Way]]] = {}
        self._ways: dict[int, Way] = {}

    def hear(self, inputs: Iterable[Any], outputs: Any, flat: bool) -> None:
        """Hear of an op.

        Args:
            inputs: its inputs.
            outputs: its outputs.
            flat: has it no slope, so that no tape would record it?
        """
        made = tensors(outputs)
        if not made or self._watch.step >= limits.UNREACHED_STEPS or self._watch.inside("optimizer"):
            return
        if self._watch.inside("step") and not self._watch.trains():
            return
        given = tensors(list(inputs))
        found: dict[int | None, Way] = {}
        for x in given:
            found.update(self._of(x))
        if all(x.key is None for x in made) and not flat:
            own = [x for x in given if isinstance(x, Variable) and x.trainable]
            tracked = any(x.key is not None and not isinstance(x, Variable) for x in given)
            way = self._way(behind=not own) if own or tracked else None
            if way is not None:
                found.update({x.identity: way for x in own} if own else {None: way})
        if found:
            for x in made:
                self._mark(x, found)

    def _mark(self, x: Tensor, ways: dict[int | None, Way]) -> None:
        key, marked = id(x), self._marked

        def forget(ref: weakref.ref[Tensor]) -> None:
            if key in marked and marked[key][0] is ref:
                del marked[key]

        marked[key] = weakref.ref(x, forget), ways

    def _of(self, x: Tensor) -> dict[int | None, Way]:
        known = self._marked.get(id(x))
        return known[1] if known is not None and known[0]() is x else {}

    def _way(self, behind: bool) -> Way | None:
        place = self._watch.place() if behind else self._watch.called_at()
        callers = [opened.owner for opened in self._watch.scopes if opened.kind in ("layer", "model")]
        return None if place is None else Way(place, layer_label(callers[0]) if callers else None, behind)

    def asked(self, targets: Any, without: Iterable[Variable]) -> None:
        """Note by which ways the weights were lost of which a gradient was asked, and none was there."""
        found: dict[int | None, Way] = {}
        for target in tensors(targets):
            found.update(self._of(target))
        for variable in without if found else ():
            way = found.get(variable.identity) or found.get(None)
            if way is not None:
                self._ways.setdefault(variable.identity, way)

    def way_of(self, variable: Variable) -> Way | None:
        """How the gradient of these weights was lost; None where that isn't known."""
        return self._ways.get(variable.identity)

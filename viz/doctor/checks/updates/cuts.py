"""Ops that let no gradient through, and reads of values: where the way from some weights to the loss ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from eagerflow import Variable
from viz.doctor.check_base import tensors
from viz.doctor.user_code import Place

__all__ = ["Cut", "Cuts"]

_NOTHING: frozenset[int] = frozenset()


class Cut(NamedTuple):
    """Where the way ends.

    Attributes:
        by: the name of the op, or what reads the values, in words.
        place: the user's line.
        reads: is it that values are read?
    """

    by: str
    place: Place | None
    reads: bool


class Cuts:
    """Follows with which weights tensors are made, up to the ops behind which no tape follows them."""

    def __init__(self) -> None:
        self._made_with: dict[int, frozenset[int]] = {}  # the numbers of weights, by the keys of tensors
        self._cuts: list[tuple[Cut, frozenset[int]]] = []  # since the last gradient

    def hear(self, inputs: Iterable[Any], outputs: Any) -> None:
        """Hear of an op whose outputs a tape follows."""
        found = self._weights(inputs)
        if found:
            self._made_with.update((x.key, found) for x in tensors(outputs) if x.key is not None)

    def end(self, by: str, place: Place | None, given: Iterable[Any], reads: bool = False) -> None:
        """Hear of an op, or of reading, behind which no tape follows what these were."""
        found = self._weights(x for x in given if not isinstance(x, Variable))
        cut = Cut(by, place, reads)
        if found and all(cut != known for known, _ in self._cuts):
            self._cuts.append((cut, found))

    def _weights(self, given: Iterable[Any]) -> frozenset[int]:
        found = _NOTHING
        for x in tensors(list(given)):
            if isinstance(x, Variable):
                own = frozenset([x.identity]) if x.trainable else _NOTHING
            else:
                own = self._made_with.get(x.key, _NOTHING) if x.key is not None else _NOTHING
            found = found if own <= found else own if found <= own else found | own
        return found

    def asked(self, sources: Iterable[Variable], lacking: Iterable[Variable]) -> dict[int, Cut]:
        """The one place at which the way from weights without a gradient ends, by the numbers of the weights.

        What some of the others are made with, too, as an accuracy is, hides nothing: these have their gradient.

        Args:
            sources: of which a gradient was asked.
            lacking: those of them that have none.
        """
        without = {v.identity for v in lacking}
        others = {v.identity for v in sources} - without
        cuts, self._cuts = [(cut, found) for cut, found in self._cuts if found.isdisjoint(others)], []
        ends: dict[int, Cut] = {}
        for number in without:
            mine = [cut for cut, found in cuts if number in found]
            ops = [cut for cut in mine if not cut.reads]
            if len(mine) == 1 or len(ops) == 1:
                ends[number] = (ops or mine)[0]
        return ends

    def clear(self) -> None:
        """Forget what belongs to a step that is over."""
        self._made_with.clear()

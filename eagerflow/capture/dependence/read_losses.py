"""Losses that layers hold: which ones a step reads, and which ones it leaves there.

Whoever adds one to a layer that the step hasn't called changes what the step gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

from eagerflow.base.capturing import Shared
from eagerflow.capture.instructions import Call, Const, Group
from eagerflow.core.in_place import stored
from eagerflow.core.tensor import Tensor
from eagerflow.layer.added_losses import hold_losses

__all__ = ["Counted", "ReadLosses", "leave_losses", "leave_losses_until"]


class Counted(NamedTuple):
    """What happened to a layer's losses.

    Attributes:
        at: how many instructions came before.
        layer: gives it, or None if it is gone.
        is_added: whether one more was added; else all were forgotten.
    """

    at: int
    layer: ref[Any]
    is_added: bool


class ReadLosses:
    """What one run of a step reads of losses that were there before.

    Layers that it called itself hold none of those.

    Args:
        written: the instructions so far.

    Attributes:
        spoilt: why a function can't be called again, as it reads losses that a replay leaves at its end; or None.
        shared: what a replay depends on, by names that are the same in each run.
        counts: of instructions, when each layer forgot its losses and when one was added to it, in order.
    """

    def __init__(self, written: Sized) -> None:
        self.shared: dict[str, Shared] = {}
        self.spoilt: str | None = None
        self.counts = list[Counted]()
        self._written = written
        self._called: dict[int, ref[Any]] = {}  # layers by their identities; programs must not keep them alive

    def forget(self, layer: Any) -> None:
        """The outermost call of a layer begins: its losses are over, and those of the layers in it."""
        for each in layer._flatten_layers():
            self._called[id(each)] = ref(each)
            self.counts.append(Counted(len(self._written), ref(each), False))

    def add(self, layer: Any) -> None:
        """A layer has one loss more."""
        self.counts.append(Counted(len(self._written), ref(layer), True))

    def emptied(self) -> dict[int, ref[Any]]:
        """By their identities, those that were called and hold no losses afterwards."""
        there = [layer for layer in (ask() for ask in self._called.values()) if layer is not None]
        return {id(layer): ref(layer) for layer in there if not layer._losses}

    def read(self, layer: Any) -> None:
        """Somebody asks for the losses of a layer and of those in it."""
        others = [each for each in layer._flatten_layers() if not self.has_called(each)]
        if others:
            name = f"the losses that {layer.name!r} holds"
            self.shared[f"{name} {[*map(id, others)]}"] = Shared(name, partial(_held, list(map(ref, others))))

    def read_again(self, layer: Any) -> None:
        """A function that each replay calls again asks for the losses of a layer and of those in it."""
        if any(map(self.has_called, layer._flatten_layers())):  # also if there are none: others may have left some
            self.spoilt = f"reads the losses of {layer.name!r}, which a replay leaves there at its end"

    def has_called(self, layer: Any) -> bool:
        """Whether a layer was called, directly or within another."""
        called = self._called.get(id(layer))
        return called is not None and called() is layer


def leave_losses(recorder: Any, layers: list[Any]) -> None:
    """Let a replay leave in layers the losses that this run left there.

    Args:
        recorder: of the run.
        layers: those that the step reaches.
    """
    read = recorder.read_losses
    for layer in layers:
        is_called = read.has_called(layer)
        made = [isinstance(x, Tensor) and recorder.slot_of(stored(x)) is not None for x in layer._losses]
        if any(made) or (made and is_called):  # others are from before
            refs = [recorder.ref(x) if new or not is_called else Const(x) for x, new in zip(layer._losses, made)]
            args = Group(tuple, [Const(layer), Group(list, refs)])
            recorder.add(Call(hold_losses, args, Group(dict, []), [], _gives_nothing))


def leave_losses_until(
    at: int, counts: Iterable[Counted], instructions: Sequence[Any], values: Mapping[int, Any]
) -> None:
    """Let layers hold the losses that they held when the step had come to an instruction.

    Args:
        at: the number of the instruction.
        counts: see `ReadLosses`.
        instructions: of the program.
        values: of slots, as far as they are there.
    """
    calls = [each for each in instructions if isinstance(each, Call) and each.function is hold_losses]
    left = {id(call.args.parts[0].constant): call.args.parts[1].parts for call in calls}  # type: ignore[attr-defined]
    held = dict[int, tuple[Any, int]]()  # layers that the step has called by then, with how many losses they hold
    for each in counts:
        if (layer := each.layer()) is None:
            continue
        if each.at <= at:
            held[id(layer)] = layer, (held.get(id(layer), (layer, 0))[1] + 1 if each.is_added else 0)
        elif not each.is_added:
            left.pop(id(layer), None)  # what it holds in the end it was given later
    for layer, count in held.values():
        refs = left.get(id(layer), [])[:count]
        known = [each for each in refs if values.keys() >= set(each.slots())]
        hold_losses(layer, [each.value(values) for each in known])


def _gives_nothing(found: Any) -> list[Any]:
    return []


def _held(layers: list[Any]) -> tuple[Any, ...]:
    """What these layers hold: numbers, or the identities of tensors."""
    there = [layer for layer in (ask() for ask in layers) if layer is not None]
    return tuple([(i, _known_as(term)) for i, layer in enumerate(there) for term in layer._losses])


def _known_as(term: Any) -> Any:
    return term if type(term) in (int, float) else ("tensor", id(term))

"""A replay that others listen to: it announces what the captured run announced, with its own arrays and times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eagerflow.capture.marks import Begins, Differentiated, Ends, Mark, OwnTape
from eagerflow.capture.programs.instructions import Compute, Const, Convert, Group, Instruction, Read, Ref, Rule, Slot
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.log import new_key
from eagerflow.core.observe import Observer, Scope, clock, state as heeded
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor

__all__ = ["Announced", "Announcing"]


class Announced:
    """What a program's replays announce, found once."""

    def __init__(self, inputs: Sequence[int], instructions: Sequence[Instruction], marks: Sequence[Mark]) -> None:
        self.inputs, self.instructions, self.marks = inputs, instructions, marks
        asked = {n for mark in marks if isinstance(mark, Differentiated) for n in mark.sources.slots()}
        self.watched = asked & set(inputs)  # arguments whose gradients are asked for
        # Losses, which nobody may use after the backward pass; observers hear of them when it is over.
        self.kept = asked.union(n for mark in marks if isinstance(mark, Differentiated) for n in mark.targets.slots())


class Announcing:
    """One replay that is announced."""

    def __init__(self, announced: Announced, observers: Sequence[Observer], given: Sequence[Tensor]) -> None:
        self._announced, self._observers = announced, observers
        self._of_ops = observers if heeded.ops else ()
        self._told: dict[int, Any] = {}  # tensors and variables by slot, until nobody takes the slot any more
        self._keys: dict[int, int | None] = {}  # under which rules name them
        self._scopes: list[Scope] = []
        self._tapes: dict[int, GradientTape] = {}
        for number, tensor in zip(announced.inputs, given, strict=True):
            if number in announced.watched and tensor.key is None:
                tensor.key = new_key()  # as `GradientTape.watch` has it
            self._told[number], self._keys[number] = tensor, tensor.key

    # -- what the program calls

    def heard(self, number: int, started: int, outs: Sequence[Any]) -> None:
        """An instruction ran."""
        ended = clock()
        instruction = self._announced.instructions[number]
        if isinstance(instruction, Compute):
            self._computed(instruction, outs, started, ended)
        elif isinstance(instruction, Rule):
            self._gone_back(instruction, outs, started, ended)
        elif isinstance(instruction, Read):
            self._told[instruction.outs[0]] = instruction.variable
            self._keys[instruction.outs[0]] = instruction.variable.identity
        elif isinstance(instruction, Convert):
            self._same_as(instruction.source, instruction.outs[0])  # observers hear of the op's own arguments
        else:
            self._tell_of(instruction.outs, outs)

    def forget(self, *slots: int) -> None:
        """Nobody takes these slots any more."""
        for slot in slots:
            if slot not in self._announced.kept:
                self._told.pop(slot, None)

    def mark(self, number: int) -> None:
        """Something else is to be announced here."""
        mark = self._announced.marks[number]
        if isinstance(mark, Begins):
            owner = mark.owner()
            if isinstance(owner, OwnTape):
                owner = self._tapes.setdefault(owner.number, GradientTape())
            scope = Scope(mark.kind, mark.name, owner, self._shown(mark.inputs))
            self._scopes.append(scope)
            for observer in self._observers:
                observer.on_scope_begin(scope)
        elif isinstance(mark, Ends):
            self._end(self._shown(mark.outputs), None)
        elif isinstance(mark, Differentiated):
            told = self._shown(mark.targets), self._shown(mark.sources), self._shown(mark.results)
            for observer in self._observers:
                observer.on_gradient(*told)

    def tensor(self, array: Any, mask: Any = None, logits: Any = None) -> Tensor:
        """A tensor for a call or for who called the step; observers know it already."""
        made = Tensor(array, None, None)
        told = next((x for x in reversed(self._told.values()) if x.__class__ is Tensor and x.data is array), None)
        if told is not None and hasattr(told, "serial"):
            made.serial = told.serial
        if mask is not None:
            made.mask = mask
        if logits is not None:
            made.logits = logits
        return made

    def fail(self, error: BaseException) -> None:
        """The replay ends by an error: so do all scopes that are open."""
        while self._scopes:
            self._end(None, error)

    # -- what is announced

    def _computed(self, instruction: Compute, outs: Sequence[Any], started: int, ended: int) -> None:
        for ref, number in zip(_flat(instruction.arrays), instruction.widened):
            self._same_as(ref, number)
        first, last = len(instruction.widened), len(instruction.outs) - instruction.extras
        made = self._tell_of(instruction.outs[first:last], outs[first:last])
        for number, tensor in zip(instruction.outs[first:last], made):
            if instruction.tracked and number not in self._keys and is_differentiable(tensor.data.dtype):
                tensor.key = self._keys[number] = new_key()
        for number, kept in zip(instruction.outs[last:], outs[last:]):  # which may be an output itself
            same = [tensor for tensor in made if tensor.data is kept] or [Tensor(kept, None, None)]
            self._told[number], self._keys[number] = same[0], same[0].key
        inputs = tuple(map(self._shown, instruction.arrays))
        settings = tuple(map(self._raw, instruction.settings))
        found = tuple(made) if instruction.several else made[0]
        places = self._indices(instruction) if instruction.indices else []
        for observer in self._of_ops:
            if places:
                observer.on_indices(places)
            observer.on_op(instruction.op, inputs, settings, found, started, ended)

    def _indices(self, instruction: Compute) -> list[Any]:
        """What the setting `index` is made of; tensors that are gone aren't told."""
        index = instruction.settings[instruction.op.settings.index("index")]
        slots = (ref for ref in _flat(index.parts if isinstance(index, Group) else [index]) if isinstance(ref, Slot))
        found = [next(slots, None) if each is None else each for each in instruction.indices]
        return [shown for shown in map(self._shown, filter(None, found)) if shown is not None]

    def _gone_back(self, rule: Rule, outs: Sequence[Any], started: int, ended: int) -> None:
        """A rule's gradients."""
        arrived = self._raw(rule.g)
        self._tell_of(rule.outs, outs)
        forward = rule.forward
        made = forward.outs[len(forward.widened) : len(forward.outs) - forward.extras]
        out_keys = tuple([self._keys.get(n) for n in made])
        gave = dict(zip(rule.outs, outs))
        read = [
            (n, gave[out])
            for ref, out in zip(_flat(forward.arrays), rule.found)
            if out is not None
            for n in ref.slots()
        ]
        in_keys, results = tuple([self._key_of(n) for n, _ in read]), tuple([gx for _, gx in read])
        arrived = arrived if isinstance(rule.g, Group) else (arrived,)
        for observer in self._of_ops:
            observer.on_rule(rule.op, out_keys, in_keys, arrived, results, started, ended)

    def _key_of(self, number: int) -> int:
        key = self._keys.get(number)
        if key is None:
            key = self._keys[number] = new_key()
        return key

    def _end(self, outputs: Any, error: BaseException | None) -> None:
        scope = self._scopes.pop()
        for observer in reversed(self._observers):
            observer.on_scope_end(scope, outputs, error)

    # -- tensors

    def _tell_of(self, numbers: Sequence[int], arrays: Sequence[Any]) -> list[Tensor]:
        made = [Tensor(array, None, None) for array in arrays]
        self._told.update(zip(numbers, made))
        return made

    def _same_as(self, ref: Ref, number: int) -> None:
        if isinstance(ref, Slot) and ref.number in self._told:
            self._told[number], self._keys[number] = self._told[ref.number], self._keys.get(ref.number)

    def _shown(self, ref: Ref) -> Any:
        """What an announcement has for a reference; None for a tensor that is gone."""
        if isinstance(ref, Slot):
            return self._told.get(ref.number)
        return _grouped(ref, self._shown) if isinstance(ref, Group) else ref.value([])

    def _raw(self, ref: Ref) -> Any:
        """The same with arrays."""
        if isinstance(ref, Slot):
            told = self._told.get(ref.number)
            return told.data if isinstance(told, Tensor) else told
        return _grouped(ref, self._raw) if isinstance(ref, Group) else ref.value([])


def _grouped(group: Group, part_of: Callable[[Ref], Any]) -> Any:
    return Group(group.kind, [Const(part_of(part)) for part in group.parts], group.keys).value([])


def _flat(refs: Sequence[Ref]) -> Iterator[Ref]:
    for ref in refs:
        if isinstance(ref, Group):
            yield from _flat(ref.parts)
        else:
            yield ref

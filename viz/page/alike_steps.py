"""Steps that ran the same as an earlier one: what is shown of them differs by the numbers of ops and scopes alone."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from viz.facts.lines.assigned import NEAR
from viz.facts.schema import Frame, Op, Record, Scope

__all__ = ["AlikeView", "Pattern", "renumbered", "steps_patterns", "whole_views"]


class Pattern(NamedTuple):
    """What a step ran.

    Attributes:
        key: equal for steps that ran the same.
        ops, scopes: the ids of its ops and of the scopes around them, which correspond to those of an alike step.
    """

    key: Hashable
    ops: list[int]
    scopes: list[int]


def steps_patterns(
    record: Record, calls: Sequence[int], variables: Mapping[int, int], passes: Mapping[int, range], made: Sequence[int]
) -> Callable[[Sequence[Op]], Pattern | None]:
    """A function that gives the pattern of a step's ops; None where they may be shown unlike others.

    Args:
        record: the recording. Of one with statistics there are no patterns: gradients have other sizes in each step.
        calls: what `call_numbers` gives.
        variables: what `variables_of` gives.
        passes: for an update its pass over several weights, if it is a part of one.
        made: the bytes that each op made.
    """
    if any(tensor.stats for tensor in record.tensors):
        return lambda ops: None
    kinds = _Kinds(record, calls, passes, made)

    def pattern_of(ops: Sequence[Op]) -> Pattern | None:
        if not ops or any([op.error is not None for op in ops]):
            return None
        return _Step(record, variables, kinds, ops).pattern()

    return pattern_of


class _Same:
    """A number for settings and for lines of code, the same for equal ones; most are one object, found at once."""

    def __init__(self) -> None:
        self._by_identity: dict[int, int] = {}
        self._by_value: dict[Hashable, int] = {}

    def settings(self, found: dict[str, Any]) -> int:
        number = self._by_identity.get(id(found))
        if number is None:
            number = self._by_identity[id(found)] = self._by_value.setdefault(repr(found), len(self._by_value))
        return number

    def lines(self, stack: tuple[Frame, ...]) -> int:
        number = self._by_identity.get(id(stack))
        if number is None:
            number = self._by_identity[id(stack)] = self._by_value.setdefault(stack, len(self._by_value))
        return number


class _Kinds:
    """For each op, tensor and scope of a recording a number, equal where all is that doesn't lead to another one.

    Numbers are compared much faster than what they stand for.
    """

    def __init__(self, record: Record, calls: Sequence[int], passes: Mapping[int, range], made: Sequence[int]) -> None:
        same, known = _Same(), dict[Hashable, int]()
        about = operator.attrgetter("name", "phase", "replayed", "composition", "thread", "input_names")
        more = _of_few(record, passes)
        self.ops = []
        for op, size in zip(record.ops, made):
            has_time = None if op.start is None else op.end is not None and op.end != op.start
            settings, lines = same.settings(op.settings), same.lines(op.stack)
            key = about(op), settings, lines, len(op.inputs), size, has_time, more.get(op.id)
            self.ops.append(known.setdefault(key, len(known)))
        about = operator.attrgetter("shape", "dtype", "nbytes", "role", "name", "device")
        named, known = record.called, {}
        self.tensors = [
            known.setdefault((about(each), each.version > 0, named.get(each.id)), len(known)) for each in record.tensors
        ]
        about = operator.attrgetter("kind", "name", "called", "cls", "params", "created_at", "error")
        known = {}
        self.scopes = [
            known.setdefault(
                (about(each), same.settings(each.config), same.lines(each.stack), number, _owner(each)), len(known)
            )
            for each, number in zip(record.scopes, calls)
        ]


def _of_few(record: Record, passes: Mapping[int, range]) -> dict[int, Hashable]:
    """What there is to tell of some ops: their pass over several weights, their call, and what Python read."""
    found: dict[int, Hashable] = {}
    for op, ran in passes.items():
        found[op] = ran.start - op, ran.stop - op
    for op, (name, _) in record.calls.items():
        found[op] = name, found.get(op)
    for op, reads in record.reads.items():
        found[op] = tuple([(read.how, read.line) for read in reads]), found.get(op)
    return found


def _owner(scope: Scope) -> int | None:
    """The object that was called; each gradient pass has one of its own, so that doesn't tell it from others."""
    return None if _is_pass(scope) else scope.owner


def _is_pass(scope: Scope) -> bool:
    return scope.kind == "backward" and scope.owner is not None


_UNKNOWN, _NONE = -1, -2  # among numbers within a step


class _Step:
    """A step's scopes and tensors, numbered in the order in which they are met, and how they hang together."""

    def __init__(self, record: Record, variables: Mapping[int, int], kinds: _Kinds, ops: Sequence[Op]) -> None:
        self._record, self._variables, self._kinds = record, variables, kinds
        self._ops, self._ids = ops, [op.id for op in ops]
        self._positions: dict[int | None, int] = {None: _NONE, **{op: i for i, op in enumerate(self._ids)}}
        self._scopes = self._scopes_met()
        used = [ids for op in ops for ids in (op.inputs, op.outputs)]
        for scope in self._scopes:
            used += [record.scopes[scope].inputs, record.scopes[scope].outputs]
        self._used = list(itertools.chain.from_iterable(used))
        self._lengths = list(map(len, used))
        self._gradients: list[int] = []  # for each tensor, of which it is the gradient
        self._tensors = self._tensors_met()

    def pattern(self) -> Pattern:
        kinds, number = self._kinds, self._tensors.__getitem__
        key = (
            tuple([kinds.ops[op] for op in self._ids]),
            tuple(self._lengths),
            tuple(map(number, self._used)),
            tuple([kinds.tensors[tensor] for tensor in self._tensors]),
            tuple(self._made()),
            tuple(self._gradients),
            tuple(map(self._variables.get, self._tensors)),
            tuple(self._forward()),
            tuple([kinds.scopes[scope] for scope in self._scopes]),
            tuple(self._around()),
            tuple(self._of_calls()),
            self._after(self._ids[-1] + 1),
        )
        return Pattern(key, self._ids, list(self._scopes))

    def _scopes_met(self) -> dict[int, int]:
        """The scopes of ops and those around them, each with its number."""
        found: dict[int, int] = {}
        for scope in dict.fromkeys([op.scope for op in self._ops]):
            while scope is not None and scope not in found:
                found[scope] = len(found)
                scope = self._record.scopes[scope].parent
        return found

    def _tensors_met(self) -> dict[int, int]:
        """The tensors that ops and scopes have, and those of which these are gradients, each with its number."""
        found = {tensor: i for i, tensor in enumerate(dict.fromkeys(self._used))}
        tensors, variables, waiting = self._record.tensors, self._variables, list(found)
        for tensor in waiting:
            of = tensors[tensor].gradient_of
            if of is None:
                self._gradients.append(_NONE)
            elif of in variables:
                self._gradients.append(-3 - variables[of])  # a weight is the same in all steps
            else:
                if of not in found:
                    found[of] = len(found)
                    waiting.append(of)
                self._gradients.append(found[of])
        return found

    def _made(self) -> Iterator[int]:
        """For each tensor, which op of the step made it."""
        tensors, position = self._record.tensors, self._positions.get
        return (position(tensors[tensor].producer, _UNKNOWN) for tensor in self._tensors)

    def _forward(self) -> Iterator[int]:
        """For each op, of which op of the step it is the derivative; one outside of it is told by its own number."""
        position = self._positions
        return (position[op.forward] if op.forward in position else -3 - (op.forward or 0) for op in self._ops)

    def _around(self) -> Iterator[int]:
        """The scope around each op and scope, and which of the step's passes each scope is."""
        number, scopes, passes = self._scopes, self._record.scopes, dict[int | None, int]()
        yield from [_NONE if op.scope is None else number[op.scope] for op in self._ops]
        for scope in self._scopes:
            each = scopes[scope]
            yield _NONE if each.parent is None else number[each.parent]
            yield passes.setdefault(each.owner, len(passes)) if _is_pass(each) else _NONE

    def _of_calls(self) -> Iterator[tuple[int, int]]:
        """Ops that calls of composed functions ran: where, and in which of the step's calls."""
        calls, met = self._record.calls, dict[tuple[str, int], int]()
        if calls:
            for i, op in enumerate(self._ids):
                if op in calls:
                    yield i, met.setdefault(calls[op], len(met))

    def _after(self, begin: int) -> Hashable:
        """What ran next: of an op that was the last of its line, that tells what the line assigns."""
        later = self._record.ops[begin : begin + NEAR]
        read = [self._tensors.get(tensor) for op in later for tensor in op.inputs]
        return tuple(self._kinds.ops[begin : begin + NEAR]), tuple(read)


class AlikeView(dict[str, Any]):
    """What is shown of a step that ran the same as an earlier one: what is its own, and which numbers are others.

    Args:
        told: its name, caption and span.
        like: what is shown of the earlier step.
        ops: for each op of that step this one's.
        scopes: for each scope of that step this one's.

    Attributes:
        like, ops, scopes: the same.
    """

    def __init__(
        self, told: Mapping[str, Any], like: Mapping[str, Any], ops: Mapping[int, int], scopes: Mapping[int, int]
    ) -> None:
        super().__init__(told)
        self.like, self.ops, self.scopes = like, ops, scopes

    def whole(self) -> dict[str, Any]:
        """All that is shown, as of a step that is like no other."""
        return self | renumbered(self.like, self.ops, self.scopes)


def whole_views(views: Sequence[tuple[int | None, dict[str, Any]]]) -> list[tuple[int | None, dict[str, Any]]]:
    """What each step shows, with all that alike ones share; it takes long where thousands do."""
    return [(step, view.whole() if isinstance(view, AlikeView) else view) for step, view in views]


def renumbered(view: Mapping[str, Any], ops: Mapping[int, int], scopes: Mapping[int, int]) -> dict[str, Any]:
    """What is shown of a step, with the numbers of another one's ops and scopes: `tree`, `forward` and `rest`.

    Args:
        view: what `Views` tells of a step.
        ops: for each op the number of the other step's.
        scopes: for each scope the number of the other step's.
    """

    def all_of(numbers: Iterable[int]) -> list[int]:
        return [ops[number] for number in numbers]

    def update(found: Any) -> Any:
        return [all_of(found[0]), *found[1:]] if found else found

    def opened(found: Any) -> Any:
        return found and [*found[:5], [[weights, update(changed)] for weights, changed in found[5]]]

    def tree(columns: Any) -> Any:
        if columns is None:
            return None
        rows, blocks = dict(columns["rows"]), dict(columns["blocks"])
        rows["ops"] = [all_of(numbers) for numbers in rows["ops"]]
        rows["riders"] = [numbers and all_of(numbers) for numbers in rows["riders"]]
        rows["update"] = list(map(update, rows["update"]))
        rows["back"] = [
            found
            and [[all_of(numbers), cost, scopes.get(of_pass, of_pass), name] for numbers, cost, of_pass, name in found]
            for found in rows["back"]
        ]
        rows["opens"] = list(map(opened, rows["opens"]))
        blocks["back"] = [
            [[cost, scopes.get(of_pass, of_pass), name] for cost, of_pass, name in found] for found in blocks["back"]
        ]
        blocks["scope"] = [None if number is None else scopes[number] for number in blocks["scope"]]
        return {**columns, "rows": rows, "blocks": blocks}

    rest = [[all_of(numbers), *said] for numbers, *said in view["rest"]]
    return {"tree": tree(view["tree"]), "forward": tree(view["forward"]), "rest": rest}

"""Steps that ran the same as an earlier one: what is shown of them differs by the numbers of ops and scopes alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from viz.facts.lines.assigned import NEAR
from viz.facts.schema import Frame, Op, Record, Scope

__all__ = ["AlikeView", "Pattern", "renumbered", "steps_patterns"]


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
    measured = any(tensor.stats for tensor in record.tensors)
    same = _Same()

    def pattern_of(ops: Sequence[Op]) -> Pattern | None:
        if measured or not ops or any(op.error is not None for op in ops):
            return None
        found = _Numbering(record, calls, variables, same, {op.id: n for n, op in enumerate(ops)})
        key = tuple([(found.of_op(op, passes.get(op.id)), made[op.id]) for op in ops])
        return Pattern(
            (key, tuple(found.described), found.after(ops[-1].id + 1)), [op.id for op in ops], list(found.scopes)
        )

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


class _Numbering:
    """Numbers the tensors and scopes of a step in the order in which they are met, and describes each."""

    def __init__(
        self, record: Record, calls: Sequence[int], variables: Mapping[int, int], same: _Same, ops: Mapping[int, int]
    ) -> None:
        self._record, self._calls, self._variables, self._same, self._ops = record, calls, variables, same, ops
        self._tensors: dict[int, int] = {}
        self._passes: dict[int, int] = {}  # objects that compute gradients
        self._called: dict[tuple[str, int], int] = {}  # calls of composed functions
        self.scopes: dict[int, int] = {}
        self.described: list[Hashable] = []

    def of_op(self, op: Op, ran: range | None) -> Hashable:
        record, same = self._record, self._same
        return (
            (
                op.name,
                op.phase,
                op.replayed,
                op.composition,
                op.thread,
                same.settings(op.settings),
                same.lines(op.stack),
            ),
            (op.input_names, bool(op.duration), op.start is None, self._op(op.forward), self._scope(op.scope)),
            (tuple(map(self._tensor, op.inputs)), tuple(map(self._tensor, op.outputs)), self._call(op.id)),
            None if ran is None else (ran.start - op.id, ran.stop - op.id),
            tuple([(read.how, read.line) for read in record.reads.get(op.id, ())]),
        )

    def after(self, begin: int) -> Hashable:
        """What ran next: of an op that was the last of its line, that tells what the line assigns."""
        later = self._record.ops[begin : begin + NEAR]
        read = [tuple(map(self._tensors.get, op.inputs)) for op in later]
        return tuple([(op.name, op.phase, self._same.lines(op.stack), *known) for op, known in zip(later, read)])

    def _call(self, op: int) -> Hashable:
        """Of the call of a composed function its name, and which of the step's it is."""
        call = self._record.calls.get(op)
        return None if call is None else (call[0], self._called.setdefault(call, len(self._called)))

    def _owner(self, scope: Scope) -> Hashable:
        """Each gradient pass has an object of its own: which of the step's it is."""
        if scope.kind != "backward" or scope.owner is None:
            return scope.owner
        return ("pass", self._passes.setdefault(scope.owner, len(self._passes)))

    def _op(self, op: int | None) -> Hashable:
        return op if op is None else self._ops.get(op, ("outside", op))

    def _tensor(self, tensor: int) -> int:
        number = self._tensors.get(tensor)
        if number is None:
            number = self._tensors[tensor] = len(self._tensors)
            each, first = self._record.tensors[tensor], self._variables.get(tensor)
            made = None if each.producer is None else self._ops.get(each.producer, "before")
            of = each.gradient_of
            given = None if of is None else self._variables[of] if of in self._variables else ("here", self._tensor(of))
            about = (each.shape, each.dtype, each.nbytes, each.role, each.name, each.device, bool(each.version))
            self.described.append(("tensor", number, about, first, made, given, self._record.called.get(tensor)))
        return number

    def _scope(self, scope: int | None) -> int | None:
        if scope is None:
            return None
        number = self.scopes.get(scope)
        if number is None:
            each = self._record.scopes[scope]
            outer = self._scope(each.parent)
            number = self.scopes[scope] = len(self.scopes)
            about = (
                each.kind,
                each.name,
                each.called,
                each.cls,
                self._owner(each),
                self._same.settings(each.config),
                each.params,
            )
            lines = (each.created_at, self._same.lines(each.stack), self._calls[scope], each.error)
            ends = (tuple(map(self._tensor, each.inputs)), tuple(map(self._tensor, each.outputs)))
            self.described.append(("scope", number, outer, about, lines, ends))
        return number


class AlikeView(dict[str, Any]):
    """What is shown of a step that ran the same as an earlier one; it knows which numbers are others.

    Args:
        told: what is the step's own: its name, caption and span.
        like: what is shown of the earlier step.
        ops: for each op of that step this one's.
        scopes: for each scope of that step this one's.

    Attributes:
        like, ops, scopes: the same.
    """

    def __init__(
        self, told: Mapping[str, Any], like: Mapping[str, Any], ops: Mapping[int, int], scopes: Mapping[int, int]
    ) -> None:
        super().__init__(told, **renumbered(like, ops, scopes))
        self.like, self.ops, self.scopes = like, ops, scopes


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

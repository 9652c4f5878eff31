"""Steps that ran the same as an earlier one: what is shown of them differs by the numbers of ops and scopes alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from viz.facts.lines.assigned import NEAR
from viz.facts.schema import Op, Record, Scope

__all__ = ["Pattern", "renumbered", "steps_patterns"]


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
    keys = _Keys(record, calls, variables, passes, made)
    return lambda ops: keys.pattern(ops) if ops and not any([op.error is not None for op in ops]) else None


class _Keys:
    """Describes steps by all that is shown, with ids as numbers in the order in which a step meets them."""

    def __init__(
        self, record: Record, calls: Sequence[int], variables: Mapping[int, int], passes: Mapping[int, range], made: Any
    ) -> None:
        self._record, self._calls, self._variables, self._passes, self._made = record, calls, variables, passes, made
        self._by_id: dict[int, int] = {}  # numbers of settings and stacks by identity: most are shared
        self._by_value: dict[Hashable, int] = {}

    def pattern(self, ops: Sequence[Op]) -> Pattern:
        record, ids = self._record, [op.id for op in ops]
        positions = {op: i for i, op in enumerate(ids)}
        scopes: dict[int | None, int] = {None: -1}
        for op in ops:
            for scope in record.ancestors(op.scope):
                scopes.setdefault(scope.id, len(scopes))
        around = [record.scopes[i] for i in scopes if i is not None]
        tensors: dict[int, int] = {}
        number = lambda met: tuple([tensors.setdefault(i, len(tensors)) for i in met])  # noqa: E731
        owners: dict[int | None, int] = {}
        key: tuple[list[Any], ...] = (
            [(self._of_op(op, positions), scopes[op.scope], number(op.inputs), number(op.outputs)) for op in ops],
            [(self._of_scope(s, owners), scopes[s.parent], number(s.inputs), number(s.outputs)) for s in around],
            [self._of_tensor(i, tensors, positions) for i in tensors],
            [(name, number((i,))) for op in ids if op in record.calls for name, i in [record.calls[op]]],
            [self._after(op, tensors) for op in record.ops[ids[-1] + 1 : ids[-1] + 1 + NEAR]],
        )
        return Pattern(tuple(map(tuple, key)), ids, [scope.id for scope in around])

    def _same(self, value: Any) -> int:
        found = self._by_id.get(id(value))
        if found is None:
            shown = repr(value) if isinstance(value, dict) else value
            found = self._by_id[id(value)] = self._by_value.setdefault(shown, len(self._by_value))
        return found

    def _kind(self, op: Op) -> Hashable:
        reads, ran = self._record.reads.get(op.id, ()), self._passes.get(op.id)
        return (
            *(op.name, op.phase, op.replayed, op.composition, op.thread, op.input_names, self._made[op.id]),
            *(self._same(op.settings), self._same(op.stack)),
            None if op.start is None else op.end is not None and op.end != op.start,
            None if ran is None else (ran.start - op.id, ran.stop - op.id),
            tuple([(read.how, read.line) for read in reads]),
        )

    def _of_op(self, op: Op, positions: Mapping[int, int]) -> Hashable:
        """One whose forward op is outside of the step has that op's own number."""
        forward = None if op.forward is None else positions.get(op.forward, -1 - op.forward)
        return self._kind(op), forward

    def _of_scope(self, scope: Scope, owners: dict[int | None, int]) -> Hashable:
        owner = scope.owner
        if scope.kind == "backward" and owner is not None:  # each gradient pass has a tape of its own
            owner = owners.setdefault(owner, len(owners))
        about = scope.kind, scope.name, scope.called, scope.cls, scope.params, scope.created_at, scope.error
        return *about, owner, self._calls[scope.id], self._same(scope.config), self._same(scope.stack)

    def _of_tensor(self, i: int, tensors: dict[int, int], positions: Mapping[int, int]) -> Hashable:
        tensor, variables = self._record.tensors[i], self._variables
        of = tensor.gradient_of
        about = tensor.shape, tensor.dtype, tensor.nbytes, tensor.role, tensor.name, tensor.device, tensor.version > 0
        made = None if tensor.producer is None else positions.get(tensor.producer, -1)
        gradient = None if of is None else ("variable", variables[of]) if of in variables else tensors.get(of, -1)
        return *about, self._record.called.get(i), variables.get(i), made, gradient

    def _after(self, op: Op, tensors: Mapping[int, int]) -> Hashable:
        """What ran next: of an op that was the last of its line, that tells what the line assigns."""
        return self._kind(op), tuple([tensors.get(tensor) for tensor in op.inputs])


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

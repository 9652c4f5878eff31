"""The order in which a step with CUDA graphs runs: what computes comes together, so that it becomes one graph.

Random draws, which depend on nothing that the step computes, and checks of its arguments come first; assignments that
nothing in the step reads come later. What else Python does stays where it is, and nothing moves past it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.capture.programs.instructions import Call, Instruction, Read
from eagerflow.core.variable import Variable

__all__ = ["gathered"]


def gathered(instructions: Sequence[Instruction], inputs: Sequence[int]) -> list[Instruction]:
    """The same instructions in an order that gives the same."""
    given, found = set(inputs), list[Instruction]()
    first, later = 0, list[Instruction]()  # where draws go, and assignments that wait
    for instruction in instructions:
        if not isinstance(instruction, Call):
            if isinstance(instruction, Read) and _waited_for(instruction.variable, later):
                found += later
                later = []
            found.append(instruction)
            continue
        function = instruction.function
        if given.issuperset(instruction.taken()) and (_is(function, "only_draws") or _is(function, "only_checks")):
            found.insert(first, instruction)
            first += 1
        elif _is(function, "only_assigns") and not instruction.outs:
            later.append(instruction)
        elif _is(function, "only_draws") or _is(function, "only_checks"):
            found.append(instruction)
            if _is(function, "only_draws"):  # from a generator that later ones may draw from, too
                first = len(found)
        else:
            found += [*later, instruction]
            later = []
            first = len(found)
    return found + later


def _is(function: Any, kind: str) -> bool:
    return bool(getattr(function, kind, False))


def _waited_for(variable: Any, assignments: Sequence[Instruction]) -> bool:
    """Whether one of the assignments may change a variable."""
    for each in assignments:
        assert isinstance(each, Call)
        changed = [v for v in (*each.args.constants(), *each.kwargs.constants()) if isinstance(v, Variable)]
        if not changed or any(v is variable for v in changed):
            return True
    return False

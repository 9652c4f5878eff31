"""A replay that raised is run again as the eager step, from the state of before: the error is then the step's own.

So it has the notes of layers, the traceback through the user's code, its `__context__`, and layers hold the losses that
they hold after an eager step. What a replay may have changed until then is put back: the counts of random draws, and
small variables such as moving averages. A program remembers these at its beginning if something later may raise,
depending on values; that takes some nanoseconds each, since they are replaced by every change, not written to.

What can't be put back stays: the work of optimizers and metrics, and large variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from eagerflow.capture.dependence.watch import RAISE_FOR_NO_VALUES
from eagerflow.capture.hearing.whose import is_users
from eagerflow.capture.instructions import Call, Compute, Instruction, Naming, Rule, array_of
from eagerflow.core import random
from eagerflow.core.in_place import put, stored
from eagerflow.core.variable import Variable
from eagerflow.random.seed_generator import SeedGenerator

__all__ = ["Before", "as_before"]

_FOLDER = str(Path(__file__).parent.absolute())
_DRAWING = "eagerflow.random."
_LARGEST = 1 << 16  # bytes of a variable that is remembered: one that is written in place has to be copied for it


class Before:
    """What a replay has to remember of the state before it.

    Args:
        instructions: of the program, in order.

    Attributes:
        variables: those that it may change before something raises.
        draws: how often it draws from the process-wide state until then, at most.
    """

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        self.variables: list[Variable] = []
        self.draws = 0
        changed, draws = dict[int, Variable](), 0
        for instruction in instructions:
            if isinstance(instruction, Call):
                if (found := _changed(instruction)) is None:
                    break
                changed.update((id(each), each) for each in found[0])
                draws += found[1]
            if _may_raise(instruction):
                self.variables, self.draws = list(changed.values()), draws

    def text(self, named: Naming) -> str | None:
        """The line of Python that remembers it; None if there is nothing."""
        if not self.variables and not self.draws:
            return None
        draws = f"{named(random.counted, 'counted')}[1]" if self.draws else "0"
        arrays = [array_of(variable, named) for variable in self.variables]
        return f"before = {', '.join([draws, *arrays])},"

    def put_back(self, calls: Sequence[Call], state: tuple[Any, ...] | None) -> bool:
        """Let all be as it was before some calls, if that was remembered.

        Args:
            calls: that ran.
            state: the count of process-wide draws and the arrays of the variables; None if there is nothing of that.

        Returns:
            Whether it is as it was.
        """
        changed, draws = set[int](), 0
        for call in calls:
            if (found := _changed(call)) is None:
                return False
            changed.update(map(id, found[0]))
            draws += found[1]
        if state is None:
            return not changed and not draws
        if not changed.issubset(map(id, self.variables)) or (draws and not random.go_back(state[0], draws)):
            return False
        for variable, array in zip(self.variables, state[1:], strict=True):
            if stored(variable) is not array:
                put(variable, array)
        return True


def _changed(call: Call) -> tuple[list[Variable], int] | None:
    """The variables that a call changes, and how often it draws from the process-wide state; None if nobody knows."""
    function, given = call.function, [*call.args.constants(), *call.kwargs.constants()]
    if getattr(function, "only_checks", False):
        return [], 0
    if any(isinstance(each, (Variable, SeedGenerator)) and is_users(type(each)) for each in given):
        return None  # they may note anything
    if str(function.__module__).startswith(_DRAWING):
        own = [each.state for each in given if isinstance(each, SeedGenerator)]
        return own, 0 if own else 1
    variables = [each for each in given if isinstance(each, Variable)]
    is_assignment = getattr(function, "only_assigns", False) or function in vars(Variable).values()
    if not is_assignment or not variables or any(_size(each) > _LARGEST for each in variables):
        return None
    return variables, 0


def _size(variable: Variable) -> int:
    return int(stored(variable).nbytes)


def _may_raise(instruction: Instruction) -> bool:
    """Whether an instruction may raise, depending on values."""
    if isinstance(instruction, (Compute, Rule)):
        return instruction.op.name not in RAISE_FOR_NO_VALUES
    if not isinstance(instruction, Call):
        return False
    is_draw = str(instruction.function.__module__).startswith(_DRAWING)  # between bounds that are tensors, perhaps
    return bool(getattr(instruction.function, "only_checks", False) or (is_draw and instruction.taken()))


def as_before(error: BaseException) -> bool:
    """Put back what the replay that raised an error has changed until then.

    Args:
        error: caught by whoever called the captured step.

    Returns:
        Whether all is as it was before the replay; False if there was none, or if some of it can't be put back.
    """
    trail: TracebackType | None = error.__traceback__
    while trail is not None and trail.tb_frame.f_code.co_filename.startswith(_FOLDER):
        trail = trail.tb_next
    frame = None if trail is None else trail.tb_frame
    ask = None if frame is None else frame.f_globals.get("<program>")
    program = None if ask is None else ask()
    if program is None or trail is None or frame is None:
        return False
    ran = program.ran_until(trail.tb_lineno, frame)
    return program.before.put_back([each for each in ran if isinstance(each, Call)], frame.f_locals.get("before"))

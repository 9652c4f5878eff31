"""A captured step on a GPU as CUDA graphs: hundreds of kernels are launched by a few calls.

What only computes is recorded, in stretches as long as possible (`segments.py`). Between them runs what can't be:
calls of Python (random draws, assignments, metrics, optimizers), and operations that CuPy refuses to capture. Nothing
here knows which those are: at the first replay each operation is captured by itself, and what raises stays outside. In
CuPy 14 these are cuBLAS, cuSOLVER and cuRAND, copies between host and device, and all that waits for the GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eagerflow.capture.cuda.order import gathered
from eagerflow.capture.cuda.recording import PER_THREAD, Recording, graphs_on, place_now
from eagerflow.capture.cuda.segments import Ground, Segment, is_plain, root_of
from eagerflow.capture.programs.instructions import Call, Instruction, Read
from eagerflow.capture.programs.program import Program, keeps_nothing
from eagerflow.core.device import is_device_array
from eagerflow.core.in_place import settled

__all__ = ["Graphs", "graphs_of"]

_LAUNCHES = 2  # of an operation, or more
_KEPT_OUT = {"fourier": "cuFFT's plans own memory, which may be given back while a graph still uses it"}


def graphs_of(program: Program) -> Graphs | None:
    """The CUDA graphs of a program; None where there are none: on the CPU.

    `EAGERFLOW_CUDA_GRAPHS=0` in the environment leaves programs as they are.
    """
    on_gpu = any(module.__name__ == "cupy" for module in program.modules)
    return Graphs(program) if on_gpu and graphs_on() else None


class Graphs:
    """The CUDA graphs of one program.

    Attributes:
        segments: one for each graph; empty before the first replay.
        reasons: why instructions aren't recorded, in words, by their numbers.
        source: the step as Python, once it is known.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instructions = gathered(program.fused, program.inputs)
        self.segments: list[Segment] = []
        self.reasons: dict[int, str] = {}
        self.source = ""
        self._step: Callable[..., Any] | None = None
        self._busy = threading.Lock()  # two replays at once would write to the same memory
        self._place: tuple[int, int] | None = None  # GPU and stream on which the graphs run

    def run(self, *arrays: Any) -> Any:
        """The step; on another stream, or while another thread replays it, without graphs."""
        place = place_now()
        if (self._place is not None and place != self._place) or place[1] == PER_THREAD:
            return self.program.run(*arrays)
        if not self._busy.acquire(blocking=False):
            return self.program.run(*arrays)
        try:
            return self._try(place, arrays) if self._step is None else self._step(*arrays)
        finally:
            self._busy.release()

    def left_out(self) -> str | None:
        """What runs outside of graphs and why, in one line; None where nothing does that only computes."""
        if not self.reasons:
            return None
        names = list(dict.fromkeys(self.instructions[i].name for i in self.reasons))
        why = list(dict.fromkeys(self.reasons.values()))
        shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
        return f"{shown} ({why[0]}{'; ...' if len(why) > 1 else ''})"

    def difference(self, arrays: Any) -> str | None:
        """Where graphs give something else than the kernels one by one, in words."""
        if self._place != place_now():
            return None
        with self._busy:
            found = (segment.difference([arrays[n] for n in segment.taken]) for segment in self.segments)
            return next((words for words in found if words is not None), None)

    # -- the first replay

    def _try(self, place: tuple[int, int], inputs: Sequence[Any]) -> Any:
        """Run the step instruction by instruction, and see which of them can be recorded."""
        program, ground = self.program, Ground()
        trial = _Trial(place[0])
        arrays: dict[Any, Any] = dict(zip(program.inputs, inputs))
        last, kept = program.last_uses(self.instructions), set(program.outputs.slots())
        for i, instruction in enumerate(self.instructions):
            trial.run(i, instruction, arrays)
            for slot in [n for n in arrays if last.get(n, -1) <= i and n not in kept]:
                del arrays[slot]  # a variable's array that is held is copied when the variable changes
        result = program.outputs.value(arrays)
        self.reasons, self._place = trial.reasons, place
        self.segments = _segments(self.instructions, set(program.outputs.slots()), program, ground, trial)
        self._step, self.source = program.with_graphs(self.instructions, self.segments, ground.fresh, self.reasons)
        return result


class _Trial:
    """A run of a program in which each instruction is captured by itself.

    Attributes:
        recordable: the numbers of instructions that can be.
        reasons: why others can't, if they only compute.
        launching: the numbers of those that do more than show other arrays' memory.
        nested: slots of tuples of arrays, which don't leave graphs.
    """

    def __init__(self, device: int) -> None:
        self.device, self.recording = device, Recording()
        self.recordable: set[int] = set()
        self.launching: set[int] = set()
        self.nested: set[int] = set()
        self.reasons: dict[int, str] = {}

    def run(self, number: int, instruction: Instruction, arrays: dict[int, Any]) -> None:
        """Run an instruction once, and try to capture it."""
        if isinstance(instruction, Read):
            arrays[instruction.outs[0]] = settled(instruction.variable)
            return
        if isinstance(instruction, Call):
            args, kwargs = instruction.args.value(arrays), instruction.kwargs.value(arrays)
            found = instruction.function(*args, **kwargs)
            arrays.update(zip(instruction.outs, instruction.leaves(found) if instruction.outs else ()))
            return
        taken = [arrays[n] for ref in instruction.refs() for n in ref.slots()]
        made = instruction.compute(arrays)
        roots = list(map(root_of, taken))
        if any(not any(root_of(array) is root for root in roots) for array in made):
            self.launching.add(number)
        self.nested.update(n for n, value in zip(instruction.outs, made) if _is_nested(value))
        if any(map(is_device_array, (*taken, *made))):  # what is on the host stays there
            why = self._why_not(instruction, taken, made, arrays)
            if why is None:
                self.recordable.add(number)
            else:
                self.reasons[number] = why
        arrays.update(zip(instruction.outs, made))

    def _why_not(
        self, instruction: Instruction, taken: list[Any], made: list[Any], arrays: dict[int, Any]
    ) -> str | None:
        op = getattr(getattr(instruction, "op", None), "name", "")
        if op in _KEPT_OUT:
            return _KEPT_OUT[op]
        values = [array for value in (*taken, *made) for array in _parts(value) if not is_plain(array)]
        if not all(map(is_device_array, values)):
            return "it takes or keeps values on the host"
        if any(array.device.id != self.device for array in values):
            return "its arrays are on another GPU than the current one"
        try:
            self.recording.capture(lambda: instruction.compute(arrays))
        except Exception as error:  # noqa: BLE001 - whatever CuPy says, the step goes on without it
            return f"{type(error).__name__}: {error}"
        return None


def _segments(
    instructions: Sequence[Instruction], outputs: set[int], program: Program, ground: Ground, trial: _Trial
) -> list[Segment]:
    """The stretches that are worth a graph: those that take more launches than a graph and the copies around it."""
    last, read = program.last_uses(instructions), {each.outs[0] for each in instructions if isinstance(each, Read)}
    leaving = set(outputs)
    for each in instructions:
        if isinstance(each, Call) and not keeps_nothing(each):
            leaving.update(each.taken())
    _leave_out_nested(instructions, outputs, trial)
    found: list[Segment] = []
    held = set[int]()
    for numbers in _stretches(instructions, trial.recordable):
        members = [instructions[i] for i in numbers]
        inside = {n for each in members for n in each.outs}
        taken = sorted({n for each in members for n in each.taken()} - inside - held)
        uses = {n for each in members for n in each.taken()} | inside
        given = sorted(n for n in inside if last[n] > numbers[-1] or n in leaving)
        copies = len(set(taken) - read) + len(leaving & set(given))
        if uses and _LAUNCHES * len(trial.launching.intersection(numbers)) > copies + 1:
            found.append(Segment(len(found), ground, members, taken, given, read))
            held.update(given)
    return found


def _parts(value: Any) -> Iterator[Any]:
    """The arrays of a tuple of them, however nested; any other value itself."""
    if _is_nested(value):
        for part in value:
            yield from _parts(part)
    else:
        yield value


def _is_nested(value: Any) -> bool:
    return isinstance(value, tuple) and not is_plain(value)


def _leave_out_nested(instructions: Sequence[Instruction], outputs: set[int], trial: _Trial) -> None:
    """Leave out of graphs what gives tuples of arrays to others than the same graph, as two layers' traces may be."""
    kept = trial.nested
    while kept:
        homes = {i: number for number, each in enumerate(_stretches(instructions, trial.recordable)) for i in each}
        makers = {n: i for i, each in enumerate(instructions) for n in each.outs}
        users = [(i, n) for i, each in enumerate(instructions) for n in kept.intersection(each.taken())]
        users += [(-1, n) for n in kept & outputs]
        wrong = {n for i, n in users if homes.get(i) is None or homes.get(i) != homes.get(makers.get(n, -1))}
        if not wrong:
            return
        kept = kept - wrong
        for i in [*[makers[n] for n in wrong if n in makers], *[i for i, n in users if n in wrong and i in homes]]:
            if i in trial.recordable:
                trial.recordable.remove(i)
                trial.reasons[i] = "it gives or takes tuples of arrays"


def _stretches(instructions: Sequence[Instruction], recordable: set[int]) -> list[list[int]]:
    """Numbers of instructions that follow each other; variables may be read in between."""
    found: list[list[int]] = [[]]
    for i, instruction in enumerate(instructions):
        if i in recordable:
            found[-1].append(i)
        elif not isinstance(instruction, Read):
            found.append([])
    return [numbers for numbers in found if numbers]

"""A graph that runs: its nodes in order, each with its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from eagerflow.base import tracebacks
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.nodes.running import run
from eagerflow.onnx.nodes.values import Known, known
from eagerflow.onnx.nodes.windows import ARRANGED
from eagerflow.onnx.reading.protos import LoadError, shown

__all__ = ["Around", "Body", "FileFunction", "Port", "Program", "Step"]

# What the function of a node may raise for inputs that it does not take.
_ERRORS = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    ArithmeticError,
    MemoryError,
    AttributeError,
    NotImplementedError,
    RecursionError,
)

# Called around each node that is seen: with the node and its inputs, and a function that runs it.
Around = Callable[["Step", list[Any], Callable[[], list[Any]]], list[Any]]


def _reason(error: BaseException) -> str:
    """What went wrong, in words for users."""
    if isinstance(error, MemoryError):
        return "it needs more memory than there is."
    if not isinstance(error, (ValueError, ArithmeticError, NotImplementedError)) and tracebacks.is_slip(error):
        return "its inputs or attributes aren't what such a node takes."
    return str(error) or type(error).__name__


class Port(NamedTuple):
    """An input or output of a graph.

    Attributes:
        name: as the file has it.
        dtype: a type name, "" where the file doesn't tell.
        shape: lengths; texts or None for open ones; None where the file doesn't tell.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None


class Body:
    """A graph inside of a node, which sees what is around the node."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def call(self, around: Mapping[str, Any], *inputs: Any) -> list[Any]:
        """Its outputs."""
        given = dict(zip([port.name for port in self.program.inputs], inputs))
        return self.program.values({**around, **given})


class FileFunction:
    """What a function of the file's own computes."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._absent = dict.fromkeys([port.name for port in body.program.inputs])

    def __call__(self, *inputs: Any) -> list[Any]:
        return self._body.call(self._absent, *inputs)


class Step:
    """One node.

    Attributes:
        kind: such as `"Conv"`, with its domain in front where it isn't ONNX' own.
        function: what it computes.
        attributes: by name; a `Body` for a graph.
        opset: the version of its operators.
        inputs, outputs: names; "" for what is left out.
        name: its own.
        path: the names of what it is part of, outermost first.
        done: names that nothing after it needs.
        aside: whether it follows from shapes and constants alone.
        layers: if some were made: those that it is part of, and its own.
    """

    __slots__ = tuple("_bodies aside attributes done function inputs kind layers name opset outputs path".split())

    def __init__(
        self,
        kind: str,
        function: Callable[..., Any],
        attributes: dict[str, Any],
        opset: int,
        inputs: Sequence[str],
        outputs: Sequence[str],
        name: str,
        path: tuple[str, ...],
    ) -> None:
        self.kind, self.function, self.attributes, self.opset = kind, function, attributes, opset
        self.inputs, self.outputs, self.name, self.path = list(inputs), list(outputs), name, path
        self.done: list[str] = []
        self.aside = False
        self.layers: list[Any] = []
        self._bodies = [key for key, value in attributes.items() if isinstance(value, Body)]

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: functions of the table by their names, as some have no names of their own."""
        held = {name: getattr(self, name) for name in self.__slots__}
        if self.function in (NODES.get(self.kind), ARRANGED.get(self.kind)):
            held["function"] = self.function is ARRANGED.get(self.kind)
        return held

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        if isinstance(self.function, bool):
            self.function = (ARRANGED if self.function else NODES)[self.kind]

    @property
    def bodies(self) -> list[Program]:
        """The graphs that it holds."""
        return [self.attributes[key].program for key in self._bodies]

    def run(self, found: Mapping[str, Any], inputs: list[Any]) -> list[Any]:
        """Its outputs.

        Raises:
            LoadError: for what it can't compute.
        """
        attributes = self.attributes
        if self._bodies:
            attributes = {**attributes, **{key: partial(attributes[key].call, found) for key in self._bodies}}
        try:
            made = run(self.function, inputs, attributes, self.opset, len(self.outputs))
        except LoadError:
            raise
        except _ERRORS as error:
            why = _reason(error)
            tracebacks.shorten(error)
            shapes = ", ".join(["-" if x is None else f"{x.dtype}{list(x.shape)[:8]}" for x in inputs[:6]])
            raise LoadError(f"{self.where()} on {shapes or 'nothing'}: {why:.240}") from error
        if len(made) < len([name for name in self.outputs if name]):
            raise LoadError(f"{self.where()}: {len(self.outputs)} outputs are wanted, and {len(made)} known here.")
        return made

    def where(self) -> str:
        """The node, for messages."""
        return f"node {shown(self.name or self.outputs[0])} ({self.kind:.40})"


class Program:
    """Nodes in an order in which they can run.

    Attributes:
        name, inputs, outputs, steps, constants, weights: the same.
        shapes: of values, as far as the file tells them.
    """

    def __init__(
        self,
        name: str,
        inputs: list[Port],
        outputs: list[Port],
        steps: list[Step],
        constants: Mapping[str, Any],
        weights: dict[str, Any],
        shapes: Mapping[str, Any],
    ) -> None:
        self.name, self.inputs, self.outputs, self.steps = name, inputs, outputs, steps
        self.constants: dict[str, Known] = {key: known(array) for key, array in constants.items()}
        self.weights, self.shapes = weights, shapes
        self._plan()

    def _plan(self) -> None:
        """Note what follows from shapes alone, and what is needed no longer after a node."""
        aside = {"", *self.constants}
        for step in self.steps:
            always = step.bodies or hasattr(step.function, "never_aside")
            step.aside = not always and (step.kind in ("Shape", "Size") or aside.issuperset(step.inputs))
            if step.aside:
                aside.update(step.outputs)
        needed = {port.name for port in self.outputs} | {port.name for port in self.inputs}
        for step in reversed(self.steps):
            step.done = [name for name in {*step.inputs, *step.outputs} if name and name not in needed]
            needed.update(step.inputs)
            for body in step.bodies:
                needed |= body.reads

    @property
    def reads(self) -> set[str]:
        """Names that its nodes and outputs use: for a graph in a node, of values around the node."""
        found = {port.name for port in self.outputs}
        for step in self.steps:
            found.update(step.inputs)
            for body in step.bodies:
                found |= body.reads
        return found

    def values(self, given: Mapping[str, Any], around: Around | None = None) -> list[Any]:
        """The outputs.

        Args:
            given: tensors by name: inputs, weights, and what is around the graph.
            around: called for each node that doesn't follow from shapes alone.
        """
        found: dict[str, Any] = {**self.constants, **given, "": None}
        for step in self.steps:
            inputs = [found[name] for name in step.inputs]
            if around is None or step.aside:
                made = step.run(found, inputs)
            else:
                made = around(step, inputs, partial(step.run, found, inputs))
            found.update(zip(step.outputs, made))
            found[""] = None
            for name in step.done:
                found.pop(name, None)
        return [found[port.name] for port in self.outputs]

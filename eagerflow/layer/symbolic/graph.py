"""The graph of a functional model: the calls between its inputs and outputs, repeated on real tensors.

The order is settled once, so a call of the model is a walk along a list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import WrongTypeError, signature_of
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.state import unique
from eagerflow.layer.symbolic.tensors import Node, Origin, Serial, SymbolicTensor, infer, mask_ranks, with_masks

__all__ = ["Graph", "checked_ends"]


class _Slot:
    """A place in a step's arguments that a tensor takes."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _Step:
    """One call: what is called, where its arguments are, where its results go, what is needed no more."""

    __slots__ = ("args", "created_at", "done", "kwargs", "mask_ranks", "operation", "result", "results", "single")

    def __init__(self, node: Node, slots: dict[Origin, int]) -> None:
        self.operation, self.created_at = node.operation, node.created_at
        self.args, self.kwargs = tree.map_structure(lambda x: _placed(x, slots), (node.args, node.kwargs))
        self.mask_ranks = mask_ranks(node)
        only = self.args[0] if len(self.args) == 1 and not self.kwargs else None
        self.single: int = only.number if isinstance(only, _Slot) else -1
        self.results = [slots.get((node.serial, i), -1) for i in range(len(tree.flatten(node.outputs)))]
        plain = not tree.is_nested(node.outputs)
        self.result: int | None = self.results[0] if plain else None
        self.done: tuple[int, ...] = ()


def _placed(x: Any, slots: dict[Origin, int]) -> Any:
    return _Slot(slots[x.origin]) if isinstance(x, SymbolicTensor) else x


def _filled(structure: Any, values: list[Any]) -> Any:
    if structure.__class__ is _Slot:
        return values[structure.number]
    if isinstance(structure, dict):
        return {k: _filled(v, values) for k, v in structure.items()}
    if isinstance(structure, (list, tuple)):
        return tree.refill(structure, [_filled(v, values) for v in structure])
    return structure


_PLAIN = (SymbolicTensor, Variable, Tensor, str, int, float, type(None))


class Graph:
    """The calls that lead from `inputs` to `outputs`.

    Attributes:
        nodes: the calls, in the order in which they were made; those of `Input` first.
        operations: layers and ops without repetition, from the inputs to the outputs (in Keras' order).
        depths: how many calls lie between an operation and the outputs, by its place in `operations`.

    Raises:
        TypeError: for inputs or outputs that aren't symbolic.
        ValueError: when an output depends on an `Input` that is not among the inputs, or names repeat.
    """

    constants: tuple[Any, ...] = ()  # the user's arrays and objects among the arguments of the calls

    def __init__(self, inputs: Any, outputs: Any, name: str) -> None:
        self.name = name
        self.inputs_structure, self.outputs_structure = inputs, outputs
        self.inputs: list[SymbolicTensor] = tree.flatten(inputs)
        self.outputs: list[SymbolicTensor] = tree.flatten(outputs)
        self.nodes = _nodes_between(self)
        self.operations, self.depths = _by_depth(self)
        leaves = tree.flatten([(node.args, node.kwargs) for node in self.nodes])
        self.constants = tuple([leaf for leaf in leaves if not isinstance(leaf, _PLAIN)])
        self._steps, self._count, self._input_slots, self._output_slots = self._settle()

    def __getstate__(self) -> dict[str, Any]:
        """The calls first, in order: then copying a deep graph needs no deep recursion."""
        return {"nodes": self.nodes, **self.__dict__}

    def _settle(self) -> tuple[list[_Step], int, list[int], list[int]]:
        slots: dict[Origin, int] = {}
        for origin in [x.origin for x in self.inputs]:
            slots[origin] = len(slots)
        for node in self.nodes:
            for i in range(len(tree.flatten(node.outputs))):
                slots.setdefault((node.serial, i), len(slots))
        steps = [_Step(node, slots) for node in self.nodes if node.args or node.kwargs]
        into, out = [slots[x.origin] for x in self.inputs], [slots[x.origin] for x in self.outputs]
        _let_go(steps, kept={*out})
        return steps, len(slots), into, out

    @property
    def variables(self) -> list[Variable]:
        """Variables among the arguments of the calls, as in `x * scale`."""
        leaves = tree.flatten([(node.args, node.kwargs) for node in self.nodes])
        return unique(leaf for leaf in leaves if isinstance(leaf, Variable))

    def run(self, values: list[Any]) -> Any:
        """The outputs for the tensors `values`, one for each input."""
        held: list[Any] = [None] * self._count
        for slot, value in zip(self._input_slots, values):
            held[slot] = value
        for step in self._steps:
            if step.single >= 0:
                result = step.operation(held[step.single])
            else:
                result = step.operation(*_filled(step.args, held), **_filled(step.kwargs, held))
            if step.result is not None:
                held[step.result] = result
            else:
                for slot, leaf in zip(step.results, tree.flatten(result)):
                    held[slot] = leaf
            for slot in step.done:
                held[slot] = None
        return self._packed(held)

    def infer(self, values: list[Any], size: tuple[int, int]) -> Any:
        """The same for `Spec`s: only shapes and types."""
        held: list[Any] = [None] * self._count
        for slot, value in zip(self._input_slots, values):
            held[slot] = value
        for step in self._steps:
            args, kwargs = _filled(step.args, held), _filled(step.kwargs, held)
            if step.mask_ranks is not None:
                args, kwargs = with_masks((args, kwargs), step.mask_ranks)
            result = tree.flatten(infer(step.operation, args, kwargs, size))
            for slot, leaf in zip(step.results, result):
                held[slot] = leaf
        return self._packed(held)

    def _packed(self, held: list[Any]) -> Any:
        if self.outputs_structure.__class__ is SymbolicTensor:
            return held[self._output_slots[0]]
        return tree.pack_sequence_as(self.outputs_structure, [held[slot] for slot in self._output_slots])

    def rebuilt(self, inputs: list[Any], call: Callable[[Node, Any, Any], Any]) -> Any:
        """The outputs when every call is made again, by `call(node, args, kwargs)`, from other inputs."""
        held: list[Any] = [None] * self._count
        for slot, value in zip(self._input_slots, inputs):
            held[slot] = value
        made = [node for node in self.nodes if node.args or node.kwargs]
        for node, step in zip(made, self._steps, strict=True):
            result = call(node, _filled(step.args, held), _filled(step.kwargs, held))
            for slot, leaf in zip(step.results, tree.flatten(result)):
                held[slot] = leaf
        return self._packed(held)


def _let_go(steps: list[_Step], kept: set[int]) -> None:
    """Note with each step which tensors nobody needs after it."""
    seen = set(kept)
    for step in reversed(steps):
        used = {x.number for x in tree.flatten((step.args, step.kwargs)) if isinstance(x, _Slot)}
        unused = {slot for slot in step.results if slot not in seen}
        step.done = tuple(sorted((used - seen) | unused))
        seen |= used


def checked_ends(inputs: Any, outputs: Any, who: str) -> None:
    """Raise unless both ends are symbolic tensors.

    Raises:
        TypeError: naming what came instead.
        ValueError: when there are none, or one input twice.
    """
    for what, structure in (("inputs", inputs), ("outputs", outputs)):
        leaves = tree.flatten(structure)
        if not leaves:
            raise ValueError(f"{who}({what}=[]): expected at least one tensor.")
        for x in leaves:
            if not isinstance(x, SymbolicTensor):
                raise WrongTypeError(
                    f"{who}({what}=...): expected what Input gives, or what layers return for it; "
                    f"got {type(x).__name__} {signature_of(x)}.{_uncalled(x, what)}"
                )
    origins = [x.origin for x in tree.flatten(inputs)]
    if len(set(origins)) < len(origins):
        raise ValueError(f"{who}(inputs=...): the same Input appears twice.")


def _uncalled(x: Any, what: str) -> str:
    """What to do about a layer that stands for its own output."""
    if not hasattr(x, "compute_output_spec"):
        if not hasattr(x, "shape"):
            return ""
        if what == "outputs":
            return " An array doesn't depend on the inputs: outputs are what layers return for them."
        return " An array is what the model is called with: inputs=Input(x.shape[1:])."
    return f" It is a layer: call it on what comes before, {type(x).__name__}(...)(x)." if what == "outputs" else ""


def _nodes_between(graph: Graph) -> list[Node]:
    """All calls that the outputs depend on, in the order in which they were made."""
    ends = {x.origin for x in graph.inputs}
    found = {x.node.serial: x.node for x in graph.inputs if x.node is not None and not x.node.inputs}
    waiting = [(x, "an output") for x in graph.outputs]
    while waiting:
        x, wanted_by = waiting.pop()
        node = x.node
        if x.origin in ends:
            continue
        if node is None:
            raise ValueError(f"Model {graph.name!r}: {x!r} was made by KerasTensor(...), not by Input or a layer.")
        if node.serial in found:
            continue
        if not node.args and not node.kwargs:
            raise _disconnected(graph, node, wanted_by)
        found[node.serial] = node
        waiting += [(y, f"{node.name!r}") for y in node.inputs]
    return [found[serial] for serial in sorted(found)]


def _disconnected(graph: Graph, node: Node, wanted_by: str) -> ValueError:
    given = [x.name for x in graph.inputs]
    return ValueError(
        f"Model {graph.name!r}: the Input {node.name!r} (needed by {wanted_by}) is not among its inputs {given}. "
        "Add it to `inputs`, or connect the outputs to the given inputs only."
    )


def _by_depth(graph: Graph) -> tuple[list[Any], list[int]]:
    """Operations from the inputs down to the outputs: by the longest way to an output, then by first visit.

    The order must be Keras', down to how deep it finds a layer that is called several times: files number layers by it.
    """
    ordered, visits = _walked(graph)
    depths: dict[Any, int] = {}  # of operations
    depths_of_calls: dict[Serial, int] = {}
    for node in reversed(ordered):
        key = _key(node)
        depths[key] = depth = max(depths.get(key, 0), depths_of_calls.get(node.serial, 0))
        for x in node.inputs:
            if x.node is not None:
                depths_of_calls[x.node.serial] = max(depths_of_calls.get(x.node.serial, 0), depth + 1)
    operations = {_key(node): node for node in graph.nodes}
    keys = sorted(operations, key=lambda key: (-depths.get(key, 0), visits.get(key, -1)))
    named = [operations[key].operation if _is_layer(operations[key]) else operations[key] for key in keys]
    _refuse_equal_names(graph, named)
    return named, [depths.get(key, 0) for key in keys]


def _is_layer(node: Any) -> bool:
    return hasattr(node.operation, "_ef_state")


def _key(node: Any) -> Any:
    """A shared layer is one operation, each call of an op is one."""
    return id(node.operation) if _is_layer(node) else node.serial


def _walked(graph: Graph) -> tuple[list[Node], dict[Any, int]]:
    """The calls in the order in which a walk back from the outputs leaves them, and when it first meets operations."""
    known = {node.serial: node for node in graph.nodes}
    visits: dict[Any, int] = {}
    ordered: list[Node] = []
    seen: set[Serial] = set()
    waiting = [(x.node, False) for x in reversed(graph.outputs)]
    while waiting:
        node, is_left = waiting.pop()
        if node is None or node.serial not in known:
            continue
        if is_left:
            ordered.append(node)
        elif node.serial not in seen:
            seen.add(node.serial)
            visits.setdefault(_key(node), len(visits))
            waiting.append((node, True))
            waiting += [(x.node, False) for x in reversed(node.inputs)]
    return ordered, visits


def _refuse_equal_names(graph: Graph, operations: list[Any]) -> None:
    known: set[str] = set()
    for operation in operations:
        if operation.name in known:
            raise ValueError(
                f"Model {graph.name!r}: two layers are named {operation.name!r}; names must be unique in a model. "
                "Rename one: layer(..., name=...)."
            )
        known.add(operation.name)

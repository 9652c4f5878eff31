"""The boxes of what ops are given that no op of the picture made.

Inputs, targets, what a layer fills for itself, and gradients where the backward pass isn't shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from viz.facts import formatting
from viz.facts.lines.assigned import GradientNames
from viz.facts.schema import Op, Record
from viz.geometry.graph import Graph, Node
from viz.picture import box_texts

__all__ = ["GivenBoxes", "count_inputs"]


class GivenBoxes:
    """Makes boxes of a graph when they are first needed.

    Args:
        record: the recording.
        graph: gets the boxes.

    Attributes:
        calls: the scope of each frame, None for those of lines of code.
        gradients: the boxes of gradients whose computation is left out, each with the op that computed it.
    """

    def __init__(self, record: Record, graph: Graph) -> None:
        self._record, self._graph = record, graph
        self._gradient_names = GradientNames(record)
        self.calls: dict[str, int | None] = {}
        self.gradients: dict[str, int] = {}
        self._constants: dict[object, str] = {}  # by the tensor, and by what is alike of them

    def input(self, tensor: int, title: str) -> str:
        """The box of an input or a target; `title` says which of them it is, for one without a name."""
        id_ = f"in{tensor}"
        if id_ not in self._graph.nodes:
            info = self._record.tensors[tensor]
            lines = [formatting.tensor(info), formatting.nbytes(info.nbytes)]
            made = Node(id_, "input", box_texts.given(self._record.shown(tensor), title), lines, phase="input", row=id_)
            made.role = title
            made.tooltip = formatting.clean(f"{title}: {info.name} {formatting.tensor(info)}", 160)
            self._graph.nodes[id_] = made
        return id_

    def gradient(self, tensor: int, op: int) -> str:
        """The box of a gradient that forward ops read, made by an op that is left out with the whole backward pass."""
        id_ = f"in{tensor}"
        if id_ not in self._graph.nodes:
            info = self._record.tensors[tensor]
            lines = ["from the backward pass", formatting.tensor(info)]
            made = Node(id_, "gradient", self._gradient_names.of(tensor), lines, phase="backward", row=id_)
            made.tooltip = formatting.clean(
                f"a gradient, which the backward pass computes: {formatting.tensor(info)}", 160
            )
            self._graph.nodes[id_] = made
            self.gradients[id_] = op
        return id_

    def _given_to(self, op: Op, tensor: int) -> list[int]:
        """The calls around an op that were given a tensor."""
        return [scope.id for scope in self._record.ancestors(op.scope) if tensor in scope.inputs]

    def is_given(self, op: Op, tensor: int, head: str) -> bool:
        """Was what is closed given a constant that it reads? Else it filled it for itself, which isn't shown."""
        node, given = self._graph.nodes[head], self._given_to(op, tensor)
        return node.kind != "scope" or (bool(given) if node.scope is None else node.scope in given)

    def constant(self, op: Op, tensor: int, head: str) -> str:
        """The box of what a layer or a line of code fills for itself, such as `arange(12)`: in the frame of its reader.

        But outside of those that were given it. Those that were filled alike there are one.
        """
        chain, given = self._graph.around(self._graph.nodes[head].cluster), self._given_to(op, tensor)
        outer = [i + 1 for i, frame in enumerate(chain) if self.calls.get(frame) in given]
        cluster, name = next(iter(chain[max(outer, default=0) :]), None), self._record.shown(tensor)
        alike = cluster, name if name.endswith(")") else tensor, formatting.tensor(self._record.tensors[tensor])
        if tensor not in self._constants:
            known = self._constants.get(alike)
            if known is None:
                known = self.input(tensor, "constant")
                self._graph.nodes[known].cluster = cluster
            self._constants[tensor] = self._constants[alike] = known
        node = self._graph.nodes[self._constants[tensor]]
        while node.cluster is not None and node.cluster not in chain:
            node.cluster = self._graph.clusters[node.cluster].parent
        return node.id


def count_inputs(graph: Graph, given: Mapping[str, Iterable[int]]) -> None:
    """Say of inputs how many they stand for, where each of folded parts has its own.

    Args:
        graph: its boxes of inputs are changed.
        given: by box, the tensors from outside that all parts which it stands for are given.
    """
    nodes, counts = graph.nodes, dict[str, int]()
    for head, tensors in given.items():
        boxes = {e.tail for e in graph.edges if e.head == head and nodes[e.tail].kind == "input"}
        read = {f"in{tensor}" for tensor in tensors}
        for box in boxes - read:  # what all parts read is one
            counts[box] = max(counts.get(box, 1), 1 + len(read - boxes) // len(boxes - read))
    for box, count in counts.items():
        nodes[box].title += box_texts.times(count)
        nodes[box].lines[-1] += box_texts.times(count)  # the bytes

"""What the colours of a picture's boxes mean: a quantity, or a kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from viz.choices import COLORINGS
from viz.facts import formatting
from viz.facts.derived_stats import came_in, flaws, norm, origins
from viz.facts.digest.made import Made
from viz.facts.gradient_passes import returned
from viz.facts.schema import Op, Record, TensorInfo
from viz.facts.selection import variables_of
from viz.geometry.graph import Graph, Node
from viz.picture.palette import heat, theme_of

__all__ = ["COLORINGS", "color", "gradients", "gradients_of", "kinds_of_types", "versions_read"]

_NEED_STATS = ("grad", "nonfinite")


def color(
    record: Record,
    graph: Graph,
    color_by: str,
    ops: Iterable[int],
    weights: dict[int, str],
    took: Callable[[Iterable[Op]], int],
) -> None:
    """Give the boxes their colours, and the picture a legend.

    Args:
        record: the recording.
        graph: its picture.
        color_by: one of `COLORINGS`.
        ops: the ids of the ops that the picture is of.
        weights: the box of each variable, by the id of its first version.
        took: what some ops took together.

    Raises:
        ValueError: when the recording has no statistics, and these colours need them.
    """
    if color_by in _NEED_STATS and not any(t.stats for t in record.tensors) and record.tensors:
        raise ValueError(
            f"color_by={color_by!r} needs statistics of tensors: record with "
            "viz.trace(stats='basic'), or viz run --stats basic"
        )
    colorer = _Colorer(record, graph, list(ops), weights, took)
    kinds: dict[str, Callable[[], None]] = {
        "op": lambda: None,
        "time": colorer.by_time,
        "memory": colorer.by_memory,
        "grad": colorer.by_gradient,
        "nonfinite": colorer.by_non_finite,
        "dtype": colorer.by_dtype,
    }
    kinds[color_by]()


def gradients_of(record: Record, op: Op, of: dict[int, list[TensorInfo]]) -> list[TensorInfo]:
    """The gradients whose size colours an op, where `of` has those of each tensor.

    A backward op is coloured by what it makes, an update by what it reads, others by the gradients of their results.
    """
    if op.phase == "backward":
        return [record.tensors[i] for i in op.outputs]
    if op.phase == "update":
        return _summed(record, [record.tensors[i] for i in op.inputs if record.tensors[i].role == "gradient"])
    return [gradient for made in op.outputs for gradient in of.get(made, ())]


def _summed(record: Record, parts: list[TensorInfo]) -> list[TensorInfo]:
    """The measured sum of some parts of one gradient, else they: the pass that made them returned it behind them."""
    if len({part.gradient_of for part in parts}) != 1 or len(parts) == 1:
        return parts
    whole = returned(record, parts)
    return parts if whole is None else [whole]


def gradients(record: Record, ops: Iterable[Op], variables: Mapping[int, int]) -> dict[int, list[TensorInfo]]:
    """The gradients (or parts of them) of each tensor that some ops made; of variables by the first version.

    Args:
        record: the recording.
        ops: some of its ops.
        variables: what `variables_of` gives.
    """
    found: dict[int, list[TensorInfo]] = {}
    for op in ops:
        for made in op.outputs if op.phase == "backward" else ():
            info = record.tensors[made]
            if info.gradient_of is not None:
                found.setdefault(variables.get(info.gradient_of, info.gradient_of), []).append(info)
    return found


def _returned(record: Record, ops: Iterable[int], variables: Mapping[int, int]) -> dict[int, list[TensorInfo]]:
    """The measured gradients of each tensor (of variables by the first version) of which some ops made parts.

    Of each pass that is what it returned, else the parts, which stand before it. The page's Model.gradientsByPass finds
    the same.
    """
    here, found, parts = set(ops), dict[int, list[TensorInfo]](), dict[int, list[TensorInfo]]()
    for info in record.tensors:
        if info.gradient_of is None:
            continue
        of = variables.get(info.gradient_of, info.gradient_of)
        if info.producer is not None:
            parts.setdefault(of, []).append(info)
            continue
        made = parts.pop(of, [])
        if made and info.stats is not None:
            found.setdefault(of, []).extend([info] if made[-1].producer in here else [])
        else:
            found.setdefault(of, []).extend([part for part in made if part.producer in here])
    for of, rest in parts.items():
        found.setdefault(of, []).extend([part for part in rest if part.producer in here])
    return found


def versions_read(record: Record, ops: Iterable[Op], variables: Mapping[int, int]) -> dict[int, TensorInfo]:
    """Each variable, by its first version, as some ops find it: in the version that they are the first to read.

    Args:
        record: the recording.
        ops: some of its ops.
        variables: what `variables_of` gives.
    """
    found: dict[int, TensorInfo] = {}
    for op in ops:
        for read in op.inputs:
            if read in variables:
                found.setdefault(variables[read], record.tensors[read])
    return found


def kinds_of_types(record: Record) -> list[str]:
    """The data types of a recording in the order in which they get colours: the same in each of its pictures."""
    return sorted({tensor.dtype for tensor in record.tensors})


def _size(gradients: list[TensorInfo]) -> float:
    """The size of measured gradients together: NaN or infinite where one of them holds such an element."""
    if any(each.stats is not None and each.stats.nan for each in gradients):
        return math.nan
    if any(map(flaws, gradients)):
        return math.inf
    return math.hypot(*[norm(each) or 0.0 for each in gradients])


class _Colorer:
    def __init__(
        self, record: Record, graph: Graph, ops: list[int], weights: dict[int, str], took: Callable[[Iterable[Op]], int]
    ) -> None:
        self.record, self.graph, self.ops, self.weights, self.took = record, graph, ops, weights, took
        self.theme = theme_of(graph)

    def _made(self, node: Node) -> list[TensorInfo]:
        """The tensors that a box's ops made."""
        return [self.record.tensors[i] for op in node.ops for i in self.record.ops[op].outputs]

    def _made_but_casts(self, node: Node) -> list[TensorInfo]:
        """What a box's own ops made, without the casts that it is shown with."""
        ops = [op for op in node.ops if self.record.ops[op].name != "cast"] or node.ops
        return [self.record.tensors[i] for op in ops for i in self.record.ops[op].outputs] + self._own(node)

    def _own(self, node: Node) -> list[TensorInfo]:
        tensors = self.record.tensors
        own = [tensors[i] for i, shown in self.weights.items() if shown == node.id and not node.ops]
        if node.kind in ("input", "gradient") and node.id.startswith("in") and node.id[2:].isdigit():
            own.append(tensors[int(node.id[2:])])
        return own

    # ------------------------------------------------------------------ quantities

    def by_time(self) -> None:
        self._by_share("time", formatting.seconds, lambda n: self.took([self.record.ops[i] for i in n.ops]))

    def by_memory(self) -> None:
        made = Made(self.record)
        self._by_share("memory made", formatting.nbytes, lambda n: made.by_all([self.record.ops[i] for i in n.ops]))

    def _by_share(self, what: str, shown: Callable[[float], str], cost: Callable[[Node], int]) -> None:
        costs = {node.id: cost(node) for node in self.graph.nodes.values()}
        largest = max(costs.values(), default=0)
        for id_, each in costs.items():
            self.graph.nodes[id_].heat = each / (largest or 1)
        marks = (0.0, 0.25, 1.0)
        self.graph.legend = [(heat(mark, self.theme), f"{what} {shown(largest * mark)}") for mark in marks]

    def by_gradient(self) -> None:
        """The size of the gradient of what each box makes, on a logarithmic scale."""
        variables = variables_of(self.record)
        of = gradients(self.record, [self.record.ops[i] for i in self.ops], variables)
        returned, in_parts = _returned(self.record, self.ops, variables), set[str]()
        sizes: dict[str, float] = {}
        for node in self.graph.nodes.values():
            found = [gradient for gradient in self._of_node(node, of, returned) if gradient.stats is not None]
            if len({gradient.gradient_of for gradient in found}) < len(found):
                in_parts.add(node.id)
            if found:
                sizes[node.id] = _size(found)
        positive = [math.log10(size) for size in sizes.values() if size > 0 and math.isfinite(size)]
        low, high = (min(positive), max(positive)) if positive else (0.0, 0.0)
        for node in self.graph.nodes.values():
            node.fill = self.theme.plain
        flawed = {id_: size for id_, size in sizes.items() if not math.isfinite(size)}
        for id_, size in flawed.items():
            self.graph.nodes[id_].fill = self.theme.flaw
            self.graph.nodes[id_].lines.append(f"|g| is {'infinite' if size == math.inf else 'NaN'}")
        for id_, size in [each for each in sizes.items() if each[0] not in flawed]:
            share = 1.0 if high == low else (math.log10(size) - low) / (high - low) if size > 0 else 0.0
            self.graph.nodes[id_].fill = heat(share**2, self.theme)
            lines = self.graph.nodes[id_].lines
            is_of_several = any(line.endswith(" together") for line in lines)  # equal parts that are drawn once
            words = (" together" if is_of_several else "", " (of parts)" if id_ in in_parts else "")
            lines.append(f"|g| {formatting.magnitude(size)}{''.join(words)}")
        middle = 10 ** ((low + high) / 2)
        marks = ((0.0, 10**low), (0.25, middle), (1.0, 10**high))
        self.graph.legend = [
            (heat(mark, self.theme), f"|gradient| {formatting.magnitude(size)}") for mark, size in marks if positive
        ]
        if flawed:
            self.graph.legend.append((self.theme.flaw, "|gradient| is NaN or infinite"))
        self.graph.legend.append((self.theme.plain, "no gradient"))

    def _of_node(
        self, node: Node, of: dict[int, list[TensorInfo]], returned: dict[int, list[TensorInfo]]
    ) -> list[TensorInfo]:
        ops = [self.record.ops[i] for i in node.ops]
        found = [gradient for op in ops for gradient in gradients_of(self.record, op, of)]
        own = self._own(node)
        found += own if node.kind == "gradient" else [gradient for t in own for gradient in returned.get(t.id, ())]
        return list({gradient.id: gradient for gradient in found}.values())

    # ------------------------------------------------------------------ kinds

    def by_non_finite(self) -> None:
        made_here, before = set(origins(self.record)), set(came_in(self.record))
        read = versions_read(self.record, [self.record.ops[i] for i in self.ops], variables_of(self.record))
        for node in self.graph.nodes.values():
            own = [read.get(tensor.id, tensor) for tensor in self._own(node)]
            count = sum(map(flaws, self._made(node) + own))
            node.fill = self.theme.flaw if count else self.theme.plain
            if count:
                node.lines.append(f"{count:,} not finite")
            if not made_here.isdisjoint(node.ops) or not before.isdisjoint([t.id for t in own]):
                node.fill = self.theme.origin
        began = "held NaN or infinity before" if before and not made_here else "made from finite numbers"
        self.graph.legend = [
            (self.theme.plain, "finite"),
            (self.theme.flaw, "NaN or infinity"),
            (self.theme.origin, began),
        ]
        if before and made_here:
            self.graph.legend.append((self.theme.origin, "or held NaN or infinity before"))

    def by_dtype(self) -> None:
        types = {node.id: [t.dtype for t in self._made_but_casts(node)] for node in self.graph.nodes.values()}
        kinds, shown = self.theme.kinds, {dtype for found in types.values() for dtype in found}
        fills = {dtype: kinds[i % len(kinds)] for i, dtype in enumerate(kinds_of_types(self.record)) if dtype in shown}
        for id_, found in types.items():
            if len(set(found)) == 1:
                self.graph.nodes[id_].fill = fills[found[0]]
            else:
                self.graph.nodes[id_].fill = self.theme.plain
        self.graph.legend = [(fill, dtype) for dtype, fill in fills.items()]
        if any(len(set(found)) > 1 for found in types.values()):
            self.graph.legend.append((self.theme.plain, "several"))

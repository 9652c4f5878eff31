"""What a frame has to do with what is outside: arrows from and to there, and weights that it shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viz.geometry.graph import Graph

__all__ = ["outwards", "with_same_weights"]


def outwards(graph: Graph, order: Mapping[str, float], units: Sequence[Sequence[str]]) -> list[tuple[int, bool]]:
    """The units of a frame that arrows join to boxes outside of it, and whether those are above it, or below.

    What both passes join by an arrow counts once: one leads along the left side of the frame, the other the right.

    Args:
        graph: whose boxes they are.
        order: the place of each box in the order in which they run.
        units: the boxes of each unit of the frame.
    """
    owner = {node: i for i, unit in enumerate(units) for node in unit}
    first, found = min([order[id_] for id_ in owner], default=0.0), set()
    for edge in graph.edges:
        if edge.kind in ("data", "gradient") and (edge.tail in owner) != (edge.head in owner):
            inner, outer = (edge.tail, edge.head) if edge.tail in owner else (edge.head, edge.tail)
            if graph.nodes[outer].kind != "input":  # which may come from the side
                found.add((graph.nodes[outer].row, owner[inner], order[outer] < first))
    return [(unit, is_above) for _, unit, is_above in sorted(found)]


def with_same_weights(graph: Graph, units: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Pairs of units that share weights, the one that runs first ahead: they read those of the other, or update them.

    Side by side, the arrows between them are short.

    Args:
        graph: whose boxes they are.
        units: the boxes of each unit, in the order in which they run.
    """
    owner = {node: i for i, unit in enumerate(units) for node in unit}
    shared = [e for e in graph.edges if e.kind == "parameter" or graph.nodes[e.head].lane == "update"]
    pairs = {(owner[e.tail], owner[e.head]) for e in shared if e.tail in owner and e.head in owner}
    return sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})

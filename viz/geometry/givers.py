"""What a frame has to do with what is outside: the order of what is given to it, and arrows from and to there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viz.geometry.graph import Graph

__all__ = ["in_order_of_givers", "outwards", "with_same_weights"]


def in_order_of_givers(graph: Graph, order: Mapping[str, float], units: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Places for the units of a frame: first those that read nothing else in it, in the order of what they read.

    What runs first usually stands farther left, so that what leads into the frame crosses less. All others stay in
    their order.

    Args:
        graph: whose units they are.
        order: the place of each box in that in which they run.
        units: the boxes of each unit, in the order in which units run.
    """
    owner = {id_: unit for unit, ids in units.items() for id_ in ids}
    givers: dict[str, list[float]] = {}
    inner = set()
    for edge in graph.edges:
        if edge.kind == "data" and edge.head in owner and owner.get(edge.tail) != owner[edge.head]:
            if edge.tail in owner:
                inner.add(owner[edge.head])
            elif graph.nodes[edge.tail].kind != "input":
                givers.setdefault(owner[edge.head], []).append(order[edge.tail])
    first = sorted([unit for unit in units if unit in givers and unit not in inner], key=lambda unit: min(givers[unit]))
    return {unit: i for i, unit in enumerate(dict.fromkeys([*first, *units]))}


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

"""The order of what comes first in a frame: by what is given to it from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viz.geometry.graph import Graph

__all__ = ["in_order_of_givers"]


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

"""Layers that a layer of the library made for itself, as an attention has some that make its queries and keys.

To a reader they are parts of that layer, not layers of the model: what they do within is of no interest at first.
"""

from __future__ import annotations

from viz.facts.schema import Record

__all__ = ["inner_layers"]

_GIVEN = frozenset(["layer", "layers", "cell", "forward_layer"])  # settings of layers around what the user made


def inner_layers(record: Record) -> frozenset[int]:
    """The ids of the calls of such layers: no code of the user's ran between the call of the outer one and theirs."""
    found = set()
    for scope in record.scopes:
        outer = None if scope.parent is None else record.scopes[scope.parent]
        if outer is None or scope.kind != "layer" or outer.kind != "layer" or _GIVEN.intersection(outer.config):
            continue
        if scope.stack and scope.stack == outer.stack:
            found.add(scope.id)
    return frozenset(found)

"""What there is to tell of layers: the size of a window, the activation, how many a group has, and which are parts.

Layers that a layer of the library made for itself, as an attention has some that make its queries and keys, are parts
of that layer to a reader, not layers of the model: what they do within is of no interest at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from viz.facts import formatting
from viz.facts.blocks import Block
from viz.facts.schema import Record

__all__ = ["class_and_settings", "count_of_layers", "inner_layers", "made_last"]

_GIVEN = frozenset(["layer", "layers", "cell", "forward_layer"])  # settings of layers around what the user made


def class_and_settings(block: Block) -> list[str]:
    """The class of a layer, with the size of its window and its strides if it has one, and what it ends with.

    As in `["Conv2D 3×3 / 2×2", "relu"]`. Of an `Activation` it is the name alone.
    """
    assert block.scope is not None
    config, name = block.scope.config, formatting.clean(block.scope.cls or block.title, 40)
    activation = _activation(block, config)
    if name == "Activation" and activation:
        return [activation]
    return [name + _window(config), *([activation] if activation else [])]


def _window(config: Mapping[str, Any]) -> str:
    """The size of the window of a convolution or pooling, and its strides, where those aren't the usual ones."""
    kernel, pool, strides = (config.get(key) for key in ("kernel_size", "pool_size", "strides"))
    window = pool if kernel is None else kernel
    if not _are_sizes(window):
        return ""
    usual = {tuple(window)} if kernel is None else {(1,) * len(window)}
    told = f" / {'×'.join(map(str, strides))}" if _are_sizes(strides) and tuple(strides) not in usual else ""
    return f" {'×'.join(map(str, window))}{told}"


def _are_sizes(value: Any) -> TypeGuard[Sequence[int]]:
    return isinstance(value, list | tuple) and all(isinstance(size, int) for size in value)


def _activation(block: Block, config: Mapping[str, Any]) -> str:
    """The activation that a layer ends with; "" for none, and for recurrent ones, in which it is one of several."""
    given = config.get("activation")
    if isinstance(given, dict):  # a function; of a layer, this is its settings
        given = given.get("config")
    if not isinstance(given, str) or given in ("linear", "<lambda>"):
        return ""
    return "" if block.holds_blocks or "recurrent_initializer" in config else formatting.clean(given, 30)


def _layers_in(group: Block) -> int:
    """How many layers are in a group, those in its own groups, too."""
    found = 0
    for child in group.children:
        if isinstance(child, Block):
            found += child.repeats * (1 if child.kind == "layer" else _layers_in(child) if child.scope is None else 0)
    return found


def made_last(block: Block) -> int | None:
    """The first tensor that a scope's call gave, or of a group its last layer; None where there is none."""
    last: Any = block
    while isinstance(last, Block) and last.scope is None and last.children:
        last = last.children[-1]
    scope = last.scope if isinstance(last, Block) else None
    return scope.outputs[0] if scope is not None and scope.outputs else None


def count_of_layers(group: Block, together: bool) -> list[str]:
    """How many layers a group is, in a line; none for one that is no group of layers.

    `together`: it stands for several groups, of each of which this is the number.
    """
    count = _layers_in(group) if group.is_group else 0
    return [formatting.count(count, "layer") + (" each" if together else "")] if count > 1 else []


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

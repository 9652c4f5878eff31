"""Which settings of layers, losses and optimizers differ between two recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from viz.facts import formatting
from viz.facts.schema import Op, Record, Scope

__all__ = ["settings_changed"]

_OF_NO_INTEREST = frozenset(
    ["name", "layers", "input_layers", "output_layers", "layer", "backward_layer", "build_input_shape"]
)  # what has names of its own, and what is compared by itself
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of a function: another in each run
_MISSING: Any = object()


def settings_changed(a: Record, b: Record, pairs: Iterable[tuple[Op, Op]]) -> list[str]:
    """A line for each setting that changed, such as `"adam: learning_rate 0.001 → 0.01"`.

    Args:
        a: a recording.
        b: another.
        pairs: ops of both that stand for each other; what they ran in does so, too.
    """
    found: dict[str, None] = {}
    seen: set[tuple[Any, ...]] = set()
    for x, y in pairs:
        if x.phase == "backward" or x.scope is None or y.scope is None:
            continue
        before, after = a.scopes[x.scope], b.scopes[y.scope]
        twins = before.owner, after.owner
        if twins not in seen and None not in twins:
            seen.add(twins)
            found |= dict.fromkeys(_changed(before, after))
    return list(found)


def _changed(before: Scope, after: Scope) -> list[str]:
    if before.cls != after.cls or not before.config or not after.config:
        return []  # another kind of layer has other ops, which tell it
    names = [name for name in {**before.config, **after.config} if name not in _OF_NO_INTEREST]
    if not ("current_learning_rate" in before.config and "current_learning_rate" in after.config):
        names = [name for name in names if name != "current_learning_rate"]  # the schedule itself tells the difference
    shown = [(name, *[_shown(each.config.get(name, _MISSING)) for each in (before, after)]) for name in names]
    return [f"{formatting.clean(after.name, 40)}: {name} {old} → {new}" for name, old, new in shown if old != new]


def _shown(setting: Any) -> str:
    """A setting in short: of a saved object its class and what it was given."""
    if setting is _MISSING:
        return "(none)"
    if isinstance(setting, float):
        return f"{setting:.6g}"  # a learning rate is a float32: 0.0010000000474974513
    if isinstance(setting, dict) and "class_name" in setting:
        given = setting.get("config")
        given = given if isinstance(given, dict) else {}
        inner = [f"{k}={_shown(v)}" for k, v in given.items() if v is not None and k not in _OF_NO_INTEREST]
        return formatting.clean(f"{setting['class_name']}({', '.join(inner)})", 120)
    return formatting.clean(_ADDRESS.sub("", repr(setting)), 120)

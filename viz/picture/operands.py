"""What an op does with what its arrow brings, where only its settings tell: `x[:, -1]`, `1 - x`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from viz.facts.schema import Op

__all__ = ["operands"]

_SLICE = re.compile(r"slice\((None|-?\d+), (None|-?\d+), (None|-?\d+)\)")
_LONGEST = 12  # signs of a number
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "mod": "%", "power": "**"}
_SIGNS |= {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}
_FUNCTIONS = ("maximum", "minimum")


def operands(ops: Sequence[Op]) -> list[str]:
    """Which part of a tensor equal ops take, `x[:, -1]`, or the number that stands beside it, `1 - x`, as in Python.

    Of ops that differ in it, that of the first and last. Nothing for ops that do something else, or where an index is
    an array.
    """
    told = ["" if op.phase == "backward" else _taken(op) or _beside_a_number(op) for op in ops]
    return [" … ".join(dict.fromkeys([told[0], told[-1]]))] if all(told) else []


def _taken(op: Op) -> str:
    index = _index(op.settings.get("index")) if op.name == "take_index" else ""
    return f"x[{index}]" if index else ""


def _beside_a_number(op: Op) -> str:
    """What an op of two operands does with a number and a tensor, of which no arrow shows which is the first."""
    if len(op.inputs) != 1 or not (op.name in _SIGNS or op.name in _FUNCTIONS):
        return ""
    pair = [_number(op.settings[name]) if name in op.settings else "x" for name in ("x1", "x2")]
    if pair.count("x") != 1 or not all(pair):
        return ""
    return f"{op.name}({', '.join(pair)})" if op.name in _FUNCTIONS else f" {_SIGNS[op.name]} ".join(pair)


def _number(value: Any) -> str:
    """A short number as it is written; "" for others, and what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    return text if len(text) <= _LONGEST else ""


def _index(index: Any) -> str:
    """An index as it was written, without the axes at its end that it takes whole; "" where it isn't known."""
    parts = [_part_of_index(part) for part in (index if isinstance(index, list | tuple) else [index])]
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts) if all(parts) else ""


def _part_of_index(part: Any) -> str:
    if isinstance(part, int) and not isinstance(part, bool):
        return str(part)
    if not isinstance(part, str):
        return ""
    if part == "Ellipsis":
        return "..."
    match = _SLICE.fullmatch(part)
    if match is None:
        return ""
    start, stop, step = ["" if bound == "None" else bound for bound in match.groups()]
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"

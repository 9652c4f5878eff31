"""Any value as plain data that JSON can hold."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy

__all__ = ["finite", "json_text", "to_plain"]


def to_plain(value: Any) -> Any:
    """`value` as what JSON can hold; anything else by its `repr`, cut at 200 characters."""
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, numpy.generic):
        return to_plain(value.item()) if value.dtype.kind in "biufU" else repr(value)[:200]
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, frozenset)):
        return [to_plain(v) for v in value]
    return _described(value)


def _described(value: Any) -> str:
    """A short text for an object that isn't plain data; arrays by type and shape, never by content."""
    if hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type):
        return f"{value.dtype}{list(value.shape)}"
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    return repr(value)[:200]


def finite(value: Any) -> Any:
    """Plain data that strict JSON can hold: NaN and infinities become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else to_plain(value)


def json_text(value: Any) -> str:
    """Plain data as the JSON that commands print: strict, in lines, letters of any language as they are."""
    return json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False)

"""Signatures as they are written: with types, and defaults that read well."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

_EMPTY = inspect.Parameter.empty


class _Text:
    """Something that is written as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(value: Any, bound: bool = False) -> str:
    """The signature of a function or class with its types, `(...)` where Python can't tell.

    Args:
        value: the function or class.
        bound: leave out the first parameter, as the caller of a method does.

    >>> def scale(x: float, by: float = 2.0, *, name: str | None = None) -> float: ...
    >>> signature(scale)
    '(x: float, by: float = 2.0, *, name: str | None = None) -> float'
    >>> signature(lambda x, *, _fast=False: x)
    '(x)'
    """
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    given = list(found.parameters.values())
    given = [p for p in (given[1:] if bound and given else given) if not p.name.startswith("_")]  # ours alone
    shown = [p.replace(annotation=_type(p.annotation), default=_default(p.default)) for p in given]
    returned = _EMPTY if isinstance(value, type) else _type(found.return_annotation)
    return _written(shown, returned)


def _written(parameters: list[inspect.Parameter], returned: Any) -> str:
    return str(inspect.Signature(parameters, return_annotation=returned, __validate_parameters__=False))


def _type(annotation: Any) -> Any:
    if annotation is _EMPTY:
        return annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", text.strip("'\""))
    text = re.sub(r"\b(typing|collections\.abc)\.", "", text)
    return _Text(text) if _parses(text) else _EMPTY


def _default(default: Any) -> Any:
    if default is _EMPTY:
        return default
    text = getattr(default, "__name__", None) or repr(default)
    is_plain = len(text) <= 40 and "\\" not in text and _parses(text)
    return _Text(text if is_plain else "...")


def _parses(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def parameters(text: str) -> int:
    """How many parameters a signature has, to tell long ones from short ones."""
    return text.count(": ") + text.count("=")

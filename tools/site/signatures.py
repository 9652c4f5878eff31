"""Signatures as they are written: with types, and defaults that read well."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any, get_overloads

_EMPTY = inspect.Parameter.empty
_ALTERNATIVES = re.compile(r" \| (?![^\[]*\])")  # bars that aren't inside of brackets
_VARIABLE = re.compile(r"\b[A-Z]\b")  # a type variable, which says nothing to a reader


class _Text:
    """Something that is written as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(value: Any, bound: bool = False) -> str:
    """The signature of a function or class with its types, `(...)` where Python can't tell; nothing for exceptions.

    Of what only says `*args, **kwargs`, it is what type checkers are told: that of `__init__`, or of an `__init__` that
    only they see. What overloads return stands behind the arrow together.

    Args:
        value: the function or class.
        bound: leave out the first parameter, as the caller of a method does.

    >>> def scale(x: float, by: float = 2.0, *, name: str | None = None) -> float: ...
    >>> signature(scale)
    '(x: float, by: float = 2.0, *, name: str | None = None) -> float'
    >>> signature(lambda x, *, _fast=False: x)
    '(x)'
    """
    if isinstance(value, type) and issubclass(value, BaseException) and "__init__" not in vars(value):
        return ""
    try:
        found = _of_class(value) if isinstance(value, type) else inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    given = list(found.parameters.values())
    given = [p for p in (given[1:] if bound and given else given) if not p.name.startswith("_")]  # ours alone
    shown = [p.replace(annotation=_type(p.annotation), default=_default(p.default)) for p in given]
    returned = _EMPTY if isinstance(value, type) else _type(_returned(value, found.return_annotation))
    return _written(shown, returned)


def _of_class(cls: type) -> inspect.Signature:
    """How a class is called: by `__new__` or `__init__`, whichever says more, or as type checkers are told."""
    found = inspect.signature(cls)
    if not _says_nothing(found):
        return found
    made = inspect.signature(cls.__init__)  # type: ignore[misc]
    own = made.replace(parameters=list(made.parameters.values())[1:])
    if not _says_nothing(own):
        return own
    declared = [_declared(above) for above in cls.__mro__ if above.__module__.startswith(("eagerflow", "viz"))]
    return next((each for each in declared if each is not None), found)


def _says_nothing(found: inspect.Signature) -> bool:
    """Whether it is `(*args, **kwargs)`."""
    return [p.kind for p in found.parameters.values()] == [
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    ]


def _declared(cls: type) -> inspect.Signature | None:
    """The signature of an `__init__` below `if TYPE_CHECKING:` in a class; None where there is none."""
    (tree,) = ast.parse(inspect.cleandoc(f"\n{inspect.getsource(cls)}")).body
    hidden = [each for part in ast.walk(tree) if isinstance(part, ast.If) for each in part.body if _is_hidden(part)]
    made = [each for each in hidden if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    return _signature_of(made[0].args) if made else None


def _is_hidden(part: ast.If) -> bool:
    return isinstance(part.test, ast.Name) and part.test.id == "TYPE_CHECKING"


def _signature_of(given: ast.arguments) -> inspect.Signature:
    """A signature as it is written, without its first parameter."""
    kind, plain = inspect.Parameter, [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    found = [_parameter(arg, kind.POSITIONAL_OR_KEYWORD, default) for arg, default in zip(plain, defaults)][1:]
    found += [_parameter(arg, kind.VAR_POSITIONAL) for arg in [given.vararg] if arg]
    found += [_parameter(arg, kind.KEYWORD_ONLY, default) for arg, default in zip(given.kwonlyargs, given.kw_defaults)]
    found += [_parameter(arg, kind.VAR_KEYWORD) for arg in [given.kwarg] if arg]
    return inspect.Signature(found)


def _parameter(arg: ast.arg, kind: Any, default: ast.expr | None = None) -> inspect.Parameter:
    annotation = _EMPTY if arg.annotation is None else ast.unparse(arg.annotation)
    shown = _EMPTY if default is None else _Text(ast.unparse(default))
    return inspect.Parameter(arg.arg, kind, default=shown, annotation=annotation)


def _returned(function: Any, annotation: Any) -> Any:
    """What a function returns; where its overloads say more than it does, what they all do."""
    if annotation not in ("Any", Any):
        return annotation
    told = [each.__annotations__.get("return", "Any") for each in get_overloads(function)] if callable(function) else []
    texts = [each if isinstance(each, str) else inspect.formatannotation(each) for each in told]
    kinds = [kind for text in texts for kind in _ALTERNATIVES.split(text)]
    is_clear = bool(kinds) and "Any" not in kinds and not any(_VARIABLE.search(kind) for kind in kinds)
    return " | ".join(dict.fromkeys(kinds)) if is_clear else annotation


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

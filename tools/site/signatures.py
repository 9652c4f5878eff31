"""Signatures as they are written: with types, and defaults that read well."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any, get_overloads

from tools.site.annotations import spelled
from tools.site.definitions import home

_EMPTY = inspect.Parameter.empty
_CALLED = re.compile(
    r"Callable\[\[[^\[\]]*\], "
)  # an overload for lambdas says nothing that one for all functions doesn't


_LONG = 110  # a union of more characters says less than what the function itself declares


class _Text:
    """Something that is written as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def lines(value: Any, bound: bool = False) -> list[str]:
    """How a function or class is called: its signature, or one for each of its overloads.

    Where an overload leaves arguments to `**options`, the signature of the function itself says more, and stands alone.

    Args:
        value: the function or class.
        bound: leave out the first parameter, as the caller of a method does.

    >>> from eagerflow import ops
    >>> [line.rpartition(" -> ")[2] for line in lines(ops.linspace)]
    ['Tensor', 'tuple[Tensor, Tensor]']
    """
    told = _overloads(value)
    if not told or any("Unpack[_" in str(p.annotation) for each in told for p in each.parameters.values()):
        return [signature(value, bound)]
    defaults = {name: p.default for name, p in _found(value).parameters.items()}
    first = int(bound or isinstance(value, type))
    texts = []
    for each in told:
        given = list(each.parameters.values())[first:]
        given = [p.replace(default=defaults.get(p.name, ...)) if p.default is ... else p for p in given]
        texts.append(_written(given, _EMPTY if isinstance(value, type) else each.return_annotation, home(value)))
    return list({_CALLED.sub("Callable[..., ", text): text for text in texts}.values())


def summary(value: Any, bound: bool = False) -> str:
    """One signature that covers all overloads: what each argument may be, and all that may be returned.

    Args:
        value: the function or class.
        bound: leave out the first parameter, as the caller of a method does.

    >>> from eagerflow import ops
    >>> summary(ops.linspace).partition(", axis")[2]
    ': int = 0) -> Tensor | tuple[Tensor, Tensor]'
    """
    told = _overloads(value)
    own = _found(value)
    given = list(own.parameters.values())[int(bound) :]
    module = home(value)
    named = [{name: _type(p.annotation, module) for name, p in each.parameters.items()} for each in told]
    shown = [
        p.replace(annotation=_widest(p, [each[p.name] for each in named if p.name in each], module)) for p in given
    ]
    returned = _joined([_type(each.return_annotation, module) for each in told])
    if len(str(returned)) > _LONG and own.return_annotation not in ("Any", _EMPTY):
        returned = own.return_annotation
    return _written(shown, _EMPTY if isinstance(value, type) else returned, module)


def _widest(own: inspect.Parameter, others: list[Any], module: str) -> Any:
    """The annotation of a function itself, or of its overloads together, where its own only says `Any`."""
    is_any = repr(_type(own.annotation, module)) in ("Any", "Callable[..., Any]")
    return _joined(others) if is_any and others else own.annotation


def _joined(annotations: list[Any]) -> Any:
    """`int | str` of both; one of `Any` beside others is that of a call whose arguments don't decide it."""
    texts = dict.fromkeys(repr(each) for each in annotations if each is not _EMPTY)
    known = [text for text in texts if text != "Any"]
    known = known if len(known) > 1 else list(texts)
    known = [text for text in known if text != "None"] + [text for text in known if text == "None"]
    return " | ".join(known) if known else _EMPTY


def signature(value: Any, bound: bool = False) -> str:
    """The signature of a function or class with its types, `(...)` where Python can't tell; nothing for exceptions.

    Of what only says `*args, **kwargs`, it is what type checkers are told: that of `__init__`, or of an `__init__` that
    only they see.

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
        found = _found(value)
    except (TypeError, ValueError):
        return "(...)"
    given = list(found.parameters.values())[int(bound) :]
    return _written(given, _EMPTY if isinstance(value, type) else found.return_annotation, home(value))


def _found(value: Any) -> inspect.Signature:
    return _of_class(value) if isinstance(value, type) else inspect.signature(value)


def _overloads(value: Any) -> list[inspect.Signature]:
    """What type checkers are told instead of a function's own signature, or of that of a class."""
    made = (
        [cls.__dict__.get(name) for cls in value.__mro__ for name in ("__init__", "__new__")]
        if isinstance(value, type)
        else [value]
    )
    functions = [inspect.unwrap(each) for each in made if callable(each)]
    told = [get_overloads(each) for each in functions if inspect.isfunction(each)]
    return [inspect.signature(each) for each in (told[0] if told else [])]


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


def _written(parameters: list[inspect.Parameter], returned: Any, module: str) -> str:
    """A signature without the parameters that are ours alone."""
    given = [p for p in parameters if not p.name.startswith("_")]
    shown = [p.replace(annotation=_type(p.annotation, module), default=_default(p.default)) for p in given]
    made = inspect.Signature(shown, return_annotation=_type(returned, module), __validate_parameters__=False)
    return str(made)


def _type(annotation: Any, module: str) -> Any:
    if annotation is _EMPTY:
        return annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", text.strip("'\""))
    text = re.sub(r"\b(typing|collections\.abc)\.", "", text)
    return _Text(spelled(text, module)) if _parses(text) else _EMPTY


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

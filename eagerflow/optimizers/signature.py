"""The arguments that all optimizers take, shown in the signature and docstring of each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["show_shared_arguments"]

_SHARED = re.compile(r"^( *)\*\*shared: .*\n", re.MULTILINE)


def show_shared_arguments(cls: type, base: type) -> None:
    """In signature and docstring of an optimizer whose own `__init__` passes them on as `**shared`."""
    own = cls.__dict__.get("__init__")
    if own is not None and "shared" in inspect.signature(own).parameters:
        cls.__init__ = _with_shared_arguments(own, base.__init__)  # type: ignore[misc]
        cls.__doc__ = _with_shared_text(cls.__doc__ or "", base.__doc__ or "") or None


def _with_shared_arguments(init: Callable[..., None], base: Callable[..., None]) -> Callable[..., None]:
    """`init`, with the arguments of `base` in the place of its `**shared`.

    An optimizer then writes down only its own arguments, and takes the shared ones by position too. Its own
    arguments after a `*` come after the shared ones.

    Args:
        init: the `__init__` of an optimizer, with a parameter `**shared` that it passes on.
        base: the `__init__` of `Optimizer`.

    >>> def base(self, learning_rate, name=None, **kwargs): ...
    >>> def init(self, learning_rate=0.1, rho=0.9, **shared): print(rho, shared)
    >>> made = _with_shared_arguments(init, base)
    >>> inspect.signature(made)
    <Signature (self, learning_rate=0.1, rho=0.9, name=None, **kwargs)>
    >>> made(None, 0.1, 0.5, "mine")
    0.5 {'name': 'mine'}
    """
    own = inspect.signature(init)
    parameters = [p for name, p in own.parameters.items() if name != "shared"]
    early = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    late = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters if p.kind is p.KEYWORD_ONLY]
    known = {"learning_rate", *own.parameters}
    *shared, rest = [p for name, p in inspect.signature(base).parameters.items() if name not in known]
    signature = own.replace(parameters=[*early, *shared, *late, rest])

    @wraps(init)
    def __init__(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        unknown = given.pop("kwargs", {})
        init(**given, **unknown)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def _with_shared_text(doc: str, base: str) -> str:
    r"""A docstring with what `base` says of its arguments in the place of the line on `**shared`.

    Args:
        doc: of an optimizer.
        base: of `Optimizer`.

    >>> base = "        rho: unlike here.\n        name: shown in traces.\n"
    >>> print(_with_shared_text("        rho: decay.\n        **shared: see there.\n", base).rstrip())
            rho: decay.
            name: shown in traces.
    """
    line = _SHARED.search(doc)
    if line is None:
        return doc
    indent = len(line[1])  # from Python 3.13 on, docstrings come without the indentation of their class
    argument = re.compile(rf"^ {{{indent}}}(\w+): .*\n(?: {{{indent + 1},}}.*\n)*", re.MULTILINE)
    told = {match[1] for match in argument.finditer(doc)}
    arguments = re.split(r"\n\n *Attributes:", base)[0] + "\n"
    shared = [match[0] for match in argument.finditer(arguments) if match[1] not in told]
    return _SHARED.sub(lambda _: "".join(shared), doc)

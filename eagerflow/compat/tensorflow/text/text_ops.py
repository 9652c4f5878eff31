"""Functions of tensors that take text too: their other half, on NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from eagerflow.data.text import holds_text, text_tensor
from eagerflow.layer.symbolic.tensors import SymbolicTensor, record
from eagerflow.layer.symbolic.text_type import TEXT, is_text

__all__ = ["or_text"]

F = TypeVar("F", bound=Callable[..., Any])


def or_text(on_text: Callable[..., Any]) -> Callable[[F], F]:
    """A decorator: where the first argument is text, another function runs, and arrays it gives become text tensors."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            named = {k: v for k, v in kwargs.items() if k != "name"}
            first = args[0] if args else next(iter(named.values()), None)
            if isinstance(first, SymbolicTensor) and first.dtype is TEXT:
                return record(call, args, kwargs)
            if not holds_text(first):
                return function(*args, **kwargs)
            if not args:
                named.pop(next(iter(named)))
            found = on_text(first, *args[1:], **named)
            return text_tensor(found) if is_text(found) else found

        return cast(F, call)

    return decorate

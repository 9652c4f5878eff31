"""Plain kernels of which there may be a faster variant.

    @accelerated("softmax")
    def softmax(x): ...

asks a provider for the function of that name in its file `softmax`, when it is called for the first time. The
variant takes the same arguments and returns the kernel's result; where it returns None, the plain kernel computes, and
so it does without a provider.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["PLAIN", "accelerated", "find_again", "has_variant", "provide"]

Finder = Callable[[str, str], "Callable[..., Any] | None"]

PLAIN: dict[tuple[str, str], Callable[..., Any]] = {}  # the plain kernels that may have variants, by file and name
_found: dict[tuple[str, str], Callable[..., Any] | None] = {}
_finder: list[Finder] = []


def provide(finder: Finder) -> None:
    """Let `finder(file, name)` give the variants, or None where there is none."""
    _finder[:] = [finder]
    find_again()


def find_again() -> None:
    """Ask for all variants again: what they depend on has changed."""
    _found.clear()


def _bound(place: tuple[str, str], *args: Any) -> Callable[[], object] | None:
    """What does the variant's work on these very arrays and settings whenever it is called, without checking them.

    None where there is no variant, or none for them.
    """
    fast = _found.get(place)  # looked for when the kernel ran
    bind = getattr(fast, "bind", None)
    made: Callable[[], object] | None = None if bind is None else bind(*args)
    return made


def has_variant(place: tuple[str, str]) -> bool:
    """Whether the kernel of this file and name has a variant, which may still leave some arguments to the plain one."""
    return (_found[place] if place in _found else _look(place)) is not None


def _look(place: tuple[str, str]) -> Callable[..., Any] | None:
    found = _found[place] = _finder[0](*place) if _finder else None
    return found


def accelerated(file: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let the provider's function of the same name compute instead.

    Args:
        file: of the provider's, in which it lies.
    """

    def decorate(plain: Callable[..., Any]) -> Callable[..., Any]:
        place = file, plain.__name__
        PLAIN[place] = plain

        @functools.wraps(plain)
        def kernel(*args: Any, **named: Any) -> Any:
            try:
                fast = _found[place]
            except KeyError:
                fast = _look(place)
            if fast is not None:
                made = fast(*args, **named)
                if made is not None:
                    return made
            return plain(*args, **named)

        kernel.bind = functools.partial(_bound, place)  # type: ignore[attr-defined]
        return kernel

    return decorate

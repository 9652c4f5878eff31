"""Plain kernels that compiled ones may stand in for.

    @twin("layer_norm")
    def layer_norm(x, gamma, beta, epsilon): ...

asks a provider for the function of that name in its file `layer_norm`, when it is called for the first time. The
provider's function takes the same arguments; what it gives is the kernel's result, and None sends it back to the plain
kernel. Without a provider the plain kernel runs.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["PLAIN", "find_again", "has_twin", "provide", "twin", "without"]

Finder = Callable[[str, str], "Callable[..., Any] | None"]

PLAIN: dict[tuple[str, str], Callable[..., Any]] = {}  # the plain kernels that have twins, by file and name
_found: dict[tuple[str, str], Callable[..., Any] | None] = {}
_finder: list[Finder] = []


def provide(finder: Finder) -> None:
    """Let `finder(file, name)` give the twins, or None where there is none."""
    _finder[:] = [finder]
    find_again()


def find_again() -> None:
    """Ask for all twins again: what they depend on has changed."""
    _found.clear()


@contextlib.contextmanager
def without(place: tuple[str, str]) -> Iterator[None]:
    """Inside of the block the plain kernel of this file and name computes."""
    before = {place: _found[place]} if place in _found else {}
    _found[place] = None
    try:
        yield
    finally:
        del _found[place]
        _found.update(before)


def _bound(place: tuple[str, str], *given: Any) -> Callable[[], object] | None:
    """What does the twin's work on these very arrays and settings whenever it is called, without looking at them again.

    None where there is no twin, or none for them.
    """
    fast = _found.get(place)  # looked for when the kernel ran
    bind = getattr(fast, "bind", None)
    made: Callable[[], object] | None = None if bind is None else bind(*given)
    return made


def has_twin(place: tuple[str, str], dtype: str) -> bool:
    """Whether another function stands in for the kernel of this file and name, and has machine code for a float type.

    It may still leave some arguments to the plain one.
    """
    fast = _found[place] if place in _found else _look(place)
    needed: tuple[Any, ...] = getattr(fast, "needs", ())
    return fast is not None and all([each.is_there(dtype) for each in needed])


def _look(place: tuple[str, str]) -> Callable[..., Any] | None:
    found = _found[place] = _finder[0](*place) if _finder else None
    return found


def twin(file: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let the provider's function of the same name compute instead.

    Args:
        file: of the provider's, in which it lies.
    """

    def decorate(plain: Callable[..., Any]) -> Callable[..., Any]:
        place = file, plain.__name__
        PLAIN[place] = plain

        @functools.wraps(plain)
        def kernel(*given: Any, **named: Any) -> Any:
            try:
                fast = _found[place]
            except KeyError:
                fast = _look(place)
            if fast is not None:
                made = fast(*given, **named)
                if made is not None:
                    return made
            return plain(*given, **named)

        kernel.bind = functools.partial(_bound, place)  # type: ignore[attr-defined]
        return kernel

    return decorate

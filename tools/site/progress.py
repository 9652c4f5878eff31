"""What `make docs` says while it makes many things, some of which take a minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from typing import Any, TypeVar

__all__ = ["EVERY", "counted"]

EVERY = 10.0  # seconds between two lines

T = TypeVar("T")
R = TypeVar("R")


def _print(line: str) -> None:
    print(f"{'':9} {line}", flush=True)  # below the words of those that begin with a time


def counted(
    pool: Executor,
    make: Callable[[T], R],
    things: Sequence[T],
    what: str,
    size: Callable[[T], int] = lambda thing: 1,
    tell: Callable[[str], Any] = _print,
) -> list[R]:
    """As `pool.map(make, things)`; says every ten seconds how many are made, on a terminal or not.

    The last line says that all are; the same number isn't said twice.

    Args:
        pool: makes them.
        make: makes one.
        things: what to make.
        what: they are, and what is done with them: `"pages of the gallery"`.
        size: how many of them each is.
        tell: takes what is said.
    """
    made = {pool.submit(make, thing): size(thing) for thing in things}
    whole, told = sum(made.values()), -1
    while True:
        waiting = wait(made, timeout=EVERY, return_when=FIRST_EXCEPTION)
        done = sum(made[future] for future in waiting.done)
        is_over = not waiting.not_done or any(future.exception() for future in waiting.done)
        if done != told and not (is_over and told < 0):  # what took no time needs no line
            told = done
            tell(f"{what}: {done} of {whole}")
        if is_over:
            return [future.result() for future in made]

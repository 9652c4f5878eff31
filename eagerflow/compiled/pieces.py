"""How the work of a compiled kernel is cut: by shapes alone, so that results don't depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable

from eagerflow.kernels.machine.threads import each

__all__ = ["LARGE", "pieces", "run", "run_rows"]

_NUMBERS = 1 << 16  # of a piece: some 20 microseconds
LARGE = 1 << 18  # the same for loops that wait for memory: a call costs what thousands of numbers do


def pieces(rows: int, width: int, most: int = 1 << 62, numbers: int = _NUMBERS) -> list[slice]:
    """Runs of rows, an even number of them where there are several.

    Args:
        rows: in all.
        width: numbers that a row costs.
        most: rows of a run.
        numbers: of a run, about.

    >>> pieces(10, 1 << 14)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 9, None), slice(9, 10, None)]
    """
    count = max(-(-rows // most), -(-rows * width // numbers), 1)
    step = max(1, -(-rows // (count + (count > 1 and count % 2))))
    return [slice(start, min(rows, start + step)) for start in range(0, rows, step)]


def run(work: Callable[[int, int, int], object], cuts: list[slice], nanoseconds: float) -> None:
    """Call `work(start, stop, number)` for all pieces, shared among threads; it takes one of them so long in all."""
    if len(cuts) == 1:  # a short call, to which `each` would add as much again
        work(cuts[0].start, cuts[0].stop, 0)
        return

    def one(i: int) -> None:
        work(cuts[i].start, cuts[i].stop, i)

    each(one, len(cuts), nanoseconds / 1000)


def run_rows(
    work: Callable[[int, int], object],
    rows: int,
    width: int,
    nanoseconds: float,
    backwards: bool = False,
    numbers: int = _NUMBERS,
) -> None:
    """The same for work whose pieces are rows of such a width and need no number: `work(start, stop)`.

    A second pass over an array goes `backwards`: it begins with what the first one left in the cache.
    """
    cuts = pieces(rows, width, numbers=numbers)
    run(lambda start, stop, _: work(start, stop), cuts[::-1] if backwards else cuts, nanoseconds)

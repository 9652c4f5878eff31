"""Which steps are meant where several may be named: `1,10`, `5-9`, `5:10`, `9-`, `all`. Nothing is loaded for it."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection

__all__ = ["EXAMPLES", "ChosenSteps"]

EXAMPLES = "1,10 or 5-9 or 5:10 or 9- or all"
_ENDLESS = sys.maxsize
_PART = re.compile(r"(\d+)(?:-(\d*)|:(\d*)(?::(\d+))?)?|:(\d+)(?::(\d+))?", re.ASCII)


class ChosenSteps:
    """Steps by their numbers, from 0; a range may have no end.

    Args:
        ranges: of numbers.

    >>> chosen = ChosenSteps.parsed("1,5-7,9-")
    >>> [number for number in range(12) if number in chosen]
    [1, 5, 6, 7, 9, 10, 11]
    """

    def __init__(self, *ranges: range) -> None:
        self._ranges = ranges

    @classmethod
    def parsed(cls, given: str) -> ChosenSteps:
        """Numbers with commas between them, and ranges: `5-9` with its last step, `5:10` and `0:100:10` without.

        `9-` and `9:` go on to the end, `:5` is the first five steps, `all` is each.

        Raises:
            ValueError: for what is none, and for a range without steps.
        """
        if given.strip() == "all":
            return cls(range(_ENDLESS))
        return cls(*[_range(part.strip(), given) for part in given.split(",")])

    def __contains__(self, number: object) -> bool:
        return any(number in each for each in self._ranges)

    def __repr__(self) -> str:
        return ",".join([_written(each) for each in self._ranges])

    def missing(self, seen: Collection[int]) -> list[str]:
        """Of steps that run one after the other, those that didn't come: of a range without an end, all or none."""
        found = []
        for each in self._ranges:
            came = sum(number in each for number in seen)
            left = each[came:]
            if left and not (came and each.stop == _ENDLESS):
                found.append(f"from {left.start} on" if left.stop == _ENDLESS else _written(left))
        return list(dict.fromkeys(found))


def _range(part: str, given: str) -> range:
    """The steps that a part of a list stands for."""
    if re.fullmatch(r"-\d+", part):
        raise ValueError(f"steps are counted from 0; got {part}")
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{given!r} isn't a list of steps or ranges such as {EXAMPLES}")
    first, last, end, stride, only_end, its_stride = match.groups()
    start = int(first or 0)
    if last is not None:
        stop = int(last) + 1 if last else _ENDLESS
    elif end is not None or only_end is not None:
        stop = int(end or only_end or _ENDLESS)
    else:
        stop = start + 1
    by = int(stride or its_stride or 1)
    if by == 0 or stop <= start:
        raise ValueError(f"the range {part} has no steps")
    return range(start, stop, by)


def _written(steps: range) -> str:
    """As it is given, in the shortest way."""
    if len(steps) == 1:
        return str(steps[0])
    stop = "" if steps.stop == _ENDLESS else str(steps[-1] if steps.step == 1 else steps.stop)
    return f"{steps.start}-{stop}" if steps.step == 1 else f"{steps.start}:{stop}:{steps.step}"

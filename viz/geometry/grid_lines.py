"""Where the lines are that arrows may run along: beside boxes, titles and frames, and through the middles of boxes."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from viz.geometry.places import OFF_TITLES, TRACK, Rect

__all__ = ["MARGIN", "inside", "lines_beside", "near_lines"]

MARGIN = TRACK  # how far ways keep off boxes
_NEAR = 4.5  # ways nearer than this would look like one
_TRACKS = (1, 2)  # lines beside those next to a box, for ways that pass each other there
_APART = 5.0  # how far lines are apart
_FAR_APART = 1.5 * TRACK  # and where there are many arrows

Point = tuple[float, float]


def inside(lines: Sequence[float], low: float, high: float) -> range:
    """Which lines lie between two places."""
    return range(bisect.bisect_right(lines, low + 0.01), bisect.bisect_left(lines, high - 0.01))


def lines_beside(
    boxes: Sequence[Rect], titles: Sequence[Rect], frames: Sequence[Rect], ports: Iterable[Point], many: bool
) -> tuple[list[float], list[float]]:
    """Where upright and level lines are: those through ports exactly, others not too close to each other.

    For `many` arrows, lines are farther apart, and there is one beside each side of a box: searches pass a third fewer
    points, ways have fewer bends, and labels find more room.
    """
    fixed_x, fixed_y = ({port[k] for port in ports} for k in (0, 1))
    further = [k * TRACK for k in _TRACKS if not many]
    loose_x, loose_y = set(), set()
    for rect in [*boxes, *frames]:
        loose_x |= {x for k in (0.0, *further) for x in (rect.x - MARGIN - k, rect.x + rect.w + MARGIN + k)}
        loose_y |= {y for k in (0.0, *further) for y in (rect.y - MARGIN - k, rect.y + rect.h + MARGIN + k)}
    for rect in titles:
        loose_x |= {rect.x - OFF_TITLES - 1, rect.x + rect.w + OFF_TITLES + 1}
    everything = [*boxes, *frames]
    left = min([rect.x for rect in everything], default=0.0)
    right = max([rect.x + rect.w for rect in everything], default=0.0)
    for k in range(1, 9):
        loose_x |= {left - MARGIN - k * TRACK, right + MARGIN + k * TRACK}
    apart = _FAR_APART if many else _APART
    return _spaced(fixed_x, loose_x, apart), _spaced(fixed_y, loose_y, apart)


def _spaced(fixed: Iterable[float], loose: Iterable[float], apart: float) -> list[float]:
    found = sorted(fixed)
    for each in sorted(loose):
        i = bisect.bisect_left(found, each)
        if (i == 0 or each - found[i - 1] >= apart) and (i == len(found) or found[i] - each >= apart):
            found.insert(i, each)
    return found


def near_lines(lines: Sequence[float], step: int) -> list[list[int]]:
    """For each of some lines: how many points it is to itself, and to those so near that ways on them look like one."""
    found = []
    for place, here in enumerate(lines):
        last, first = bisect.bisect_left(lines, here + _NEAR), bisect.bisect_right(lines, here - _NEAR)
        near = [place, *range(place + 1, last), *range(place - 1, first - 1, -1)]
        found.append([(k - place) * step for k in near])
    return found

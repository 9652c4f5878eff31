"""What is left to go, at least, from each state of a search: whatever stands between, its length and its bends."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["BEND", "Heuristic"]

BEND = 14.0  # what a bend costs, in length


class Heuristic(dict[int, float]):
    """By state (twice a point, and the direction of the piece that led to it): the least that is left to a target.

    Each is told when it is asked for first.

    Args:
        xs: where the upright lines are.
        ys: where the level ones are.
        targets: points, each with the direction of the piece behind it: 0 is level, 1 is upright.
        up: what leading up costs, of its length.
        down: what leading down costs.

    >>> Heuristic([0.0, 10.0, 30.0], [0.0, 5.0], {2: 0})[0]  # straight on, from the first point to the third
    30.0
    """

    def __init__(
        self, xs: Sequence[float], ys: Sequence[float], targets: dict[int, int], up: float = 1.0, down: float = 1.0
    ) -> None:
        self.columns = len(xs)
        goals = [(xs[at % self.columns], ys[at // self.columns], last) for at, last in targets.items()]
        # For each target: how far each upright and each level line is from it, and its direction.
        self.away = [
            ([abs(x - there) for there in xs], [(y - there) * (down if y > there else -up) for there in ys], last)
            for x, y, last in goals
        ]

    def __missing__(self, state: int) -> float:
        """What is left from a point, for both directions: whoever asks for one will soon ask for the other."""
        row, column = divmod(state >> 1, self.columns)
        least = [float("inf"), float("inf")]
        for across, down, last in self.away:
            level, upright = across[column], down[row]
            guess = level + upright
            least[1 - last] = min(least[1 - last], guess + BEND)
            if level if last else upright:  # it has to be gone aside, and back
                guess += 2 * BEND
            least[last] = min(least[last], guess)
        self[state & -2], self[state | 1] = least
        return least[state & 1]

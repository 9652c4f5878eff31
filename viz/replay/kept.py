"""What an `.efr` file holds: the state before a few training steps, and what those steps did.

It is plain data. A step is a list of events in the order in which they happened, each a dict with one of these keys:

    {"op": name, "in": refs, "set": settings, "out": numbers, "tape": bool, "at": place}   an op ran
    {"gradient": refs, "of": refs, "out": numbers or None}    the gradients of some numbers by others
    {"assign": variable, "to": ref}                            a variable was changed
    {"apply": optimizer, "gradients": refs, "variables": numbers, "rate": number}
    {"begin": kind, "name": text, "cls": text, "in": refs, "at": place}, {"end": refs}       a layer, a loss, ...
    {"python": text, "out": [array, ...], "at": place}         something ran that isn't eagerflow's

A ref is the number of a tensor of this step, `{"v": variable}`, `{"a": array}`, `{"n": a plain number}` or
`{"l": refs}`; a place is the number of a line of code.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy

from viz.facts.schema import Frame

__all__ = ["Kept", "KeptOptimizer", "KeptStep", "KeptVariable"]

Event = dict[str, Any]


@dataclasses.dataclass
class KeptVariable:
    """A variable as it was before the first step."""

    path: str
    array: int
    trainable: bool


@dataclasses.dataclass
class KeptOptimizer:
    """An optimizer as it was before the first step."""

    name: str
    config: dict[str, Any] | None  # as `optimizers.serialize` gives it; None where it can't be made from one
    state: list[int]  # the numbers of its variables, in its own order
    trained: list[int]  # the numbers of the variables that it was built for, in order


@dataclasses.dataclass
class KeptStep:
    """A training step."""

    number: int  # which of the run, from 0
    events: list[Event]
    loss: float | None = None  # the number that was minimized last, None where there was none or many
    error: str = ""  # what the step ended with, "" when all went well
    batch: list[tuple[str, int]] = dataclasses.field(default_factory=list)  # names and numbers of its arrays
    rows: list[int] | None = None  # the numbers of its rows in the data, None where they aren't known


@dataclasses.dataclass
class Kept:
    """What a file holds."""

    meta: dict[str, Any]  # `cause`, `message`, `keep` (how many of the last steps were asked for), `machine`, ...
    variables: list[KeptVariable]  # all that the steps read or changed
    optimizers: list[KeptOptimizer]  # those that changed them
    steps: list[KeptStep]  # the steps, the first of which may be there only because the state was kept before it
    arrays: list[numpy.ndarray]  # all numbers
    after: dict[int, int]  # the arrays of variables after the last step, by the number of the variable
    digests: dict[int, str]  # a checksum of each variable after the last step, by its number
    places: list[Frame]
    limit: int | None = None  # how many bytes the results of a step may take when it is run; None: any number

    @property
    def asked(self) -> list[KeptStep]:
        """The steps that were to be kept: the last ones."""
        return self.steps[-int(self.meta.get("keep", 1)) :]

    def place(self, number: int | None) -> Frame | None:
        """A line of code."""
        return None if number is None else self.places[number]

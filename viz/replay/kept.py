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
    """An optimizer as it was before the first step.

    Attributes:
        name: its name.
        config: its class and settings, as `optimizers.serialize` gives them; None for one that isn't eagerflow's, or
            whose learning rate is a function.
        state: the numbers of its variables, in its own order.
        trained: the numbers of the variables that it was built for, in order.
    """

    name: str
    config: dict[str, Any] | None
    state: list[int]
    trained: list[int]


@dataclasses.dataclass
class KeptStep:
    """A training step.

    Attributes:
        number: which of the run, from 0.
        events: what happened.
        loss: the number that was minimized last, None where there was none or many.
        error: what the step ended with, "" when all went well.
        batch: names and numbers of the arrays of its batch.
        rows: the numbers of its rows in the data, None where they aren't known.
    """

    number: int
    events: list[Event]
    loss: float | None = None
    error: str = ""
    batch: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    rows: list[int] | None = None


@dataclasses.dataclass
class Kept:
    """What a file holds.

    Attributes:
        meta: `cause`, `message`, `keep` (how many of the last steps were asked for), `machine`, `script`, ...
        variables: all that the steps read or changed.
        optimizers: those that changed them.
        steps: the steps, the first of which may be there only because the state was kept before it.
        arrays: all numbers.
        after: the arrays of variables after the last step, by the number of the variable.
        digests: a checksum of each variable after the last step, by its number.
        places: lines of code.
        limit: how many bytes the results of a step may take when it is run; None: any number.
    """

    meta: dict[str, Any]
    variables: list[KeptVariable]
    optimizers: list[KeptOptimizer]
    steps: list[KeptStep]
    arrays: list[numpy.ndarray]
    after: dict[int, int]
    digests: dict[int, str]
    places: list[Frame]
    limit: int | None = None

    @property
    def asked(self) -> list[KeptStep]:
        """The steps that were to be kept: the last ones."""
        return self.steps[-int(self.meta.get("keep", 1)) :]

    @property
    def has_data(self) -> bool:
        """Whether the batches are inside."""
        return bool(self.meta.get("data", True))

    def place(self, number: int | None) -> Frame | None:
        """A line of code."""
        return None if number is None else self.places[number]

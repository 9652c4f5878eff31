"""What the user's code holds variables in: `w` of `w = ef.Variable(...)` and of `self.w`, `params['w']` of a dict.

It is asked for those alone whose names nobody chose, such as `variable_1`. While a program runs, what holds a variable
is noted when an op reads it first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from viz.facts.schema import Record
from viz.frameworks.objects import is_layer
from viz.recorder.names.kept_names import held_as, spoken_of
from viz.recorder.source_lines import is_internal

__all__ = ["holders", "name_variables"]

_MADE_UP = re.compile(r"variable(_\d+)?")


def holders(
    variable: Any, frame: FrameType | None, last: FrameType | None, called: Iterable[Any] = ()
) -> list[list[str]]:
    """What frames hold a variable in whose name nobody chose, innermost first; nothing for others.

    Args:
        variable: what an op is about to read.
        frame: the innermost frame.
        last: the outermost one that is asked.
        called: what has been called so far. A layer that keeps the variable comes last: its attribute is the name that
            was chosen for the weight, whatever a caller calls what the layer gave to it.
    """
    found = list[list[str]]()
    if not _MADE_UP.fullmatch(variable.name):
        return found
    while frame is not None:
        if not is_internal(frame.f_code.co_filename):
            names = dict.fromkeys([name for key, value in spoken_of(frame) for name in held_as(key, value, variable)])
            found += [[*names]] if names else []
        if frame is last:
            break
        frame = frame.f_back
    kept = [
        name
        for each in called
        if is_layer(each)
        for key, value in vars(each).items()
        for name in held_as(key, value, variable)
    ]
    return [*found, list(dict.fromkeys(kept))] if kept else found


def name_variables(record: Record, held: Mapping[int, list[list[str]]], versions: Mapping[int, int]) -> None:
    """Call variables as what holds them, where one name alone does, and it holds no other variable.

    Of several frames the outermost counts, which knows the variable longest.
    """
    waiting = {i: _candidates(found) for i, found in held.items()}
    names = dict[int, str]()
    while True:
        names = {i: found[0] for i, found in waiting.items() if found}
        claims = [(record.tensors[i].name.rpartition("/")[0], name) for i, name in names.items()]
        alike = [i for i, claim in zip(names, claims) if claims.count(claim) > 1]
        if not alike:
            break
        for i in alike:
            waiting[i] = waiting[i][1:]
    record.called |= names
    record.called |= {later: names[first] for later, first in versions.items() if first in names}


def _candidates(found: list[list[str]]) -> list[str]:
    """What a variable may be called, the surest name first: those of parts of lists and dicts come last."""
    plain, parts = list[str](), list[str]()
    for names in reversed(found):
        whole = [name for name in names if name.isidentifier()]
        partial = [name for name in names if not name.isidentifier() and "/" not in name]
        plain += whole if len(whole) == 1 else []
        parts += partial if len(partial) == 1 else []
    return list(dict.fromkeys([*plain, *parts]))

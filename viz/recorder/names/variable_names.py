"""What the user's code holds variables in: `w` of `w = ef.Variable(...)` and of `self.w`, `params['w']` of a dict.

It is asked for those alone whose names nobody chose, such as `variable_1`. While a program runs, what holds a variable
is noted when an op reads it first; the source, which tells what is the variable of a loop, is read afterwards.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any, NamedTuple

from eagerflow import Variable
from eagerflow.layer.layer import Layer
from viz.facts.schema import Record
from viz.recorder.names.kept_names import held_as, spoken_of
from viz.recorder.source_lines import is_internal
from viz.source_trees import parsed_source

__all__ = ["Holder", "holders", "name_variables"]

_MADE_UP = re.compile(r"variable(_\d+)?")

_OF_THEIR_OWN = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # code objects of comprehensions

_Loops = dict[str, set[str]]  # the names that loops in functions give what they go through, by the functions' names


class Holder(NamedTuple):
    """A frame of the user's code that holds a variable.

    Attributes:
        file: where its code is; "" of a layer that keeps it.
        function: the name of its code.
        names: what it holds the variable in.
    """

    file: str
    function: str
    names: list[str]


def holders(
    variable: Variable, frame: FrameType | None, last: FrameType | None, called: Iterable[Any] = ()
) -> list[Holder]:
    """Which frames hold a variable whose name nobody chose, innermost first; none for others.

    Args:
        variable: what an op is about to read.
        frame: the innermost frame.
        last: the outermost one that is asked.
        called: what has been called so far. A layer that keeps the variable comes last: its attribute is the name that
            was chosen for the weight, whatever a caller calls what the layer gave to it.
    """
    found = list[Holder]()
    if not _MADE_UP.fullmatch(variable.name):
        return found
    while frame is not None:
        if not is_internal(frame.f_code.co_filename):
            names = dict.fromkeys([name for key, value in spoken_of(frame) for name in held_as(key, value, variable)])
            found += [Holder(frame.f_code.co_filename, frame.f_code.co_name, [*names])] if names else []
        if frame is last:
            break
        frame = frame.f_back
    kept = [
        name
        for each in called
        if isinstance(each, Layer)
        for key, value in vars(each).items()
        for name in held_as(key, value, variable)
    ]
    return [*found, Holder("", "", list(dict.fromkeys(kept)))] if kept else found


def name_variables(record: Record, held: Mapping[int, list[Holder]], versions: Mapping[int, int]) -> None:
    """Call variables as what holds them, where one name alone does, and it holds no other variable.

    Of several frames the outermost counts, which knows the variable longest; names that loops give their items never.

    Args:
        record: its `called` gets the names.
        held: the holders of variables, by the tensor that each was first.
        versions: tensors that variables became when they were changed, and which each was first.
    """
    of_loops: dict[str, _Loops | None] = {}
    waiting = {i: _candidates(found, of_loops) for i, found in held.items()}
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


def _candidates(found: list[Holder], of_loops: dict[str, _Loops | None]) -> list[str]:
    """What a variable may be called, the surest name first: those of parts of lists and dicts come last."""
    plain, parts = list[str](), list[str]()
    for file, function, names in reversed(found):
        if file not in of_loops:
            of_loops[file] = _names_of_loops(file) if file else {}
        loops = of_loops[file]
        if loops is None:
            continue
        taken = loops.get(function, ())
        whole = [name for name in names if name.isidentifier() and name not in taken]
        partial = [name for name in names if not name.isidentifier() and "/" not in name]
        plain += whole if len(whole) == 1 else []
        parts += partial if len(partial) == 1 else []
    return list(dict.fromkeys([*plain, *parts]))


def _names_of_loops(file: str) -> _Loops | None:
    """The names that loops in a file give what they go through; None where there is no source."""
    try:
        tree = parsed_source("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: _Loops = {}
    waiting: list[tuple[ast.AST, str]] = [(tree, "<module>")]
    while waiting:
        node, function = waiting.pop()
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            names = [part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)]
            found.setdefault(function, set()).update(names)
            for kind in _OF_THEIR_OWN if isinstance(node, ast.comprehension) else ():
                found.setdefault(kind, set()).update(names)
        inside = "<lambda>" if isinstance(node, ast.Lambda) else getattr(node, "name", function)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        waiting += [(each, inside if is_function else function) for each in ast.iter_child_nodes(node)]
    return found if tree.body else None

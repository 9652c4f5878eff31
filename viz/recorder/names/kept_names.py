"""What the user's code keeps layers, models and variables in: `img` of `self.img = Dense(16)`, `params['w']` of a dict.

It is asked for those alone whose names nobody chose, such as `dense_16`. A name is told only where it is sure: the
attribute of the model around that holds the layer, or what the user's line calls. While a program runs, what holds a
variable is noted when an op reads it first.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from viz.facts.schema import Record
from viz.frameworks.objects import default_name, is_layer
from viz.recorder.source_lines import is_internal

__all__ = ["LONGEST", "SAID_BY_ITS_PLACE", "attribute_of", "frames_of_user", "held_as", "held_in_code", "holders"]
__all__ += ["is_chosen", "name_variables", "spoken_of", "tells", "variable_of"]

SAID_BY_ITS_PLACE = ("input", "inputs")  # a box is called so without being told
_UNSHARED = 3  # references to a frame's copy of its variables: of the frame, here, and of the call that counts
_MADE_UP = re.compile(r"variable(_\d+)?")
LONGEST = 64  # lists and dicts that are searched
_TELL_NOTHING = frozenset(["block", "cls", "layer", "mod", "module", "nn", "self"])
_TELL_LITTLE = frozenset(["m", "model", "net", "network"])  # but more than the name of one of these classes:
_PLAIN_MODELS = frozenset(["Functional", "Model", "Sequential"])


def attribute_of(owner: Any, around: Collection[Any]) -> str:
    """The attribute of the nearest layer around, one of the user's own classes, that holds a layer; "" for none."""
    for outer in reversed([*around]):
        module = sys.modules.get(type(outer).__module__)
        file = getattr(module, "__file__", None)
        if not is_layer(outer) or (file is not None and is_internal(file)):
            continue
        found = [name for attribute, value in vars(outer).items() for name in held_as(attribute, value, owner)]
        return found[0] if len(found) == 1 else ""
    return ""


def held_as(attribute: str, value: Any, owner: Any) -> list[str]:
    """The name of an attribute that is a layer or variable, or of the part of it that is."""
    if value is owner:
        return [attribute]
    if attribute.startswith("_"):  # as eagerflow lists layers for itself
        return []
    if isinstance(value, dict) and len(value) <= LONGEST:
        return [f"{attribute}[{key!r}]" for key, each in value.items() if each is owner]
    if isinstance(value, list | tuple) and len(value) <= LONGEST:
        return [f"{attribute}[{i}]" for i, each in enumerate(value) if each is owner]
    return []


def is_chosen(layer_name: str, cls: str) -> bool:
    """Did somebody choose the name of a layer of this class? `dense_16` is nobody's choice."""
    return not re.fullmatch(re.escape(default_name(cls)) + r"(_\d+)?", layer_name)


def held_in_code(owner: Any, frame: FrameType | None) -> str:
    """What the innermost of the user's functions that holds a layer whose name nobody chose calls it.

    A parameter of it is called as in the function that called this one, and so on. "" for none, or for several names.
    """
    found = ""
    if is_chosen(getattr(owner, "name", ""), type(owner).__name__):
        return found
    for each in frames_of_user(frame):
        names = {name for key, value in spoken_of(each) for name in held_as(key, value, owner)}
        if len(names) > 1:
            break
        found = next(iter(names), found)
        code = each.f_code
        if found and not (names and found in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
            break
    return found if tells(found, type(owner).__name__) else ""


def frames_of_user(frame: FrameType | None, last: FrameType | None = None) -> Iterator[FrameType]:
    """The frames of the user's code around a frame, innermost first, up to `last`."""
    while frame is not None:
        if not is_internal(frame.f_code.co_filename):
            yield frame
        frame = None if frame is last else frame.f_back


def tells(name: str, cls: str) -> bool:
    """Does the name of a variable tell more than that of a class?

    >>> tells("critic", "Sequential"), tells("model", "Sequential"), tells("m", "ResNet"), tells("layer", "Dense")
    (True, True, False, False)
    """
    return name.lower() not in (_TELL_NOTHING if cls in _PLAIN_MODELS else _TELL_NOTHING | _TELL_LITTLE)


def spoken_of(frame: FrameType) -> list[tuple[str, Any]]:
    """What a frame's code speaks of: its local variables, its module's, and the attributes of the method's object."""
    code, own = frame.f_code, frame.f_locals
    found = [*own.items()] if own is not frame.f_globals else []
    first = own.get(code.co_varnames[0]) if code.co_argcount else None
    if own.__class__ is dict and code.co_flags & CO_OPTIMIZED and sys.getrefcount(own) <= _UNSHARED:
        own.clear()  # before Python 3.13, a copy that stays with the frame, and would keep arrays alive
    found += [(name, frame.f_globals[name]) for name in code.co_names if name in frame.f_globals]
    if hasattr(type(first), code.co_name):
        found += getattr(first, "__dict__", {}).items()
    return found


def variable_of(frame: FrameType, name: str) -> Any:
    """What a variable of this name holds in a frame, or in its module."""
    code, own = frame.f_code, frame.f_locals
    found = own.get(name, frame.f_globals.get(name))
    if own.__class__ is dict and code.co_flags & CO_OPTIMIZED and sys.getrefcount(own) <= _UNSHARED:
        own.clear()  # see `spoken_of`
    return found


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
    for each in frames_of_user(frame, last):
        names = dict.fromkeys([name for key, value in spoken_of(each) for name in held_as(key, value, variable)])
        found += [[*names]] if names else []
    attributes = [each for layer in called if is_layer(layer) for each in vars(layer).items()]
    kept = dict.fromkeys([name for key, value in attributes for name in held_as(key, value, variable)])
    return [*found, [*kept]] if kept else found


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

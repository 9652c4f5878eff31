"""What Python looks up by itself, without a call that it tells of: codecs by their names, and the locale.

`str(data, "mine")` and `f"{number:n}"` call no function of Python's. But a codec that was looked up once stays in a
dict of the interpreter until `codecs.unregister` empties it, and what handles errors stands in another one. No
attribute leads to these dicts; the garbage collector knows them.
"""

from __future__ import annotations

import codecs
import dis
import encodings
import functools
import gc
import itertools
import locale
import re
from collections.abc import Iterable, Iterator, Set
from types import FunctionType
from typing import Any

from eagerflow.capture.dependence.equality import all_same
from eagerflow.capture.dependence.identical import Conditions

__all__ = ["Registered", "formats_by_locale", "goes_by_locale", "locale_now", "registered"]

_CODING = frozenset({"bytearray", "bytes", "decode", "encode", "str"})
_FORMATTING = frozenset({"LOCALE", "Formatter", "__format__", "format", "format_field", "format_map", "vformat"})
_BY_LOCALE = re.compile(r"n$|%[A-Za-z]")  # formats: of numbers, and of dates
_FLAG_INSIDE = re.compile(rb"\(\?[aimsux]*L")
_NAMES = "strict ignore replace xmlcharrefreplace backslashreplace namereplace surrogatepass surrogateescape".split()
# Python's own handlers of errors, which may be registered under other names, too.
_HANDLERS = {name: codecs.lookup_error(name) for name in _NAMES}
locale_now = functools.partial(locale.setlocale, locale.LC_ALL)


class Registered:
    """What users have put into one of these dicts; Python's own codecs count for nothing.

    Args:
        thing: the dict.
        name: what messages call what is in it.
        is_named: whether code has names by which texts are encoded and decoded.
    """

    def __init__(self, thing: dict[str, Any], name: str, is_named: bool) -> None:
        self.thing, self.name, self.is_named = thing, name, is_named
        own = self.own()
        self.names, self.values = tuple(own), tuple(own.values())

    def own(self) -> dict[str, Any]:
        """The users' own, by name."""
        standard = {id(each) for each in getattr(encodings, "_cache", {}).values()}
        found = self.thing.copy().items()
        return {name: each for name, each in found if id(each) not in standard and each is not _HANDLERS.get(name)}

    def reached(self) -> tuple[Any, ...]:
        """What runs unheard of it, and may go by a table that somebody changes; functions of Python's are heard."""
        handlers = {id(each) for each in _HANDLERS.values()}
        parts = [part for value in self.values for part in (value if isinstance(value, tuple) else (value,))]
        return tuple([x for x in parts if id(x) not in handlers and not isinstance(x, (FunctionType, type))])

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        own = self.own()
        return tuple(own) == self.names and all_same(own.values(), self.values)

    def conditions(self, to: Conditions) -> None:
        to.asks(self.same)

    def pairs(self) -> Iterable[tuple[Any, Any]] | None:
        return None

    def difference(self) -> str:
        return self.name


def _dicts() -> list[tuple[dict[str, Any], str]]:
    """Both dicts, with what to call what is in them; fewer where they can't be found."""
    found: list[tuple[dict[str, Any], str]] = []
    for thing, key, name in (
        (codecs.lookup("utf-8"), "utf-8", "a codec of yours"),
        (codecs.lookup_error("strict"), "strict", "a handler of errors of codecs"),
    ):
        dicts = [each for each in gc.get_referrers(thing) if type(each) is dict and _knows(each, key, thing)]
        copies = id(getattr(encodings, "_cache", None)), id(_HANDLERS)
        found += [(each, name) for each in dicts if id(each) not in copies]
    return found


def _knows(thing: dict[str, Any], key: str, value: Any) -> bool:
    return thing.get(key) is value or thing.get(key.replace("-", "_")) is value


_DICTS = _dicts()  # now, since the collector doesn't tell of what is frozen (`gc.freeze`) later


def registered(names: Set[str]) -> tuple[list[Registered], list[str]]:
    """What users have registered, and what may change unseen, in words.

    Args:
        names: that code has: of globals and attributes.
    """
    is_named = not _CODING.isdisjoint(names)
    if len(_DICTS) == 2:
        return [Registered(*each, is_named) for each in _DICTS], []
    return [], ["which codec a name stands for"] * is_named


def goes_by_locale(thing: Any) -> bool:
    """Whether something goes by the locale: a pattern with `re.LOCALE`."""
    return type(thing) is re.Pattern and bool(thing.flags & re.LOCALE)


def formats_by_locale(names: Iterable[str], constants: Iterable[Any], steps: list[dis.Instruction]) -> bool:
    """Whether code may write a number or a date as the locale says, or search a text so.

    Args:
        names: that the code has: of globals and attributes.
        constants: of the code.
        steps: its instructions.
    """
    if not _FORMATTING.isdisjoint(names) or any(map(_has_flag, constants)):
        return True
    return any(spec is None or _BY_LOCALE.search(spec) is not None for spec in _formats(steps))


def _has_flag(constant: Any) -> bool:
    return isinstance(constant, bytes) and _FLAG_INSIDE.search(constant) is not None


def _formats(steps: list[dis.Instruction]) -> Iterator[str | None]:
    """The formats of the values in f-strings; None stands for one that is only known when it runs."""
    for before, step in itertools.pairwise(steps):
        has_format = step.opname == "FORMAT_WITH_SPEC" or (step.opname == "FORMAT_VALUE" and (step.arg or 0) & 4)
        if has_format:
            is_constant = before.opname == "LOAD_CONST" and isinstance(before.argval, str)
            yield before.argval if is_constant else None

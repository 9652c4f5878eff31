"""Groups of neighbours in a tree of blocks, where it has too many parts to look at."""

from __future__ import annotations

import itertools
import re
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import Block
from viz.facts.schema import Frame, Record

__all__ = ["grouped", "groups"]

_FOLDERS = re.compile(r"(?<!\S)(?:[A-Za-z]:|[/\\]).*[/\\]")  # of a whole path, on any system


def grouped(record: Record, children: list[Any], most: int) -> list[Any]:
    """At most so many children: neighbours are put together, see `groups`."""
    return [
        group[0] if len(group) == 1 else Block(name, None, group, is_group=True)
        for name, group in groups(record, children, most)
    ]


def groups(record: Record, children: list[Any], most: int, least: int = 1) -> list[tuple[str, list[Any]]]:
    """Neighbours with a name: from the same line, else from the same function, else simply neighbours."""
    sources = [_source(record, child) for child in children]
    for name_of in (formatting.place, _function):
        names = {source: name_of(source) for source in set(sources)}
        named = zip([names[source] for source in sources], children)
        found = [(name, [each for _, each in run]) for name, run in itertools.groupby(named, lambda pair: pair[0])]
        if 1 < len(found) <= most:
            titles = _titles(list(names.values()))
            return [(titles[name], group) for name, group in found]
    size = max(least, -(-len(children) // most))
    parts = [children[at : at + size] for at in range(0, len(children), size)]
    return [(_ends(part) or f"part {i} of {len(parts)}", part) for i, part in enumerate(parts, 1)]


def _titles(names: list[str]) -> dict[str, str]:
    """For each name, what stands above its group: without the folders that lie elsewhere, where files stay apart."""
    short = {name: _FOLDERS.sub("", name) for name in names}
    return short if len({*short.values()}) == len(short) else {name: name for name in names}


def _ends(children: list[Any]) -> str:
    """The names of the first and the last scope or group, where there are some."""
    blocks = [child for child in children if isinstance(child, Block)]
    titles = [child.title for child in blocks if child.scope is not None or (child.is_group and child.title)]
    return " … ".join([formatting.clean(titles[i], 28) for i in (0, -1)]) if len(titles) > 1 else ""


def _source(record: Record, child: Any) -> Frame | None:
    """The user's line that ran the first op of a child."""
    while isinstance(child, Block) and child.children:
        child = child.children[0]
    return None if isinstance(child, Block) else record.ops[child].source


def _function(source: Frame | None) -> str:
    return "" if source is None else f"{source.function} in {formatting.place(source).rsplit(':', 1)[0]}"

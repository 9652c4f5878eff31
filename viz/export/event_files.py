"""Reading event files that were written before."""

from __future__ import annotations

import os
import pathlib
import struct
from collections.abc import Iterator
from typing import Any

from viz.export.event_protos import protos

__all__ = ["last_step"]

_LENGTH, _CHECK = 8, 4  # bytes before and behind each record: its length, and sums of that and of the record


def last_step(folder: str | os.PathLike[str], tags: tuple[str, ...]) -> int | None:
    """The last step that a folder's files have of tags that begin so; None where there is none."""
    steps = [
        event.step
        for path in sorted(pathlib.Path(folder).glob("*tfevents*"))
        for event in _events(path)
        if any(value.tag.startswith(tags) for value in event.summary.value)
    ]
    return max(steps, default=None)


def _events(path: pathlib.Path) -> Iterator[Any]:
    """What is whole in a file, whose end a program may be writing, or may have left off."""
    kind = protos().event.Event
    with open(path, "rb") as file:
        while len(head := file.read(_LENGTH + _CHECK)) == _LENGTH + _CHECK:
            (length,) = struct.unpack("<Q", head[:_LENGTH])
            content = file.read(length + _CHECK)
            if len(content) < length + _CHECK:
                return
            try:
                yield kind.FromString(content[:length])
            except protos().damaged:
                return

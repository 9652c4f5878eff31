"""Event files: records of a length, an event and the sums of both, as TensorFlow writes them."""

from __future__ import annotations

import os
import pathlib
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from viz.export.event_protos import protos

__all__ = ["last_step", "new_file", "write"]

_HEAD, _CHECK = struct.Struct("<QI"), struct.Struct("<I")  # before and behind each record: its length, and two sums


def new_file(folder: str | os.PathLike[str], name: str) -> BinaryIO:
    """A new file that events are written to.

    tensorboardX' own writer waits for the disk each time that what was written is to be read. Here it is the system's,
    and outlives this program, however that ends.
    """
    began = time.time()
    file = open(os.path.join(folder, f"events.out.tfevents.{int(began)}.{socket.gethostname()}{name}"), "ab")  # noqa: SIM115
    write(file, protos().event.Event(wall_time=began, file_version="brain.Event:2"))
    return file


def write(file: BinaryIO, event: Any) -> None:
    """Add an event."""
    content, check = event.SerializeToString(), protos().check
    head = _HEAD.pack(len(content), check(struct.pack("<Q", len(content))))
    file.write(head + content + _CHECK.pack(check(content)))


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
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, _ = _HEAD.unpack(head)
            content = file.read(length + _CHECK.size)
            if len(content) < length + _CHECK.size:
                return
            try:
                yield kind.FromString(content[:length])
            except protos().damaged:
                return

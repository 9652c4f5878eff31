"""What the two CIFAR data sets share: batches of small pictures in pickles, together in one archive."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from eagerflow.base.config import image_data_format
from eagerflow.base.machine.budget import LoadLimitError, take
from eagerflow.datasets.archives import ARCHIVE_ERRORS, limited, to_the_end
from eagerflow.datasets.objects import FormatError, build
from eagerflow.datasets.source import Source

__all__ = ["Part", "load_parts"]

# Samples and their labels.
Part = tuple[np.ndarray, np.ndarray]


def load_parts(source: Source, folder: str, names: Iterable[str], label_key: str) -> dict[str, Part]:
    """Pictures and labels of each batch, from the archive or from the folder it was unpacked into.

    Args:
        source: the archive.
        folder: what the batches' folder in it is called.
        names: the batches.
        label_key: under which the labels are.

    Returns:
        For every name the pictures, uint8 of shape `(rows, 32, 32, 3)` (or channels first, as configured),
        and the labels, uint8 of shape `(rows, 1)`.
    """
    names = tuple(names)
    unpacked = source.place(folder)
    if unpacked.is_dir() and not source.place().exists():
        return {name: source.read(lambda path: _batch(path.read_bytes(), label_key), unpacked / name) for name in names}
    return source.read(lambda path: _from_archive(path, folder, names, label_key))


def _from_archive(path: Path, folder: str, names: tuple[str, ...], label_key: str) -> dict[str, Part]:
    """Reads the batches out of the archive; nothing is unpacked."""
    wanted = {f"{folder}/{name}": name for name in names}
    found: dict[str, Part] = {}
    try:
        with tarfile.open(path) as archive:
            for member in limited(archive, path.stat().st_size):
                if member.name in wanted and member.isfile():
                    take(member.size, f"its member {member.name[:80]!r}")
                    stream = archive.extractfile(member)
                    assert stream is not None  # it is a plain file
                    found[wanted[member.name]] = _batch(stream.read(), label_key)
            to_the_end(archive)
    except ARCHIVE_ERRORS as error:
        if isinstance(error, (FormatError, LoadLimitError)):
            raise
        raise FormatError(f"it is no whole tar archive ({error or type(error).__name__})") from None
    if missing := [name for name in names if name not in found]:
        raise FormatError(f"it has no {folder}/{missing[0]}")
    return found


def _batch(data: bytes, label_key: str) -> Part:
    """A batch: a dict with `data`, the bytes of 3×32×32 pixels per row, and lists of labels."""
    content = build(data, encoding="bytes")
    pixels = content.get(b"data") if isinstance(content, dict) else None
    labels = content.get(label_key.encode()) if isinstance(content, dict) else None
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (3 * 32 * 32,):
        raise FormatError("it has no pictures of 3×32×32 bytes under 'data'")
    if type(labels) is not list or len(labels) != len(pixels) or set(map(type, labels)) - {int}:
        raise FormatError(f"it has no list of {len(pixels)} labels under {label_key!r}")
    if min(labels, default=0) < 0 or max(labels, default=0) > 99:
        raise FormatError("its labels are not between 0 and 99")
    pictures = pixels.reshape(-1, 3, 32, 32)
    if image_data_format() == "channels_last":
        pictures = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    return pictures, np.array(labels, np.uint8).reshape(-1, 1)

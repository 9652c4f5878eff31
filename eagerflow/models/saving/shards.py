"""Weights divided among several files: `name.weights.json` says which group of arrays lies in which of them.

Source: the layout of Keras 3.15, which asks the map where the arrays of a layer are.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy

from eagerflow.base.files import mode_of
from eagerflow.base.machine.budget import step
from eagerflow.base.tracebacks import warn
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.assign import Stored
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import opened, replacing, whole_of
from eagerflow.models.saving.json_text import read_json
from eagerflow.models.saving.state import Part
from eagerflow.models.saving.weights_h5 import arrays_in, group_of

__all__ = ["shards_in", "write_shards"]

_CHECKSUMS = "eagerflow_crc32"
_BLOCK = 2**20
_TRIES = 20  # of a reader while other programs save

Entry = tuple[str, str, numpy.ndarray]  # the group, the key in it, the array


def write_shards(parts: Sequence[Part], path: str, max_shard_size: float, overwrite: bool = True) -> None:
    """Write the arrays into files of at most `max_shard_size` times 2**30 bytes, and the map to `path`.

    Files that an existing map names stay until the new map has taken its place: whenever the program ends, the map
    and the files that it names belong to one save.

    Raises:
        ValueError: for another ending than `.weights.json`, a size that is no positive number, or one that an array
            exceeds.
    """
    path = _json_path(path)
    limit = _bytes(max_shard_size)
    shards = _divided(parts, limit)
    folder, beginning = os.path.dirname(path), f"{os.path.basename(path).removesuffix('.weights.json')}_"
    mode, old = mode_of(path, overwrite), _old_shards(path, beginning)
    first = f"{beginning}00000.weights.h5"
    unique = "" if mode is None else f"{secrets.token_hex(4)}_"
    checksums: dict[str, int] = {}
    weight_map: dict[str, Any] = {}
    with replacing(path, overwrite) as target, _removed_on_failure(folder, checksums):
        for i, shard in enumerate(shards):
            name = f"{beginning}{unique}{i:05}.weights.h5"
            checksums[name] = _write_shard(shard, os.path.join(folder, name), mode)
            for group in dict.fromkeys(f"/{group}" for group, _, _ in shard):
                known = weight_map.get(group)
                weight_map[group] = name if known is None else [*_listed(known), name]
        total = sum(array.nbytes for shard in shards for _, _, array in shard)
        metadata = {"total_size": float(total), _CHECKSUMS: checksums}
        target.write(json.dumps({"metadata": metadata, "weight_map": weight_map}, indent=4).encode())
    if unique:
        _write_shard([], os.path.join(folder, first), mode)  # Keras opens a file of this name before it reads the map
    _remove(folder, old - {first, *checksums})


@contextlib.contextmanager
def _removed_on_failure(folder: str, names: Iterable[str]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove(folder, names)
        raise


def _remove(folder: str, names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):  # where it is in use, as on Windows
            os.unlink(os.path.join(folder, name))


def _old_shards(path: str, beginning: str) -> set[str]:
    """The files that the map at `path` names, if there is one, as far as their names show that they belong to it."""
    with contextlib.suppress(OSError, FileFormatError):
        return {name for name in _names_in(_map_in(path), path) if name.startswith(beginning)}
    return set()


def _json_path(path: str) -> str:
    if path.endswith(".weights.json"):
        return path
    if not path.endswith(".weights.h5"):
        raise ValueError(f"save_weights({path!r:.200}, max_shard_size=...): the name must end in '.weights.json'.")
    renamed = f"{path.removesuffix('.h5')}.json"
    warn(f"save_weights(max_shard_size=...): {path!r} becomes {renamed!r}, as in Keras.")
    return renamed


def _bytes(max_shard_size: Any) -> float:
    number = isinstance(max_shard_size, (int, float)) and not isinstance(max_shard_size, bool)
    if not number or not 0 < max_shard_size < math.inf:
        raise ValueError(
            f"save_weights(max_shard_size={max_shard_size!r:.60}): expected a positive number of gigabytes."
        )
    return float(max_shard_size) * 2**30


def _divided(parts: Sequence[Part], limit: float) -> list[list[Entry]]:
    """The arrays in their order; a new list begins where the last one is full."""
    shards: list[list[Entry]] = [[]]
    filled = 0
    for part in parts:
        for key, array in part.arrays.items():
            if array.nbytes > limit:
                raise ValueError(
                    f"save_weights(max_shard_size=...): array {key!r} of {part.name!r:.80} has {array.nbytes} bytes, "
                    f"more than the {limit:.0f} of a file. Pass a larger number of gigabytes."
                )
            if filled + array.nbytes > limit:
                shards.append([])
                filled = 0
            shards[-1].append((group_of(part), key, array))
            filled += array.nbytes
    return shards


def _write_shard(shard: Sequence[Entry], path: str, mode: int | None) -> int:
    with replacing(path, mode=mode) as target:
        with hdf5.writing(target) as writer:
            for group, key, array in shard:
                writer.array(f"{group}/{key}", array)
        return _sum_of(target)


def _sum_of(file: BinaryIO) -> int:
    file.seek(0)
    checksum = 0
    while block := file.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
    return checksum


@contextlib.contextmanager
def shards_in(path: str) -> Iterator[dict[str, Stored]]:
    """The arrays of all files by path, while they are open.

    Raises:
        FileFormatError: when the map is damaged, a file is missing or not the one that was written with the map, or a
            file lacks what the map says.
    """
    with contextlib.ExitStack() as stack:
        for tries_left in reversed(range(_TRIES)):
            config = _map_in(path)
            try:
                with contextlib.ExitStack() as files:
                    found = _open_all(config, path, files)
                    stack.enter_context(files.pop_all())
                break
            except FileFormatError:
                if not tries_left or _map_in(path) == config:
                    raise  # else another save has taken its place meanwhile
        yield found


def _map_in(path: str) -> dict[str, Any]:
    with opened(path) as source:
        return read_json(whole_of(source, "map of weights"), path, "map of weights")


def _open_all(config: dict[str, Any], path: str, stack: contextlib.ExitStack) -> dict[str, Stored]:
    """The arrays of all files by path, until the stack is closed."""
    checksums = config.get("metadata", {}).get(_CHECKSUMS, {}) if isinstance(config.get("metadata"), dict) else {}
    found: dict[str, Stored] = {}
    for name, groups in _names_in(config, path).items():
        file_path = os.path.join(os.path.dirname(path), name)
        step()
        file = stack.enter_context(_shard(file_path, path))
        if name in checksums and checksums[name] != _sum_of(file):
            raise FileFormatError(f"{file_path!r} is damaged, or isn't the file that was written with {path!r}.")
        file.seek(0)
        arrays = stack.enter_context(arrays_in(file, file_path))
        own = {p: a for p, a in arrays.items() if f"/{p.rpartition('/')[0]}" in groups}
        empty = next((g for g in groups if not any(f"/{p.rpartition('/')[0]}" == g for p in own)), None)
        if empty is not None or own.keys() & found.keys():
            raise FileFormatError(f"{file_path!r} doesn't hold what {path!r} says, such as {empty!r:.80}.")
        found |= own
    return found


@contextlib.contextmanager
def _shard(file_path: str, path: str) -> Iterator[BinaryIO]:
    try:
        with opened(file_path) as file:
            yield file
    except FileNotFoundError:
        raise FileFormatError(f"{path!r} needs the file {file_path!r}, which isn't there.") from None


def _names_in(config: dict[str, Any], path: str) -> dict[str, set[str]]:
    """The groups that each file holds."""
    weight_map = config.get("weight_map")
    if not isinstance(weight_map, dict):
        raise FileFormatError(f"{path!r} has no 'weight_map': it is no map of weights.")
    names: dict[str, set[str]] = {}
    for group, files in weight_map.items():
        for name in _listed(files):
            plain = isinstance(name, str) and name.endswith(".h5") and os.path.basename(name) == name
            if not plain or len(name) > 255 or "\\" in name or "\0" in name:
                raise FileFormatError(f"{path!r} names the file {name!r:.80}; expected one in the same folder.")
            names.setdefault(name, set()).add(group)
    return names


def _listed(files: Any) -> list[Any]:
    return files if isinstance(files, list) else [files]

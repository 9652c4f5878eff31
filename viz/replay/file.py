"""`.efr`: the last steps of a training as one file.

It is a zip of JSON (`step.json`) and arrays of numbers (`arrays/0.npy`, ...). Nothing of it is executed when it is
read: names of members, sizes, nesting, kinds of values and every reference are checked before use, and ops are found by
their names among eagerflow's own.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import pathlib
import zipfile
import zlib
from typing import IO, Any

import numpy

from eagerflow import Tensor
from eagerflow.base.files import irregular, replacing, zip_member
from eagerflow.base.npy import read_header
from viz.facts.container import Allowed, Limit, TraceFileError, parse
from viz.facts.formatting import file_kind, meant_file
from viz.facts.schema import Frame
from viz.replay.checked import check
from viz.replay.kept import Kept, KeptOptimizer, KeptStep, KeptVariable

__all__ = ["StepFileError", "read", "write"]

VERSION = 2  # of the format; no other one is read
_KIND = "eagerflow steps"
_HEADER = "step.json"
_RESULTS = 192 << 20, 256  # bytes that results of a step may take: this many, and this many for each of the file
_KINDS = {
    "meta": dict,
    "variables": list,
    "optimizers": list,
    "steps": list,
    "after": dict,
    "digests": dict,
    "places": list,
    "narrow": dict,
}
_NARROW = ("bfloat16", "float8_e4m3fn", "float8_e5m2")


class StepFileError(TraceFileError):
    """A file holds no training steps, is damaged, or was written by a newer version."""


def write(kept: Kept, path: str | os.PathLike[str]) -> pathlib.Path:
    """Write to `path`, whole or not at all, readable by its owner alone."""
    target = pathlib.Path(path)
    with replacing(target, mode=0o600) as file:
        _write(kept, file)
    return target


def _write(kept: Kept, file: IO[bytes]) -> None:
    header = {
        "kind": _KIND,
        "version": VERSION,
        "meta": kept.meta,
        "variables": [dataclasses.asdict(each) for each in kept.variables],
        "optimizers": [dataclasses.asdict(each) for each in kept.optimizers],
        "steps": [dataclasses.asdict(each) for each in kept.steps],
        "after": {str(number): array for number, array in kept.after.items()},
        "digests": {str(number): text for number, text in kept.digests.items()},
        "places": [[each.file, each.line, each.function, each.code] for each in kept.places],
        "arrays": len(kept.arrays),
        "narrow": {str(i): array.dtype.name for i, array in enumerate(kept.arrays) if array.dtype.kind == "V"},
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zip_member(_HEADER), json.dumps(header, separators=(",", ":")), zipfile.ZIP_DEFLATED)
        for number, array in enumerate(kept.arrays):
            content = io.BytesIO()
            numpy.save(content, _plain(array), allow_pickle=False)
            archive.writestr(zip_member(_member(number)), content.getbuffer())


def _plain(array: numpy.ndarray) -> numpy.ndarray:
    """The bits of types that NumPy's files don't know (bfloat16) as whole numbers."""
    if array.dtype.kind != "V":
        return array
    return numpy.ascontiguousarray(array).view(f"uint{8 * array.dtype.itemsize}")


def _member(number: int) -> str:
    return f"arrays/{number}.npy"


def read(path: str | os.PathLike[str], limit: Limit = "auto") -> Kept:
    """Read what `write` wrote; the file, and then the results of a step, may take `limit` bytes (None: any number)."""
    name = os.fspath(path)
    if not os.path.exists(path):
        cure = meant_file(name, ".efr")
        raise FileNotFoundError(f"there is no file {name!r:.150}{cure}")
    if (kind := irregular(os.stat(path))) is not None:
        raise StepFileError(f"{name!r:.150} is {kind}, not a file that holds training steps.")
    other = file_kind(name)
    if other not in ("", "a file of kept steps"):
        raise StepFileError(f"{name!r:.150} is {other}, not a file of kept steps, which viz run --keep 3 writes")
    if not os.stat(path).st_size:
        raise StepFileError(f"{name!r:.150} is empty")
    size = os.stat(path).st_size
    try:
        kept = _read(path, Allowed(limit, size, "viz replay --no-limit"))
        kept.limit = _RESULTS[0] + _RESULTS[1] * size if limit == "auto" else limit
        return kept
    except TraceFileError as error:
        raise StepFileError(f"{name!r:.150}: {error!s:.300}") from None
    except PermissionError:
        raise PermissionError(f"{name!r:.150} may not be read") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
        raise StepFileError(f"{name!r:.150} holds no training steps, or was cut short: {error!s:.300}") from None
    except (KeyError, AttributeError, TypeError) as error:
        raise StepFileError(f"{name!r:.150} is damaged: {type(error).__name__} {error!s:.80}") from None
    except (ArithmeticError, LookupError, RuntimeError, ValueError, zlib.error) as error:
        raise StepFileError(f"{name!r:.150} is damaged: {error!s:.300}") from None


def _read(path: str | os.PathLike[str], allowed: Allowed) -> Kept:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        allowed.check(archive)
        names = [member.filename for member in members]
        if "trace.json" in names:
            raise StepFileError(
                "it is a recording, made by viz run or Recording.save: see viz show. Steps that can be run again are "
                "kept by viz run --keep, in files that end in .efr"
            )
        if _HEADER not in names:
            raise StepFileError(f"it holds {sorted(names)[:5]!s:.120} and no {_HEADER}")
        header = _parsed(archive.read(_HEADER), allowed)
        count = header["arrays"]
        if not isinstance(count, int) or sorted(names) != sorted([_HEADER, *map(_member, range(min(count, 1 << 22)))]):
            raise StepFileError(f"it holds {len(names) - 1} arrays and says {count!r:.20}, or something else, too")
        arrays = [_array(archive.read(_member(number))) for number in range(count)]
    for number, name in header["narrow"].items():
        if name not in _NARROW or not number.isdigit() or arrays[int(number)].dtype.kind != "u":
            raise StepFileError(f"array {number!r:.20} is of the unknown type {name!r:.40}")
        arrays[int(number)] = arrays[int(number)].view(Tensor(0.0, name).data.dtype)
    return _kept(header, arrays)


def _parsed(text: bytes, allowed: Allowed) -> dict[str, Any]:
    header = parse(text, allowed)
    version = header.get("version")
    if header.get("kind") != _KIND or not isinstance(version, int) or version < 1:
        raise StepFileError(f"its kind is {header.get('kind')!r:.60} and its version {version!r:.20}, not {_KIND!r}")
    if version != VERSION:
        cure = "Install a newer eagerflow" if version > VERSION else "Run the script again with --keep"
        raise StepFileError(f"its format has version {version}, and this viz reads version {VERSION}. {cure}.")
    return header


def _array(content: bytes) -> numpy.ndarray:
    """An array of numbers, which must be as long as its header says before memory is taken for it."""
    dtype, shape, by_column, start = read_header(content)
    if dtype.kind not in "biufc" or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise StepFileError(f"an array says it is {dtype}{list(shape)!s:.60}, which it isn't")
    return numpy.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_column else "C")


def _kept(header: dict[str, Any], arrays: list[numpy.ndarray]) -> Kept:
    for name, kind in _KINDS.items():
        if not isinstance(header[name], kind):
            raise StepFileError(f"its {name} are {header[name]!r:.40}")
    kept = Kept(
        meta=dict(header["meta"]),
        variables=[KeptVariable(**row) for row in header["variables"]],
        optimizers=[KeptOptimizer(**row) for row in header["optimizers"]],
        steps=[KeptStep(**{**row, "batch": [(str(n), k) for n, k in row["batch"]]}) for row in header["steps"]],
        arrays=arrays,
        after={int(number): array for number, array in header["after"].items()},
        digests={int(number): str(text)[:100] for number, text in header["digests"].items()},
        places=[Frame(*row) for row in header["places"]],
    )
    check(kept)
    return kept

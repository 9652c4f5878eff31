"""Readers of files under random changes that keep what makes them run further: `make fuzz`.

    python -m tests.hostile.fuzz [SECONDS]

Inputs which make a reader run lines that no input before has run are kept, and changed further. A finding is an
exception that isn't one of ours, a model changed by a failing load, a load that is wrong without a word, or one that
takes longer than its limit. Findings are written to the current folder. The work is done in a child; one that is stuck
or dies (in libhdf5, which is C and can't be interrupted) is replaced, and its input kept as `stuck_...`: not ours.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from eagerflow.datasets.archives import ARCHIVE_ERRORS
from tests.hostile.good import good_model, write_good
from tests.hostile.reader import Readers
from tests.sources import ROOT

SECONDS, LONGEST = 10, 500
OURS = (str(ROOT / "eagerflow"), str(ROOT / "viz"))
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 2**15, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


class TooLong(Exception):
    """A reader took longer than its limit."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"{SECONDS} s")


class Lines:
    """The lines of our readers that have run."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.fresh = 0

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(OURS):
            return None
        if event == "line" and (key := (name, frame.f_lineno)) not in self.seen:
            self.seen.add(key)
            self.fresh += 1
        return self._trace

    def during(self, call: Callable[[], Any]) -> tuple[Any, int]:
        """What a call gives, and how many lines ran for the first time."""
        self.fresh = 0
        sys.settrace(self._trace)
        try:
            return call(), self.fresh
        finally:
            sys.settrace(None)


def changed(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The content after a few random changes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 64)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 16))
        elif kind == 3:
            number = rng.choice(INTERESTING)
            packed = struct.pack("<Q", number)[: rng.choice((1, 2, 4, 8))]
            data[at : at + len(packed)] = packed
        elif kind == 4 and data:
            start = rng.randrange(len(data))
            piece = data[start : start + rng.randrange(1, 128)]
            data[at : at + len(piece)] = piece
        elif kind == 5:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            data[at:] = other[start:]
        else:
            data[at:] = b""
    return bytes(data)


def changed_archive(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """An archive with one member changed, so that its checksum is right again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except ARCHIVE_ERRORS:
        return changed(content, others, rng)
    if not members or rng.random() < 0.2:
        return changed(content, others, rng)
    name = rng.choice([*members])
    edit = _EDITS.get(name.rpartition(".")[2], changed) if rng.random() < 0.8 else changed
    members[name] = edit(members[name], others, rng)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for member, part in members.items():
            archive.writestr(member, part)
    return target.getvalue()


VALUES = (None, True, -1, 0, 3.5, 10**12, "", "relu", "../x", [], {}, [1, 2], {"class_name": "Lambda", "config": {}})


def changed_json(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """JSON in which one value somewhere is another."""
    try:
        root = json.loads(content)
    except ValueError:
        return changed(content, others, rng)
    here, path = root, []
    while isinstance(here, (dict, list)) and here and (not path or rng.random() < 0.8):
        key = rng.choice([*here]) if isinstance(here, dict) else rng.randrange(len(here))
        path.append((here, key))
        here = here[key]
    if path:
        holder, key = path[-1]
        if rng.random() < 0.2:
            del holder[key]
        else:
            holder[key] = rng.choice(VALUES)
    return json.dumps(root).encode()


def changed_array(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A `.npy` file with one number, or its header, changed."""
    if content[:6] != b"\x93NUMPY" or rng.random() < 0.5:
        return changed(content, others, rng)
    data, start = bytearray(content), 10 + int.from_bytes(content[8:10], "little")
    if len(data) >= start + 8:
        at = start + 8 * rng.randrange((len(data) - start) // 8)
        data[at : at + 8] = struct.pack("<q", rng.choice((-1, 0, 1, 2, 7, 2**31, -(2**63), 2**63 - 1)))
    return bytes(data)


def changed_gzip(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A gzip file with other bytes inside."""
    try:
        plain = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return changed(content, others, rng)
    return gzip.compress(changed(plain, [plain], rng), 1)


_EDITS = {"json": changed_json, "npz": changed_archive, "npy": changed_array, "zip": changed_archive}
_CHANGES = _EDITS | {
    "keras": changed_archive,
    "efz": changed_archive,
    "efr": changed_archive,
    "gz": changed_gzip,
    "tgz": changed_gzip,
}


def main(seconds: float) -> int:
    """Let children try for so long; 1 after a finding."""
    folder, until, found, stuck, seed = Path(tempfile.mkdtemp()), time.monotonic() + seconds, 0, 0, 0
    while (left := until - time.monotonic()) > 1:
        command = [sys.executable, "-m", "tests.hostile.fuzz", "--child", str(left), str(seed), str(folder)]
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
        (folder / "input.none").touch()
        while child.poll() is None and _age(folder) < SECONDS + 20:
            time.sleep(0.2)
        if child.poll() is None or child.returncode < 0:
            child.kill()
            child.wait()
            stuck += 1
            last = max(folder.glob("input.*"), key=lambda path: path.stat().st_mtime)
            shutil.copy(last, f"stuck_{seed}{''.join(last.suffixes)}")
        found += child.returncode > 0
        seed += 1
    shutil.rmtree(folder)
    print(f"{seed} children, {stuck} of them stuck or dead inside libhdf5, {found} with findings")
    return 1 if found else 0


def _age(folder: Path) -> float:
    """Seconds since the last input."""
    return time.time() - max(path.stat().st_mtime for path in folder.glob("input.*"))


def child(seconds: float, seed: int, folder: Path) -> int:
    """Try for so long; 1 after a finding."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _alarm)
    good, lines, rng = good_model(), Lines(), random.Random(seed)
    readers = Readers(good)
    start = [np.array(w) for w in good.get_weights()]
    seeds = {name: [path.read_bytes()] for name, path in write_good(folder).items()}
    tried, findings, until = Counter[str](), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        ending = rng.choice([*seeds])
        pool = seeds[ending]
        change = _CHANGES.get(ending.rpartition(".")[2], changed)
        content = change(rng.choice(pool), pool, rng)
        path = folder / f"input.{ending}"
        path.write_bytes(content)
        os.environ["EAGERFLOW_HOME"] = str(folder / "home")
        finding, fresh = lines.during(lambda: attempt(readers, path, good, start))  # noqa: B023
        shutil.rmtree(folder / "home", ignore_errors=True)
        tried[ending] += 1
        if fresh:
            pool.append(content)
        if finding:
            findings += 1
            kept = Path(f"finding_{seed}_{findings}.{ending}")
            kept.write_bytes(content)
            print(f"{kept}: {finding}", flush=True)
            good.set_weights(start)
    kept_inputs = sum(len(pool) for pool in seeds.values())
    print(
        f"{sum(tried.values())} inputs ({dict(tried)}), {kept_inputs} kept, {len(lines.seen)} lines run, "
        f"{findings} findings"
    )
    return 1 if findings else 0


def attempt(read: Callable[[Path], Any], path: Path, good: Any, start: list[Any]) -> str:
    """What is wrong with reading this file, in words; nothing when all is right."""
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            read(path)
    except TooLong as error:
        return f"took longer than {error}"
    except (ValueError, TypeError, FileNotFoundError, MemoryError) as error:
        if len(str(error)) > LONGEST:
            return f"a message of {len(str(error))} letters: {error!s:.200}"
        unchanged = all(np.array_equal(a, b) for a, b in zip(start, good.get_weights()))
        return "" if unchanged else f"the model was changed by a failing load: {error!s:.200}"
    except Exception as error:  # noqa: BLE001 - that is the finding
        return f"{type(error).__name__}: {error!s:.300}"
    finally:
        signal.alarm(0)
    if path.name.endswith(".weights.h5"):
        good.set_weights(start)
    return ""


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600))

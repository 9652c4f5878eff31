"""Reads files, each in a process of its own with limits on time and memory, and tells how each ended."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import eagerflow as ef
import viz
from eagerflow.datasets import boston_housing, cifar10, fashion_mnist, imdb, mnist, reuters
from eagerflow.preprocessing.text import tokenizer_from_json
from tests.hostile.good import good_model
from viz.replay.file import read as read_steps
from viz.replay.player import Player
from viz.replay.recorded import filmed
from viz.replay.verdict import verdict

SECONDS, BYTES = 20, 2**30


class Readers:
    """What reads each format, by the ending of a file's name.

    Args:
        good: the model into which weights are read.
        sum_of: the checksum that a download with a checksum must have.
    """

    def __init__(self, good: Any, sum_of: str = "0" * 64) -> None:
        self._good, self._sum = good, sum_of
        self.by_ending: dict[str, Callable[[Path], Any]] = {
            "weights.h5": self._weights,
            "shards": lambda path: self._weights(path / "good.weights.json"),
            "mnist.npz": lambda path: mnist.load_data(str(path)),
            "boston.npz": lambda path: boston_housing.load_data(str(path)),
            "imdb.npz": lambda path: imdb.load_data(str(path)),
            "reuters.npz": lambda path: reuters.load_data(str(path)),
            "idx.gz": self._clothes,
            "cifar.tgz": self._photographs,
            "words.json": lambda path: imdb.get_word_index(str(path)),
            "tokenizer.json": lambda path: tokenizer_from_json(_text(path)).to_json(),
            "summed.tgz": self._unpacked,
            "unpack.tar": self._unpacked,
            "unpack.tgz": self._unpacked,
            "unpack.zip": self._unpacked,
            "json": lambda path: _of_model(ef.models.model_from_json(_text(path)), weights=False),
            "efz": _of_trace,
            "efr": _of_steps,
            "onnx": _of_onnx,
        }

    def __call__(self, path: Path) -> Any:
        """What the file holds, as something that `same` compares."""
        for ending, read in self.by_ending.items():
            if path.name.endswith(f".{ending}"):
                return read(path)
        return _of_model(ef.models.load_model(path))

    def _weights(self, path: Path) -> Any:
        self._good.load_weights(path)
        return _of_model(self._good)

    def _clothes(self, path: Path) -> Any:
        images = fashion_mnist._SOURCES["train-images-idx3"]
        return images.read(lambda file: fashion_mnist._read_idx(file, (28, 28)), path)

    def _photographs(self, path: Path) -> Any:
        _in_home(path, "cifar-10-python.tar.gz")
        return cifar10.load_data()

    def _unpacked(self, path: Path) -> dict[str, bytes]:
        """Everything in the folder of downloads, which holds nothing else than the archive and what was in it."""
        folder = Path(os.environ["EAGERFLOW_HOME"]) / "datasets"
        checksum = self._sum if path.name.endswith(".summed.tgz") else None
        try:
            ef.utils.get_file("archive", f"file://{path}", file_hash=checksum, extract=True)
        finally:
            found = {str(p.relative_to(folder)): p for p in folder.rglob("*")}
            stray = [name for name in found if not name.startswith("archive")]
            assert stray == [], f"left behind: {stray}"
        return {n: p.read_bytes() for n, p in found.items() if p.is_file() and n != "archive_archive"}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _in_home(path: Path, name: str) -> Path:
    place = Path(os.environ["EAGERFLOW_HOME"]) / "datasets" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(path)
    return place


def _of_model(model: Any, weights: bool = True) -> Any:
    return [model.get_config(), *(model.get_weights() if weights else ())]


def _of_onnx(path: Path) -> Any:
    """The weights of a file, and what it says about itself and gives for zeros."""
    model = ef.models.load_onnx(path)
    told: list[str] = []
    model.summary(expand_nested=True, print_fn=told.append)
    assert all(c.isprintable() or c == "\n" for text in told for c in text)
    specs = model.input if isinstance(model.input, list) else [model.input]
    zeros = [np.zeros([n or 2 for n in spec.shape or ()], spec.dtype) for spec in specs]
    made = model(zeros[0] if len(zeros) == 1 else zeros)
    return [told, *model.get_weights(), *[x.numpy() for x in (made if isinstance(made, list) else [made])]]


def _of_trace(path: Path) -> Any:
    """All of a recording, once its pictures and tables were made."""
    found = viz.load(path)
    shown = [found.summary(), str(found), found.draw().source, found.to_html()]
    return [
        repr([found.meta, found.ops, found.tensors, found.scopes, found.steps, found.storages, found.logs]),
        found.values,
        found.labels,
        found.notes,
        *shown[:2],
    ]


def _of_steps(path: Path) -> Any:
    """All of the kept steps, once they have run again."""
    kept = read_steps(path)
    player = Player(kept)
    played = player.run_to(len(kept.steps) - 1)
    judged = verdict(kept, player, played)
    filmed(kept, len(kept.steps) - 1)
    return [repr([kept.meta, kept.variables, kept.steps, kept.places]), kept.arrays, judged.exact, played[-1].loss]


def same(one: Any, other: Any) -> bool:
    """Whether both hold the same, arrays among them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        equal = same(one.tolist(), other.tolist()) if one.dtype == object else np.array_equal(one, other)
        return one.dtype == other.dtype and equal
    return bool(one == other)


def read(path: Path, readers: Readers, wanted: Any, good: Any) -> dict[str, Any]:
    """What became of one file."""
    warnings.simplefilter("ignore")
    before = [np.array(w) for w in good.get_weights()]
    try:
        found = readers(path)
    except Exception as error:  # noqa: BLE001 - told to the test, which judges
        unchanged = all(np.array_equal(a, b) for a, b in zip(before, good.get_weights()))
        return {
            "error": type(error).__name__,
            "kinds": [k.__name__ for k in type(error).__mro__],
            "message": str(error)[:1000],
            "unchanged": unchanged,
        }
    return {"same": same(found, wanted)}


def read_apart(path: Path, readers: Readers, wanted: Any, good: Any) -> dict[str, Any]:
    """The same in a child, which may be stopped."""
    out, into = os.pipe()
    home = tempfile.mkdtemp()
    child = os.fork()
    if not child:
        os.close(out)
        os.environ["EAGERFLOW_HOME"] = home
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
        signal.alarm(SECONDS)
        try:
            told = json.dumps(read(path, readers, wanted, good)).encode()
        except MemoryError:
            told = b'{"ended": "out of memory"}'
        os.write(into, told[:60_000])
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    shutil.rmtree(home, ignore_errors=True)
    return json.loads(text) if text else {"ended": f"signal {os.WTERMSIG(status)}" if status else "silently"}


def main(folder: Path) -> None:
    """Read the files whose names come in, and write a line of JSON for each."""
    import hashlib

    good = good_model()
    readers = Readers(good, hashlib.sha256((folder / "good.summed.tgz").read_bytes()).hexdigest())
    wanted = {}
    sys.stdout, out = sys.stderr, sys.stdout
    with tempfile.TemporaryDirectory() as home:
        for path in folder.glob("good.*"):
            os.environ["EAGERFLOW_HOME"] = f"{home}/{path.name}"
            wanted[path.name.removeprefix("good.")] = readers(path)
    for line in sys.stdin:
        path = folder / line.rstrip("\n")
        expected = wanted[max((e for e in wanted if path.name.endswith(f".{e}")), key=len)]
        told = read_apart(path, readers, expected, good)
        print(json.dumps({"name": path.name, **told}), flush=True, file=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What is no file at all, saved folders, and weights in several files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.hostile.damage import damaged

ENDINGS = (
    "keras",
    "h5",
    "safetensors",
    "weights.h5",
    "efz",
    "mnist.npz",
    "imdb.npz",
    "cifar.tgz",
    "idx.gz",
    "words.json",
    "unpack.tar",
    "unpack.zip",
)


def no_files(folder: Path) -> Iterator[Path]:
    """Pipes, devices, links to themselves, folders and texts under names of files."""
    for ending in ENDINGS:
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"zero.{ending}").symlink_to("/dev/zero")
        (folder / f"loop.{ending}").symlink_to(folder / f"loop.{ending}")
        (folder / f"folder.{ending}").mkdir()
        (folder / f"text.{ending}").write_text("no model at all", encoding="utf-8")
        yield from [folder / f"{name}.{ending}" for name in ("pipe", "zero", "loop", "folder", "text")]


def folders(good: dict[str, Path], configurations: dict[str, bytes], hdf5: dict[str, bytes]) -> Iterator[Path]:
    """Spoilt copies of a saved folder, and of a folder of weights in several files."""
    files = ("config.json", "metadata.json", "model.weights.h5")
    for name, change in _changes(files):
        yield _copy(good["model"], f"{name}.model", change)
    for name, content in configurations.items():
        yield _copy(good["model"], f"{name}.model", _writes("config.json", content))
    for name, content in hdf5.items():
        yield _copy(good["model"], f"{name}.model", _writes("model.weights.h5", content))
    index = "good.weights.json"
    shards = sorted(path.name for path in good["shards"].iterdir())
    for name, change in _changes((index, *[s for s in shards if s != index][:2])):
        yield _copy(good["shards"], f"{name}.shards", change)
    for name, content in _maps(json.loads((good["shards"] / index).read_text(encoding="utf-8"))):
        yield _copy(good["shards"], f"{name}.shards", _writes(index, content))
    yield _copy(good["shards"], "swapped.shards", _swaps(*[s for s in shards if s != index][:2]))


def _copy(good: Path, name: str, change: Callable[[Path], Any]) -> Path:
    target = good.with_name(name)
    shutil.copytree(good, target)
    change(target)
    return target


def _writes(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


def _changes(names: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """What can be wrong with any file of a folder."""
    for name in names:
        yield f"without_{name}", lambda folder, n=name: (folder / n).unlink()
        yield f"pipe_{name}", lambda folder, n=name: ((folder / n).unlink(), os.mkfifo(folder / n))
        yield f"folder_{name}", lambda folder, n=name: ((folder / n).unlink(), (folder / n).mkdir())
        for target in ("/dev/zero", "/etc/passwd", name):
            link = lambda folder, n=name, t=target: ((folder / n).unlink(), (folder / n).symlink_to(t))  # noqa: E731
            yield f"link_{target.replace('/', '_')}_{name}", link
        for kind, change in damaged(name):
            if kind.split("_")[0] in ("cut", "twice", "middle") or kind in ("flip_0", "flip_1", "noise_0"):
                yield (
                    f"{kind}_{name}",
                    lambda folder, n=name, c=change: (folder / n).write_bytes(c((folder / n).read_bytes())),
                )


def _swaps(first: str, second: str) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        (folder / first).rename(folder / "third")
        (folder / second).rename(folder / first)
        (folder / "third").rename(folder / second)

    return change


def _maps(whole: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    groups = [*whole["weight_map"]]
    own = whole["weight_map"][groups[0]]
    for name, file in {
        "up": "../good.shards/" + str(own),
        "absolute": "/etc/passwd",
        "number": 3,
        "none": None,
        "nested": [[own]],
        "other": "good.weights.h5",
        "twice": [own, own],
        "long": "n" * 10**5 + ".weights.h5",
        "device": "/dev/zero.h5",
        "zero": "a\0.weights.h5",
        "backslash": "..\\a.weights.h5",
        "itself": "good.weights.json",
        "empty": [],
    }.items():
        yield (f"map_{name}", json.dumps(whole | {"weight_map": whole["weight_map"] | {groups[0]: file}}).encode())
    yield "map_list", json.dumps(whole | {"weight_map": [1]}).encode()
    yield "map_none_at_all", json.dumps(whole | {"weight_map": {}}).encode()
    yield ("map_less", json.dumps(whole | {"weight_map": {g: whole["weight_map"][g] for g in groups[1:]}}).encode())
    yield "map_metadata", json.dumps(whole | {"metadata": 3}).encode()
    yield "map_checksums", json.dumps(whole | {"metadata": {"eagerflow_crc32": "abc"}}).encode()
    yield "map_checksum_list", json.dumps(whole | {"metadata": {"eagerflow_crc32": {str(own): [1]}}}).encode()
    yield "map_deep", b'{"weight_map": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001

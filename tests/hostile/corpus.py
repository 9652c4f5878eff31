"""Damaged and hostile files, made from good ones in every format that is read.

    python -m tests.hostile.corpus FOLDER

writes them all. Each has a name that says what was done; what draws at random is seeded by the name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.archives import archives, with_member
from tests.hostile.configurations import configurations, with_legacy_config
from tests.hostile.damage import damaged
from tests.hostile.data_sets import data_sets
from tests.hostile.downloads import downloads
from tests.hostile.folders import folders, no_files
from tests.hostile.good import write_good, write_good_folders
from tests.hostile.hdf5_files import hdf5_files
from tests.hostile.onnx_files import onnx_files
from tests.hostile.safetensors_files import safetensors_files
from tests.hostile.step_files import step_files
from tests.hostile.traces import traces

# Tar archives and ONNX files have no checksum of what is in them, and neither has JSON of data.
UNSUMMED = ("unpack.tar", "words.json", "tokenizer.json", "onnx")


def corpus(folder: Path) -> Iterator[Path]:
    """Write all files into `folder`, one at a time."""
    good = write_good(folder)
    whole = {ending: path.read_bytes() for ending, path in good.items()}
    for ending, content in whole.items():
        for name, change in damaged(ending):
            if ending not in UNSUMMED or name.startswith(("cut", "garbage")):
                yield _written(folder / f"{name}.{ending}", change(content))
    yield from _models(folder, good, whole)
    for name, content in traces(whole["efz"]):
        yield _written(folder / f"{name}.efz", content)
    for name, content in step_files(whole["efr"]):
        yield _written(folder / f"{name}.efr", content)
    for name, content in onnx_files():
        yield _written(folder / f"{name}.onnx", content)
    for name, content in [*data_sets(whole), *downloads()]:
        yield _written(folder / name, content)
    yield from no_files(folder)


def _models(folder: Path, good: dict[str, Path], whole: dict[str, bytes]) -> Iterator[Path]:
    for name, content in archives(whole["keras"]):
        yield _written(folder / f"{name}.keras", content)
    texts, hdf5 = dict(configurations(whole["json"])), dict(hdf5_files(whole["weights.h5"]))
    for name, content in texts.items():
        yield _written(folder / f"{name}.json", content)
        yield _written(folder / f"{name}.keras", with_member(good["keras"], "config.json", content))
        yield _written(folder / f"{name}.h5", with_legacy_config(good["h5"], content))
    for name, content in hdf5.items():
        yield _written(folder / f"{name}.weights.h5", content)
        yield _written(folder / f"{name}.keras", with_member(good["keras"], "model.weights.h5", content))
    for name, content in safetensors_files(whole["safetensors"]):
        yield _written(folder / f"{name}.safetensors", content)
    yield from folders(write_good_folders(folder), texts, hdf5)


def _written(path: Path, content: bytes) -> Path:
    with path.open("xb") as file:  # no name twice
        file.write(content)
    return path


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    print(sum(1 for _ in corpus(Path(sys.argv[1]))), "files")

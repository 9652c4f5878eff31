"""The good files, one in each format, which the corpus spoils."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

import eagerflow as ef
import viz
from eagerflow.preprocessing.text import Tokenizer
from tests.hostile.archives import zipped
from viz.replay.keeping import Keeping

FOLDER = "cifar-10-batches-py"
UNPACKED = {"a.txt": b"first " * 50, "b/c.txt": b"second " * 50}  # what the archives hold


def good_model() -> Any:
    """The model whose files are spoilt."""
    ef.utils.clear_session()  # names count from the start
    ef.utils.set_random_seed(1)
    layers = [ef.layers.Dense(4, "relu", name="first"), ef.layers.BatchNormalization(name="middle")]
    made = ef.Sequential([ef.Input((3,)), *layers, ef.layers.Dense(2, name="last")], name="net")
    made.compile("adam", "mse", metrics=["mae"])
    made.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    return made


def write_good(folder: Path) -> dict[str, Path]:
    """One good file in each format, by the ending of its name."""
    made = good_model()
    paths = {name: folder / f"good.{name}" for name in ("keras", "h5", "safetensors", "weights.h5", "json")}
    for name in ("keras", "h5", "safetensors"):
        made.save(paths[name])
    made.save_weights(paths["weights.h5"])
    paths["json"].write_text(made.to_json(), encoding="utf-8")
    paths["onnx"] = folder / "good.onnx"
    made.export(paths["onnx"])
    paths["efz"] = _trace(made, folder / "good.efz")
    paths["efr"] = _steps(made, folder / "good.efr")
    for name, content in (_data_sets() | _downloads()).items():
        paths[name] = folder / f"good.{name}"
        paths[name].write_bytes(content)
    return paths


def write_good_folders(folder: Path) -> dict[str, Path]:
    """A saved folder, and weights in several files."""
    made = good_model()
    made.save(folder / "good.model", zipped=False)
    (folder / "good.shards").mkdir()
    made.save_weights(folder / "good.shards" / "good.weights.json", max_shard_size=1e-7)
    return {"model": folder / "good.model", "shards": folder / "good.shards"}


def _trace(made: Any, path: Path) -> Path:
    with viz.trace("good", stats="full", values="last|first") as recording:
        made.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    recording.save(path)
    return path


def _steps(made: Any, path: Path) -> Path:
    with Keeping(1, path, say=lambda line: None):
        viz.keep_step()
        made.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    return path


def _data_sets() -> dict[str, bytes]:
    rng = np.random.RandomState(3)
    pictures = {f"x_{part}": rng.bytes(784 * n) for part, n in (("train", 3), ("test", 2))}
    mnist = {name: np.frombuffer(data, "u1").reshape(-1, 28, 28) for name, data in pictures.items()}
    labels = {"y_train": np.arange(3, dtype="u1"), "y_test": np.arange(2, dtype="u1")}
    reviews = {"x_train": rows([5, 6, 7], [8, 70000], [9]), "x_test": rows([1], [2, 3])}
    return {
        "mnist.npz": npz(mnist | labels),
        "boston.npz": npz({"x": rng.rand(6, 13), "y": rng.rand(6)}),
        "imdb.npz": npz(reviews | labels),
        "reuters.npz": npz({"x": reviews["x_train"], "y": np.arange(3)}),
        "idx.gz": gzip.compress(bytes([0, 0, 8, 3]) + np.array([3, 28, 28], ">u4").tobytes() + rng.bytes(3 * 784)),
        "cifar.tgz": tar([(f"{FOLDER}/{name}", batch(rng)) for name in BATCHES], "w:gz"),
        "words.json": json.dumps({"the": 1, "a": 2, "é": 3}).encode(),
        "tokenizer.json": _tokenizer().encode(),
    }


BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def _tokenizer() -> str:
    made = Tokenizer()
    made.fit_on_texts(["the cat", "the dog"])
    return str(made.to_json())


def _downloads() -> dict[str, bytes]:
    return {
        "unpack.tar": tar([*UNPACKED.items()]),
        "unpack.tgz": tar([*UNPACKED.items()], "w:gz"),
        "unpack.zip": zipped([*UNPACKED.items()], 8),
        "summed.tgz": tar([*UNPACKED.items()], "w:gz"),
    }


def rows(*lists: list[int]) -> np.ndarray:
    """An array of lists."""
    made = np.empty(len(lists), object)
    made[:] = lists
    return made


def npz(arrays: dict[str, Any]) -> bytes:
    """The arrays in an archive."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def batch(rng: Any) -> bytes:
    """A batch of two photographs, as CIFAR's files hold it."""
    pixels = np.frombuffer(rng.bytes(2 * 3072), "u1").reshape(2, 3072)
    return pickle.dumps({b"data": pixels, b"labels": [1, 2], b"filenames": [b"a.png"] * 2}, 3)


def tar(members: list[tuple[str | tarfile.TarInfo, bytes]], mode: Any = "w") -> bytes:
    """A tar archive of files; a `TarInfo` stands for itself."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = info.size or len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()

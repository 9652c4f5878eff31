"""Much of everything in one process, to see what it leaves behind: `soak.py steps|models|saves COUNT FOLDER`.

Prints, as JSON, memory in use (in MB), open file handles and threads, at several moments.
"""

from __future__ import annotations

import gc
import json
import os
import pathlib
import sys
import threading

import numpy as np

import eagerflow as ef
from eagerflow import layers

_MOMENTS = 5


def _usage() -> dict[str, float]:
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text("ascii").split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "handles": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def _model() -> ef.Sequential:
    made = ef.Sequential([ef.Input((8,)), layers.Dense(16, "relu"), layers.Dropout(0.1), layers.Dense(1)])
    made.compile("adam", "mse", metrics=["mae"])
    return made


_X, _Y = np.ones((4000, 8), "float32"), np.zeros((4000, 1), "float32")


def _steps(count: int, folder: str) -> None:
    """`count` training steps of `fit`, on one model."""
    trained = _kept.setdefault("model", _model())
    for _ in range(max(1, count // 1000)):
        trained.fit(_X, _Y, batch_size=4, verbose=0)


def _models(count: int, folder: str) -> None:
    """`count` models built, trained for a step and dropped."""
    for _ in range(count):
        _model().train_on_batch(_X[:4], _Y[:4])


def _saves(count: int, folder: str) -> None:
    """`count` files of all formats written and read."""
    made = _kept.setdefault("model", _model())
    for i in range(count):
        path = os.path.join(folder, f"m.{('keras', 'h5', 'weights.h5', 'safetensors')[i % 4]}")
        if path.endswith(".weights.h5"):
            made.save_weights(path)
            made.load_weights(path)
        else:
            made.save(path)
            ef.models.load_model(path)


_kept: dict[str, ef.Sequential] = {}


def main(kind: str, count: int, folder: str) -> None:
    """Run a fifth of it at a time, and print what is in use after each."""
    found = []
    for _ in range(_MOMENTS):
        {"steps": _steps, "models": _models, "saves": _saves}[kind](count // _MOMENTS, folder)
        found.append(_usage())
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])

"""Loads files, each in a process of its own, and tells how much processor time and memory that took."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import eagerflow as ef
import viz
from tests.hostile.costly import BOMBS, Folder, write
from tests.hostile.good import write_good
from viz.replay.file import read as read_steps
from viz.replay.player import Player

SECONDS = 20  # after which a child is ended


def _onnx(path: Path) -> Any:
    return ef.models.load_onnx(path)(np.ones((1, 3), "float32"))


def _replay(path: Path) -> Any:
    kept = read_steps(path)
    played = Player(kept).run_to(len(kept.steps) - 1)
    if played[-1].error is not None:
        raise played[-1].error
    return played


LOADERS: dict[str, Callable[[Path], Any]] = {
    "load_model": ef.models.load_model,
    "read_weights": ef.saving.read_weights,
    "model_from_json": lambda path: ef.models.model_from_json(path.read_text(encoding="utf-8")),
    "load_onnx": _onnx,
    "viz.load": viz.load,
    "replay": _replay,
}
GOOD = {"load_model": "keras", "read_weights": "weights.h5", "model_from_json": "json", "load_onnx": "onnx"}
GOOD |= {"viz.load": "efz", "replay": "efr"}


def _memory(name: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) * 1024


def cost(load: Callable[[], Any]) -> dict[str, Any]:
    """Seconds, bytes and error of a call, in a child."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        warnings.simplefilter("ignore")
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # from here on the peak counts
        before, started, error, message = _memory("VmRSS"), time.process_time(), "", ""
        try:
            load()
        except Exception as raised:  # noqa: BLE001 - told to the test, which judges
            error, message = type(raised).__name__, str(raised)
        told = {"seconds": time.process_time() - started, "bytes": _memory("VmHWM") - before}
        os.write(into, json.dumps({**told, "error": error, "message": message[:1000]}).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"error": "ended by the system"}


def main() -> None:
    """Write and load the bombs whose names and sizes come in, and write a line of JSON for each."""
    sys.stdout, out = sys.stderr, sys.stdout
    with tempfile.TemporaryDirectory() as place:
        good = write_good(Path(place))
        for loader, ending in GOOD.items():  # what is loaded with the first call isn't the file's cost
            LOADERS[loader](good[ending])
        for path in (good["h5"], good["safetensors"]):
            ef.models.load_model(path)
        for line in sys.stdin:
            name, size = json.loads(line)
            path = write(name, size, Folder(Path(place), good))
            told = cost(partial(LOADERS[BOMBS[name][0]], path))
            print(json.dumps({"name": name, "size": size, "packed": path.stat().st_size, **told}), flush=True, file=out)


if __name__ == "__main__":
    main()

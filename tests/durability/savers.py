"""Every format that is written: how to save a version of something, and which version a file holds.

A version is a number that fills every array, so a file put together from two versions can't hide. Run as a program,
it is killed while it saves: `savers.py FORMAT FILE KILLS`.
"""

from __future__ import annotations

import functools
import os
import pathlib
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers

__all__ = ["FORMATS", "Format"]

_SIZE = 60_000  # numbers: large enough that writing takes a moment


class Format(NamedTuple):
    """How one format is written and read.

    Attributes:
        name: of a file.
        save: writes version `v` to a path.
        versions: the numbers found in a file: one, when it is whole.
    """

    name: str
    save: Callable[[pathlib.Path, float], None]
    versions: Callable[[pathlib.Path], set[float]]


@functools.cache
def _model() -> ef.Sequential:
    made = ef.Sequential([ef.Input((300,)), layers.Dense(_SIZE // 300), layers.Dense(2), layers.BatchNormalization()])
    made.compile(ef.optimizers.SGD(momentum=0.5), "mse")
    made.optimizer.build(made.trainable_variables)
    return made


def _filled(version: float) -> ef.Sequential:
    made = _model()
    for variable in made.weights:
        variable.assign(np.full(variable.shape, version, "float32"))
    return made


def _found(weights: list[np.ndarray]) -> set[float]:
    return {float(v) for w in weights for v in (w.min(), w.max())}


def _save_whole(path: pathlib.Path, version: float) -> None:
    _filled(version).save(path)


def _in_whole(path: pathlib.Path) -> set[float]:
    return _found(ef.models.load_model(path).get_weights())


def _save_weights(path: pathlib.Path, version: float) -> None:
    _filled(version).save_weights(path)


def _in_weights(path: pathlib.Path) -> set[float]:
    made = _filled(-1.0)
    made.load_weights(path)
    return _found(made.get_weights())


def _save_trace(path: pathlib.Path, version: float) -> None:
    with viz.trace(values=".") as t:
        x = ef.Tensor(np.full(_SIZE, version, "float32"))
        for _ in range(5):
            x = ef.ops.negative(ef.ops.negative(x))
    t.save(path)


def _in_trace(path: pathlib.Path) -> set[float]:
    return {abs(v) for v in _found(list(viz.load(path).values.values()))}


FORMATS = {
    made.name: made
    for made in (
        Format("m.keras", _save_whole, _in_whole),
        Format("m.h5", _save_whole, _in_whole),
        Format("m.safetensors", _save_whole, _in_whole),
        Format("m.weights.h5", _save_weights, _in_weights),
        Format("t.efz", _save_trace, _in_trace),
    )
}


def _saves_for_ever(chosen: Format, path: pathlib.Path, ready: int) -> None:
    version = 0.0
    while True:
        version += 1.0
        chosen.save(path, version)
        if version == 1.0:
            os.write(ready, b".")


def _killed(chosen: Format, path: pathlib.Path, moment: float) -> None:
    """Fork a child that saves over and over, and kill it `moment` seconds after its first file is there."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _saves_for_ever(chosen, path, write)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(name: str, file: str, kills: int) -> None:
    """Kill savers, and print how many files were whole and at how many of the moments a save was under way."""
    chosen, path = FORMATS[name], pathlib.Path(file)
    began = time.monotonic()
    for _ in range(5):
        chosen.save(path, 0.0)
    once = (time.monotonic() - began) / 5
    chosen.versions(path)
    draw = random.Random(name)
    whole = cut = 0
    for _ in range(kills):
        _killed(chosen, path, draw.uniform(0, 2 * once))
        whole += len(chosen.versions(path)) == 1
        left = list(path.parent.glob(".*.tmp"))
        cut += len(left)
        for each in left:
            each.unlink()
    print(whole, cut)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

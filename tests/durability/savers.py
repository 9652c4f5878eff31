"""Every format that is written: how to save a version of something, and which version a file holds.

A version is a number that fills every array, so a file put together from two versions can't hide. Run as a program, it
saves in a child process that is killed before each call that changes a file: `savers.py FORMAT FOLDER`.
"""

from __future__ import annotations

import functools
import os
import pathlib
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.compat.tensorflow.train import Checkpoint
from eagerflow.models.saving.folder import _exchange
from tests.durability.stepping import before_each
from viz.facts.text_files import write_text
from viz.replay import file as steps
from viz.replay.kept import Kept, KeptStep

__all__ = ["EVERY", "FORMATS", "Format", "can_exchange", "fill"]

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
def _model(role: str) -> ef.Sequential:
    made = ef.Sequential([ef.Input((300,)), layers.Dense(_SIZE // 300), layers.Dense(2), layers.BatchNormalization()])
    made.compile(ef.optimizers.SGD(momentum=0.5), "mse")
    made.optimizer.build(made.trainable_variables)
    return made


def _filled(version: float, role: str = "writer") -> ef.Sequential:
    made = _model(role)
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
    made = _filled(-1.0, "reader")
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


# What isn't one file, or is written by something else than `save`


def _save_folder(path: pathlib.Path, version: float) -> None:
    _filled(version).save(path, zipped=False)


def _save_shards(path: pathlib.Path, version: float) -> None:
    _filled(version).save_weights(path, max_shard_size=2.3e-4)  # gigabytes: three files


def _checkpoint(path: pathlib.Path, version: float) -> None:
    callback = ef.callbacks.ModelCheckpoint(path)
    callback.set_model(_filled(version))
    callback.on_epoch_end(0, {})


def _checkpoint_of_weights(path: pathlib.Path, version: float) -> None:
    callback = ef.callbacks.ModelCheckpoint(path, save_weights_only=True)
    callback.set_model(_filled(version))
    callback.on_epoch_end(0, {})


def _back_up(path: pathlib.Path, version: float) -> None:
    callback = ef.callbacks.BackupAndRestore(path)
    callback.set_model(_filled(version))
    callback.on_epoch_end(int(version))


def _in_backup(path: pathlib.Path) -> set[float]:
    callback = ef.callbacks.BackupAndRestore(path)
    callback.set_model(_filled(-1.0, "reader"))
    callback.on_train_begin()
    return _found(_model("reader").get_weights())


_ABOUT = {"cause": "end", "keep": 1, "data": True, "machine": {}, "random": {}}


def _save_steps(path: pathlib.Path, version: float) -> None:
    arrays = [np.full(1000, version, "float32") for _ in range(3)]
    steps.write(Kept(_ABOUT, [], [], [KeptStep(0, [])], arrays, {}, {}, []), path)


def _in_steps(path: pathlib.Path) -> set[float]:
    return _found(steps.read(path).arrays)


def _save_onnx(path: pathlib.Path, version: float) -> None:
    ef.onnx.export(_plain(version), path)


@functools.cache
def _without_norm(role: str) -> ef.Sequential:
    return ef.Sequential([ef.Input((30,)), layers.Dense(20), layers.Dense(20)])


def _plain(version: float, role: str = "writer") -> ef.Sequential:
    made = _without_norm(role)
    made.set_weights([np.full(w.shape, version, "float32") for w in made.get_weights()])
    return made


def fill(version: float) -> None:
    """Give the models that are saved the weights of a version."""
    _filled(version)
    _plain(version)


def _in_onnx(path: pathlib.Path) -> set[float]:
    return _found(ef.models.load_onnx(path).get_weights())


def _save_of_tensorflow(path: pathlib.Path, version: float) -> None:
    Checkpoint(model=_filled(version)).write(path)


def _in_one_of_tensorflow(path: pathlib.Path) -> set[float]:
    made = _filled(-1.0, "reader")
    Checkpoint(model=made).restore(path)
    return _found(made.get_weights())


def _save_text(path: pathlib.Path, version: float) -> None:
    write_text(path, " ".join([str(version)] * 10_000))


def _in_text(path: pathlib.Path) -> set[float]:
    return {float(word) for word in path.read_text(encoding="utf-8").split()}


EVERY = FORMATS | {
    made.name: made
    for made in (
        Format("folder", _save_folder, _in_whole),
        Format("w.weights.json", _save_shards, _in_weights),
        Format("checkpoint.keras", _checkpoint, _in_whole),
        Format("checkpoint.weights.h5", _checkpoint_of_weights, _in_weights),
        Format("backup", _back_up, _in_backup),
        Format("run.efr", _save_steps, _in_steps),
        Format("m.onnx", _save_onnx, _in_onnx),
        Format("tensorflow", _save_of_tensorflow, _in_one_of_tensorflow),
        Format("page.html", _save_text, _in_text),
    )
}


def can_exchange(folder: pathlib.Path) -> bool:
    """Whether a folder can take the place of another one in one step there."""
    for name in ("one", "other"):
        (folder / name).mkdir()
    swapped = _exchange(str(folder / "one"), str(folder / "other"))
    for name in ("one", "other"):
        (folder / name).rmdir()
    return swapped


def _saves(chosen: Format, path: pathlib.Path, last: int) -> None:
    """Save version 2, and be killed before the call with the number `last`."""
    seen = 0

    def before(what: str, where: str) -> None:
        nonlocal seen
        if what != "read":
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    with before_each(before):
        chosen.save(path, 2.0)


def _is_killed(chosen: Format, path: pathlib.Path, last: int) -> bool:
    child = os.fork()
    if child == 0:
        _saves(chosen, path, last)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"the save failed before call {last}")
    return os.WIFSIGNALED(status)


def main(name: str, folder: str) -> None:
    """Kill a save before each of its calls, and print how many kills left the old version, the new one, neither."""
    chosen, path, step = EVERY[name], pathlib.Path(folder, name), 0
    old = new = neither = 0
    chosen.save(path, 1.0)
    while _is_killed(chosen, path, step := step + 1):
        try:
            found = chosen.versions(path)
        except (OSError, ValueError, RuntimeError) as error:
            found = set()
            print(f"call {step}: {type(error).__name__}: {error}", file=sys.stderr)
        old, new, neither = old + (found == {1.0}), new + (found == {2.0}), neither + (found not in ({1.0}, {2.0}))
        if found != {1.0}:
            chosen.save(path, 1.0)  # what a kill leaves behind is in nobody's way
    assert chosen.versions(path) == {2.0}
    print(old, new, neither)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""`tf.profiler.experimental`: steps for TensorBoard's Profile and Graphs tabs, recorded by viz."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from eagerflow import _viz
from eagerflow.compat.tensorflow.summaries.recorder import Recorder

__all__ = ["Profile", "ProfilerOptions", "Trace", "start", "stop"]


class _State:
    """What is being recorded, and for which folder."""

    recorder = Recorder()
    logdir = ""


class ProfilerOptions:
    """Accepted: what is recorded doesn't depend on them.

    Args:
        **levels: `host_tracer_level` and others.
    """

    def __init__(self, **levels: Any) -> None:
        self.levels = levels


def start(logdir: str | os.PathLike[str], options: ProfilerOptions | None = None) -> None:
    """Record what runs from now on, until `stop`.

    Args:
        logdir: the folder that `stop` writes to.
        options: accepted for TensorFlow's signature.

    Raises:
        RuntimeError: when something is being recorded already.
    """
    if _State.recorder.is_running:
        raise RuntimeError("tf.profiler.experimental.start: another profile is running; call stop() first.")
    _State.logdir = os.fspath(logdir)
    _State.recorder.begin()


def stop(save: bool = True) -> None:
    """End what `start` began, and write it.

    Args:
        save: False: nothing is written.

    Raises:
        RuntimeError: when nothing is being recorded.
    """
    if not _State.recorder.is_running:
        raise RuntimeError("tf.profiler.experimental.stop: no profile is running; call start(logdir) first.")
    recording = _State.recorder.end()
    if save and recording.ops:
        recording.to_tensorboard(_State.logdir)


class Profile:
    """A block whose ops are profiled: `start` and `stop` around it.

    Args:
        logdir: the folder that is written to.
        options: accepted for TensorFlow's signature.
    """

    def __init__(self, logdir: str | os.PathLike[str], options: ProfilerOptions | None = None) -> None:
        self._logdir, self._options = logdir, options

    def __enter__(self) -> Profile:
        start(self._logdir, self._options)
        return self

    def __exit__(self, *error: object) -> None:
        stop()


@contextlib.contextmanager
def Trace(name: str, **settings: Any) -> Iterator[None]:
    """A block that counts as one step of the profile.

    Args:
        name: what the step is called.
        **settings: `step_num` and `_r` are accepted: steps are numbered as they come.
    """
    with _viz.package().step(name):
        yield

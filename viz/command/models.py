"""What commands look at: a recording, or a model in an ONNX file, which is run once on made-up inputs."""

from __future__ import annotations

import argparse
import os
import pathlib
from importlib import import_module
from typing import TYPE_CHECKING

from viz.facts import archive
from viz.facts.schema import Record
from viz.facts.smaller.near_step import Near

if TYPE_CHECKING:
    from viz.recording import Recording

__all__ = ["near_step", "opened", "seen"]

_MOST_OPS = 20_000


def seen(options: argparse.Namespace, near: Near | None = None, stats: bool = True) -> Record:
    """The same for tables, which need none of what draws: of a recording only its file is read.

    Args:
        options: as of `opened`.
        near: as of `opened`.
        stats: whether statistics are wanted.

    Raises:
        ValueError: as `opened` does.
        FileNotFoundError: where there is none.
    """
    is_recording = not os.fspath(options.file).lower().endswith(".onnx")
    if is_recording and not (options.rank or options.sizes):
        return archive.read(options.file, near=near, stats=stats)
    return opened(options, near)


def near_step(options: argparse.Namespace) -> Near:
    """What to read where one step is shown: those around it, from which usual times are taken.

    Args:
        options: `step`.
    """
    return Near(options.step, _MOST_OPS)


def opened(options: argparse.Namespace, near: Near | None = None) -> Recording:
    """The recording that a command was asked about.

    Args:
        options: `file`, `sizes` and `rank`.
        near: the part of it that is wanted; of the recording of another rank all is read.

    Raises:
        ValueError: for a file that is damaged, a rank that it hasn't, or lengths that its model doesn't take.
        FileNotFoundError: where there is none.
    """
    path = os.fspath(options.file)
    if not path.lower().endswith(".onnx"):
        if options.sizes:
            raise ValueError(f"--sizes goes with ONNX files; {path!r:.150} is none.")
        module = import_module("viz.recording")
        recording: Recording = module.Recording._of(archive.read(path, near=None if options.rank else near))
        return recording.rank(options.rank) if options.rank else recording
    model = import_module("eagerflow").models.load_onnx(path)  # all of which is loaded for it alone
    inputs = model.sample_inputs(options.sizes)
    with import_module("viz.tracer").trace(pathlib.Path(path).stem, stats="basic") as recording:
        model(inputs)
    return recording

"""What commands look at: a recording, or a model in an ONNX file, which is run once on made-up inputs."""

from __future__ import annotations

import argparse
import os
import pathlib
from importlib import import_module

from viz.recording import Recording, load

__all__ = ["opened"]


def opened(options: argparse.Namespace) -> Recording:
    """The recording that a command was asked about.

    Args:
        options: `file`, `sizes` and `rank`.

    Raises:
        ValueError: for a file that is damaged, a rank that it hasn't, or lengths that its model doesn't take.
        FileNotFoundError: where there is none.
    """
    path = os.fspath(options.file)
    if not path.lower().endswith(".onnx"):
        if options.sizes:
            raise ValueError(f"--sizes goes with ONNX files; {path!r:.150} is none.")
        recording = load(path)
        return recording.rank(options.rank) if options.rank else recording
    model = import_module("eagerflow").models.load_onnx(path)  # all of which is loaded for it alone
    inputs = model.sample_inputs(options.sizes)
    with import_module("viz.tracer").trace(pathlib.Path(path).stem, stats="basic") as recording:
        model(inputs)
    return recording

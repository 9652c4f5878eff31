"""What commands look at: a recording, or a model in an ONNX file, which is run once on made-up inputs."""

from __future__ import annotations

import argparse
import os
import pathlib

from eagerflow import models
from viz.recording import Recording, load
from viz.tracer import trace

__all__ = ["add_file", "opened"]


def add_file(parser: argparse.ArgumentParser) -> None:
    """Enter the file and what goes with it."""
    about = "a recording, from `viz run` or `Recording.save`; or a model.onnx, which is run once"
    parser.add_argument("file", metavar="file.efz", help=about)
    lengths = "of an ONNX file's open lengths, by their names there or as input:axis (default: batch 1, others 32)"
    parser.add_argument("--rank", type=int, default=0, metavar="N", help="of a recording of several ranks (default: 0)")
    parser.add_argument("--sizes", metavar="NAME=N[,NAME=N...]", type=_sizes, default={}, help=lengths)


def _sizes(given: str) -> dict[str, int]:
    found = {}
    for part in given.split(","):
        name, _, number = part.rpartition("=")
        if not name.strip() or not number.strip().isdecimal():
            raise argparse.ArgumentTypeError(f"{given!r} is no list of lengths such as batch=4,time=20")
        found[name.strip()] = int(number)
    return found


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
    model = models.load_onnx(path)
    inputs = model.sample_inputs(options.sizes)
    with trace(pathlib.Path(path).stem, stats="basic") as recording:
        model(inputs)
    return recording

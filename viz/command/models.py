"""What commands look at: a recording, or a model in a file (ONNX, Keras), which is run once on made-up inputs."""

from __future__ import annotations

import argparse
import os
import pathlib
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy

from viz.facts import archive
from viz.facts.formatting import is_model
from viz.facts.schema import Record

if TYPE_CHECKING:
    from viz.recording import Recording

__all__ = ["opened", "seen"]


def seen(options: argparse.Namespace, stats: bool = True) -> Record:
    """The same for tables, which need none of what draws: of a recording only its file is read."""
    if not is_model(options.file) and not (options.rank or options.sizes):
        return archive.read(options.file, stats=stats)
    return opened(options)


def opened(options: argparse.Namespace) -> Recording:
    """The recording that a command was asked about."""
    path = os.fspath(options.file)
    if not is_model(path):
        if options.sizes:
            raise ValueError(f"--sizes goes with files of models; {path!r:.150} is none.")
        module = import_module("viz.recording")
        recording: Recording = module.Recording._of(archive.read(path))
        return recording.rank(options.rank) if options.rank else recording
    models = import_module("eagerflow").models  # all of which is loaded for it alone
    if path.lower().endswith(".onnx"):
        model = models.load_onnx(path)
        inputs = model.sample_inputs(options.sizes)
    else:
        model = models.load_model(path, compile=False)
        inputs = _made_up(model, options.sizes)
    with import_module("viz.tracer").trace(pathlib.Path(path).stem, stats="basic") as recording:
        model(inputs)
    return recording


def _made_up(model: Any, sizes: Mapping[str, int]) -> Any:
    """Inputs for a model of Keras: random numbers, ones for integers, and words for text."""
    ways = import_module("eagerflow.onnx.sizes")
    given, structure = ways.given_inputs(None, model)
    opened = [f"{each.name}:{axis}" for each in given for axis, n in enumerate(each.shape) if n is None]
    if unknown := set(sizes) - {"batch", *opened}:
        raise ValueError(f"--sizes {', '.join(sorted(unknown))}: the open lengths are {['batch', *opened]!r:.250}.")
    random = numpy.random.default_rng(7)
    error: Exception | None = None
    for length in (32, 8, 64, 224, 1):
        found = []
        for name, shape, dtype in given:
            usual = [n or (length if axis else sizes.get("batch", 1)) for axis, n in enumerate(shape)]
            known = [sizes.get(f"{name}:{axis}", n) for axis, n in enumerate(usual)]
            numbers = random.standard_normal(known) if "float" in dtype else numpy.ones(known)
            found.append(
                numpy.full(known, "some words of text", object) if dtype == "string" else numbers.astype(dtype)
            )
        inputs = ways.packed(structure, iter(found))
        try:
            model(inputs)
        except ValueError as raised:  # too short for a window, or too long for a table of positions
            error = error or raised
            continue
        return inputs
    raise ValueError(f"the model runs with none of the lengths tried: {error}") from error

"""A picture of a kept step that plays on its page, taken by Chromium without a window.

python -m tools.replay_picture docs/images/replay_film.png
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy

import eagerflow as ef
from eagerflow import layers
from tools.page_picture import photograph
from viz.replay.file import read
from viz.replay.keeping import Keeping
from viz.replay.recorded import traced

SIZE = "1280,980"
SHOWN = "tab=film&sel=op:0:backward:dense:"


def kept_step(folder: Path) -> Path:
    """A training of which one row overflows, kept; gives the page of the last step that was finite."""
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype("float32")
    y = x.sum(1, keepdims=True)
    x[41, 2] = 3e38
    ef.utils.set_random_seed(2)
    hidden = layers.Dense(4, activation="relu", name="hidden")
    model = ef.Sequential([layers.Input((3,)), hidden, layers.Dense(1, name="output")], name="net")
    model.compile(ef.optimizers.SGD(0.1), "mse")
    with warnings.catch_warnings(), Keeping(3, folder / "train.efr", script="train.py", say=print):
        warnings.simplefilter("ignore")
        model.fit(x, y, batch_size=5, verbose=0)
    kept = read(folder / "train.efr")
    recording = traced(kept, len(kept.steps) - 2)
    recording.to_html(folder / "film.html")
    return folder / "film.html"


def picture(target: Path) -> None:
    """Photograph the page."""
    with tempfile.TemporaryDirectory() as folder:
        photograph(f"{kept_step(Path(folder)).as_uri()}#{SHOWN}", SIZE, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the PNG file to write")
    picture(parser.parse_args().target)

"""A picture of the page of `viz data` for the documentation, and what the command prints, which stands above it.

python -m tools.samples_picture docs/images/samples.png
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from tools.page_picture import photograph
from viz.cli import main as viz_main

SIZE = "840,500"
# Digits, of which one in twenty has another label.
SCRIPT = """\
import numpy as np

import eagerflow as ef
from eagerflow import layers

ef.utils.set_random_seed(0)
(x, y), _ = ef.datasets.digits.load_data()
x, y = x[..., None] / 16, y.copy()
rng = np.random.default_rng(0)
flipped = rng.permutation(len(y))[: len(y) // 20]
y[flipped] = (y[flipped] + rng.integers(1, 10, len(flipped))) % 10
model = ef.Sequential(
    [layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10)], name="digits"
)
model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, epochs=20, verbose=0)
"""


def picture(target: Path) -> None:
    """Train, and photograph the page."""
    target = target.resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("train.py").write_text(SCRIPT, encoding="utf-8")
        viz_main(["data", "-n", "4", "--html", "data.html", "train.py"])
        photograph(Path("data.html").resolve().as_uri(), SIZE, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the PNG file to write")
    picture(parser.parse_args().target)

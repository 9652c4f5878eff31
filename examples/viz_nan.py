"""A loss that turns NaN, and the op where it began.

A student's own crossentropy takes the logarithm of a probability that becomes exactly zero.

    python examples/viz_nan.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops


def crossentropy(labels, logits):
    probabilities = ops.softmax(logits)
    return -ops.mean(ops.sum(labels * ops.log(probabilities), axis=-1))


def main(out: Path, rows: int = 32) -> None:
    # The inputs are far too large, so the logits are far apart, and `softmax` gives some classes a probability of
    # exactly 0. The logarithm of 0 is minus infinity, and from there on the loss and all gradients are infinite or NaN.
    ef.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 8)).astype("float32") * 300  # nobody scaled the inputs
    labels = np.eye(3, dtype="float32")[rng.integers(0, 3, rows)]
    model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)], name="net")
    model.build((None, 8))

    # `stats="basic"` counts the NaN and infinite values of every tensor.
    with np.errstate(all="ignore"), viz.trace("where NaN came from", stats="basic") as t, ef.GradientTape() as tape:
        loss = crossentropy(labels, model(x))
        tape.gradient(loss, model.trainable_variables)

    # In the picture, everything that holds NaN or infinity is coloured. The first such operation is the place to look:
    # `find_nonfinite` tells which it is, which line of code ran it, and what usually helps. `python -m viz nonfinite
    # train.py` does all of this for a script.
    t.draw(out / "viz_nan.svg", color_by="nonfinite")
    print("loss:", float(loss))
    print(viz.find_nonfinite(t))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)

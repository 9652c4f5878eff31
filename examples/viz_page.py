"""A training step as an interactive page, and one that shows what differs from another network.

python examples/viz_page.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers


def network(width: int, activation: str) -> ef.Model:
    found = ef.Sequential(
        [
            layers.Reshape((8, 8, 1), name="image"),
            layers.Conv2D(width, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Activation(activation, name="activation"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="head"),
        ],
        name="digits",
    )
    found.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return found


def steps(model: ef.Model, rows: int) -> viz.Recording:
    """Three training steps, recorded with statistics of every tensor."""
    (x, y), _ = ef.datasets.digits.load_data()
    x = x.reshape(len(x), 64).astype("float32") / 16
    model.fit(x[:rows], y[:rows], batch_size=rows, verbose=0)  # the first step builds the layers
    with viz.trace("digits", stats="full") as t:
        model.fit(x[: 3 * rows], y[: 3 * rows], batch_size=rows, verbose=0, shuffle=False)
    return t


def main(out: Path, rows: int = 64) -> None:
    ef.utils.set_random_seed(0)
    before, after = steps(network(8, "relu"), rows), steps(network(8, "tanh"), rows)
    print("wrote", before.to_html(out / "viz_page.html"))
    print("wrote", after.to_html(out / "viz_page_diff.html", diff=before))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pages")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)

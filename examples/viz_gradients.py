"""Vanishing gradients: twelve sigmoid layers, in a chart, in a table, and in the graph.

python examples/viz_gradients.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


def main(out: Path, depth: int = 12) -> None:
    # The slope of a sigmoid is at most 1/4. On its way back, a gradient is multiplied by that slope in every layer, so
    # after twelve of them there is little left of it.
    ef.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 20)).astype("float32"), rng.integers(0, 4, 64)
    hidden = [layers.Dense(32, activation="sigmoid", name=f"hidden_{i}") for i in range(depth)]
    model = ef.Sequential([*hidden, layers.Dense(4, name="head")], name="deep")

    # `stats="full"` keeps the size of each gradient.
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=64, verbose=0)
    with viz.trace(f"{depth} sigmoid layers", stats="full") as t:
        model.fit(x, y, batch_size=64, verbose=0)

    # The gradients shrink from the last layer to the first, so the first layers hardly learn anything. That was the
    # main reason why deep networks were so hard to train until the sigmoid gave way to `relu`, whose slope is 1 for all
    # positive inputs. Try `activation="relu"` instead.
    flow = t.grad_flow(out / "viz_gradients.svg")
    print(flow)
    t.draw(out / "viz_gradients_graph.svg", color_by="grad", collapse_repeats=False, depth=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)

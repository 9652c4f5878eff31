"""A training step as a picture: forward on the left, backward on the right, in light, dark, and by time.

python examples/viz_step.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers


def main(out: Path, rows: int = 64) -> None:
    # A small convolutional network. The names of layers appear in pictures and tables, so it is worth giving them short
    # names that say something.
    (x, y), _ = ef.datasets.digits.load_data()
    model = ef.Sequential(
        [
            layers.Reshape((8, 8, 1), name="image"),
            layers.Conv2D(8, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("relu", name="relu"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(10, name="head"),
        ],
        name="digits",
    )

    # `viz.trace` records what runs inside the `with` block: here a single training step, from the batch to the updated
    # weights.
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x = x.reshape(len(x), 64).astype("float32")
    model.fit(x[:rows], y[:rows], batch_size=rows, verbose=0)  # the first step builds the layers
    with viz.trace("one step of digits") as t:
        model.fit(x[:rows], y[:rows], batch_size=rows, verbose=0)

    # One recording can be shown in many ways: as a picture, light or dark or coloured by time; as tables of operations,
    # layers and memory; and as a file for Perfetto's timeline. Nothing runs again for that.
    t.draw(out / "viz_step.svg")
    t.draw(out / "viz_step_dark.svg", theme="dark", depth=1)
    t.draw(out / "viz_step_time.svg", color_by="time", view="forward")
    print(t.summary())
    print(t.top("layer", 5))
    print(t.memory())
    t.to_perfetto(out / "viz_step.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)

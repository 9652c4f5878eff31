"""The layers of models, as `plot_model` draws them: functional and nested, and subclassed.

python examples/viz_models.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


def two_towers():
    image, text = ef.Input((16, 16, 3), name="image"), ef.Input((12,), dtype="int32", name="text")
    seeing = ef.Sequential(
        [
            ef.Input((16, 16, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(16, activation="tanh"),
        ],
        name="seeing",
    )
    read = layers.LSTM(16, name="reading")(layers.Embedding(50, 8, name="words")(text))
    both = layers.Concatenate(name="both")([seeing(image), read])
    return ef.Model([image, text], layers.Dense(2, activation="softmax", name="answer")(both), name="two_towers")


class Residual(ef.Model):
    """A subclassed model: only a run tells how its layers are connected."""

    def __init__(self):
        super().__init__(name="residual")
        self.first, self.second = layers.Dense(8, activation="relu"), layers.Dense(8)
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(x + self.second(self.first(x)))


def main(out: Path) -> None:
    # A functional model knows its graph before it has ever run. `plot_model` takes the same arguments as in Keras.
    viz.plot_model(
        two_towers(),
        out / "viz_models.svg",
        show_shapes=True,
        show_layer_names=True,
        show_layer_activations=True,
        expand_nested=True,
    )

    # A subclassed model is just code, so its graph is only known when it runs. Pass `inputs`, and `plot_model` draws
    # what runs with them.
    viz.plot_model(
        Residual(),
        out / "viz_models_subclassed.svg",
        show_shapes=True,
        show_layer_names=True,
        inputs=np.zeros((1, 8), "float32"),
    )

    # The same as a table.
    print(viz.summary(two_towers()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)

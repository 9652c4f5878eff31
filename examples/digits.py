"""Learn handwritten digits, then look at one training step: the first example of the README.

    python examples/digits.py [FOLDER]

Leaves `step.svg` and `step.efz` in FOLDER (default: `runs/digits`).
"""

import sys
from pathlib import Path

import eagerflow as keras
import viz
from eagerflow import layers


def main(folder: Path, epochs: int = 30) -> float:
    """Train, draw, and return the accuracy on the test images."""
    # The images are 8 by 8 pixels with values from 0 to 16. Networks learn best from numbers of about 1, so both sets
    # are divided by 16. The seed makes every run give the same numbers.
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    x_train, x_test = x_train / 16, x_test / 16

    # Each image becomes a row of 64 numbers, then 64 hidden units, then one probability for each of the ten digits. The
    # labels are class numbers, not one-hot rows: that is what "sparse" in the loss's name means.
    model = keras.Sequential(
        [
            layers.Input((8, 8)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_data=(x_test, y_test), verbose=0)

    # What happens in one training step? `viz.trace` records every operation while the block runs, forward and backward,
    # with shapes, times and statistics of the values. The record can be drawn, saved, opened again and printed.
    with viz.trace(stats="basic") as trace:
        model.train_on_batch(x_train[:32], y_train[:32])
    trace.draw(folder / "step.svg")
    trace.save(folder / "step.efz")
    print(trace.summary())
    return float(model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    accuracy = main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/digits"))
    print(f"accuracy on images it has not seen: {accuracy:.1%}")

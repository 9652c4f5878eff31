"""A small network learns to read handwritten digits, and one of its training steps is recorded and drawn.

    python examples/digits.py [FOLDER]

Leaves `step.svg` and `step.efz` in FOLDER (default: `runs/digits`).
"""

import sys
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers


def main(folder: Path, epochs: int = 30) -> float:
    """Train, draw, and return the accuracy on the test images."""
    # The images are 8 by 8 pixels with values from 0 to 16. Dividing them by 16 brings them between 0 and 1. This
    # matters because the first weights are drawn for inputs of about that size: with larger inputs, the first layer's
    # outputs and gradients would be larger too, and training would be less stable. The seed makes every run give the
    # same numbers.
    folder.mkdir(parents=True, exist_ok=True)
    ef.utils.set_random_seed(1)
    (x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
    x_train, x_test = x_train / 16, x_test / 16

    # The network first turns each image into a row of 64 numbers, then computes 64 hidden units from them, and ends
    # with one probability for each of the ten digits. The labels are plain class numbers (3, not a row with a 1 in the
    # fourth place), which is what "sparse" in the name of the loss means. `validation_data` are images that the network
    # isn't trained on: only they show whether it has learned something that holds for new images.
    model = ef.Sequential(
        [
            layers.Input((8, 8)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_data=(x_test, y_test), verbose=0)

    # What does one training step really do? `viz.trace` records every operation that runs inside the `with` block,
    # forward and backward, with its shape, its time and statistics of its values. You can print the recording as a
    # table, draw it, or save it and open it again later.
    with viz.trace(stats="basic") as trace:
        model.train_on_batch(x_train[:32], y_train[:32])
    trace.draw(folder / "step.svg")
    trace.save(folder / "step.efz")
    print(trace.summary())
    return float(model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    accuracy = main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/digits"))
    print(f"accuracy on images it has not seen: {accuracy:.1%}")

"""Transfer learning: a network that can read digits learns from 30 examples which of them are odd.

    python examples/transfer.py

The layers that have learned to read are frozen and get a new head; then all is tuned with a small learning rate.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers


# The base turns an image into 64 numbers, and the head turns these into classes.
def new_base() -> ef.Model:
    """Layers that turn an image into 64 numbers."""
    return ef.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
        ],
        name="base",
    )


def with_head(base: ef.Model, classes: int) -> ef.Model:
    """The base with a new classifier on top."""
    return ef.Sequential([base, layers.Dense(classes, activation="softmax", name="head")])


# A helper, since the program trains several times with different learning rates.
def train(model: ef.Model, data: tuple, epochs: int, rate: float) -> None:
    """Compile with a new optimizer, as the learning rate has changed, and fit."""
    model.compile(ef.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data, batch_size=16, epochs=epochs, verbose=0)


def accuracy(model: ef.Model, data: tuple) -> float:
    return float(model.evaluate(*data, verbose=0, return_dict=True)["accuracy"])


def main(epochs: int = 15, few: int = 30) -> float:
    """Learn to read digits, then from `few` images to tell odd ones from even ones; return the accuracy of that."""
    # Suppose that you have very few examples for your task, but many for a related one. Here the large task is to read
    # digits, with all training images; the small one is to tell odd digits from even ones, with only 30 images.
    ef.utils.set_random_seed(11)
    (x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
    x_train, x_test = x_train[..., None] / 16, x_test[..., None] / 16
    examples, test = (x_train[:few], y_train[:few] % 2), (x_test, y_test % 2)

    # First the large task: which digit is it? The layers of `base` learn to see strokes and shapes, which will be
    # useful for the small task, too.
    base = new_base()
    reader = with_head(base, 10)
    train(reader, (x_train, y_train), epochs, 0.001)
    print(f"reads digits:                  {accuracy(reader, (x_test, y_test)):.1%}")

    # Then the small task. `base.trainable = False` freezes the base, so that only the new head learns: 30 images are
    # enough for that, while they would spoil what the base has learned. Freezing takes effect at once: `fit` looks at
    # `trainable` in every step. (`train` compiles again for another reason: it changes the learning rate.)
    base.trainable = False
    model = with_head(base, 2)
    train(model, examples, 4 * epochs, 0.01)
    model.summary(show_trainable=True)
    print(f"odd or even, with frozen base: {accuracy(model, test):.1%}")
    unchanged = [np.array_equal(a, b) for a, b in zip(reader.get_weights(), base.get_weights())]
    print(f"weights of the base unchanged: {all(unchanged)}")

    # Fine-tuning: now all weights may change, but with a small learning rate, so that what the base has learned isn't
    # lost. On 30 images that needn't help: look at the accuracy, and keep the frozen base where it is the better one.
    base.trainable = True
    train(model, examples, epochs, 0.0003)
    print(f"and all tuned together:        {accuracy(model, test):.1%}")

    # How much did the transfer help? The same network, trained from scratch on the 30 images alone, does clearly worse.
    scratch = with_head(new_base(), 2)
    train(scratch, examples, 4 * epochs, 0.001)
    print(f"from scratch, for comparison:  {accuracy(scratch, test):.1%}")
    return accuracy(model, test)


if __name__ == "__main__":
    print(f"odd or even, learned from 30 images: {main():.1%}")

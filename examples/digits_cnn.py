"""A convolutional network reads handwritten digits: images in, layers stacked in a Sequential model.

    python examples/digits_cnn.py

A callback halves the learning rate whenever the loss stops falling.
"""

import eagerflow as ef
from eagerflow import layers


# Two blocks of convolutions find patterns in the image, and the last layer turns what they found into ten
# probabilities.
def build() -> ef.Model:
    """Two blocks of convolution, normalization and pooling, then a classifier."""
    return ef.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main(epochs: int = 25, images: int | None = None, verbose: int = 2) -> float:
    """Train on `images` images (all by default), and return the accuracy on the test images."""
    # A convolution looks at small patches of an image, and expects an axis for the colour channels after height and
    # width. These images are grey, so they have one channel, which `[..., None]` adds.
    ef.utils.set_random_seed(3)
    (x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
    x_train, x_test = x_train[:images, ..., None] / 16, x_test[..., None] / 16

    # A high learning rate gets close to a good solution quickly but then jumps around it; a low one settles down but
    # takes long to get there. `ReduceLROnPlateau` gives you both: it halves the learning rate whenever the training
    # loss hasn't fallen for two epochs.
    model = build()
    model.summary()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    halve = ef.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2)
    model.fit(x_train, y_train[:images], batch_size=32, epochs=epochs, callbacks=[halve], verbose=verbose)

    # `predict` gives ten probabilities per image, and the most probable digit is the answer. Looking at the images that
    # were read wrongly often tells more than the accuracy does: are these digits that you would misread as well?
    guesses = model.predict(x_test, verbose=0).argmax(axis=1)
    wrong = [f"{truth} read as {guess}" for truth, guess in zip(y_test, guesses) if truth != guess]
    print(f"{len(wrong)} of {len(y_test)} digits misread, among them:", ", ".join(wrong[:5]))
    return float(model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    print(f"accuracy on images it has not seen: {main():.2%}")

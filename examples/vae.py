"""A variational autoencoder squeezes digits into two numbers, and draws digits from any two numbers.

    python examples/vae.py

Shows a layer that samples, `add_loss`, and a custom loss function.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

LATENT = 2


# The encoder gives a normal distribution for each image, not a single point: its mean, and the logarithm of its
# variance. This layer draws a point from it. It also adds the Kullback-Leibler divergence from N(0, 1) to the loss,
# which keeps the points of different images close together.
class Sampling(layers.Layer):
    """Draws from N(mean, exp(log_variance)), and adds the divergence to the loss."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.seeds = ef.random.SeedGenerator(6)

    def call(self, inputs):
        mean, log_variance = inputs
        divergence = -0.5 * ops.sum(1 + log_variance - mean**2 - ops.exp(log_variance), axis=-1)
        self.add_loss(ops.mean(divergence))
        return mean + ops.exp(0.5 * log_variance) * ef.random.normal(ops.shape(mean), seed=self.seeds)


# The other part of the loss measures how well the image is restored. `binary_crossentropy` is a mean over the 64
# pixels; times 64, it is their sum.
def reconstruction(y_true, y_pred):
    """How many nats it costs to write down the pixels, given the guess."""
    return 64 * ef.losses.binary_crossentropy(y_true, y_pred)


# The decoder is a model of its own, so that it can also be called with points that no image was turned into.
def build() -> tuple[ef.Model, ef.Model, ef.Model]:
    """The autoencoder and its two halves."""
    images = ef.Input((64,))
    x = layers.Dense(256, activation="relu")(images)
    mean, log_variance = layers.Dense(LATENT)(x), layers.Dense(LATENT)(x)
    encoder = ef.Model(images, [mean, log_variance], name="encoder")
    decoder = ef.Sequential(
        [layers.Input((LATENT,)), layers.Dense(256, activation="relu"), layers.Dense(64, activation="sigmoid")],
        name="decoder",
    )
    return ef.Model(images, decoder(Sampling()([mean, log_variance]))), encoder, decoder


# The images are small enough to be printed: the brighter a pixel, the denser its character.
def draw(rows: np.ndarray) -> str:
    """Rows of images (rows, columns, 8, 8) as text."""
    shades = np.array(list(" .:+#"))
    lines = shades[(rows * 4.99).astype(int)].transpose(0, 2, 1, 3)
    return "\n".join("  ".join("".join(2 * s for s in part) for part in line) for row in lines for line in row)


def main(epochs: int = 150, verbose: int = 0) -> float:
    """Train, draw digits, and return how much better test digits are described than by the average digit."""
    # An autoencoder learns to reproduce its inputs, so the images are both inputs and targets, and no labels are
    # needed. That would be easy if it could copy them; but here everything has to pass through two numbers, so the
    # network must find out what makes one digit different from another.
    ef.utils.set_random_seed(6)
    (x_train, _), (x_test, _) = ef.datasets.digits.load_data()
    x_train, x_test = (x.reshape(-1, 64).astype("float32") / 16 for x in (x_train, x_test))

    # The three models share their layers: training the autoencoder also trains the encoder and the decoder.
    autoencoder, encoder, decoder = build()
    autoencoder.compile(ef.optimizers.Adam(0.002), loss=reconstruction)
    history = autoencoder.fit(x_train, x_train, batch_size=64, epochs=epochs, verbose=verbose)
    losses = history.history["loss"]
    print(f"nats per digit: {losses[0]:.2f} at first, {losses[-1]:.2f} now")
    print(f"the first test digit lies at {encoder.predict(x_test[:1], verbose=0)[0][0].round(2)}")

    # The decoder turns any two numbers into a digit, even those that no image was squeezed into. A grid of them shows
    # the map that it has learned, on which digits that look alike are neighbours.
    steps = np.linspace(-1.5, 1.5, 5)
    grid = np.array([(a, b) for a in steps[::2] for b in steps], "float32")
    print(draw(decoder.predict(grid, verbose=0).reshape(3, 5, 8, 8)))

    # Is this better than a guess that ignores the image? The best such guess is the average of all digits, so that is
    # what the network is compared with.
    average = np.broadcast_to(x_train.mean(axis=0), x_test.shape)
    plain = float(ops.mean(reconstruction(x_test, average)))
    return plain - autoencoder.evaluate(x_test, x_test, verbose=0)


if __name__ == "__main__":
    print(f"nats gained per digit over the average digit: {main():.2f}")

"""A generative adversarial network: one network invents points on a ring, another one tells them from real ones.

    python examples/gan.py

Shows a custom `train_step` with two networks and two optimizers, used by `fit`.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

NOISE = 8


def network(inputs: int, outputs: int, name: str) -> ef.Sequential:
    """Two hidden layers."""
    return ef.Sequential(
        [
            layers.Input((inputs,)),
            layers.Dense(64, activation="leaky_relu"),
            layers.Dense(64, activation="leaky_relu"),
            layers.Dense(outputs),
        ],
        name=name,
    )


# The model overrides `train_step`, which `fit` calls for every batch.
class GAN(ef.Model):
    """A generator and a discriminator that learn from each other."""

    def __init__(self, d_optimizer: ef.optimizers.Optimizer, g_optimizer: ef.optimizers.Optimizer) -> None:
        super().__init__()
        self.generator = network(inputs=NOISE, outputs=2, name="generator")
        self.discriminator = network(inputs=2, outputs=1, name="discriminator")
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.seeds = ef.random.SeedGenerator(4)
        self.d_loss = ef.metrics.Mean(name="d_loss")
        self.g_loss = ef.metrics.Mean(name="g_loss")

    def invent(self, count: int):
        """New points."""
        return self.generator(ef.random.normal((count, NOISE), seed=self.seeds))

    def train_step(self, real):
        # The discriminator learns to tell real points from invented ones. Real ones
        # have the label 0.9 instead of 1, which keeps it from being too sure.
        count = len(real)
        labels = ops.concatenate([ops.ones((count, 1)) * 0.9, ops.zeros((count, 1))])
        with ef.GradientTape() as tape:
            guesses = self.discriminator(ops.concatenate([real, self.invent(count)]))
            d_loss = self.loss(labels, guesses)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights))

        # The generator learns to make points that the discriminator takes for real.
        with ef.GradientTape() as tape:
            guesses = self.discriminator(self.invent(count))
            g_loss = self.loss(ops.ones((count, 1)), guesses)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights))

        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


# The real data, and a way to look at points.
def ring(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points near a circle of radius 1."""
    angle, radius = rng.random(count) * 2 * np.pi, 1 + rng.normal(0, 0.05, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype("float32")


def picture(points: np.ndarray, size: int = 15) -> str:
    """The points as text."""
    cells, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=size, range=[[-1.4, 1.4]] * 2)
    return "\n".join("".join("  " if n == 0 else ". " if n < 4 else "# " for n in row) for row in cells)


def main(epochs: int = 60, count: int = 2048, verbose: int = 0) -> float:
    """Train, draw invented points, and return the share of them that lies near the ring."""
    # Don't expect either loss to approach 0, since what one network gains the other loses. When they are in balance,
    # the discriminator can't tell which points are real, and its loss stays near log(2) = 0.69.
    ef.utils.set_random_seed(4)
    gan = GAN(ef.optimizers.Adam(1e-3, beta_1=0.5), ef.optimizers.Adam(1e-3, beta_1=0.5))
    gan.compile(loss=ef.losses.BinaryCrossentropy(from_logits=True))
    history = gan.fit(ring(count, np.random.default_rng(4)), batch_size=64, epochs=epochs, verbose=verbose)
    print({name: round(values[-1], 3) for name, values in history.history.items()})

    # The losses don't tell whether the invented points are any good, so look at the points themselves.
    points = gan.invent(1000).numpy()
    print(picture(points))
    return float((np.abs(np.hypot(*points.T) - 1) < 0.2).mean())


if __name__ == "__main__":
    print(f"invented points near the ring: {main():.1%}")

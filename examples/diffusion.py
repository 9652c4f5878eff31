"""A diffusion model learns to take noise away from digits, and so to draw digits out of nothing but noise.

    python examples/diffusion.py

Shows embeddings of times and labels, a `train_step` that draws random numbers, captured steps, and a loop that samples.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

STEPS, WIDTH = 100, 160

# An image becomes noise in 100 steps. RATES are the shares of noise that each step
# mixes in, and KEPT is what is left of the image's variance after it: nearly all after
# the first step, nothing after the last.
_curve = np.cos(np.linspace(0, np.pi / 2, STEPS + 1)) ** 2
RATES = np.clip(1 - _curve[1:] / _curve[:-1], 0, 0.999).astype("float32")
KEPT = np.cumprod(1 - RATES)


# The network gets a noisy image, the number of the step, and which digit it should be. From these it guesses the noise.
# Steps and digits choose rows of tables that are learned, as words of a text do.
def build() -> ef.Model:
    """The network that guesses noise."""
    image = ef.Input((64,))
    step = ef.Input((), dtype="int32")
    digit = ef.Input((), dtype="int32")
    known = layers.Embedding(STEPS, WIDTH)(step) + layers.Embedding(10, WIDTH)(digit)
    x = layers.Dense(WIDTH)(image)
    for _ in range(2):
        hidden = layers.LayerNormalization()(x) + layers.Dense(WIDTH)(known)
        hidden = layers.Dense(WIDTH, activation="silu")(hidden)
        x = x + layers.Dense(WIDTH)(hidden)
    noise = layers.Dense(64)(layers.LayerNormalization()(x))
    return ef.Model([image, step, digit], noise)


# Training is simple: mix each image with noise, as much as a step drawn at random says, and let the network guess it.
class Diffusion(ef.Model):
    """Trains a network to guess noise."""

    def __init__(self, network: ef.Model) -> None:
        super().__init__()
        self.network = network
        self.seeds = ef.random.SeedGenerator(5)

    def train_step(self, data):
        image, digit = data
        step = ef.random.randint((len(image),), 0, STEPS, seed=self.seeds)
        noise = ef.random.normal(ops.shape(image), seed=self.seeds)
        kept = ops.take(KEPT, step)[:, None]
        with ef.GradientTape() as tape:
            noisy = ops.sqrt(kept) * image + ops.sqrt(1 - kept) * noise
            loss = ops.mean((self.network([noisy, step, digit]) - noise) ** 2)
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}


# To draw digits, begin with pure noise and go backwards. In each step the network guesses the noise, which tells what
# the image may look like without it; the next image lies a little nearer to that, with some new noise.
def draw(network: ef.Model, digits: np.ndarray, seed: int = 0):
    """Images (digits, 64) between -1 and 1, step by step; the last are finished."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(digits), 64)).astype("float32")
    for step in reversed(range(STEPS)):
        rate, now = RATES[step], KEPT[step]
        before = KEPT[step - 1] if step else np.float32(1)
        noise = network.predict_on_batch([x, np.full(len(digits), step), digits])
        clean = np.clip((x - np.sqrt(1 - now) * noise) / np.sqrt(now), -1, 1)
        mean = np.sqrt(before) * rate * clean + np.sqrt(1 - rate) * (1 - before) * x
        spread = np.sqrt(rate * (1 - before) / (1 - now))
        x = mean / (1 - now) + spread * rng.normal(size=x.shape).astype("float32")
        yield x


def main(epochs: int = 120, verbose: int = 0) -> float:
    """Train, draw digits, and return the share of them that another network reads as what they should be."""
    # The training runs the same short step 1440 times, so `jit_compile=True` captures it: its operations are replayed
    # without Python's part of the work. The loss can't become 0, as much of the noise can't be guessed.
    ef.utils.set_random_seed(5)
    (x_train, y_train), _ = ef.datasets.digits.load_data()
    x_train = x_train.reshape(-1, 64).astype("float32") / 8 - 1
    model = Diffusion(build())
    model.compile(ef.optimizers.Adam(0.002), jit_compile=True)
    losses = model.fit(x_train, y_train, batch_size=128, epochs=epochs, verbose=verbose).history["loss"]
    print("loss:", round(losses[0], 2), "at first,", round(losses[-1], 2), "now")

    digits = np.repeat(np.arange(10), 20)
    *_, images = draw(model.network, digits)
    shades = np.array(list(" .:+#"))[np.clip((images + 1) * 2.5, 0, 4).astype(int)].reshape(-1, 8, 8)
    for row in range(8):
        print("  ".join("".join(2 * sign for sign in image[row]) for image in shades[:100:20]))

    # Are they digits? A network that has learned to read the real ones should read these as what they were meant to be.
    reader = ef.Sequential([layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")])
    reader.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    reader.fit(x_train, y_train, epochs=30, verbose=0)
    return reader.evaluate(images, digits, verbose=0)[1]


if __name__ == "__main__":
    print(f"read as the digit that was asked for: {main():.1%}")

"""Two images, one network: is it the same digit? The network has never been told which digits there are.

    python examples/siamese.py

Both images pass through the same layers; the distance between what comes out tells how alike they are.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops


# The data are images of digits, two at a time.
def pairs(x: np.ndarray, y: np.ndarray, count: int, rng: np.random.Generator) -> tuple[list, np.ndarray]:
    """Pairs of images, every second one of the same digit."""
    first = rng.integers(0, len(x), count)
    same = np.arange(count) % 2 == 0
    second = np.array([rng.choice(np.flatnonzero((y == y[i]) == alike)) for i, alike in zip(first, same)])
    return [x[first], x[second]], same[:, None].astype("float32")


# The loss makes the distance between images of the same digit small, and that between different digits at least 1.
def contrastive_loss(same, distance):
    """Draws equals together, pushes others apart (Hadsell, Chopra and LeCun 2006)."""
    return ops.mean(same * distance**2 + (1 - same) * ops.relu(1 - distance) ** 2, axis=-1)


def accuracy(same, distance):
    """The share of pairs on the right side of a distance of 0.5."""
    return ops.mean(ops.cast(ops.equal(distance < 0.5, same > 0.5), "float32"), axis=-1)


# `embed` is called for both images, so both pass through the same weights.
def build() -> ef.Model:
    """One network used twice, and the distance."""
    embed = ef.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(16),
        ],
        name="embed",
    )
    left, right = ef.Input((8, 8, 1), name="left"), ef.Input((8, 8, 1), name="right")
    squares = ops.sum((embed(left) - embed(right)) ** 2, axis=-1, keepdims=True)
    return ef.Model([left, right], ops.sqrt(squares + 1e-6), name="siamese")


def main(epochs: int = 12, count: int = 4000, verbose: int = 2) -> float:
    """Train, compare some pairs, and return the accuracy on pairs of new images."""
    # The data are pairs of images, with a 1 where both show the same digit. Which digit that is remains unknown to the
    # network: it learns only what "alike" means. Networks of this kind are used where there are many classes with few
    # examples each, such as faces.
    ef.utils.set_random_seed(9)
    rng = np.random.default_rng(9)
    (x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
    x_train, x_test = x_train[..., None] / 16, x_test[..., None] / 16
    x, same = pairs(x_train, y_train, count, rng)

    # Any function of targets and outputs can serve as a loss or a metric.
    model = build()
    model.compile("adam", contrastive_loss, metrics=[accuracy])
    model.fit(x, same, batch_size=32, epochs=epochs, verbose=verbose)

    # Although the network has never been told which digits there are, it has put images of the same digit close to each
    # other. The two digits whose averages are closest are the ones that it finds most alike.
    embed = model.get_layer("embed")
    centres = np.stack([embed.predict(x_train[y_train == d], verbose=0).mean(axis=0) for d in range(10)])
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + 99 * np.eye(10)
    print("most alike digits:", " and ".join(map(str, np.unravel_index(apart.argmin(), apart.shape))))
    x, same = pairs(x_test, y_test, 1000, rng)
    for i in range(4):
        distance = model.predict_on_batch([x[0][i : i + 1], x[1][i : i + 1]])[0, 0]
        print(f"pair {i}: {'same digit' if same[i, 0] else 'two digits'}, distance {distance:.2f}")
    return float(model.evaluate(x, same, verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    print(f"pairs judged rightly: {main():.1%}")

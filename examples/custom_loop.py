"""A training loop of one's own: GradientTape, a metric, an optimizer, and nothing hidden.

    python examples/custom_loop.py

Everything runs line by line: put a print or a breakpoint wherever you like.
"""

import numpy as np

import eagerflow as keras
from eagerflow import layers


def spirals(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points on three arms of a spiral, and the numbers of their arms."""
    arm = rng.integers(0, 3, count)
    radius = np.sqrt(rng.random(count))
    angle = 4 * radius + arm * 2 * np.pi / 3 + rng.normal(0, 0.15, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype("float32"), arm


def main(epochs: int = 30, count: int = 1500) -> float:
    """Train, and return the accuracy on new points."""
    # Two numbers per point, three classes, and no straight line that separates them: the network has to bend its
    # borders.
    keras.utils.set_random_seed(2)
    rng = np.random.default_rng(2)
    (x_train, y_train), (x_test, y_test) = spirals(count, rng), spirals(600, rng)

    # The last layer has no activation: it gives logits, and `from_logits=True` tells the loss so. Metrics collect
    # values over many batches until `reset_state`.
    model = keras.Sequential(
        [layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(3)]
    )
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(0.01)
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    average_loss = keras.metrics.Mean()

    # What `fit` does for each batch. Inside the `with`, the tape records each operation; afterwards it goes back
    # through them and gives the loss's gradient by each weight, which the optimizer then uses to change the weights.
    def step(x: np.ndarray, y: np.ndarray) -> None:
        with keras.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_function(y, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        average_loss.update_state(loss)
        accuracy.update_state(y, logits)

    # In each epoch the rows are put into a new order, and taken 32 at a time.
    for epoch in range(epochs):
        average_loss.reset_state()
        accuracy.reset_state()
        order = rng.permutation(count)
        for start in range(0, count, 32):
            rows = order[start : start + 32]
            step(x_train[rows], y_train[rows])
        if epoch % 5 == 4 or epoch + 1 == epochs:
            print(
                f"epoch {epoch + 1}: loss {float(average_loss.result()):.3f}, accuracy {float(accuracy.result()):.1%}"
            )

    # The same metric, on points that the network hasn't seen.
    accuracy.reset_state()
    accuracy.update_state(y_test, model(x_test, training=False))
    return float(accuracy.result())


if __name__ == "__main__":
    print(f"accuracy on new points: {main():.1%}")

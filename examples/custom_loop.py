"""A custom training loop: GradientTape, a metric, an optimizer, and nothing hidden.

    python examples/custom_loop.py

Everything runs line by line: put a print or a breakpoint wherever you like.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers


# The data are points in the plane, on three arms of a spiral.
def spirals(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points on three arms of a spiral, and the numbers of their arms."""
    arm = rng.integers(0, 3, count)
    radius = np.sqrt(rng.random(count))
    angle = 4 * radius + arm * 2 * np.pi / 3 + rng.normal(0, 0.15, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype("float32"), arm


def main(epochs: int = 30, count: int = 1500) -> float:
    """Train, and return the accuracy on new points."""
    # Each point is given by two numbers and belongs to one of three classes. No straight line separates the arms of a
    # spiral, so a network without hidden layers would fail here; with them, it can bend the borders between the
    # classes.
    ef.utils.set_random_seed(2)
    rng = np.random.default_rng(2)
    (x_train, y_train), (x_test, y_test) = spirals(count, rng), spirals(600, rng)

    # The last layer has no activation, so it gives logits instead of probabilities, and `from_logits=True` tells the
    # loss so. Computing the softmax inside the loss is numerically safer than computing it in the model. The two
    # metrics add up values over many batches until `reset_state` is called.
    model = ef.Sequential([layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(3)])
    loss_function = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = ef.optimizers.Adam(0.01)
    accuracy = ef.metrics.SparseCategoricalAccuracy()
    average_loss = ef.metrics.Mean()

    # This is what `fit` does for each batch. While the `with` block runs, the tape records each operation. Afterwards,
    # it goes back through them in reverse order to find the gradient of the loss with respect to each weight: how the
    # loss would change if that weight grew a little. The optimizer uses these gradients to move each weight in the
    # direction that makes the loss smaller.
    def step(x: np.ndarray, y: np.ndarray) -> None:
        with ef.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_function(y, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        average_loss.update_state(loss)
        accuracy.update_state(y, logits)

    # An epoch goes through all rows once, 32 at a time. Shuffling them before each epoch keeps the batches from
    # repeating in the same order, which the network could otherwise come to depend on.
    for epoch in range(epochs):
        average_loss.reset_state()
        accuracy.reset_state()
        order = rng.permutation(count)
        for start in range(0, count, 32):
            rows = order[start : start + 32]
            step(x_train[rows], y_train[rows])
        if epoch % 5 == 4 or epoch + 1 == epochs:
            loss, right = float(average_loss.result()), float(accuracy.result())
            print(f"epoch {epoch + 1}: loss {loss:.3f}, accuracy {right:.1%}")

    # Finally the same metric, on points that the network hasn't been trained on. Without `reset_state`, it would still
    # count the training points.
    accuracy.reset_state()
    accuracy.update_state(y_test, model(x_test, training=False))
    return float(accuracy.result())


if __name__ == "__main__":
    print(f"accuracy on new points: {main():.1%}")

"""Reinforcement learning: a network learns to balance a pole on a cart, from nothing but how long it stays up.

    python examples/cartpole.py

Shows a loop of your own without data: acting, returns, and the gradient of a policy; the training step is captured.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

CARTS, LIMIT = 32, 200


# The task is the classic one of Barto, Sutton and Anderson. A state is where the cart is, its speed, the angle of the
# pole, and how fast that changes. Every 0.02 seconds the cart is pushed to the left or to the right. A fall is an angle
# of more than 12 degrees, or leaving the track. Here 32 carts are pushed at once, which takes hardly longer than one.
def push(state: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The next states (carts, 4), and which carts have fallen."""
    _, speed, angle, turning = state.T
    force = np.where(right, 10.0, -10.0)
    pull = (force + 0.05 * turning**2 * np.sin(angle)) / 1.1
    inertia = 0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1)
    bend = (9.8 * np.sin(angle) - np.cos(angle) * pull) / inertia
    pull -= 0.05 * bend * np.cos(angle) / 1.1
    change = np.stack([speed, pull, turning, bend], axis=1)
    after = (state + 0.02 * change).astype("float32")
    return after, (abs(after[:, 0]) > 2.4) | (abs(after[:, 2]) > np.radians(12))


# One network does both jobs of an actor-critic: the first two outputs are scores of "left" and "right", the third says
# for how long it expects the pole to stay up from here.
def build() -> ef.Model:
    """The network: states to two scores and an expectation."""
    state = ef.Input((4,))
    x = layers.Dense(64, activation="tanh")(state)
    x = layers.Dense(64, activation="tanh")(x)
    return ef.Model(state, [layers.Dense(2)(x), layers.Dense(1)(x)])


# A round has 200 steps. What the network learns from are the returns: for how long a pole stays up from each step on,
# later steps counting less. Where it still stands at the end, the rest is what the network expects.
def play(network: ef.Model, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """States, actions, returns, and who was up, of all carts (200, carts)."""
    states = np.zeros((LIMIT, CARTS, 4), "float32")
    rights = np.zeros((LIMIT, CARTS), "int32")
    gained = np.zeros((LIMIT, CARTS), "float32")
    up = np.ones((LIMIT + 1, CARTS), "float32")
    state = rng.uniform(-0.05, 0.05, (CARTS, 4)).astype("float32")
    for step in range(LIMIT):
        scores, _ = network.predict_on_batch(state)
        likely = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
        states[step], rights[step] = state, rng.random(CARTS) < likely
        state, fell = push(state, rights[step])
        up[step + 1] = up[step] * ~fell
    total = up[-1] * 50 * network.predict_on_batch(state)[1][:, 0]
    for step in reversed(range(LIMIT)):
        total = gained[step] = up[step] * (1 + 0.98 * up[step + 1] * total)
    return states, rights, gained / 50, up[:-1]


def main(rounds: int = 40) -> float:
    """Learn, and return for how many steps the pole stays up in the end (at most 200)."""
    ef.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    network = build()
    optimizer = ef.optimizers.Adam(0.01)

    # An action is good if things went better than the network expected, so it becomes more likely, the more so the
    # better they went; the expectation itself is corrected as well. Steps after a fall have the weight 0. They are kept
    # so that every round has the same shapes, and the step is captured once.
    @ef.function
    def learn(state, right, gained, up):
        with ef.GradientTape() as tape:
            scores, expected = network(state)
            surprise = up * (gained - expected[:, 0])
            better = ops.stop_gradient(surprise / (ops.std(surprise) + 1e-6))
            unlikely = ops.sparse_categorical_crossentropy(right, scores, from_logits=True)
            loss = (ops.sum(better * unlikely) + ops.sum(surprise**2)) / ops.sum(up)
        weights = network.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))

    lengths = []
    for number in range(rounds):
        states, rights, gained, up = play(network, rng)
        learn(states.reshape(-1, 4), rights.ravel(), gained.ravel(), up.ravel())
        lengths.append(up.sum(axis=0).mean())
        if number % 5 == 0:
            print(f"round {number:2}: the pole stays up for {lengths[-1]:3.0f} steps")
    return float(np.mean(lengths[-5:]))


if __name__ == "__main__":
    print(f"steps in the last rounds: {main():.0f} of {LIMIT}")

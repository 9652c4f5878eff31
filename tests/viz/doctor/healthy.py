"""Scripts that train as they should, in all styles (those of the two files here, and some made here)."""

from __future__ import annotations

import itertools
import textwrap

from tests.viz.doctor.planted import HERE, PRELUDE, read

__all__ = ["HEALTHY", "NEAR"]

_LOOP = """\
for epoch in range(epochs):
    order = rng.permutation(len(x))
    for i in range(0, len(x), 16):
        rows = order[i : i + 16]
        with ef.GradientTape() as tape:
            loss = loss_of(model(x[rows], training=True), rows)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""

_MODELS = {
    "sequential": """
        model = ef.Sequential([layers.Dense(24, activation="{activation}"), layers.Dense(24, activation="{activation}"),
                               layers.Dense({units})])
    """,
    "functional": """
        inputs = ef.Input((8,))
        h = layers.Activation("{activation}")(layers.Dense(16)(inputs))
        model = ef.Model(inputs, layers.Dense({units})(layers.Concatenate()([h, inputs])))
    """,
    "subclassed": """
        class Net(ef.Model):
            def __init__(self):
                super().__init__()
                self.inner = [layers.Dense(24, activation="{activation}") for _ in range(3)]
                self.head = layers.Dense({units})
            def call(self, h, training=False):
                for layer in self.inner:
                    h = layer(h)
                return self.head(h)
        model = Net()
    """,
}
_TASKS = {
    "classes": (3, "ef.losses.SparseCategoricalCrossentropy(from_logits=True)", "number"),
    "regression": (1, '"mse"', "target"),
}

_GRID = {
    f"{style}, {activation}, {optimizer}, {task}": textwrap.dedent(_MODELS[style]).format(
        activation=activation, units=_TASKS[task][0]
    )
    + f'model.compile("{optimizer}", {_TASKS[task][1]})\n'
    + f"model.fit(x, {_TASKS[task][2]}, epochs=4, batch_size=16, verbose=0)\n"
    for style, activation, optimizer, task in itertools.product(
        _MODELS, ("relu", "tanh", "gelu", "selu", "sigmoid"), ("sgd", "adam", "rmsprop"), _TASKS
    )
}

_LOOPS = {
    f"loop, {activation}, {optimizer}": f"""
        epochs = 4
        model = ef.Sequential([layers.Dense(16, activation="{activation}"), layers.Dense(1)])
        optimizer = ef.optimizers.{optimizer}
        loss_of = lambda p, rows: ops.mean(ops.square(p - target[rows]))
        LOOP
    """
    for activation, optimizer in itertools.product(
        ("relu", "tanh", "elu", "sigmoid", "leaky_relu"),
        (
            "SGD(0.05)",
            "SGD(0.05, momentum=0.9)",
            "Adam(0.01)",
            "Adagrad(0.05)",
            "Lion(1e-3)",
            "RMSprop(1e-3)",
            "Nadam(0.01)",
            "AdamW(0.01)",
            "Adamax(0.01)",
            "Adafactor(0.01)",
            "Ftrl(0.05)",
        ),
    )
}

NEAR = read(HERE / "healthy_near.txt")  # what comes near to a kind of finding, and is none

HEALTHY: dict[str, str] = {
    name: PRELUDE + textwrap.dedent(source).replace("LOOP\n", _LOOP)
    for name, source in {**read(HERE / "healthy.txt"), **NEAR, **_GRID, **_LOOPS}.items()
}

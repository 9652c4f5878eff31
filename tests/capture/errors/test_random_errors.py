"""Random steps that raise here and there: what calls give, say and leave is that of eager runs, call by call."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, losses, metrics, ops, optimizers
from eagerflow.core import random as core_random
from tests.capture.steps import bits

SEEDS, GROUPS, CALLS = 48, 8, 12


class Losing(layers.Layer):
    """Adds two losses."""

    def call(self, x):
        self.add_loss(ops.sum(x))
        self.add_loss(0.5)
        return x * 1.1


class Strict(metrics.Mean):
    """Raises for large values."""

    def update_state(self, values, sample_weight=None):
        if float(ops.max(ops.abs(values))) > 50:
            raise ValueError("outlier")
        super().update_state(values)


class Careful(optimizers.SGD):
    """Raises for large gradients."""

    def update_step(self, gradient, variable, learning_rate):
        if float(ops.max(gradient)) > 50:
            raise ValueError("outlier in a gradient")
        super().update_step(gradient, variable, learning_rate)


class Around(layers.Layer):
    """Calls parts of a step."""

    def __init__(self, parts, name):
        super().__init__(name=name)
        self.parts = [part for part, _ in parts]
        self.held = [layer for _, held in parts for layer in held if isinstance(layer, layers.Layer)]

    def call(self, x, given):
        for part in self.parts:
            x = part(x, given)
        return x


def of_layer(make):
    def part(number):
        layer = make(f"layer_{number}")
        return (lambda x, given: layer(x, training=True)), [layer]

    return part


def of_function(function):
    return lambda number: (function, [])


def changing(shape, change):
    def part(number):
        variable = ef.Variable(np.zeros(shape, "float32"))
        return (lambda x, given: change(variable, x)), [variable]

    return part


def assigned(v, x):
    v.assign(x)
    return x + v


def added(v, x):
    v.assign_add(ops.ones(v.shape) * 0.01)
    return x + v[:4, :4]


def seeded(number):
    seeds = ef.random.SeedGenerator(4)
    return (lambda x, given: x * ef.random.uniform((4, 4), seed=seeds)), [seeds.state]


def looking_up(number):
    table = layers.Embedding(5, 4, name=f"table_{number}")
    return (lambda x, given: x + table(given["ids"])), [table]


def classes(x, given):
    logits = ops.concatenate([x, x[:, :1]], axis=1)
    return x + losses.sparse_categorical_crossentropy(given["ids"], logits, from_logits=True)[:, None]


def learning(kind):
    def part(number):
        weight, optimizer = ef.Variable(np.ones((4, 4), "float32")), kind(0.01)

        def learns(x, given):
            with ef.GradientTape() as tape:
                loss = ops.sum(weight * ops.stop_gradient(x))
            optimizer.apply(tape.gradient(loss, [weight]), [weight])
            return x * weight

        return learns, [weight, optimizer]

    return part


def measuring(kind):
    def part(number):
        metric = kind()

        def measures(x, given):
            metric.update_state(x)
            return x

        return measures, [metric]

    return part


PARTS = [
    of_layer(lambda name: layers.Dropout(0.3, name=name)),
    of_layer(lambda name: layers.GaussianNoise(0.3, seed=3, name=name)),
    of_layer(lambda name: layers.BatchNormalization(name=name)),
    of_layer(lambda name: layers.Dense(4, activity_regularizer="l2", kernel_regularizer="l2", name=name)),
    of_layer(lambda name: layers.SpectralNormalization(layers.Dense(4, name=f"{name}_inner"), name=name)),
    of_layer(lambda name: Losing(name=name)),
    of_function(lambda x, given: x + ef.random.normal((4, 4))),
    of_function(lambda x, given: x + ef.random.uniform((4, 4), seed=3)),
    of_function(lambda x, given: ef.random.shuffle(x)),
    of_function(lambda x, given: x + ops.cast(ef.random.randint((4, 4), 0, given["most"]), "float32")),
    of_function(lambda x, given: x + ops.cast(ef.random.categorical(given["logits"], 4), "float32")),
    of_function(lambda x, given: x + ops.take(ops.ones((5, 4)), given["ids"], axis=0)),
    of_function(lambda x, given: x + ops.cholesky(given["matrix"])),
    of_function(lambda x, given: x + ops.inv(given["matrix"])),
    of_function(classes),
    changing((4, 4), assigned),
    changing((50, 50), added),
    changing((300, 300), added),
    seeded,
    looking_up,
    learning(optimizers.Adam),
    learning(Careful),
    measuring(metrics.Mean),
    measuring(Strict),
]


def random_step(seed):
    """A step, and what gives all that it may leave."""
    rng = random.Random(seed)
    ef.utils.set_random_seed(seed)
    left = [rng.choice(PARTS)(i) for i in range(rng.randint(2, 7))]
    held = [thing for _, things in left for thing in things]
    chain: list[Any] = []
    while left:
        count = rng.choice([1, 1, 1, 2, 3])
        parts, left = left[:count], left[count:]
        around = count > 1 or rng.random() < 0.3
        chain.append(Around(parts, f"around_{len(chain)}") if around else parts[0][0])
    goes_back, weight, sgd = rng.random() < 0.3, ef.Variable(np.ones((4, 4), "float32")), optimizers.SGD(0.001)

    def body(x, given):
        for part in chain:
            x = part(x, given)
        return x

    def step(x, given):
        if not goes_back:
            return body(x, given)
        with ef.GradientTape() as tape:
            loss = ops.sum(body(x * weight, given))
        sgd.apply(tape.gradient(loss, [weight]), [weight])
        return loss

    def state():
        holders = [*held, *[part for part in chain if isinstance(part, Around)], sgd]
        inner = [layer for each in holders if isinstance(each, layers.Layer) for layer in each._flatten_layers()]
        variables = [v for each in holders for v in ([each] if isinstance(each, ef.Variable) else each.variables)]
        values = [bits(v.numpy()) for v in (*variables, weight)]
        return values, [bits(layer._losses) for layer in inner], core_random.get_state()["eagerflow"]

    return step, state


def arguments(seed, bad):
    """A step's arguments, one of which isn't as it should be."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 4))
    x, ids = rng.normal(size=(4, 4)).astype("float32"), rng.integers(0, 5, 4).astype("int32")
    given = {"ids": ids, "matrix": (root @ root.T + 4 * np.eye(4)).astype("float32")}
    given |= {"most": np.array(3, "int32"), "logits": x * 2}
    wrong = {"ids": np.array([0, 1, 9, 2], "int32"), "matrix": np.zeros((4, 4), "float32")}
    wrong |= {"most": np.array(0, "int32"), "logits": x * np.float32(np.nan)}
    if bad is not None and bad != "x":
        given[bad] = wrong[bad]
    x = np.full((4, 4), 1000, "float32") if bad == "x" else x
    return ef.Tensor(x), {name: ef.Tensor(value) for name, value in given.items()}


def outcomes(seed, captures):
    """What calls give or say and leave, the captured step, and how many of them raised."""
    step, state = random_step(seed)
    run = ef.function(step, verify_every=0) if captures else step
    rng, found, errors = random.Random(seed), list[Any](), 0
    for i in range(CALLS):
        bad = rng.choice(["ids", "matrix", "most", "logits", "x", None]) if i > 4 else None
        try:
            outcome = bits(run(*arguments(i, bad)))
        except (ValueError, IndexError, np.linalg.LinAlgError) as error:
            outcome = type(error), str(error), getattr(error, "__notes__", None)
            errors += 1
        found.append((outcome, state()))
    return found, run, errors


@pytest.mark.parametrize("group", range(GROUPS))
def test_errors_of_replays_leave_what_those_of_eager_steps_leave(group):
    raised = 0
    for seed in range(group, SEEDS, GROUPS):
        (eager, _, _), (captured, run, errors) = outcomes(seed, False), outcomes(seed, True)
        assert captured == eager, seed
        assert run.replays, run.why_eager
        raised += errors
    assert raised > 3

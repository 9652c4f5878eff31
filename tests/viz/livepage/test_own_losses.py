"""The curves of losses in loops of the user's own: whose they are, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core import observe
from viz.livepage.collector import Collector
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace

X = np.ones((4, 3), "float32")


def net(name):
    return ef.Sequential([ef.Input((3,)), ef.layers.Dense(3, name="out")], name=name)


def curves(train):
    """The losses that a training drops off, by name: rows of step and value."""
    box = Mailbox()
    collector = Collector(box, Pace(1e6, 0.01))
    with observe.observing(collector):
        train()
    collector.close()
    points, _ = box.take()
    return {
        name.removeprefix("step|"): np.array([(x, float(y)) for x, y in found])
        for name, found in points.items()
        if name.startswith("step|")
    }


def passed(model, goal):
    """The loss of a model, and its gradients."""
    with ef.GradientTape() as tape:
        loss = ef.ops.mean((model(X) - goal) ** 2)
    return float(loss), tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize("clips", [False, True])
def test_two_networks_have_curves_of_their_names(clips):
    models, optimizers = [net("generator"), net("discriminator")], [ef.optimizers.SGD(0.1) for _ in range(2)]
    losses = {model.name: [] for model in models}

    def train():
        for step in range(1, 4):
            for model, optimizer in zip(models, optimizers, strict=True):
                loss, gradients = passed(model, step)
                gradients = [g * 0.5 for g in gradients] if clips else gradients
                optimizer.apply(gradients, model.trainable_variables)
                losses[model.name].append((step, loss))

    found = curves(train)
    assert found.keys() == {f"loss ({name})" for name in losses}
    for name, expected in losses.items():
        assert found[f"loss ({name})"] == pytest.approx(np.array(expected))


def test_each_network_has_its_own_loss_where_both_passes_come_first():
    models, optimizers = [net("generator"), net("discriminator")], [ef.optimizers.SGD(0.1) for _ in range(2)]
    losses = {model.name: [] for model in models}

    def train():
        for step in range(1, 4):
            found = [passed(model, goal) for model, goal in zip(models, (1.0, 5.0), strict=True)]
            for model, optimizer, (loss, gradients) in zip(models, optimizers, found, strict=True):
                optimizer.apply(gradients, model.trainable_variables)
                losses[model.name].append((step, loss))

    found = curves(train)
    for name, expected in losses.items():
        assert found[f"loss ({name})"] == pytest.approx(np.array(expected))


def test_losses_are_called_as_in_the_code():
    model, optimizer = net("net"), ef.optimizers.SGD(0.1)

    def train(both):
        for step in range(6):
            with ef.GradientTape() as tape:
                warm_up = ef.ops.mean(model(X) ** 2)
                full = warm_up * 1.0
            variables = model.trainable_variables
            gradients = tape.gradient(full, variables) if both and step > 3 else tape.gradient(warm_up, variables)
            optimizer.apply(gradients, variables)

    assert {name: len(found) for name, found in curves(lambda: train(False)).items()} == {"warm_up": 6}
    assert {name: len(found) for name, found in curves(lambda: train(True)).items()} == {"warm_up": 4, "full": 2}


@pytest.mark.parametrize("names", [["loss", "loss"], ["first_loss", "second_loss"]])
def test_a_critic_that_learns_for_long_before_the_actor_has_a_curve_of_its_own_from_the_beginning(names):
    critic, actor = (net("critic"), ef.optimizers.SGD(0.25)), (net("actor"), ef.optimizers.SGD(0.5))

    def train():
        for model, optimizer in ([critic] * 12 + [actor]) * 2:
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(model(X) ** 2)
                first_loss, second_loss = loss * 1.0, loss * 1.0
            if names[0] == "loss":
                gradients = tape.gradient(loss, model.trainable_variables)
            elif model is critic[0]:
                gradients = tape.gradient(first_loss, model.trainable_variables)
            else:
                gradients = tape.gradient(second_loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)

    box = Mailbox()
    collector = Collector(box, Pace(1e6, 0.01))
    with observe.observing(collector):
        train()
    collector.close()
    points, _ = box.take()
    own = [f"{names[0]} (critic)", f"{names[1]} (actor)"] if names[0] == names[1] else names
    losses = {name.removeprefix("step|"): len(found) for name, found in points.items() if name.startswith("step|")}
    assert losses == {own[0]: 24, own[1]: 2}
    rates = {name: {y for _, y in found} for name, found in points.items() if "learning rate" in name}
    assert rates == {"extra|learning rate (critic)": {0.25}, "extra|learning rate (actor)": {0.5}}


def test_a_gradient_for_the_data_is_nobodys_loss():
    model, optimizer = net("critic"), ef.optimizers.SGD(0.1)
    losses = []

    def train():
        for step in range(1, 4):
            x = ef.Tensor(X)
            with ef.GradientTape() as tape:
                with ef.GradientTape() as inner:
                    inner.watch(x)
                    score = ef.ops.sum(model(x))
                slope = inner.gradient(score, x)
                loss = ef.ops.mean(model(x)) + ef.ops.mean(slope**2)
            gradients = tape.gradient(loss, model.trainable_variables)
            losses.append((step, float(loss)))
            optimizer.apply(gradients, model.trainable_variables)

    assert curves(train)["loss"] == pytest.approx(np.array(losses))


def test_models_that_the_code_keeps_under_one_name_share_a_curve_and_others_have_their_own():
    def fold(model, optimizer, steps):
        for _ in range(steps):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(model(X) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    def cross_validate():
        for _ in range(3):
            net = ef.Sequential([ef.Input((3,)), ef.layers.Dense(3)])
            fold(net, ef.optimizers.SGD(0.1), 10)

    assert [step for step, _ in curves(cross_validate)["loss"]] == list(range(1, 31))

    def warm_up_then_take_turns():
        first, second = (net("first"), ef.optimizers.SGD(0.1)), (net("second"), ef.optimizers.SGD(0.1))
        fold(*first, 10)
        for _ in range(3):
            fold(*second, 1)
            fold(*first, 1)

    found = curves(warm_up_then_take_turns)
    assert {name: len(points) for name, points in found.items()} == {"loss (first)": 13, "loss (second)": 3}

"""Loops in which several optimizers or models take turns: what is recorded of them, and their learning rates."""

from __future__ import annotations

import time
import types

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core import observe
from viz.livepage import gradients
from viz.livepage.collector import Collector
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace

X = np.ones((4, 3), "float32")


def net(name):
    return ef.Sequential([ef.Input((3,)), ef.layers.Dense(3, name="out")], name=name)


class Heard(Mailbox):
    """Keeps all recorded steps, not only the latest."""

    def __init__(self, pace):
        super().__init__()
        self.pace, self.recorded = pace, []

    def put(self, kind, value):
        if kind == "snapshot":
            self.recorded.append(value)
            self.pace.settle()
        super().put(kind, value)


def heard(train):
    """What a training drops off, of which every step is recorded."""
    box = Heard(Pace(0.0, 1e9))
    collector = Collector(box, box.pace)
    with observe.observing(collector):
        train()
    collector.close()
    return box


def of_both(generator, discriminator, g, d, turn):
    """A round of a GAN as in TensorFlow's tutorial: one forward pass, from which both learn."""
    with ef.GradientTape(persistent=True) as tape:
        of_fake, of_real = discriminator(generator(X)), discriminator(X)
        wanted, unwanted = ef.ops.mean((of_fake - turn) ** 2), ef.ops.mean(of_fake**2) + ef.ops.mean((of_real - 1) ** 2)
    g.apply(tape.gradient(wanted, generator.trainable_variables), generator.trainable_variables)
    d.apply(tape.gradient(unwanted, discriminator.trainable_variables), discriminator.trainable_variables)


def recorded(train):
    """The ops of each recorded step; of the last one, which was about to begin, nothing is shown."""
    return [step.recording().ops for step in heard(train).recorded]


def is_whole(ops):
    """Are there all updates of a round, and the forward op of each backward op?"""
    updates = sum(op.phase == "update" for op in ops)
    return updates == 4 and all(op.forward is not None for op in ops if op.phase == "backward")


@pytest.mark.parametrize("rounds", [2, 6])
def test_a_recorded_step_holds_the_forward_pass_from_which_all_learn(rounds):
    nets, optimizers = (net("generator"), net("discriminator")), (ef.optimizers.SGD(0.01), ef.optimizers.SGD(0.02))
    steps = recorded(lambda: [of_both(*nets, *optimizers, turn) for turn in range(rounds)])
    assert len(steps) == rounds - 1  # in the first round nobody knows when it begins
    assert all(map(is_whole, steps))


def test_the_recorded_step_ends_where_the_optimizers_no_longer_take_turns():
    nets, optimizers = (net("generator"), net("discriminator")), (ef.optimizers.SGD(0.01), ef.optimizers.SGD(0.02))

    def train():
        for turn in range(3):
            of_both(*nets, *optimizers, turn)
        for _ in range(3):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(nets[0](X) ** 2)
            optimizers[0].apply(tape.gradient(loss, nets[0].trainable_variables), nets[0].trainable_variables)

    steps = [step.recording().ops for step in heard(train).recorded]
    assert [sum(op.phase == "update" for op in ops) for ops in steps] == [4, 4, 4, 2, 0]


def rates(box):
    points, _ = box.take()
    begins = "extra|learning rate"
    return {
        name.removeprefix(begins): {y for _, y in found} for name, found in points.items() if name.startswith(begins)
    }


def test_each_optimizer_of_a_loop_has_a_curve_of_its_rate():
    nets, optimizers = (net("generator"), net("discriminator")), (ef.optimizers.SGD(0.25), ef.optimizers.SGD(0.5))
    box = heard(lambda: [of_both(*nets, *optimizers, turn) for turn in range(4)])
    assert rates(box) == {" (generator)": {0.25}, " (discriminator)": {0.5}}


def test_models_that_take_turns_have_a_curve_of_their_rates_each():
    models = [net("student"), net("teacher")]
    for model, rate in zip(models, (0.25, 0.5)):
        model.compile(ef.optimizers.SGD(rate), "mse")
    box = heard(lambda: [model.train_on_batch(X, X) for _ in range(6) for model in models])
    assert rates(box) == {" (student)": {0.25}, " (teacher)": {0.5}}


def test_a_model_that_trained_alone_for_long_has_curves_of_its_name_once_another_comes():
    models = [net("student"), net("teacher")]
    for model, rate in zip(models, (0.25, 0.5)):
        model.compile(ef.optimizers.SGD(rate), "mse", metrics=["mae"])
    box = heard(lambda: [model.train_on_batch(X, X) for model, steps in zip(models, (20, 12)) for _ in range(steps)])
    points, _ = box.take()
    told = {name.removeprefix("step|"): len(found) for name, found in points.items() if name.startswith("step|")}
    assert told == {f"{what} ({name})": n for what in ("loss", "mae") for name, n in (("student", 20), ("teacher", 12))}
    rates = {name: {y for _, y in found} for name, found in points.items() if "learning rate" in name}
    assert rates == {"extra|learning rate (student)": {0.25}, "extra|learning rate (teacher)": {0.5}}


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_the_rate_of_a_single_model_has_no_name(steps):
    model = net("alone")
    model.compile(ef.optimizers.SGD(0.25), "mse")
    assert rates(heard(lambda: [model.train_on_batch(X, X) for _ in range(steps)])) == {"": {0.25}}


class Pair(ef.Model):
    """A GAN as in Keras' tutorial: a `train_step` with two optimizers."""

    def __init__(self):
        super().__init__(name="gan")
        self.generator, self.discriminator = net("generator"), net("discriminator")

    def compile(self, g_optimizer, d_optimizer):
        super().compile()
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer

    def train_step(self, data):
        of_both(self.generator, self.discriminator, self.g_optimizer, self.d_optimizer, 1.0)
        return {"loss": 0.0}


def test_a_train_step_with_optimizers_of_its_own_has_their_rates():
    """And not that of the optimizer which `compile` takes if it is given none, and which trains nothing."""
    model = Pair()
    model.compile(ef.optimizers.SGD(0.25), ef.optimizers.SGD(0.5))
    box = heard(lambda: model.fit(X, epochs=4, verbose=0))
    assert rates(box) == {" (g_optimizer)": {0.25}, " (d_optimizer)": {0.5}}


def test_of_gradients_that_are_summed_a_recorded_step_holds_all_batches():
    model, optimizer = net("net"), ef.optimizers.SGD(0.01)

    def train():
        for _ in range(4):
            total = None
            for _ in range(3):
                with ef.GradientTape() as tape:
                    loss = ef.ops.mean(model(X) ** 2)
                found = tape.gradient(loss, model.trainable_variables)
                total = found if total is None else [a + b for a, b in zip(total, found)]
            optimizer.apply(total, model.trainable_variables)

    *steps, last = [step.recording().ops for step in heard(train).recorded][1:]
    assert not last
    assert [sum(op.name == "dense" and op.phase == "forward" for op in ops) for ops in steps] == [3] * len(steps)
    assert len(steps) >= 2


def norms(train):
    points, _ = heard(train).take()
    begins = "extra|gradient norm"
    return {name.removeprefix(begins): len(found) for name, found in points.items() if name.startswith(begins)}


def test_each_network_of_a_loop_has_a_curve_of_its_gradients():
    nets, optimizers = (net("generator"), net("discriminator")), (ef.optimizers.SGD(0.01), ef.optimizers.SGD(0.02))

    def together():
        for turn in range(6):
            of_both(*nets, *optimizers, turn)
            time.sleep(0.05)  # so that not only the first steps are measured, on a busy machine too

    def in_turn():
        for model, optimizer in [*zip(nets, optimizers)] * 4:
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(model(X) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            time.sleep(0.05)

    for train in (together, in_turn):
        assert norms(train).keys() == {" (generator)", " (discriminator)"}


def test_of_networks_that_take_several_steps_each_the_first_ones_curves_get_its_name_too():
    critic, actor = net("critic"), net("actor")
    trained = [(critic, ef.optimizers.SGD(0.25))] * 3 + [(actor, ef.optimizers.SGD(0.5))]

    def train():
        for model, optimizer in trained * 8:
            with ef.GradientTape() as tape:
                loss = ef.ops.mean(model(X) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            time.sleep(0.01)

    box = heard(train)
    points, latest = box.take()
    names = {name.partition("|")[2] for name in points if "step ms" not in name and "mark" not in name}
    expected = {"loss", "learning rate", "gradient norm"}
    assert names == {f"{what} ({model})" for what in expected for model in ("critic", "actor")}
    assert [step for step, _ in points["step|loss (critic)"]] == list(range(1, 25))  # the first ones, too
    assert ("step|loss", "step|loss (critic)") in latest["renamed"]


def test_one_network_has_one_whatever_passes_it_takes():
    model = net("alone")

    def train():
        for _ in range(3):
            with ef.GradientTape(persistent=True) as tape:
                found = model(X)
                losses = ef.ops.mean(found**2), ef.ops.mean(ef.ops.abs(found))
            parts = [tape.gradient(loss, model.trainable_variables) for loss in losses]
            ef.optimizers.SGD(0.01).apply([a + b for a, b in zip(*parts)], model.trainable_variables)

    assert norms(train).keys() == {""}


def in_turns(order, rounds):
    """Networks of these names, each with a forward pass and an optimizer of its own, in this order in each round."""
    nets = {name: net(name) for name in dict.fromkeys(order)}
    optimizers = {name: ef.optimizers.SGD(0.01) for name in nets}
    for name in order * rounds:
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(nets[name](X) ** 2)
        optimizers[name].apply(tape.gradient(loss, nets[name].trainable_variables), nets[name].trainable_variables)


ORDERS = [["critic", "actor"], ["critic"] * 3 + ["actor"], ["actor"] + ["critic"] * 3, ["critic", "actor", "alpha"]]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_recorded_round_is_as_the_code_has_it(order):
    steps = [step.recording() for step in heard(lambda: in_turns(order, 5)).recorded][-3:]
    for step in steps:
        called = [each.name for each in step.scopes if each.kind == "model"]
        assert called == order
        assert sum(op.phase == "update" for op in step.ops) == 2 * len(order)


@pytest.mark.parametrize("late", range(3))
def test_a_network_that_learns_in_every_third_step_has_norms_until_the_end(late, monkeypatch):
    """Steps at equal intervals were always those without it."""
    now = [0.0]
    clock = types.SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: 0.0)
    monkeypatch.setattr(gradients, "time", clock)
    points = []
    norm = gradients.GradientNorm(lambda name, step, value: points.append((name, step)))
    critic, actor = ef.Variable(1.0), ef.Variable(1.0)
    for step in range(300):
        for variable in [actor, critic] if step % 3 == late else [critic]:
            norm.hear([variable], [ef.ops.ones(())])
        norm.end_step(step, lambda variable: "actor" if variable is actor else "critic", 3)
        now[0] += 0.04
    assert max(step for name, step in points if name == "actor") >= 290

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from viz.facts.memory_use import spans


def planted():
    """A peak of x, a and b: 3 × 4000 bytes, and a weight."""
    weight = ef.Variable(np.ones(500, "float32"), name="weight")
    x = ef.Tensor(np.ones(1000, "float32"))
    with viz.trace() as t:
        ops.sum(weight)
        a = ops.exp(x)
        b = ops.tanh(a)
        del a
        c = ops.sum(b)
        del b
        ops.tanh(c)
    return t.memory()


def test_the_peak_and_what_was_alive_then():
    use = planted()
    assert [(each.name, each.nbytes) for each in use.alive[:4]] == [
        ("x", 4000),
        ("exp", 4000),
        ("tanh", 4000),
        ("weight", 2000),
    ]
    assert 14000 <= use.peak < 14100
    assert use.by("role")["parameter"] == 2000
    assert use.by("role")["input"] == 4000
    assert sum(use.by("source").values()) == use.peak
    assert max(live for _, live in use.curve) == use.peak
    assert use.curve[-1][1] < 10100
    assert "tanh" in use.at


def test_it_prints_as_a_table():
    use = planted()
    text = str(use)
    assert "peak: 13.7 KB" in text
    assert "weight 2.0 KB" in text
    assert "test_memory_use.py" in text
    assert repr(use) == text
    assert "weight" in use._repr_html_()


def test_without_memory_it_says_what_to_do():
    with viz.trace(memory=False) as t:
        ops.exp(ef.Tensor([1.0]))
    with pytest.raises(ValueError, match="memory=True"):
        t.memory()
    with pytest.raises(ValueError, match="'role'"):
        planted().by("colour")


def trained(**compiled):
    model = ef.Sequential(
        [ef.Input((8,)), ef.layers.Dense(16, name="hidden"), ef.layers.Dense(2, name="head")], name="net"
    )
    model.compile(**{"optimizer": "adam", "loss": "mse"} | compiled)
    return model, (np.ones((4, 8), "float32"), np.ones((4, 2), "float32"))


def test_what_the_optimizer_makes_in_its_first_step_counts_from_there():
    model, batch = trained()
    with viz.trace() as t:
        model.train_on_batch(*batch)
    (update,) = [scope for scope in t.scopes if scope.kind == "optimizer"]
    found = [start for tensor, _, start, _ in spans(t) if tensor.role == "optimizer state"]
    assert found == [update.start] * 8
    with viz.trace() as t:
        model.train_on_batch(*batch)
    assert [start for tensor, _, start, _ in spans(t) if tensor.role == "optimizer state"] == [0] * 8


def test_views_of_weights_take_no_memory():
    model, batch = trained()
    model.fit(*batch, epochs=2, verbose=0)  # the weights lie in one array now
    with viz.trace() as t:
        model.predict(batch[0], verbose=0)
        columns = ops.transpose(model.layers[-1].kernel)
        part = ops.reshape(model.layers[0].kernel, (16, 8))
        ops.sum(columns), ops.sum(part)
    assert [each.nbytes for each in t.memory().alive if each.role == "parameter"] == [512, 128, 64, 8]
    assert t.memory().peak < 712 + 5 * 512


def test_slots_that_ops_read_are_the_optimizers():
    class Averaging(ef.optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.means = [self.add_variable_from_reference(v, "mean") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            mean = self.means[self._get_variable_index(variable)]
            self.assign(mean, 0.9 * mean + 0.1 * gradient)
            self.assign_sub(variable, learning_rate * mean)

    model, batch = trained(optimizer=Averaging(0.1))
    with viz.trace() as t:
        for _ in range(2):
            model.train_on_batch(*batch)
    counts = t.memory().counts()
    assert (counts["parameter"], counts["optimizer state"]) == (4, 4)
    assert counts.get("state", 0) <= 2  # the step counter and the learning rate, which ops read


def test_memory_does_not_grow_with_the_steps_of_a_training():
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(64), ef.layers.BatchNormalization(), ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((16, 8), "float32"), np.ones((16, 2), "float32")
    model.train_on_batch(x, y)
    peaks = []
    for steps in (2, 20):
        with viz.trace() as t:
            for _ in range(steps):
                model.train_on_batch(x, y)
        peaks.append(t.memory().peak)
    assert peaks[1] < 1.1 * peaks[0]


def test_as_many_rows_as_are_asked_for_and_how_many_there_are(steps):
    whole = str(steps.memory().text(1000, "-n "))
    assert "others" not in whole
    rows = len(whole.splitlines()) - 5
    assert f"(-n {rows} shows all)" in str(steps.memory().text(2, "-n "))
    assert "-n" not in str(steps.memory())

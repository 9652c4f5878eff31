"""What a captured step is a function of: what changes its results, and what is as it was when it was captured."""

from __future__ import annotations

import functools
import types

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.capture.function import CaptureError
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
SCALE = 2.0
NAMES = ("a", 3.0)
SETTINGS = types.SimpleNamespace(scale=2.0)


def scaled(x):
    return x * SCALE


def helped(x):
    return scaled(x) + 1.0


def by_a_tuple(x):
    return x * NAMES[1]


def nested(x):
    return sum([x * SCALE for _ in range(2)])


def follows(step, change, *arguments):
    """Whether a captured step gives what the eager one gives, before and after a change, and is replayed each time."""
    captured = ef.function(step)
    for _ in range(2):
        for _ in range(5):
            assert captured(*arguments).tolist() == step(*arguments).tolist()
        replays = captured.replays
        change()
    return replays == 6 and captured.why_eager is None


@pytest.mark.parametrize(
    "step", [scaled, helped, nested, functools.partial(scaled)], ids=["itself", "helped", "nested", "partial"]
)
def test_a_global_that_its_own_code_names_counts(step, monkeypatch):
    assert follows(step, lambda: monkeypatch.setitem(globals(), "SCALE", 5.0), X)


def test_tuples_are_compared_by_their_parts(monkeypatch):
    step = ef.function(by_a_tuple)
    many(step, X)
    replays = step.replays
    monkeypatch.setitem(globals(), "NAMES", ("".join("a"), float("3")))
    step(X)
    assert step.replays == replays + 1
    monkeypatch.setitem(globals(), "NAMES", ("a", 4.0))
    assert step(X).tolist() == [4.0, 8.0]


@pytest.mark.parametrize(("before", "after"), [(0.0, -0.0), (1, True), (1, 1.0), (2.0, float("nan"))])
def test_numbers_that_differ_in_kind_or_sign_are_others(before, after, monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", before)
    step = ef.function(scaled)
    many(step, X)
    monkeypatch.setitem(globals(), "SCALE", after)
    for _ in range(4):
        assert step(X).numpy().tobytes() == scaled(X).numpy().tobytes()


def test_a_closure_cell_counts():
    factor = 2.0

    def step(x):
        return x * factor

    def change():
        nonlocal factor
        factor = 3.0

    assert follows(step, change, X)


def test_a_default_counts():
    def step(x, factor=2.0, *, more=1.0):
        return x * factor + more

    assert follows(step, lambda: setattr(step, "__defaults__", (3.0,)), X)
    assert follows(step, lambda: setattr(step, "__kwdefaults__", {"more": 5.0}), X)


def test_a_function_among_the_arguments_counts(monkeypatch):
    assert follows(lambda function, x: function(x), lambda: monkeypatch.setitem(globals(), "SCALE", 5.0), scaled, X)


def test_another_function_under_a_name_counts(monkeypatch):
    step = ef.function(helped)
    many(step, X)
    monkeypatch.setitem(globals(), "scaled", lambda x: x * 100.0)
    assert step(X).tolist() == [101.0, 201.0]


class Scale(layers.Layer):
    def __init__(self):
        super().__init__()
        self.factor, self.factors, self.names = 2.0, [1.0, {"a": 2.0}], (1, 2)

    def call(self, x):
        return x * self.factor * self.factors[0] * self.factors[1]["a"] * self.names[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: setattr(layer, "factor", 3.0),
        lambda layer: layer.factors.__setitem__(0, 5.0),
        lambda layer: layer.factors[1].update(a=7.0),
        lambda layer: setattr(layer, "names", (4,)),
        lambda layer: setattr(layer, "factors", [2.0, {"a": 2.0}]),
    ],
)
def test_settings_of_layers_count(change):
    layer = Scale()
    assert follows(lambda x: ef.Sequential([])(x) if layer is None else layer(x), lambda: change(layer), X)


def test_settings_of_layers_inside_of_a_model_count():
    model = ef.Sequential([layers.Dense(3), layers.Rescaling(2.0)])
    x = ef.random.normal((2, 4), seed=1)
    model(x)
    assert follows(lambda model, x: model(x), lambda: setattr(model.layers[1], "scale", 5.0), model, x)


@pytest.mark.parametrize("of", [lambda layer: layer, lambda layer: layer.kernel], ids=["of the layer", "of a weight"])
def test_trainable_counts(of):
    layer, x = layers.Dense(3), ef.random.normal((2, 4), seed=1)
    layer(x)
    optimizer = ef.optimizers.SGD(0.1)

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ops.sum(layer(x) ** 2)
        weights = layer.trainable_weights
        if weights:
            optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    many(step, x)
    assert step.replays
    of(layer).trainable = False
    kernel, replays = layer.kernel.numpy(), step.replays
    many(step, x)
    assert layer.kernel.numpy().tobytes() == kernel.tobytes()
    assert step.replays > replays


def test_hyperparameters_of_optimizers_are_read_in_each_replay():
    found = []
    for captures in (False, True):
        w, optimizer = ef.Variable([1.0, 2.0]), ef.optimizers.Adam(0.1, weight_decay=0.01)

        def step(x, w=w, optimizer=optimizer):
            with ef.GradientTape() as tape:
                loss = ops.sum((w * x) ** 2)
            optimizer.apply(tape.gradient(loss, [w]), [w])
            return loss

        run = ef.function(step) if captures else step
        for i in range(8):
            optimizer.learning_rate, optimizer.weight_decay = 0.1 / (i + 1), 0.01 * i
            run(X)
        found.append(w.tolist())
    assert found[0] == found[1]
    assert run.replays >= 5


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
def test_a_step_that_sets_a_hyperparameter_for_a_part_of_itself_runs_eagerly():
    found = []
    for captures in (False, True):
        v, w, optimizer = ef.Variable(X), ef.Variable(X), ef.optimizers.Adam(0.1)
        optimizer.build([v, w])

        def step(x, v=v, w=w, optimizer=optimizer):
            optimizer.weight_decay = 0.5
            optimizer.apply([x], [v])
            optimizer.weight_decay = None
            optimizer.apply([x], [w])
            return x * 2.0

        run = ef.function(step) if captures else step
        many(run, X)
        found.append([v.tolist(), w.tolist()])
    assert found[0] == found[1]
    assert "the step sets Adam.weight_decay" in run.why_eager


def test_layers_settings_that_stay_the_same_are_no_hindrance():
    layer = Scale()
    step = ef.function(lambda x: layer(x))
    many(step, X)
    replays = step.replays
    for _ in range(3):
        layer.factor = 2.0
        Scale().factor = 7.0
        step(X)
    assert step.replays == replays + 3


class Counts(layers.Layer):
    calls = 0

    def call(self, x):
        self.calls += 1
        return x * 2.0


def test_a_step_that_sets_an_attribute_of_a_layer_runs_eagerly():
    layer = Counts()
    step = ef.function(lambda x: layer(x))
    with pytest.warns(UserWarning, match=r"the step changes counts\.calls: do that outside, or make it a Variable"):
        many(step, X)
    assert step.replays == 0


def test_a_step_that_sets_a_global_runs_eagerly(monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", 1.0)

    def step(x):
        global SCALE
        SCALE += 1.0
        return x * 2.0

    captured = ef.function(step)
    with pytest.warns(UserWarning, match="the step changes the global 'SCALE'"):
        many(captured, X)
    assert captured.replays == 0


def test_a_global_that_changes_again_and_again_is_named(monkeypatch):
    step = ef.function(scaled)

    def calls():
        for i in range(60):
            monkeypatch.setitem(globals(), "SCALE", float(i // 3))
            assert step(X).tolist() == scaled(X).tolist()

    with pytest.warns(UserWarning, match="the global 'SCALE' changes again and again"):
        calls()
    assert step.why_eager is not None


# -- other Python values are those of the capture


def by_an_attribute(x):
    return x * SETTINGS.scale


def test_attributes_of_other_objects_are_those_of_the_capture_until_the_comparison_says_so(monkeypatch):
    step = ef.function(by_an_attribute, verify_every=10)
    many(step, X)
    monkeypatch.setattr(SETTINGS, "scale", 3.0)
    assert step(X).tolist() == [2.0, 4.0]
    with pytest.raises(CaptureError, match=r"multiply \(.*test_contract.py:\d+\) is given other settings or constants"):
        many(step, X, calls=10)
    many(step, X)  # it is captured again
    assert step(X).tolist() == [3.0, 6.0]


def test_what_python_does_besides_happens_while_the_step_is_captured(capsys):
    notes = []

    @ef.function
    def step(x):
        notes.append(len(notes))
        print("captured")
        return x * 2.0

    many(step, X, calls=6)
    assert step.replays == 4
    assert len(notes) == 2
    assert capsys.readouterr().out == "captured\n" * 2


def test_numpy_arrays_among_the_arguments_are_tensors():
    kinds = []

    @ef.function
    def step(x, batch):
        kinds.append((type(x), type(batch["y"][0])))
        return ops.sum(x) * batch["y"][0]

    for i in range(5):
        x, y = np.full(3, i, "float32"), np.arange(2, dtype="int64")
        found = step(x, {"y": [y]})
        assert found.tolist() == (x.sum() * y).tolist()
        assert x.tolist() == [i] * 3
    assert step.replays == 3
    assert set(kinds) == {(ef.Tensor, ef.Tensor)}


def test_a_tensor_that_is_an_argument_and_a_global_is_told_apart():
    other = ef.Tensor([1.0, 2.0])
    step = ef.function(lambda x: x * 10.0 + other)
    many(step, other)
    assert step.replays
    assert step(ef.Tensor([5.0, 5.0])).tolist() == [51.0, 52.0]


def test_one_tensor_twice_is_another_signature_than_two():
    @ef.function
    def step(x, y):
        with ef.GradientTape() as tape:
            tape.watch(x)
            z = ops.sum(x * y)
        return tape.gradient(z, x)

    many(step, X, X)
    assert step(X, ef.Tensor([5.0, 7.0])).tolist() == [5.0, 7.0]
    many(step, X, ef.Tensor([5.0, 7.0]))
    assert step(X, X).tolist() == [2.0, 4.0]


def test_objects_that_it_returns_run_eagerly():
    step = ef.function(lambda x: types.SimpleNamespace(y=x * 2.0))
    with pytest.warns(UserWarning, match="the step returns a SimpleNamespace, which a replay can't make"):
        many(step, X)
    assert step(X).y.tolist() == [2.0, 4.0]


def test_lists_tuples_and_dicts_that_it_returns_are_made_anew():
    step = ef.function(lambda x: ([x * 2.0], {"a": (x + 1.0, "name", None)}, 3))
    many(step, X)
    one, two = step(X), step(ef.Tensor([0.0, 0.0]))
    assert one[0] is not two[0]
    assert [one[0][0].tolist(), two[0][0].tolist()] == [[2.0, 4.0], [0.0, 0.0]]
    assert one[1]["a"][1:] == two[1]["a"][1:] == ("name", None)
    assert two[2] == 3


class Penalized(layers.Layer):
    def call(self, x):
        self.add_loss(0.5 * ops.sum(x))
        return x * 2.0


def test_layers_hold_the_losses_of_the_replay():
    layer = Penalized()

    @ef.function
    def step(x):
        y = layer(x)
        return ops.sum(y) + sum(layer.losses)

    many(step, X)
    assert step.replays
    assert float(step(ef.Tensor([3.0, 5.0]))) == 20.0
    assert [float(loss) for loss in layer.losses] == [4.0]

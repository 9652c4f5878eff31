"""The first op that makes NaN or infinity is found, in recordings and while a program runs."""

from __future__ import annotations

import json
import math
import pickle
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import Trainer, mlp
from viz.recorder.finite_check import is_finite


@pytest.fixture(autouse=True)
def quiet_numpy():
    with np.errstate(all="ignore"):
        yield


def tensor(*values):
    return ef.Tensor(np.array(values, "float32"))


def line_of(function, marker):
    """The number of the line in this file that ends with a comment."""
    with open(__file__, encoding="utf-8") as file:
        return next(i for i, text in enumerate(file, 1) if text.rstrip().endswith(f"# {marker}"))


def stopped(run, **options):
    """The recording of a guarded run that is stopped, and what was found."""
    with viz.trace(on_nonfinite="raise", **options) as t, pytest.raises(viz.NonfiniteError) as caught:
        run()
    return t, caught.value.found


def gradient(function, *values):
    x = ef.Variable(np.array(values, "float32"))
    with ef.GradientTape() as tape:
        y = ops.sum(function(x))
    return tape.gradient(y, x)


class Scaled(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="zeros", name="scale")

    def call(self, x):
        return ops.divide(x, self.scale)  # the guilty division


# What is run, and the op, phase and kind to be found.
PLANTED = {
    "log of 0": (lambda: ops.mean(ops.log(tensor(1, 0))), "log", "forward"),
    "log of a negative": (lambda: ops.log(tensor(-1, 2)), "log", "forward"),
    "0 / 0": (lambda: tensor(0, 1) / tensor(0, 1), "divide", "forward"),
    "1 / 0": (lambda: 1 / tensor(0, 1), "divide", "forward"),
    "overflow of exp": (lambda: ops.exp(tensor(1, 100)), "exp", "forward"),
    "overflow of square": (lambda: ops.square(tensor(1e30)), "square", "forward"),
    "overflow of a product": (
        lambda: ops.matmul(tensor([1e30, 1e30]), ops.transpose(tensor([1e30, 1]))),
        "matmul",
        "forward",
    ),
    "overflow of a sum": (lambda: ops.sum(tensor(3e38, 3e38)), "sum", "forward"),
    "overflow of float16": (lambda: ops.cast(tensor(70000.0), "float16"), "cast", "forward"),
    "root of a negative": (lambda: ops.sqrt(tensor(-1)), "sqrt", "forward"),
    "softmax of infinity, made by exp": (lambda: ops.softmax(ops.exp(tensor(100, 1))), "exp", "forward"),
    "a power": (lambda: ops.power(tensor(-1), tensor(0.5)), "power", "forward"),
    "arccos outside": (lambda: ops.arccos(tensor(2)), "arccos", "forward"),
    "slope of sqrt at 0": (lambda: gradient(ops.sqrt, 0, 1), "sqrt", "backward"),
    "slope of a norm at 0": (lambda: gradient(lambda x: ops.sqrt(ops.sum(x * x)), 0, 0), "sqrt", "backward"),
    "slope of a power at 0": (lambda: gradient(lambda x: ops.power(x, 0.5), 0, 1), "power", "backward"),
    "through relu and reshape": (lambda: ops.log(ops.reshape(ops.relu(tensor(-1, 1)), (2, 1))), "log", "forward"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_planted_cases_are_found_while_they_run_and_told_in_short(case):
    run, op, phase = PLANTED[case]
    found = viz.find_nonfinite(run)
    assert (found.kind, found.op, found.phase) == ("op", op, phase)
    assert found.source.file == __file__
    assert any(t.nan or t.inf for t in found.outputs)
    assert all(t.nan == t.inf == 0 for t in found.inputs)
    assert len(found.message) <= 500
    assert op in found.message
    assert f"test_nonfinite.py:{found.source.line}" in found.message
    facts = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (facts["op"], facts["line"], facts["message"]) == (op, found.source.line, found.message)


@pytest.mark.parametrize("case", PLANTED)
@pytest.mark.parametrize("stats", ["basic", "full"])
def test_planted_cases_are_found_in_recordings(case, stats):
    run, op, phase = PLANTED[case]
    with viz.trace(stats=stats) as t:
        run()
    found = viz.find_nonfinite(t)
    assert (found.kind, found.op, found.phase) == ("op", op, phase)


HARMLESS = {
    "a causal mask": lambda: ops.softmax(ops.where(ef.Tensor(np.tri(3, dtype=bool)), ops.ones((3, 3)), -np.inf)),
    "a mask as an array": lambda: ops.softmax(ops.ones((1, 2)) + ef.Tensor(np.array([[0, -np.inf]], "float32"))),
    "infinity as a start": lambda: ops.minimum(ops.full((2,), np.inf), tensor(1, 2)),
    "large but finite": lambda: ops.add(tensor(1e30, 3e38), 1.0),
    "integers": lambda: ops.sum(ef.Tensor(np.arange(4))),
    "empty": lambda: ops.exp(ef.Tensor(np.zeros((0, 3), "float32"))),
    "nothing at all": lambda: None,
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_finite_or_meant_is_not_reported(case):
    assert viz.find_nonfinite(HARMLESS[case]) is None
    with viz.trace(stats="basic") as t:
        HARMLESS[case]()
    assert viz.find_nonfinite(t) is None


@pytest.mark.parametrize(
    ("program", "advice"),
    [
        (lambda: tensor(1, 3e38, -3e38, 2) ** 2, "the numbers are too large"),
        (lambda: tensor(2e-30, 1) ** -2.0, "the numbers are too large"),
        (lambda: tensor(-1, 4) ** 0.5, "a negative base with a fractional exponent"),
        (lambda: tensor(0, 4) ** -1.0, "0 with a negative exponent"),
        (lambda: tensor(0, -4) ** -1.5, "keep the base above 0"),  # both at once
        (lambda: tensor(3e38, 1) / tensor(0.1, 1), "the numbers are too large"),
        (lambda: tensor(3, 1) / tensor(0, 1), "keep the denominator away from 0"),
        (lambda: tensor(3e10, 1) / tensor(1e-35, 1), "keep the denominator away from 0"),
    ],
)
def test_the_advice_follows_from_the_numbers_that_went_in(program, advice):
    assert advice in viz.find_nonfinite(program).fix


def test_examples_give_the_numbers_that_went_in():
    found = viz.find_nonfinite(lambda: tensor(1, 0, 3, -2) / tensor(1, 0, 0, 1))
    shown = [(e.index, e.inputs) for e in found.examples]
    assert shown == [((1,), {"x1": 0, "x2": 0}), ((2,), {"x1": 3, "x2": 0})]
    assert math.isnan(found.examples[0].value)
    assert found.examples[1].value == math.inf


@pytest.mark.parametrize("ours", [True, False])
def test_inside_of_a_loss_of_ours_the_fix_is_one_that_the_user_can_make(ours):
    """His own divisions he can change; of ours he can only change what he gives to it."""

    def own_crossentropy(y_true, y_pred):
        return ops.mean(y_pred / ops.sum(y_pred, -1, keepdims=True))

    loss = ef.losses.SparseCategoricalCrossentropy() if ours else own_crossentropy
    model = ef.Sequential([ef.Input((3,)), layers.Dense(3, kernel_initializer="zeros")])
    model.compile("sgd", loss)
    found = viz.find_nonfinite(lambda: model.train_on_batch(np.ones((2, 3), "float32"), np.zeros(2, "int64")))
    assert found.op == "divide"
    assert ("from_logits=True" in found.fix) == ours
    assert ("y + 1e-7" in found.fix) == (not ours)


# ---------------------------------------------------------------------- what came in


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_data_are_named(bad):
    model, x = mlp(), np.ones((4, 5), "float32")
    model(x)
    x[2, 1] = bad
    found = viz.find_nonfinite(lambda: ops.sum(model(x)))
    if np.isnan(bad):
        assert (found.kind, found.culprit) == ("data", "input of 'mlp'")
        assert found.examples[0].index == (2, 1)
        assert "the data: input of 'mlp' held 1 NaN of 20 elements" in found.message
        assert "nan_to_num" in found.fix
    else:  # tanh swallows it
        assert found is None


def test_infinite_data_that_become_nan_are_named():
    x = ef.Tensor(np.array([1, np.inf], "float32"))
    found = viz.find_nonfinite(lambda: ops.sum((x * 2) - ops.sum(x)))
    assert found.kind == "data"
    assert found.op == "multiply"


def test_bad_data_behind_an_op_that_makes_none_are_named():
    x = ef.Tensor(np.array([[1, np.nan]], "float32"))
    found = viz.find_nonfinite(lambda: ops.sum(ops.relu(ops.reshape(x, (2,)))))
    assert (found.kind, found.op) == ("data", "reshape")
    assert found.inputs[0].nan == 1


def test_a_bad_weight_is_named():
    model, x = mlp(), np.ones((4, 5), "float32")
    model(x)
    model.layers[1].kernel.assign(model.layers[1].kernel.numpy() * np.nan)
    for found in (viz.find_nonfinite(lambda: model(x)), in_recording(lambda: model(x))):
        assert (found.kind, found.culprit) == ("weight", "mlp/head/kernel")
        assert found.layer == "mlp/head"


def in_recording(run):
    with viz.trace(stats="basic") as t:
        run()
    return viz.find_nonfinite(t)


# ---------------------------------------------------------------------- in networks


def test_batch_norm_of_a_constant_column_without_epsilon():
    norm = layers.BatchNormalization(epsilon=0.0, name="norm")
    found = viz.find_nonfinite(lambda: norm(np.ones((4, 2), "float32"), training=True))
    assert found.layer == "norm"
    assert found.kind == "op"


class Bad(ef.callbacks.Callback):
    """Sets a weight to a huge number before a step."""

    def __init__(self, at, value=1e38):
        super().__init__()
        self.at, self.value = at, value

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.at:
            kernel = self.model.layers[-1].kernel
            kernel.assign(np.full(kernel.shape, self.value, "float32"))


def compiled():
    model = ef.Sequential([layers.Dense(4, name="wide"), layers.Dense(1, name="head")], name="net")
    model.compile("sgd", "mse")
    return model


DATA = np.ones((64, 3), "float32"), np.ones((64, 1), "float32")


@pytest.mark.parametrize("step", [0, 2, 6])
def test_fit_stops_at_the_op_before_weights_are_changed(step):
    model = compiled()
    model.fit(*DATA, epochs=1, verbose=0)
    with viz.trace(on_nonfinite="raise") as t, pytest.raises(viz.NonfiniteError, match=r"net|mean") as caught:
        model.fit(*DATA, batch_size=8, verbose=0, callbacks=[Bad(step)])
    found = caught.value.found
    assert found.step == step
    assert np.isfinite(model.layers[0].kernel.numpy()).all()
    assert np.isfinite(model.layers[1].kernel.numpy()).all()
    assert found.recording.ops[-1].id == found.op_id
    assert t.ops[-1].name == found.op
    assert viz.find_nonfinite(t).message == found.message
    assert "net" in str(t.summary())
    assert t.notes


@pytest.mark.parametrize("steps", [1, 12])
def test_a_custom_loop_stops_in_the_backward_pass(steps):
    x = ef.Variable(np.array([2.0, 3.0], "float32"), name="x")
    ran = []

    def loop():
        for i in range(steps):
            ran.append(i)
            if i == steps - 1:
                x.assign(np.array([0.0, 1.0], "float32"))
            with ef.GradientTape() as tape:
                y = ops.sum(ops.sqrt(x))  # the root
            x.assign_sub(tape.gradient(y, x) * 0.1)

    t, found = stopped(loop)
    assert len(ran) == steps
    assert found.message.startswith("the gradient of sqrt made 1 infinite")
    assert found.source.line == line_of(None, "the root")
    np.testing.assert_array_equal(x.numpy(), [0, 1])
    assert viz.find_nonfinite(t).op == "sqrt"


def test_a_loop_with_two_kinds_of_steps():
    """As for a GAN: the steps in turn aren't the same."""
    a, b = Trainer(mlp("one")), Trainer(mlp("two", 2))

    def loop():
        for i in range(20):
            a.step()
            if i == 15:
                b.x = b.x * np.nan
            b.step()

    _, found = stopped(loop)
    assert (found.kind, found.step) == ("data", 31)
    assert found.layer.startswith("two")


def test_a_kind_of_step_that_was_never_recorded_is_told_by_the_op_alone():
    trainer = Trainer()

    def loop():
        for _ in range(9):
            trainer.step()
        ops.log(tensor(1, 2)) + ops.log(tensor(0))

    t, found = stopped(loop)
    assert found.op == "log"
    assert found.source.file == __file__
    assert len(t.ops) == 1
    found.draw()


def test_warn_warns_once_per_place_and_goes_on():
    model = compiled()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with viz.trace(on_nonfinite="warn") as t:
            model.fit(DATA[0] * np.nan, DATA[1], batch_size=8, verbose=0, epochs=3)
    ours = [w for w in caught if issubclass(w.category, viz.NonfiniteWarning)]
    assert 1 <= len(ours) <= 2
    assert "held 24 NaN of 24 elements" in str(ours[0].message)
    assert any("NaN" in note for note in t.notes)
    assert viz.find_nonfinite(t).kind == "data"


@pytest.mark.parametrize("options", [{"stats": "basic"}, {"values": ""}, {"stats": "full", "memory": False}])
def test_a_guard_beside_a_full_recording(options):
    t, found = stopped(lambda: [ops.log(tensor(x, 2)) for x in (1, 2, 3, 4, 5, 6, 7, 0)], **options)
    assert len(t.ops) == 8
    assert found.op_id == 7
    assert viz.find_nonfinite(t).op_id == 7


def test_a_guard_goes_on_behind_max_ops():
    t, found = stopped(lambda: [ops.log(tensor(x, 2)) for x in (1, 2, 3, 4, 5, 0)], stats="basic", max_ops=3)
    assert found.op == "log"
    assert len(t.ops) == 3


def test_a_finite_run_leaves_a_recording_of_a_step():
    trainer = Trainer()
    with viz.trace(on_nonfinite="raise") as t:
        for _ in range(10):
            trainer.step()
    assert viz.find_nonfinite(t) is None
    assert len(t.steps) == 1
    assert t.find(phase="backward")
    assert t.draw().graph.nodes


def test_an_error_of_the_program_passes_through():
    with viz.trace(on_nonfinite="raise") as t, pytest.raises(ValueError, match="matmul"):
        ops.matmul(tensor([1, 2]), tensor([1, 2, 3]))
    assert t.ops[-1].error


def test_an_error_can_be_pickled():
    with viz.trace(on_nonfinite="raise"), pytest.raises(viz.NonfiniteError) as caught:
        ops.log(tensor(0))
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, FloatingPointError)
    assert str(again) == str(caught.value)
    assert isinstance(caught.value, ArithmeticError)


# ---------------------------------------------------------------------- the result


def test_the_picture_shows_the_neighbourhood(tmp_path):
    def chain():
        x = tensor(1, 2)
        for _ in range(50):
            x = ops.add(x, 1.0)
        return ops.mean(ops.log(ops.subtract(x, x)))

    found = viz.find_nonfinite(chain)
    drawing = found.draw(tmp_path / "near.svg")
    shown = {op for node in drawing.graph.nodes.values() for op in node.ops}
    assert 3 <= len(shown) <= 8
    assert "made from finite numbers" in [word for _, word in drawing.graph.legend]
    assert (tmp_path / "near.svg").read_text(encoding="utf-8").startswith("<")


def test_hostile_names_stay_on_one_line():
    model = ef.Sequential([Scaled(name="<script>\n\x1b[31m" + "ä" * 10_000)], name="a'b\"c")
    found = viz.find_nonfinite(lambda: model(np.ones((3, 2), "float32")))
    assert len(found.message) <= 500
    assert "\x1b" not in found.message + str(found)
    assert "\n" not in found.message
    found.draw()


def test_errors_for_wrong_arguments():
    with viz.trace() as t:
        ops.exp(tensor(1))
    with pytest.raises(ValueError, match="has no statistics"):
        viz.find_nonfinite(t)
    with pytest.raises(TypeError, match=r"viz\.load"):
        viz.find_nonfinite("a.efz")
    with pytest.raises(TypeError, match="no further arguments"):
        viz.find_nonfinite(t, 1)
    with pytest.raises(ValueError, match="'raise' or 'warn'"):
        viz.trace(on_nonfinite="stop")
    with pytest.raises(ValueError, match="leave steps out"):
        viz.trace(on_nonfinite="raise", steps=3)


@pytest.mark.parametrize("order", ["C", "F", "strided", "reversed", "broadcast", "turned"])
@pytest.mark.parametrize("value", [1.0, 1e30, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_the_quick_check_is_exact(order, value, dtype):
    array = np.ones((6, 8), dtype)
    array[3, 2] = value
    if order == "F":
        array = np.asfortranarray(array)
    elif order == "strided":
        array = array[1::2, ::2]
    elif order == "reversed":
        array = array[::-1]
    elif order == "broadcast":
        array = np.broadcast_to(array[:, None], (6, 4, 8))
    elif order == "turned":
        array = array.reshape(2, 3, 8).transpose(1, 0, 2)
    assert is_finite(array) == bool(np.isfinite(array).all())


def test_on_any_device(device):
    found = viz.find_nonfinite(lambda: ops.log(tensor(1, 0)))
    assert (found.op, found.outputs[0].inf) == ("log", 1)
    assert found.examples[0].inputs == {"x": 0}
    assert viz.find_nonfinite(lambda: gradient(ops.sqrt, 0, 1)).phase == "backward"
    assert viz.find_nonfinite(lambda: ops.sum(ops.transpose(ops.ones((3, 4))) * 2)) is None


def test_a_notebook_shows_what_was_found_as_a_table_with_nothing_of_the_program_as_html():
    found = viz.find_nonfinite(ops.log, tensor(1.0, 0.0))
    shown = found._repr_html_()
    assert "<table" in shown
    assert "<pre" not in shown
    assert "1 infinite of 2 elements" in shown
    found.layer, found.fix = "<script>", "a < b"
    shown = found._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &lt; b" in shown


@pytest.mark.parametrize("what", ["lambda x: ef.ops.log(x), ef.ops.ones(3)", "recorded"])
def test_a_prompt_says_that_all_is_finite_where_it_would_show_what_is_given(what, capsys):
    with viz.trace(stats="basic") as recorded:
        ef.ops.log(ef.ops.ones(3))
    names = {"viz": viz, "ef": ef, "recorded": recorded, "__name__": "__main__"}

    def typed(line):
        exec(compile(line, "<stdin>", "single"), names)
        return capsys.readouterr().out

    assert typed(f"viz.find_nonfinite({what})") == "all finite\n"
    assert typed(f"found = viz.find_nonfinite({what})") == ""
    assert names["found"] is None
    assert typed(f"viz.find_nonfinite({what}) is None") == "True\n"
    exec(compile(f"viz.find_nonfinite({what})", "program.py", "exec"), names)
    assert capsys.readouterr().out == ""

"""Rows and steps in which NaN began, by their numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.cli import main
from viz.doctor.facts.broken_rows import where_broken
from viz.doctor.watched_script import examine

SCRIPT = """
import numpy as np, keras
from keras import layers, ops
keras.utils.set_random_seed(0)
x = np.random.default_rng(3).normal(size=(96, 6)).astype("float32")
y = x[:, 0] ** 2
{change}
model = keras.Sequential([layers.Input((6,)), layers.Dense(4), layers.Lambda(lambda t: {function}), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit({data}, epochs=2, verbose=0)
"""


@pytest.fixture
def nonfinite(tmp_path, monkeypatch, capsys):
    """Runs `viz nonfinite` on the script with changes; gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*options, change="", function="t", data="x, y"):
        (tmp_path / "late.py").write_text(SCRIPT.format(change=change, function=function, data=data))
        assert main(["nonfinite", *options, "late.py"]) == 1
        return capsys.readouterr().out

    return run


def test_a_row_of_an_array_is_named_as_the_doctor_names_it(nonfinite, capsys):
    out = nonfinite(change="x[70, 2:] = np.nan")
    assert "the data: x held 4 NaN of 192 elements (row 70, column 2 of x) when it came to dense." in out
    assert "example  x → nan at [70, 2]" in out
    assert "train_step" not in out
    assert "next " not in out  # the row is known
    main(["doctor", "late.py"])
    assert "(row 70, column 2 of x)" in " ".join(capsys.readouterr().out.split())


def test_several_rows_labels_and_columns_are_named_too(nonfinite):
    out = nonfinite(change="x[70] = np.nan; x[80] = np.inf")
    assert "(2 rows of x do, the first is row 70, column 0)" in out
    out = nonfinite(change="y[70] = np.inf")
    assert "the data: y held 1 infinite of 32 elements (row 70 of y)" in out
    assert "np.nan_to_num(y, posinf=0, neginf=0), or drop the rows where ~np.isfinite(y)\n" in out
    assert "(column 3 of 6 is NaN in all 96 rows)" in nonfinite(change="x[:, 3] = np.nan")


def test_of_several_inputs_the_one_is_named_and_a_file_keeps_it(tmp_path, capsys):
    x = {"age": np.ones((8, 2), "float32"), "name": np.ones((8, 3), "float32")}
    x["name"][5] = np.inf
    inputs = {name: ef.Input(array.shape[1:], name=name) for name, array in x.items()}
    model = ef.Model(inputs, layers.Dense(1)(layers.concatenate(list(inputs.values()))))
    model.compile("sgd", "mse")
    with pytest.raises(viz.NonfiniteError) as caught, np.errstate(all="ignore"), viz.trace(on_nonfinite="raise"):
        model.fit(x, np.ones((8, 1)), batch_size=4, verbose=0, shuffle=False)
    found = caught.value.found
    assert (found.culprit, found.where, found.rows) == ("x['name']", "row 5, column 0 of x['name']", (5,))
    path = found.recording.save(tmp_path / "a.efz")
    assert main(["nonfinite", str(path)]) == 1
    assert "(row 5, column 0 of x['name'])" in capsys.readouterr().out
    broken = viz.load(path)
    broken.meta["nonfinite_arrays"] = [{"name": 1, "rows": "many"}] * len(broken.meta["nonfinite_arrays"])
    assert viz.find_nonfinite(broken).where == ""


def test_rows_of_a_whole_array_in_words():
    x = np.ones((4, 2))
    assert where_broken(x) == ""
    x[2, 1] = np.nan
    assert where_broken(x, "inputs") == "row 2, column 1 of inputs"


BEGIN = """
import numpy as np
import eagerflow as ef
from eagerflow import ops
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
x = (x - ops.mean(x).numpy()) / ops.std(x).numpy()  # which runs before there is any step
model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(1)])
optimizer = ef.optimizers.SGD(0.01)
def loss_of(p, i):
    return ops.mean(ops.square(p - x[:, :1])) + 0.0 * ops.log(1.5 - i)
"""
OPTIMIZER = """
for i in range(4):
    with ef.GradientTape() as tape:
        loss = loss_of(model(x), i)
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))
    ops.mean(model(x)).numpy()  # looked at beside training
"""
BY_HAND = """
for i in range(4):
    with ef.GradientTape() as tape:
        loss = loss_of(model(x), i)
    for w, g in zip(model.trainable_weights, tape.gradient(loss, model.trainable_weights)):
        w.assign_sub(0.01 * g)
"""
BEFORE_THE_NETWORK = """
for i in range(4):
    with ef.GradientTape() as tape:
        p = ops.matmul(x, model.trainable_weights[0])
        h = ops.log(1.5 - i + 0.0 * p)
        loss = ops.mean(ops.square(p + h))
    for w, g in zip(model.trainable_weights[:1], tape.gradient(loss, model.trainable_weights[:1])):
        w.assign_sub(0.01 * g)
"""
BACKWARD = """
for i in range(4):
    with ef.GradientTape() as tape:
        loss = loss_of(model(x), 0) + ops.sum(ops.sqrt(model.trainable_weights[0] * (i < 2)))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))
"""
FIT = """
class Steps(ef.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.i = model, 0
    def call(self, x, training=False):
        self.i += 1
        return self.inner(x) + 0.0 * ops.log({last}.5 - self.i)
steps = Steps()
steps.compile(optimizer, "mse")
steps.fit(x, x[:, :1], batch_size=16, epochs=3, verbose=0{more})
"""
BACKWARD = BACKWARD.replace("model.trainable_weights[0] *", "ops.abs(model.trainable_weights[0]) *")
SCRIPTS = {
    "an optimizer": (OPTIMIZER, 2),
    "updates by hand": (BY_HAND, 2),
    "ops before the network": (BEFORE_THE_NETWORK, 2),
    "a gradient": (BACKWARD, 2),
    "fit": (FIT.format(last=3, more=""), 3),
    "fit with an evaluation after each epoch": (FIT.format(last=4, more=", validation_data=(x[:16], x[:16, :1])"), 4),
    "an evaluation": (FIT.format(last=2, more=", validation_data=(x[:16], x[:16, :1])"), 2),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:the loss is nan", "ignore:.*val_loss")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_step_has_the_same_number_everywhere(name, tmp_path):
    source, step = SCRIPTS[name]
    (path := tmp_path / "train.py").write_text(BEGIN + source)
    (finding,) = [f for f in examine(str(path)).diagnosis if f.kind == "nonfinite"]
    assert re.search(rf"\bin step {step}\b", finding.message), finding.message
    assert finding.evidence["step"] == step
    found = viz.find_nonfinite(exec, compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})
    assert found.step == step
    assert f", step {step}" in found.message
    if name not in ("an optimizer", "updates by hand", "ops before the network", "a gradient"):
        with viz.trace(stats="basic") as recording:
            exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})
        assert viz.find_nonfinite(recording).step == step


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_runs_beside_training_belongs_to_no_step(tmp_path):
    source = BEGIN + OPTIMIZER.replace("range(4)", "range(2)") + "ops.log(ops.mean(model(x)) - 1e3)\n"
    found = viz.find_nonfinite(exec, compile(source, "train.py", "exec"), {"__name__": "__main__"})
    assert (found.op, found.step) == ("log", None)

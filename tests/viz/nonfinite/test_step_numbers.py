"""One number for a step: that of the doctor, of `viz nonfinite` and of a recording, counted from 0."""

from __future__ import annotations

import re

import pytest

import viz
from viz.doctor.watched_script import examine

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

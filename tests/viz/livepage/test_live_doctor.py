"""The doctor of the live page watches only some steps, and says nothing false of the others."""

from __future__ import annotations

import linecache
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core import observe
from tests.viz.livepage.watching import data, mlp
from viz.livepage import sender, visits
from viz.livepage.collector import Collector
from viz.livepage.mailbox import Mailbox
from viz.livepage.pace import Pace
from viz.livepage.visits import Visits

NAN = np.float32("nan")


class Costly(Visits):
    """Looking again always costs something, also in steps that a busy machine happens to run faster than others.

    What the first steps cost isn't known: there are no others yet.
    """

    def end(self, scope, outputs, error, extra):
        super().end(scope, outputs, error, extra if self.watcher.step <= visits.FIRST else max(extra, 1e-3))


def watched(train):
    """The visits to a training, which see the first steps, and others only where something calls them."""
    found = Costly(1e-9)
    collector = Collector(Mailbox(), Pace(1e6, 1e-9), visits=found)
    with observe.observing(collector):
        found.begin()
        train()
    collector.close()
    found.finish()
    assert not found.watcher.failures
    return found


def the_nonfinite(found):
    (finding,) = [each for each in found.watcher.findings if each.kind == "nonfinite"]
    return finding


def own_loop(steps, before_step, optimizer=None):
    """Trains, and gives each step's number and inputs to somebody who may change them."""
    model, optimizer = mlp(), optimizer or ef.optimizers.SGD(0.01)
    loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data(8)
    for step in range(steps):
        before_step(step, x)
        with ef.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


def spoil_at(number):
    """Writes NaN into the data of all steps from this one on."""

    def spoil(step, x):
        if step == number:
            x[:] = NAN

    return spoil


def test_nan_in_an_own_loop_are_found_in_the_step_after_the_first_one_and_numbered_by_the_training():
    finding = the_nonfinite(watched(lambda: own_loop(60, spoil_at(51))))
    assert finding.rule == "nonfinite.data"
    assert "in step 52, the loss is NaN" in finding.message
    assert "was NaN in step 51 already, where nobody watched" in finding.message
    assert "model(x, training=True)" in linecache.getline(finding.file, finding.line)
    assert finding.evidence["step"] == 52


def test_nan_of_the_last_step_is_told_though_nobody_can_look_at_what_comes_next():
    finding = the_nonfinite(watched(lambda: own_loop(50, spoil_at(49))))
    assert (finding.rule, finding.severity, finding.op) == ("nonfinite.unseen", "error", None)
    assert "NaN in step 49, where nobody watched, so the op with which it began isn't known" in finding.message
    assert "optimizer.apply" in linecache.getline(finding.file, finding.line)


def fit(epochs, on_epoch_end=None, x=None, **options):
    """Trains with four steps to an epoch."""
    model, (features, y) = mlp(), data(32)
    given = [] if on_epoch_end is None else [ef.callbacks.LambdaCallback(on_epoch_end=on_epoch_end(model))]
    model.fit(features if x is None else x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=given, **options)


def logarithm_of_nothing(steps, step_of_zero, heard=True):
    """Trains with a loss of its own whose logarithm meets 0 in this step; if it isn't heard, the loss stays finite."""
    model, optimizer, (x, _) = mlp(), ef.optimizers.SGD(0.01), data(8)
    for step in range(steps):
        with ef.GradientTape() as tape:
            p = ef.ops.softmax(model(x, training=True)) * (0.0 if step == step_of_zero else 1.0)
            loss = -ef.ops.mean(ef.ops.log(p))
            loss = loss if heard else ef.ops.nan_to_num(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


@pytest.mark.filterwarnings("ignore:.*(divide by zero|invalid value|overflow)")
@pytest.mark.parametrize("heard", [True, False])
def test_of_nan_that_began_where_nobody_watched_no_line_is_blamed_and_the_command_that_finds_it_is_named(heard):
    found = watched(lambda: logarithm_of_nothing(120, 48, heard))
    finding = the_nonfinite(found)
    assert finding.message.startswith("the weights 'mlp/hidden/kernel' hold 40 NaN")
    assert "so the op with which it began isn't known" in finding.message
    assert (finding.file, finding.line, finding.op, finding.layer) == (None, None, None, None)
    assert "viz nonfinite SCRIPT" in finding.fix
    assert "learning rate" not in finding.fix
    assert "clipnorm" not in finding.fix


def test_a_nan_that_passes_stays_found_and_does_not_make_every_step_slow():
    def now_and_then(step, x):
        x[:] = data(8)[0] if step % 2 == 0 or step < 39 else NAN

    class Careful(ef.optimizers.SGD):
        def apply(self, gradients, variables):
            return super().apply([ef.ops.nan_to_num(g) for g in gradients], variables)

    found = watched(lambda: own_loop(140, now_and_then, Careful(0.0)))
    assert the_nonfinite(found).severity == "error"
    assert found.watcher.step <= visits.FIRST + visits.HURRIES * visits.AGAIN


def test_an_ending_that_nobody_watched_is_told_by_the_epochs_and_the_steps_of_the_training():
    ef.utils.set_random_seed(0)
    found = watched(lambda: fit(25))
    (finding,) = [each for each in found.watcher.findings if "training ended" in each.message]
    assert "after 100 steps (25 epochs)" in finding.message


@pytest.mark.filterwarnings("ignore:the loss is nan")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("of", ["input data", "labels"])
def test_what_a_batch_held_that_nobody_watched_is_named(value, of):
    def train():
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(100, 3)).astype("float32"), rng.normal(size=(100, 1)).astype("float32")
        (x if of == "input data" else y)[90, 0] = value
        model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=2, epochs=1, verbose=0, shuffle=False)

    finding = the_nonfinite(watched(train))
    what = "1 infinite" if np.isinf(value) else "1 NaN"
    place = " of 6 values (row 90, column 0 of x)" if of == "input data" else " of 2 values"
    assert finding.message == f"the {of} hold {what}{place}; in step 45, the loss is NaN or infinite, too"
    assert ("np.isfinite(x)" if of == "input data" else "y isn't finite") in finding.fix


def test_weights_that_were_nan_before_the_first_step_are_no_matter_of_the_learning_rate():
    model = mlp()
    kernel = model.layers[-1].kernel
    kernel.assign(kernel.numpy() * NAN)
    finding = the_nonfinite(watched(lambda: model.train_on_batch(*data(8))))
    assert finding.message.startswith("the weights 'mlp/head/kernel' hold 24 NaN of 24 values")
    assert "before the first step" in finding.fix


def test_a_finding_that_is_no_longer_made_stays_for_a_while(monkeypatch):
    now, found, sent = [0.0], [{"kind": "overfit", "layer": None, "file": "train.py", "line": 3}], []
    child, later = SimpleNamespace(send=sent.append, alive=True), lambda: None
    one = sender.Sender(Mailbox(), child, Pace(0.0, 1.0), lambda: list(found), later, later)
    monkeypatch.setattr(sender, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for seconds, makes in ((0.0, True), (1.0, False), (20.0, False), (31.0, False)):
        now[0], found = seconds, found if makes else []
        one._send_findings()
    assert [each["list"] for each in sent] == [[{"kind": "overfit", "layer": None, "file": "train.py", "line": 3}], []]

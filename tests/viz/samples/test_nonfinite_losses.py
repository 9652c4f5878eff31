"""Where losses are NaN there is no hardest sample: what is said then, and which samples hold NaN themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eagerflow import GradientTape, Sequential, layers, losses, optimizers
from eagerflow.core.observe import observing
from viz.cli import main
from viz.recorder.listening import Listening
from viz.samples.loss_tracking import Gatherer
from viz.samples.page import page
from viz.samples.scoring import judged

pytestmark = pytest.mark.filterwarnings("ignore")

SCRIPT = """
import numpy as np, keras
from keras import layers, ops
keras.utils.set_random_seed(0)
x = np.random.default_rng(3).normal(size=(96, 6)).astype("float32")
y = x[:, :1] ** 2
{change}
model = keras.Sequential([layers.Input((6,)), layers.Dense(4), layers.Lambda(lambda t: {function}), layers.Dense(1)])
model.compile("sgd", {loss})
model.fit(x, y, epochs=2, verbose=0, shuffle=False)
"""


@pytest.fixture
def data(tmp_path, monkeypatch, capsys):
    """Runs `viz data` on the script with changes; gives its exit status, and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*options, change="", function="t", loss="'mse'"):
        (tmp_path / "late.py").write_text(SCRIPT.format(change=change, function=function, loss=loss))
        status = main(["data", *options, "late.py"])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_samples_that_hold_nan_come_first_where_losses_are_nan(data):
    status, out, _ = data("-n", "3", change="x[70] = np.nan; y[80] = np.inf")
    assert status == 1
    head, _, _, *lines = out.strip().splitlines()
    assert head.endswith(
        "NaN or infinity in 2 of them; losses are NaN from step 2 on, and nothing can be ranked by them"
    )
    assert [line.split()[0] for line in lines[:2]] == ["70", "80"]
    assert lines[0].endswith("holds 6 NaN")
    assert lines[1].endswith("holds 1 infinite in the label")
    assert "next: viz nonfinite late.py" in lines
    assert "hardest" not in out


def test_json_tells_that_nothing_is_ranked_and_why(data):
    status, out, _ = data("--json", change="x[70, 1] = np.nan")
    found = json.loads(out)
    assert status == 1
    assert (found["ranked"], found["first_nonfinite_step"], found["hold_nonfinite"]) == (False, 2, [70])
    assert found["next"] == "viz nonfinite late.py"
    assert found["samples"][0]["row"] == 70
    assert found["samples"][0]["marks"] == ["holds 1 NaN"]
    assert len(found["samples"]) == 96
    found = json.loads(data("--json")[1])
    assert (found["ranked"], found["first_nonfinite_step"], found["next"]) == (True, None, None)


def test_a_loss_of_one_number_that_is_nan_is_still_asked_row_by_row(data):
    loss = "lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred))"
    status, out, _ = data(change="x[70] = np.nan", loss=loss)
    assert status == 1
    assert "losses are NaN from step 2 on" in out


def test_where_the_model_copes_with_nan_samples_are_ranked_and_those_marked(data):
    status, out, _ = data("-n", "96", change="x[70, 1] = np.nan", function="ops.where(ops.isfinite(t), t, 0.0)")
    assert status == 0
    assert "the hardest first" in out
    assert "next:" not in out
    assert next(line for line in out.splitlines() if line.startswith(" 70 ")).endswith("holds 1 NaN")


def gathered(train):
    gatherer = Gatherer()
    with observing(Listening.to(gatherer)):
        train()
    return judged(gatherer.chosen(), 4, 9.0, gatherer.notes)


def test_steps_of_a_loop_of_ones_own_are_counted_and_the_page_has_no_hardest():
    x = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
    x[17] = np.inf
    model, loss, optimizer = Sequential([layers.Dense(1)]), losses.MeanSquaredError(), optimizers.SGD(0.01)

    def train():
        for first in range(0, 24, 8):
            with GradientTape() as tape:
                value = loss(x[first : first + 8, :1], model(x[first : first + 8], training=True))
            weights = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, weights), weights))

    found = gathered(train)
    assert (found.is_ranked, found.first_bad, [sample.row for sample in found.broken]) == (False, 2, [17])
    shown = page(found)
    assert "Samples that hold NaN or infinity" in shown
    assert "The hardest" not in shown

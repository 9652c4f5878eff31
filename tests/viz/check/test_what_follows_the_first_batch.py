"""What the first batch doesn't show: rows behind it, schedules, other fits; and steps that are harder to look at."""

from __future__ import annotations

import numpy as np
import pytest

from tests.viz.doctor.healthy import NEAR
from tests.viz.doctor.planted import PRELUDE
from viz.cli import main
from viz.doctor.checks.validation.validation_rows import shared_rows

NET = 'model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])\n'
FIT = 'model.compile("adam", "mse")\nmodel.fit(x, target, batch_size=16, epochs=2, verbose=0)\n'


def test_a_row_of_nan_behind_the_first_batch_is_found(rows):
    row = rows("x[100, 3] = np.nan\n" + NET + FIT)["inputs"]
    assert row.verdict == "fault"
    assert "row 100 (column 3)" in row.message


def test_a_row_of_nan_in_a_later_batch_of_a_data_set_is_found(rows):
    data = "data = ef.data.Dataset.from_tensor_slices((x, target)).batch(16).prefetch(1)\n"
    fit = 'model.compile("adam", "mse")\nmodel.fit(data, epochs=2, verbose=0)\n'
    row = rows("x[100, 3] = np.nan\n" + data + NET + fit)["inputs"]
    assert row.verdict == "fault"
    assert "1 of the 16 rows of batch 7 holds NaN or infinities, the first is row 4" in row.message


PADDED = """
words = rng.integers(1, 50, (128, {steps})) * (np.arange({steps}) < rng.integers(4, 20, (128, 1)))
model = ef.Sequential([layers.Embedding(50, 8), layers.GRU(16), layers.Dense(1, activation="sigmoid")])
model.compile(ef.optimizers.Adam(0.02), "binary_crossentropy")
model.fit(words, words[:, :1] > 25, batch_size=16, verbose=0)
"""


@pytest.mark.parametrize(("steps", "verdict"), [pytest.param(200, "fault", marks=pytest.mark.slow), (32, "open")])
def test_padding_that_is_read_last_is_a_fault_unless_it_does_no_harm(steps, verdict, rows):
    row = rows(PADDED.format(steps=steps))["inputs"]
    assert row.verdict == verdict
    assert f"of {steps} steps are 0 alone" in row.message
    assert "mask_zero=True" in row.fix + row.message


def test_what_may_come_of_another_fault_says_which_one_to_mend_first(rows):
    found = rows("x *= 1000\n" + NET + FIT)
    assert [name for name, row in found.items() if row.verdict == "fault"][:2] == ["inputs", "first loss"]
    assert found["first loss"].fix.startswith("first mend 'inputs', above, which may be the cause. Then: ")
    assert "first mend" not in found["inputs"].fix


REPEATED = """
order = rng.permutation(3 * len(x))
x, target = np.repeat(x, 3, 0)[order], np.repeat(target, 3, 0)[order]
"""
SPLIT = 'model.compile("adam", "mse")\nmodel.fit(x, target, validation_split=0.2, verbose=0)\n'


def test_measured_rows_that_were_repeated_before_the_split_are_a_fault(rows):
    row = rows(REPEATED + NET + SPLIT)["validation data"]
    assert row.verdict == "fault"
    assert row.evidence["chance"] == 0


@pytest.mark.parametrize(("columns", "repeated"), [(64, True), (64, False), (8, True)])
def test_pictures_that_were_repeated_before_the_split_are_no_chance(columns, repeated):
    """Rows of few whole numbers are met again by chance, those of many aren't."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3 if columns < 9 else 17, (300, columns)).astype("float32") / 16
    order = rng.permutation(np.tile(np.arange(300), 3)) if repeated else np.arange(300)
    x, y = x[order], order % 10
    overlap, chance, looked = shared_rows([x[:-60]], [x[-60:]], (y[:-60], y[-60:]))
    assert looked == 60
    if repeated:
        assert overlap > 0.8
        assert (chance == 0) == (columns == 64)
    else:
        assert overlap == 0


def test_a_schedule_of_epochs_where_steps_are_meant_is_a_fault(rows):
    schedule = "ef.optimizers.schedules.CosineDecay(1e-2, decay_steps={})"
    train = "model.compile(ef.optimizers.Adam(" + schedule + "), 'mse')\nmodel.fit(x, target, epochs=40, verbose=0)\n"
    row = rows(NET + train.format(4))["overfits one batch"]
    assert row.verdict == "fault"
    assert "160 steps" in row.message
    assert rows(NET + train.format(160))["overfits one batch"].verdict == "ok"


def test_a_schedule_that_fades_after_it_taught_a_little_is_a_fault(rows):
    rate = "ef.optimizers.schedules.ExponentialDecay({}, decay_steps=1, decay_rate={})"
    train = "model.compile(ef.optimizers.Adam(" + rate + "), 'mse')\nmodel.fit(x, target, epochs=60, verbose=0)\n"
    row = rows(NET + train.format(1e-2, 0.8))["overfits one batch"]
    assert row.verdict == "fault"
    assert "its schedule is at 0 after" in row.message
    assert rows(NET + train.format(1e-2, 0.999))["overfits one batch"].verdict == "ok"


LABELLED = 'model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])\n'


@pytest.mark.parametrize(("labels", "epochs", "verdict"), [("0", 3, "fault"), ("0", 1, "ok"), ("x[:, 0] > 0", 3, "ok")])
def test_labels_of_one_class_are_a_fault_unless_an_epoch_of_others_may_follow(labels, epochs, verdict, rows):
    train = 'model.compile("adam", "binary_crossentropy")\n' + f"model.fit(x, labels, epochs={epochs}, verbose=0)\n"
    made = f"labels = np.zeros(len(x)) + ({labels})\n"
    row = rows(made + LABELLED + train)["labels"]
    assert row.verdict == verdict, row.message
    assert (verdict == "fault") == ("there is nothing to tell apart" in row.message)


def test_half_precision_does_not_hide_the_first_weight(rows):
    row = rows(NEAR["a loss that is scaled in a loop"])["inputs"]
    assert row.verdict == "ok"
    assert "float16" in row.message


def test_a_model_without_a_call_says_so(rows):
    source = """
class Net(ef.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1)
    def train_step(self, data):
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.square(self.head(data)))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}
model = Net()
model.compile("sgd")
model.fit(x, verbose=0)
"""
    found = rows(source)
    assert not [row.message for row in found.values() if "NotImplementedError" in row.message]
    assert "only its train_step knows" in found["inputs"].message


def test_a_second_fit_is_said_to_be_left_out(tmp_path, capsys, once):
    script = tmp_path / "train.py"
    script.write_text(PRELUDE + NET + FIT + "model.fit(x, target, epochs=3)\n")
    main(["check", str(script)])
    last = len(script.read_text().splitlines())
    assert f"only the fit on line {last - 1} is looked at, not what follows on line {last}" in capsys.readouterr().out

"""Causes come before what follows from them, and what is explained is only a hint."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.doctor.planted import PRELUDE
from viz.cli import main
from viz.doctor import Finding, Watcher
from viz.doctor.causes import in_order
from viz.doctor.facts.constant_answers import best_constant, loss_of
from viz.doctor.facts.host_arrays import number
from viz.doctor.report import text
from viz.doctor.watched_script import examine


def finding(kind, severity="error", **about):
    return Finding(kind, severity, "m", "f", **about)


def rule(name, severity="error", **about):
    return finding(name.partition(".")[0], severity, rule=name, **about)


RATE, USUAL = (finding("lr_too_high", evidence={"unusual": unusual}) for unusual in (True, False))
LOGARITHM = rule("nonfinite.log", evidence={"direction": "backward"})
OF_CHANCES, OF_ZERO, OF_LESS = (rule("nonfinite.log", evidence={"inputs": [i]}) for i in ("0 to 1", "0", "-3 to 1"))
SORTED = rule("sorted_rows", "warning")
LATER, ALWAYS = (finding("dead_relu", evidence={"from_start": known}) for known in (False, True))
LOGITS = rule("loss_mismatch.logits_classes", file="a.py", line=7)
DIVIDE, ELSEWHERE = (rule("nonfinite.divide", file="a.py", line=line) for line in (7, 3))
ONES, IMAGES = rule("batchnorm_misuse.ones"), rule("batchnorm_misuse.ones", "warning")  # of many positions each
COLUMNS = rule("validation_mismatch.prepared", "warning", file="a.py", line=7)
SIZE, OTHER = (rule("validation_mismatch.scale", "warning", file="a.py", line=line) for line in (7, 3))
SCALE, SMALL = finding("unscaled_input", "warning", evidence={"highest": 300.0}), finding("unscaled_input", "info")
IDLE, BLOCKED = finding("not_learning", "warning"), finding("no_gradient", evidence={"gradient": 0.0})
RANGE, LAST, HIDDEN = finding("label_range", layer="last"), *(finding("dead_relu", layer=n) for n in ("last", "hidden"))
CONSTANT = finding("constant_output")

# What was found, the first of it the cause; and whether the others follow from it, in order.
EXPLAINED = {
    "inputs of another scale": ([SCALE, CONSTANT, LATER], [True, True]),
    "a hint explains nothing": ([SMALL, LATER], [False]),
    "inputs of another scale and a usual rate": ([SCALE, USUAL], [True]),
    "inputs of another scale and a wild rate": ([SCALE, RATE], [False]),
    "a rate and the logarithm of 0": ([finding("lr_too_high"), LOGARITHM], [False]),
    "a wild rate and the logarithm of chances": ([RATE, OF_CHANCES], [False]),
    "a wild rate and the logarithm of 0 alone": ([RATE, OF_ZERO], [False]),
    "a wild rate and what it made negative": ([RATE, OF_LESS], [True]),
    "a wild rate and NaN": ([RATE, rule("nonfinite.log")], [True]),
    "NaN in the data": ([rule("nonfinite.data"), RATE], [True]),
    "sorted rows and units that fell silent": ([SORTED, LATER], [True]),
    "sorted rows and units that always were": ([SORTED, ALWAYS], [False]),
    "labels out of reach of the last relu": ([RANGE, LAST, HIDDEN], [True, False]),
    "logits in the line that divides": ([LOGITS, DIVIDE], [True]),
    "logits in another line": ([LOGITS, ELSEWHERE], [False]),
    "batches of one": ([ONES, CONSTANT, finding("dead_relu"), BLOCKED, USUAL], [True] * 4),
    "batches of one and a wild rate": ([ONES, RATE], [False]),
    "batches of one image": ([IMAGES, USUAL], [False]),
    "averages that lag": ([rule("batchnorm_misuse.lag"), finding("dead_relu")], [False]),
    "validation rows without scale": ([COLUMNS, SIZE], [True]),
    "validation rows of another line": ([COLUMNS, OTHER], [False]),
    "a rate that moves nothing": ([finding("lr_too_low", "warning"), finding("stopped_early", "warning")], [True]),
    "a dropout of nearly all units": ([finding("dropout_high", "warning"), IDLE], [True]),
    "equal rows and silent units": ([rule("constant_output.data"), finding("dead_relu")], [True]),
    "silent units and one answer": ([finding("dead_relu"), CONSTANT], [True]),
    "a dropout that was always high": ([rule("dropout_high.always", "info"), IDLE], [False]),
    **{
        f"{kind} and a usual rate": ([finding(kind), USUAL], [True])
        for kind in ("loss_sign", "broadcast", "softmax_axis")
    },
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_follows_from_a_cause_is_a_hint_that_names_it(name):
    (cause, *others), follows = EXPLAINED[name]
    found = in_order([*others, cause])
    told = {(f.kind, f.rule, f.layer, f.file, f.line): f for f in found}
    for each, does in zip(others, follows, strict=True):
        now = told[each.kind, each.rule, each.layer, each.file, each.line]
        assert now.because == (cause.kind if does else None)
        assert now.severity == ("info" if does else each.severity)
    if any(follows):
        first = found[0]
        assert (first.kind, first.because) == (cause.kind, None)
        assert f"a consequence of {cause.kind}, above: mend that first" in text(found)


def test_a_cause_is_as_severe_as_what_it_explains_or_might_explain():
    for other in (CONSTANT, RATE):
        assert [f.severity for f in in_order([other, SCALE]) if f.kind == SCALE.kind] == ["error"]


def test_nothing_is_lost_and_order_does_not_matter():
    found = [finding(k) for k in ("not_learning", "loss_mismatch", "overfit", "constant_output")]
    forward, backward = in_order(found), in_order(found[::-1])
    assert sorted(f.kind for f in forward) == sorted(f.kind for f in found)
    assert [(f.kind, f.because) for f in forward] == [(f.kind, f.because) for f in backward]
    assert {f.kind: f.because for f in forward}["not_learning"] == "loss_mismatch"


@pytest.mark.parametrize("kind", ["sparse", "categorical", "binary", "mean_squared_error", "mean_absolute_error"])
def test_no_constant_answer_is_better_than_the_best(kind):
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 60)
    labels = {"sparse": classes, "categorical": np.eye(3)[classes], "binary": (rng.random((60, 3)) > 0.7) + 0.0}
    y = labels.get(kind, rng.normal(size=(60, 3)))
    pairs = [(y, np.zeros((60, 3)))]
    best = best_constant(kind, pairs, pairs, {})
    for _ in range(200):
        answer = rng.random(3) if kind == "binary" else rng.dirichlet(np.ones(3))
        answer = answer if kind in labels else rng.normal(size=3)
        assert loss_of(kind, y, np.tile(answer, (60, 1)), {}) >= best - 1e-12


def test_a_batch_run_again_without_dropout_changes_nothing():
    def trained(watched):
        ef.utils.set_random_seed(3)
        x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
        hidden = [layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.8)]
        model = ef.Sequential([*hidden, layers.Dense(1)])
        model.compile("adam", "mse")
        if not watched:
            model.fit(x, x[:, :1], batch_size=8, epochs=3, verbose=0)
            return model.get_weights(), None
        with Watcher() as watcher:
            model.fit(x, x[:, :1], batch_size=8, epochs=3, verbose=0)
        return model.get_weights(), watcher

    (plain, _), (seen, watcher) = trained(False), trained(True)
    assert "dropout_high" in [f.kind for f in watcher.findings]
    for a, b in zip(plain, seen, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("command", ["doctor", "nonfinite"])
@pytest.mark.parametrize("source", ["raise RuntimeError('early')\n", "import eagerflow\nimport gone_for_good\n"])
def test_a_script_that_failed_before_training_is_never_called_healthy(command, source, tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text(source)
    assert main([command, str(script)]) == 3
    said = "".join(capsys.readouterr())
    assert "failed before" in said
    assert "nothing to complain about" not in said
    assert "all finite" not in said


def test_a_script_that_failed_later_is_not_called_healthy_either(tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text(
        "import eagerflow as ef\nmodel = ef.Sequential([ef.layers.Dense(1)])\nmodel.compile('adam', 'mse')\n"
        "x = ef.ops.ones((8, 2))\nmodel.fit(x, x[:, :1], verbose=0)\nraise RuntimeError('late')\n"
    )
    assert main(["nonfinite", str(script)]) == 3
    assert "all finite" not in capsys.readouterr().out
    assert main(["doctor", str(script)]) == 3
    assert "nothing to complain about" not in capsys.readouterr().out


@pytest.mark.parametrize(("rate", "severity"), [(0.01, "info"), (0.0, "warning")])
def test_units_that_are_silent_while_the_others_learn_are_a_hint(rate, severity):
    ef.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
    bias = np.where(np.arange(32) < 28, -100.0, 0.0)
    model = ef.Sequential([layers.Input((4,)), layers.Dense(32, activation="relu"), layers.Dense(1)])
    model.layers[0].bias.assign(bias)
    model.compile(ef.optimizers.SGD(rate), "mse")
    with Watcher() as watcher:
        model.fit(x, x[:, :1], epochs=8, verbose=0)
    (found,) = [f for f in watcher.findings if f.kind == "dead_relu"]
    assert found.severity == severity
    assert ("the others learn" in found.message) == (severity == "info")


def test_what_is_no_model_is_refused_by_its_type():
    with viz.trace() as t:
        pass
    with pytest.raises(TypeError, match="expected a compiled model, got Recording"):
        viz.diagnose(t)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_the_norm_of_gradients_that_run_away_is_that_of_the_first_step_and_the_cure_of_far_targets_stays():
    rng = np.random.default_rng(0)
    x = (rng.random((128, 20)) * 1000).astype("float32")
    y = x.sum(axis=1, keepdims=True) * 100
    model = ef.Sequential([layers.Input((20,)), layers.Dense(64, activation="relu"), layers.Dense(1)])
    with ef.GradientTape() as tape:
        loss = ef.ops.mean((model(x) - y) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    first = float(np.sqrt(sum([np.square(g.numpy().astype("float64")).sum() for g in gradients])))
    model.compile(ef.optimizers.SGD(0.1), "mse")
    with Watcher() as watcher:
        model.fit(x, y, batch_size=128, epochs=3, verbose=0)
    findings = {finding.rule: finding for finding in in_order(watcher.findings)}
    assert "unscaled_input" in findings  # which isn't what makes the targets large
    found = findings["unscaled_target.gradients"]
    assert f"the norm of all gradients is {number(first)} in the first step" in found.message
    assert found.because is None
    assert "Scale the targets" in found.fix


def test_one_answer_for_all_pixels_is_worse_than_one_for_each():
    labels = np.zeros((20, 4, 4, 1))
    labels[:, :2] = 1.0
    pairs = [(labels, labels)]
    assert best_constant("mean_squared_error", pairs, pairs, {}) == 0.0
    assert best_constant("mean_squared_error", pairs, pairs, {}, one_for_all_positions=True) == 0.25
    assert best_constant("binary", pairs, pairs, {}, one_for_all_positions=True) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("loss", "labels", "rule", "words"),
    [
        ("mse", [[1.0, 2.0]] * 4, "loss_mismatch.units", "gives 3 numbers for each row, but a row of labels has 2"),
        ("mse", [[[1.0, 2.0]]] * 4, "loss_mismatch.shapes", "mean_squared_error refuses labels"),
    ],
)
def test_a_loss_that_refuses_labels_is_called_by_its_name(loss, labels, rule, words):
    model = ef.Sequential([layers.Dense(3)])
    model.compile("adam", loss)
    (found,) = viz.diagnose(model, np.eye(4), np.asarray(labels)).findings
    assert found.rule == rule
    assert words in found.message
    assert "same_shape refuses" not in found.message


@pytest.mark.parametrize("call", ["fit(x, y, validation_data=(x, y + 1), verbose=0)", "evaluate(x, y + 1, verbose=0)"])
def test_labels_that_are_refused_outside_of_training_are_told_from_those_to_train_with(call, tmp_path):
    (path := tmp_path / "train.py").write_text(
        PRELUDE
        + f"""
y = number
model = ef.Sequential([layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=2, verbose=0)
model.{call}
"""
    )
    (found,) = [f for f in examine(str(path)).diagnosis if f.severity == "error"]
    assert found.rule == "label_range.held"
    assert "that the network is evaluated on go from 1 to 3" in found.message
    assert "so do the labels to train with" in found.message
    assert "one unit per class" not in found.fix


def test_inputs_that_are_all_zero_are_the_cause_of_what_is_silent(tmp_path):
    (path := tmp_path / "train.py").write_text(
        PRELUDE
        + """
x = np.abs(x * 50).clip(0, 255).astype("uint8") // 255 // 2
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, number, batch_size=16, epochs=4, verbose=0)
"""
    )
    found = list(examine(str(path)).diagnosis)
    first = found[0]
    assert (first.rule, first.severity, first.because) == ("unscaled_input.zeros", "error", None)
    assert "are 0 in all rows" in first.message
    assert {f.kind: f.because for f in found[1:]} == dict.fromkeys(("dead_relu", "constant_output"), "unscaled_input")


def test_of_sorted_rows_the_answer_that_is_always_the_same_is_chosen_on_the_last_ones_too():
    """The first rows lack the last classes: of their shares, the loss would be that of an answer nobody gives."""
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(0, 4, 640))
    x = (rng.normal(size=(640, 6)) + y[:, None]).astype("float32")
    model = ef.Sequential([ef.Input((6,)), ef.layers.Dense(4, activation="softmax")])
    model.compile(ef.optimizers.Adam(1e-7), "sparse_categorical_crossentropy")
    with Watcher() as watcher:
        model.fit(x, y, epochs=10, shuffle=False, verbose=0)
    (found,) = [f for f in watcher.findings if f.kind == "not_learning"]
    assert found.evidence["constant_answer"] <= np.log(4)

"""`viz gap SCRIPT`."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core import random
from viz.cli import main
from viz.fit_gap.of_script import listening

SCRIPT = """\
import sys
import numpy as np
import keras
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)) + 4
y = x[:, :1] - 4
model = keras.Sequential([keras.Input((4,)), BODY, keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
model.fit(x, y, epochs=2, verbose=0)
model.fit(x, y, epochs=1, verbose=0)
print("done", *sys.argv[1:])
"""
WELL = SCRIPT.replace("BODY", "keras.layers.Dropout(0.2)")
SICK = SCRIPT.replace("BODY", "keras.layers.BatchNormalization(momentum=0.999)")


def run(tmp_path, capsys, source, *options):
    script = tmp_path / "train.py"
    script.write_text(source)
    status = main(["gap", *options[:-1], str(script), *([options[-1]] if options else [])])
    said = capsys.readouterr()
    return status, said.out if "--json" in options else said.out + said.err


def test_the_last_fit_is_taken_apart(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--metric", "mae", "hello")
    assert status == 0
    assert out.startswith("done hello")
    assert "train.py:10)" in out
    assert out.count("evaluate gives") == 2
    assert re.search(r"^fit and evaluate on .*\nevaluate gives", out, re.MULTILINE)  # the table right below
    assert "dropout" in out


def test_each_fit_is_taken_apart_where_one_asks_for_it(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--each", "")
    assert status == 0
    assert "train.py:9)" in out
    assert "train.py:10)" in out


def test_statistics_that_lag_behind_are_told_by_the_exit_status(tmp_path, capsys):
    status, out = run(tmp_path, capsys, SICK)
    assert status == 1
    assert "of their first values" in out


def test_json_is_for_programs(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--json", "--draw", str(tmp_path / "gap.svg"), "")
    (found,) = json.loads(out)["gaps"]
    loss = found["numbers"]["loss"]
    assert status == 0
    assert found["line"] == 10
    assert sum(loss["parts"].values()) == pytest.approx(loss["fit"] - loss["evaluate"], abs=1e-9)
    assert (tmp_path / "gap.svg").read_text().startswith("<?xml")


def test_a_script_without_fit_or_that_fails_says_so(tmp_path, capsys):
    status, out = run(tmp_path, capsys, "print(1)\n")
    assert status == 3
    assert "viz gap: failed: no epoch of fit was finished" in out
    status, out = run(tmp_path, capsys, WELL + "raise SystemExit(4)\n")
    assert status == 3
    assert "dropout" in out  # what was known until then


def test_a_pdf_that_nothing_here_can_make_is_refused_before_the_script_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    monkeypatch.setenv("PATH", "")
    (tmp_path / "script.py").write_text("raise SystemExit('it ran')")
    for command in ("gap", "estimate"):
        assert main([command, "--draw", str(tmp_path / "a.pdf"), str(tmp_path / "script.py")]) == 3
        said = capsys.readouterr().err
        assert "pip install 'cairosvg>=2.7'" in said
        assert "it ran" not in said


def test_a_metric_that_is_not_there_is_wrong_usage(tmp_path, capsys):
    status, out = run(tmp_path, capsys, WELL, "--metric", "mea", "hello")
    assert status == 2
    assert "viz gap: error: --metric mea: expected one of loss, mae; did you mean 'mae'?" in out


def test_a_refusal_is_told(tmp_path, capsys):
    own = "class Own(keras.Sequential):\n    def test_step(self, data):\n        return {'other': 1.0}\n"
    source = WELL.replace("model =", f"{own}model =").replace("keras.Sequential([", "Own([")
    status, out = run(tmp_path, capsys, source)
    assert status == 3
    assert "viz gap: failed: gap: Own has a train_step or test_step of its own" in out


def trained(watched):
    ef.utils.set_random_seed(5)
    x = np.random.default_rng(1).normal(size=(96, 4)).astype("float32")
    body = layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.4), layers.Dense(1, kernel_regularizer="l2")
    model = ef.Sequential([layers.Input((4,)), *body])
    model.compile("adam", "mse")
    for _ in range(2):
        if watched:
            with listening(every=True) as found:
                history = model.fit(x, x[:, :1], epochs=2, verbose=0)
            assert len(found.gaps) == 1
        else:
            history = model.fit(x, x[:, :1], epochs=2, verbose=0)
    return b"".join(v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)), history.history


def test_a_training_that_is_watched_has_the_bits_of_one_that_is_not():
    assert trained(True) == trained(False)


def test_a_fit_that_is_broken_off_is_taken_apart_as_its_last_epoch_left_it():
    class Stops(ef.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.optimizer.iterations == 7:  # the last of the second epoch
                raise KeyboardInterrupt

    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    ef.utils.set_random_seed(0)
    model = ef.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt), listening() as found:
        model.fit(x, x[:, :1], batch_size=16, epochs=3, verbose=0, callbacks=[Stops()])
    (gap,) = found.gaps
    assert gap.epoch == 1
    assert list(gap.parts) == ["running mean"]


@pytest.mark.parametrize(("rate", "said"), [(0.1, "the network learnt"), (3.0, "The network got worse")])
def test_whether_the_network_learnt_during_the_epoch_is_said(rate, said):
    model = ef.Sequential([ef.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(ef.optimizers.SGD(rate), "mse")
    assert said in viz.gap(model, np.ones((64, 1)), np.full((64, 1), 2.0), batch_size=32).verdict


NAN = """\
import numpy as np, keras
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.2), keras.layers.Dense(1)])
model.compile("sgd", "mse")
spoil = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: epoch == BEGIN and model.layers[-1].bias.assign([np.nan]),
    on_train_end=lambda logs: END and model.set_weights(good))
good = model.get_weights()
model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[spoil])
"""


@pytest.mark.filterwarnings("ignore:the loss is nan")
def test_a_loss_that_is_nan_is_told_since_its_epoch_with_the_script_and_no_parts(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "late.py").write_text(NAN.replace("BEGIN", "1").replace("END", "False"))
    assert main(["gap", "late.py", "--lr", "1"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "The loss is NaN from epoch 2 on: find where it begins with `viz nonfinite late.py --lr 1`." in out
    for cause in ("other layers", "running mean", "dropout"):
        assert cause not in out
    assert main(["gap", "--json", "late.py"]) == 1
    (gap,) = json.loads(capsys.readouterr().out)["gaps"]
    assert gap["nonfinite_since_epoch"] == 2
    assert gap["numbers"]["loss"]["parts"] == {}
    assert gap["averaged_over_orders"] == ["dropout"]
    main(["doctor", "--gap", "late.py"])
    assert "`viz nonfinite late.py`" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:the loss is nan")
def test_which_of_the_two_numbers_is_nan_is_told(tmp_path, capsys):
    status, out = run(tmp_path, capsys, NAN.replace("BEGIN", "2").replace("END", "True"))
    assert status == 1
    assert "The loss that fit reported is NaN in epoch 3, that of evaluate isn't" in out


RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 0.1).astype("float32")


def compiled(*body, rate=0.0, loss="mse", **options):
    ef.utils.set_random_seed(3)
    model = ef.Sequential([layers.Input(X.shape[1:]), *body])
    model.compile(ef.optimizers.SGD(rate), loss, **options)
    return model


def line():
    """A linear model that gives the sum of its inputs."""
    return layers.Dense(1, use_bias=False, kernel_initializer="ones")


def adds_up(found):
    return sum(found.parts.values()) == pytest.approx(found.fit - found.evaluate, abs=1e-9)


def test_without_anything_else_all_of_it_is_the_running_mean():
    model = compiled(layers.Dense(1), rate=0.05)
    found = viz.gap(model, X, Y, batch_size=32)
    history = model.fit(X, Y, batch_size=32, verbose=0)
    assert list(found.parts) == ["running mean"]
    assert found.fit == history.history["loss"][0] > found.evaluate
    assert found.evaluate == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)
    assert adds_up(found)


def test_nothing_is_left_to_explain_where_the_weights_stand_still():
    found = viz.gap(compiled(layers.Dense(1)), X, Y)
    assert found.fit == pytest.approx(found.evaluate, rel=1e-6)
    assert found.verdict == "The two agree."
    assert found.ok


def test_dropout_adds_the_variance_of_what_it_drops():
    x, y = np.tile(X, (40, 1)), np.tile(Y, (40, 1))
    found = viz.gap(compiled(layers.Dropout(0.5), line()), x, y, batch_size=1024)
    assert found.parts["dropout"] == pytest.approx(np.square(x).sum(axis=1).mean(), rel=0.03)
    assert "dropout" in found.verdict
    assert adds_up(found)


def test_batch_norm_is_the_difference_between_the_two_statistics():
    x, kernel = X + 5.0, layers.Dense(1, use_bias=False, kernel_initializer="ones")
    found = viz.gap(compiled(layers.BatchNormalization(momentum=1.0), kernel), x, Y, batch_size=256)
    by_batch = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
    losses = [np.square(v.sum(axis=1, keepdims=True) - Y).mean() for v in (by_batch, x / np.sqrt(1 + 1e-3))]
    assert found.evaluate == pytest.approx(losses[1], rel=1e-5)
    assert found.parts["batch norm"] == pytest.approx(losses[0] - losses[1], rel=1e-5)
    assert found.statistics.evaluate == pytest.approx(losses[0], rel=1e-4)
    assert not found.ok
    assert "lag behind" in found.verdict


def test_weights_of_classes_are_not_there_in_evaluate():
    model = compiled(layers.Dense(1, activation="sigmoid"), loss="binary_crossentropy")
    labels = (Y > 0) + 0
    found = viz.gap(model, X, labels, class_weight={0: 1.0, 1: 10.0})
    assert found.parts["sample weights"] == pytest.approx(found.fit - found.evaluate, rel=1e-5)
    assert found.evaluate == pytest.approx(model.evaluate(X, labels, verbose=0), rel=1e-5)


def test_losses_of_several_outputs_and_their_weights_are_told_from_penalties():
    ef.utils.set_random_seed(0)
    inputs = ef.Input((4,))
    hidden = layers.Dense(3, kernel_regularizer="l2")(inputs)
    model = ef.Model(inputs, [layers.Dense(1)(hidden), layers.Dense(1)(hidden)])
    model.compile(ef.optimizers.SGD(0.0), ["mse", "mae"], loss_weights=[1.0, 5.0])
    found = viz.gap(model, X, [Y, Y])
    assert found.parts["penalties"] == pytest.approx(0.0, abs=1e-6)
    assert adds_up(found)


def test_changed_images_are_augmentation():
    images = np.zeros((64, 8, 8, 1), "float32")
    images[:, :, :4] = 1.0
    ef.utils.set_random_seed(0)
    flip = layers.RandomFlip("horizontal", seed=1)
    model = ef.Sequential([layers.Input((8, 8, 1)), flip, layers.Flatten(), layers.Dense(1)])
    weights = np.zeros((8, 8, 1))
    weights[:, :4] = 1.0 / 32
    model.layers[-1].set_weights([weights.reshape(-1, 1), np.zeros(1)])
    model.compile(ef.optimizers.SGD(0.0), "mse")
    found = viz.gap(model, images, np.ones((64, 1), "float32"))
    assert found.evaluate == pytest.approx(0.0, abs=1e-9)
    assert 0.3 < found.parts["augmentation"] < 0.7  # half of the pictures are flipped
    assert adds_up(found)


class Doubled(layers.Layer):
    """What people write themselves."""

    def call(self, inputs, training=False):
        return inputs * 2.0 if training else inputs


def test_a_layer_of_ones_own_is_another_part():
    found = viz.gap(compiled(layers.Dense(1, kernel_initializer="ones"), Doubled()), X, Y)
    assert found.parts["other layers"] == pytest.approx(found.fit - found.evaluate, rel=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        [layers.Reshape((2, 2)), layers.LSTM(3, dropout=0.5), layers.Dense(1)],
        [layers.Reshape((2, 2)), layers.Bidirectional(layers.GRU(3, recurrent_dropout=0.5)), layers.Dense(1)],
        [layers.GaussianNoise(0.5), layers.Dense(1)],
    ],
    ids=["lstm", "both directions", "noise"],
)
def test_noise_inside_of_layers_is_dropout(body):
    found = viz.gap(compiled(*body), X, Y)
    assert found.causes == ("dropout",)
    assert found.parts["dropout"] != 0
    assert adds_up(found)


def test_causes_that_act_on_each_other_share_what_they_do_together():
    found = viz.gap(compiled(layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)), X + 3, Y)
    assert set(found.causes) == {"dropout", "batch norm"}
    assert adds_up(found)


@pytest.mark.parametrize("count", [1, 3])
def test_batch_norm_that_uses_the_batch_in_evaluation_too_is_no_cause_but_a_fault(count):
    ef.utils.set_random_seed(0)
    inputs = h = ef.Input((4,))
    for number in range(count):
        h = layers.BatchNormalization(name=f"norm_{number}")(h, training=True)
    model = ef.Model(inputs, layers.Dense(1)(h))
    model.compile(ef.optimizers.SGD(0.05), "mse")
    found = viz.gap(model, X + 3, Y, batch_size=32)
    assert list(found.parts) == ["running mean"]
    assert not found.ok
    assert found.verdict.startswith(
        {1: "'norm_0' normalizes by each batch's", 3: "'norm_0' and 2 more layers normalize by each batch's"}[count]
    )
    assert "training=True" in found.verdict
    assert "moving averages" not in str(found)
    assert "Nothing is wrong" not in found.verdict
    assert found.to_dict()["normalized_by_batch"] == list(found.by_batch)


def test_metrics_have_their_parts_too():
    model = compiled(layers.Dropout(0.5), layers.Dense(1), metrics=["mae"])
    found = viz.gap(model, X, Y)
    reported, said, parts = found.numbers["mae"]
    assert said == pytest.approx(model.evaluate(X, Y, verbose=0)[1], rel=1e-5)
    assert sum(part.value for part in parts) == pytest.approx(reported - said, abs=1e-9)
    assert "mae" in found.table("mae")


def test_best_weights_that_are_put_back_are_a_part():
    model = compiled(layers.Dense(1), rate=0.9, metrics=["mae"])

    class Back(ef.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.kept = self.model.get_weights()

        def on_train_end(self, logs=None):
            self.model.set_weights(self.kept)

    found = viz.gap(model, X, Y, callbacks=[Back()], batch_size=256)
    assert found.evaluate == pytest.approx(model.evaluate(X, Y, verbose=0)[0], rel=1e-5)
    assert found.parts["weights put back"] != 0
    assert adds_up(found)


def test_batches_of_a_generator_are_kept():
    def batches():
        for start in range(0, 256, 64):
            yield X[start : start + 64], Y[start : start + 64]

    model = compiled(layers.Dense(1), rate=0.05)
    found = viz.gap(model, batches(), steps_per_epoch=4)
    assert found.rows == 256
    assert adds_up(found)


def everything(model):
    kept = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return [*kept, *[v.numpy() for m in model.metrics for v in m.variables]], random.get_state()


def test_all_is_put_back_bit_for_bit():
    body = layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1, kernel_regularizer="l2")
    model = compiled(*body, metrics=["mae"])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    history, (arrays, state), numbers = model.history, everything(model), model.get_metrics_result()
    losses = [float(x) for x in model.losses]
    viz.gap(model, X, Y)
    after, state_after = everything(model)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(arrays, after, strict=True))
    assert str(state_after) == str(state)
    assert model.history is history
    assert {k: float(v) for k, v in model.get_metrics_result().items()} == {k: float(v) for k, v in numbers.items()}
    assert [float(x) for x in model.losses] == losses


class Plain(ef.Sequential):
    """Steps of its own that do what those of every model do."""

    def train_step(self, data):
        return super().train_step(data)


def test_where_layers_add_the_whole_loss_it_is_no_penalty():
    inputs = layers.Input((4,))
    outputs = layers.Dense(4)(inputs)
    model = ef.Model(inputs, outputs)
    model.add_loss(ef.ops.mean((inputs - outputs) ** 2))
    model.compile(ef.optimizers.SGD(0.1))
    found = viz.gap(model, X, batch_size=32)
    assert list(found.parts) == ["running mean"]
    assert adds_up(found)


def test_what_cannot_be_taken_apart_is_refused():
    model = Plain([layers.Input((4,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="compile the model first"):
        viz.gap(model, X, Y)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="Plain has a train_step or test_step of its own"):
        viz.gap(model, X, Y)
    with pytest.raises(ValueError, match=r"gap\(epochs=\.\.\.\)"):
        viz.gap(compiled(layers.Dense(1)), X, Y, epochs=3)


def test_the_picture_has_a_bar_for_each_part(tmp_path):
    found = viz.gap(compiled(layers.Dropout(0.5), layers.Dense(1)), X, Y)
    found.draw(tmp_path / "gap.svg")
    drawn = (tmp_path / "gap.svg").read_text(encoding="utf-8")
    names = ["evaluate gives", "dropout", "running mean", "fit reported"]
    at = [drawn.index(f">{name}<") for name in names]
    assert at == sorted(at)
    assert drawn.count('class="bar"') == 4
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png or \.pdf"):
        found.draw(tmp_path / "gap.jpg")
    with pytest.raises(ValueError, match="'loss'"):
        found.draw(tmp_path / "gap.svg", "accuracy")

"""`viz doctor`, `viz.diagnose` and `callbacks.Doctor`."""

from __future__ import annotations

import contextvars
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz.cli import main
from viz.doctor import Diagnosis, Finding, Watcher
from viz.doctor.report import text

ROOT = Path(__file__).parents[3]
FIELDS = ["kind", "severity", "message", "layer", "op", "file", "line", "evidence", "fix", "rule", "because"]
FIELDS += ["column", "url"]
SICK = """\
import os
import sys
import numpy as np
import keras
print("hello", *sys.argv[1:], flush=True)
os.system("echo child")
x = np.eye(8)
model = keras.Sequential([
    keras.layers.Dense(4, activation="relu"),
    keras.layers.Dense(1, activation="softmax"),
])
model.compile("adam", "binary_crossentropy")
model.fit(x, x[:, :1], verbose=0)
"""


def run(tmp_path, source, *options, arguments=()):
    """The command as a process of its own: status, stdout, stderr."""
    script = tmp_path / "train.py"
    script.write_text(source)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "viz", "doctor", *options, str(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=tmp_path,
    )
    return done.returncode, done.stdout, done.stderr


def test_json_is_alone_on_stdout_and_the_script_speaks_on_stderr(tmp_path):
    status, out, err = run(tmp_path, SICK, "--json", arguments=("--epochs", "3"))
    found = json.loads(out)["findings"]
    assert status == 1
    assert found[0]["kind"] == "loss_mismatch"
    assert (found[0]["file"], found[0]["line"]) == (str(tmp_path / "train.py"), 10)
    assert list(found[0]) == FIELDS
    assert "hello --epochs 3" in err
    assert "child" in err


def test_what_was_found_before_a_crash_is_told(tmp_path):
    status, out, err = run(tmp_path, SICK + "raise KeyError('gone')\n", "--json")
    assert status == 3
    assert "loss_mismatch" in [f["kind"] for f in json.loads(out)["findings"]]
    assert err.rstrip().endswith(
        "KeyError: 'gone'\nviz doctor: failed: the script failed; this is what was found until then"
    )
    assert "runpy" not in err


def test_wrong_usage_ends_with_2(tmp_path, capsys):
    assert main(["doctor", str(tmp_path / "nothing.py")]) == 2
    assert "there is no script" in capsys.readouterr().err
    with pytest.raises(SystemExit) as leaving:
        main(["doctor"])
    assert leaving.value.code == 2


def test_a_broken_script_is_a_crash(tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text("def f(:\n")
    assert main(["doctor", "--json", str(script)]) == 3
    assert "SyntaxError" in capsys.readouterr().err


def test_colours_are_for_terminals(monkeypatch, tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text(SICK)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["doctor", str(script)]) == 1
    assert "\x1b[1;31merror\x1b[0m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["doctor", str(script)]) == 1
    assert "\x1b" not in capsys.readouterr().out


# ---------------------------------------------------------------------- viz.diagnose


def compiled(*made, loss="mse", optimizer="adam"):
    model = ef.Sequential(list(made))
    model.compile(optimizer, loss)
    return model


def batch(rows=48, columns=4):
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype("float32")
    return x, x[:, :1]


def test_diagnose_puts_everything_back():
    x, y = batch()
    model = compiled(layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dense(1))
    model.fit(x, y, epochs=2, verbose=0)
    history, optimizer = model.history, model.optimizer
    weights = [w.numpy() for w in model.variables]
    state = [v.numpy() for v in optimizer.variables]
    assert viz.diagnose(model, x, y).ok
    assert model.optimizer is optimizer
    assert model.history is history
    for kept, now in zip(weights, model.variables, strict=True):
        np.testing.assert_array_equal(kept, now.numpy())
    for kept, now in zip(state, optimizer.variables, strict=True):
        np.testing.assert_array_equal(kept, now.numpy())


def test_diagnose_makes_as_many_steps_as_asked():
    x, y = batch()
    model = compiled(layers.Dense(1))
    steps = ef.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    seen: list[int] = []
    viz.diagnose(model, x, y, batch_size=8, steps=11, callbacks=steps)
    assert len(seen) == 11


def test_diagnose_tells_why_fit_refuses_labels():
    x, _ = batch()
    model = compiled(layers.Dense(3, activation="softmax"), loss="sparse_categorical_crossentropy")
    found = next(iter(viz.diagnose(model, x, np.full(48, 7))))
    assert found.kind == "label_range"
    words = "labels go from 7 to 7, but 3 outputs stand for the classes 0 to 2; the loss refuses them with an error"
    assert found.message == words


def test_warnings_count_where_that_is_asked_for(tmp_path, capsys):
    (script := tmp_path / "train.py").write_text(
        "import numpy as np\nimport eagerflow as ef\n"
        "x = np.random.default_rng(0).normal(size=(160, 4))\n"
        "model = ef.Sequential([ef.layers.Dense(4), ef.layers.Dense(1)])\n"
        "model.compile('adam', 'mse')\nmodel.fit(x, x[:, 0], epochs=3, verbose=0)\n"
    )
    statuses = [main(["doctor", *options, str(script)]) for options in ([], ["--strict"])]
    assert "warning label_leak" in capsys.readouterr().out
    assert statuses == [0, 1]
    assert main(["doctor", "--strict", "--ignore", "label_leak,linear_stack", str(script)]) == 0  # hints don't


def test_diagnose_passes_on_what_no_finding_explains():
    x, y = batch()
    with pytest.raises(ValueError, match="sample_weight"):
        viz.diagnose(compiled(layers.Dense(1)), x, y, sample_weight=np.ones(7))
    with pytest.raises(ValueError, match="compile the model first"):
        viz.diagnose(ef.Sequential([layers.Dense(1)]), x, y)
    with pytest.raises(ValueError, match="steps=0"):
        viz.diagnose(compiled(layers.Dense(1)), x, y, steps=0)


def test_diagnose_takes_datasets_and_dicts():
    x, y = batch()
    data = ef.data.Dataset.from_tensor_slices((x, y)).batch(8)
    assert viz.diagnose(compiled(layers.Dense(1)), data).ok
    a, b = ef.Input((4,), name="a"), ef.Input((4,), name="b")
    model = ef.Model({"a": a, "b": b}, layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile("adam", "mse")
    assert viz.diagnose(model, {"a": x, "b": x}, y).ok


# ---------------------------------------------------------------------- callbacks.Doctor


def test_the_callback_says_errors_at_once_and_the_rest_in_the_end(capsys):
    x, y = batch()
    doctor = ef.callbacks.Doctor()
    model = compiled(layers.Dense(8), layers.Dense(1, activation="softmax"))
    model.fit(300 * x, y, verbose=0, callbacks=[doctor])
    said = capsys.readouterr().err
    assert said.index("loss_mismatch") < said.index("unscaled_input")
    assert set(doctor.diagnosis.kinds) >= {"loss_mismatch", "unscaled_input"}


# ---------------------------------------------------------------------- the watcher, and what it gives


def test_the_watcher_calls_back_and_is_read_from_other_threads():
    told: list[Finding] = []
    seen: list[int] = []
    with Watcher(told.append) as watcher:
        w = ef.Variable(np.ones((4, 1), "float32"))
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.softmax(ops.matmul(batch()[0], w)))
        tape.gradient(loss, w)
        reader = threading.Thread(target=lambda: seen.append(len(watcher.findings)))
        reader.start()
        reader.join()
    assert seen == [1]
    assert told[0].kind == "loss_mismatch"
    watcher.detach()  # twice does nothing


def test_a_check_that_fails_is_asked_no_more_and_the_program_goes_on():
    watcher = Watcher()
    broken = watcher.checks[0]
    broken.on_step_end = lambda: 1 / 0
    watcher._now["step_end"].insert(0, type("Bound", (), {"__call__": lambda self: 1 / 0, "__self__": broken})())
    x, y = batch()
    with watcher:
        compiled(layers.Dense(1, activation="softmax")).fit(x, y, verbose=0)
    assert [name for name, _ in watcher.failures] == [type(broken).__name__]
    assert "loss_mismatch" in [f.kind for f in watcher.findings]


def test_findings_refuse_unknown_kinds():
    with pytest.raises(ValueError, match="no such kind"):
        Finding("cold", "error", "m", "f")


def test_diagnoses_are_text_json_and_html():
    finding = Finding("overfit", "info", "a < b", "do <this>", evidence={"x": float("nan")}, file="a.py", line=3)
    diagnosis = Diagnosis([finding])
    assert diagnosis.ok
    assert len(diagnosis) == 1
    assert json.loads(diagnosis.to_json())["findings"][0]["evidence"] == {"x": "nan"}
    assert "A &lt; b." in diagnosis._repr_html_()  # a sentence, as in the text
    assert "<this>" not in diagnosis._repr_html_()
    assert repr(diagnosis) == diagnosis.text == text([finding])
    assert "1 hint" in diagnosis.text
    assert "nothing" in Diagnosis([])._repr_html_()


def test_what_other_threads_do_is_none_of_its_business():
    x, y = batch()
    with Watcher() as watcher:
        context = contextvars.copy_context()  # in which the watcher is installed
        model = compiled(layers.Dense(1, activation="softmax"))
        other = threading.Thread(target=context.run, args=(lambda: model.fit(x, y, verbose=0),))
        other.start()
        other.join()
    assert watcher.step == 0
    assert watcher.findings == ()


@pytest.mark.slow
def test_kinds_that_one_disagrees_with_are_left_out_and_what_they_explained_stands_alone(tmp_path):
    assert run(tmp_path, SICK)[0] == 1
    status, out, _ = run(tmp_path, SICK, "--ignore", "loss_mismatch,overfit")
    assert status == 1
    assert "loss_mismatch" not in out
    assert "error constant_output" in out
    status, out, _ = run(tmp_path, SICK, "--ignore", "loss_mismatch, constant_output")
    assert status == 0
    assert "constant_output" not in out


def test_the_callback_and_diagnose_leave_kinds_out_as_well():
    model = ef.Sequential([layers.Dense(1, activation="softmax")])
    model.compile("adam", "binary_crossentropy")
    x, y = np.eye(4), np.array([[0], [1], [1], [0]])
    assert "loss_mismatch" in viz.diagnose(model, x, y).kinds
    assert "loss_mismatch" not in viz.diagnose(model, x, y, ignore=["loss_mismatch"]).kinds
    doctor = ef.callbacks.Doctor(verbose=0, ignore=["loss_mismatch"])
    model.fit(x, y, verbose=0, callbacks=[doctor])
    assert "loss_mismatch" not in doctor.diagnosis.kinds
    with pytest.raises(ValueError, match="there is no kind 'loss_missmatch'"):
        ef.callbacks.Doctor(ignore=["loss_missmatch"])

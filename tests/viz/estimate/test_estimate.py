"""`viz estimate` tells memory and time by batch size from two measured ones."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.viz.doctor.planted import PRELUDE
from viz.cli import main
from viz.estimate.estimates import Estimate, bytes_of, memory_of_machine
from viz.estimate.measured import Measured
from viz.estimate.report import advice, picture, text

MB = 2**20
TRAIN = """
Mine = type("Mine", (ef.callbacks.Callback,), {})
wide = rng.normal(size=(256, 2000)).astype("float32")
model = ef.Sequential([layers.Dense(500, activation="relu", name="wide"), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(wide, wide[:, :1], batch_size=32, epochs=3, validation_split=0.25, verbose=0, callbacks=[Mine()])
"""


@pytest.fixture
def quick(monkeypatch):
    """Few steps are timed, and what viz takes itself isn't asked for."""
    monkeypatch.setattr("viz.estimate.measured._STEADY", 0.0)
    monkeypatch.setattr("viz.estimate.measured._ENOUGH", 3)
    monkeypatch.setattr("viz.add_ons.estimate.memory_of_viz", lambda: 0)


def measured(rows, process, arrays, seconds):
    layers = {"net/wide": arrays // 2, "net/head": arrays // 8}
    roles = {"activation": arrays}
    return Measured(rows, process, arrays, seconds, seconds / 3, layers, roles, layers, "matmul", 4 * MB, 8 * MB, 1.1)


def estimate(**changes):
    given = {
        "rows": 32,
        "measured": (measured(32, 100 * MB, 40 * MB, 0.01), measured(128, 196 * MB, 136 * MB, 0.03)),
        "between": None,
        "before": 60 * MB,
        "limit": 1000 * MB,
        "all_rows": 4096,
        "epochs": 5,
        "steps_per_epoch": 128,
        "validation_rows": 64,
        "weights": 4 * MB,
        "optimizer": 8 * MB,
        "place": None,
    }
    return Estimate(**{**given, **changes})


def test_memory_and_time_lie_on_a_line():
    found = estimate()
    assert found.process(64) == 132 * MB
    assert found.arrays(256) == 264 * MB
    assert found.seconds(80) == pytest.approx(0.02)
    assert found.per_row == MB


def test_the_data_of_fit_are_told_apart_from_the_arrays_of_a_step():
    assert "the data of fit (30 MB) are part of the process" in text(estimate(data=30 * MB))
    assert "the data of fit" not in text(estimate(data=MB))


def test_callbacks_that_are_left_out_are_named():
    assert "without what the callbacks Slow, Save take" in text(estimate(callbacks=("Slow", "Save")))
    assert "callback" not in text(estimate())


def test_the_largest_batch_is_the_one_that_just_fits():
    found = estimate()
    assert found.process(found.largest) <= 1000 * MB < found.process(found.largest + 1)
    assert estimate(limit=20 * MB).largest == 0
    assert estimate(limit=10**12).largest == 4096
    assert estimate(limit=None).largest is None


def test_batches_larger_than_the_data_say_that_rows_are_repeated():
    small, large = (each.rows for each in estimate().measured)
    assert f"measured at {small} and {large} rows (the data's {large - 1}, repeated);" in text(
        estimate(all_rows=large - 1)
    )
    assert f"measured at {small} and {large} rows;" in text(estimate(all_rows=large))


def test_a_million_rows_that_fit_are_no_largest_batch():
    found = estimate(all_rows=None, steps_per_epoch=None, limit=10**7 * MB)
    assert found.sizes() == [16, 32, 64, 128, 256]
    shown = text(found)
    assert "memory isn't what limits the batch: more than a million rows fit into" in shown
    assert "largest" not in shown
    known = estimate(all_rows=4_000_000, limit=10**7 * MB)
    assert known.sizes()[-1] == 4_000_000
    assert "all 4,000,000 rows fit" in text(known)
    assert not estimate(rows=2**20, all_rows=None, limit=2**21 * MB).is_free


def test_epochs_are_steps_and_validation():
    found = estimate()
    assert found.epoch_seconds(32) == pytest.approx(128 * 0.01 + 2 * 0.01 / 3)
    assert found.all_seconds(32) == pytest.approx(5 * found.epoch_seconds(32))
    assert estimate(steps_per_epoch=None, all_rows=None).epoch_seconds(32) is None


def test_the_table_marks_the_scripts_batch_and_the_largest():
    shown = text(estimate())
    assert "← the script's" in shown
    assert "← the largest that fits" in shown
    assert "RematScope" in " ".join(advice(estimate()))


def test_batches_over_the_limit_are_marked():
    lines = text(estimate(limit=90 * MB, before=None)).splitlines()
    assert [line.partition("← ")[2] for line in lines if line.split()[:1] in (["16"], ["22"], ["32"])] == [
        "",
        "the largest that fits",
        "the script's, doesn't fit",
    ]
    assert "fits into 90 MB (--limit, for the whole process)" in "\n".join(lines)


def test_a_limit_that_is_near_is_said():
    found = estimate(measured=(measured(32, 1000 * MB, MB, 0.01), measured(128, 1000 * MB + 96 * 2**10, MB, 0.03)))
    assert "the limit is near" in text(dataclasses.replace(found, limit=1000 * MB + 8 * 2**10, before=None))


def test_rows_that_fit_into_memory_that_was_used_before_say_so():
    small, large = estimate().measured
    flat = text(estimate(measured=(small, large._replace(process=small.process))))
    assert "needs 1 MB of arrays, which fit into memory that the process had used before" in flat
    assert "one more row costs 1 MB;" in text(estimate())


def test_above_the_measured_batches_the_process_grows_as_its_arrays_do():
    small, large = estimate().measured
    found = estimate(measured=(small, large._replace(process=small.process)), before=None, all_rows=None)
    assert found.process(128) == small.process  # it had room for these
    assert found.process(256) == small.process + 128 * MB
    assert found.process(found.largest) <= 1000 * MB < found.process(found.largest + 1)


def test_it_is_drawn():
    drawn = picture(estimate())
    assert drawn.count("<polyline") == 5
    assert "nan" not in drawn


def test_without_the_systems_figures_arrays_count():
    small, large = [m._replace(process=None) for m in estimate().measured]
    found = estimate(measured=(small, large), before=None)
    assert found.process(64) is None
    assert "not known here" in text(found)
    assert found.arrays(found.largest) <= 1000 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_command_measures_a_script(tmp_path, capsys, quick):
    script = tmp_path / "train.py"
    script.write_text(PRELUDE + TRAIN)
    assert main(["estimate", "--json", "--limit", "4GB", str(script)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["batch_size"] == 32
    assert found["limit"] == 4 * 2**30
    assert (found["file"], found["line"]) == (str(script), 16)
    assert found["weights_bytes"] >= 4 * (2000 * 500 + 500 + 501)
    assert found["optimizer_bytes"] >= 2 * 4 * (2000 * 500 + 500 + 501)
    assert found["largest_batch"] == 192
    assert any(name.endswith("wide") for name in found["peak"]["layers"])
    assert found["epochs"] == 3
    assert found["callbacks_left_out"] == ["Mine"]
    assert found["data_bytes"] == 256 * 2000 * 4
    assert all(line["process_bytes"] > line["array_bytes"] > 0 for line in found["sizes"])


LOOP = """
import numpy as np, eagerflow as ef
x = np.ones((64, 8), "float32")
model, loss_of = ef.Sequential([ef.layers.Dense(3)]), ef.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer, labels = ef.optimizers.SGD(0.1), np.arange(64) % 3
for i in range(0, 64, 16):
    with ef.GradientTape() as tape:
        loss = LOSS
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
"""
ENCODED = "ef.ops.mean((ef.ops.softmax(model(x[i : i + 16])) - ef.ops.one_hot(labels[i : i + 16], 3)) ** 2)"


@pytest.mark.parametrize("loss", [ENCODED, "loss_of(labels[i : i + 16], model(x[i : i + 16]))"])
def test_labels_that_are_encoded_or_an_array_are_measured_with_other_batches(loss, tmp_path, capsys, quick):
    """Encoding reshapes them to the shape that they have, which a larger batch hasn't."""
    (tmp_path / "train.py").write_text(LOOP.replace("LOSS", loss))
    assert main(["estimate", "--json", str(tmp_path / "train.py")]) == 0
    assert len(json.loads(capsys.readouterr().out)["sizes"]) > 3


def test_a_batch_that_does_not_fit_is_told_by_the_status(tmp_path, capsys, quick):
    (tmp_path / "train.py").write_text(PRELUDE + TRAIN)
    out = tmp_path / "memory.svg"
    assert main(["estimate", "--limit", "1MB", "--draw", str(out), str(tmp_path / "train.py")]) == 1
    assert out.read_text().startswith("<?xml")
    assert "nothing fits" in capsys.readouterr().out


def test_what_is_measured_does_not_depend_on_the_limit(tmp_path, capsys, quick):
    """A pass over the data gathers its batches many at a time, and fewer at its end: the first of them are measured."""
    (tmp_path / "train.py").write_text(PRELUDE + TRAIN.replace("(256, 2000)", "(4096, 20)"))
    found = []
    for limit in ("1KB", "1GB"):
        main(["estimate", "--json", "--limit", limit, str(tmp_path / "train.py")])
        found.append(json.loads(capsys.readouterr().out))
    sizes = [[(each["rows"], each["arrays"]) for each in one["measured"]] for one in found]
    assert sizes[0] == sizes[1]
    assert sizes[0][0][1] > 2**17  # with what is gathered


@pytest.mark.parametrize(
    ("limit", "words"), [("8", "that is 8 bytes; give a unit, as in 8GB"), ("8XB", "--limit: a size such as 8GB")]
)
def test_a_limit_without_a_unit_is_refused(limit, words, tmp_path, capsys):
    (tmp_path / "train.py").write_text("print(1)")
    assert main(["estimate", "--limit", limit, str(tmp_path / "train.py")]) == 2
    assert words in capsys.readouterr().err


def test_sizes_are_read_as_people_write_them():
    assert [bytes_of(each) for each in ("1.5gb", "2 GiB", "300M")] == [3 * 2**29, 2**31, 300 * 2**20]
    with pytest.raises(ValueError, match="8GB"):
        bytes_of("much")
    assert memory_of_machine() is None or memory_of_machine() > 10**8


GAN = """
import numpy as np, eagerflow as ef
made, judge = ef.layers.Dense(4, name="made"), ef.layers.Dense(1, name="judge")
made.build((None, 8)), judge.build((None, 4))
one, other = ef.optimizers.Adam(), ef.optimizers.Adam()
for _ in range(30):
    z, real = np.ones((16, 8), "float32"), np.ones((16, 4), "float32")
    with ef.GradientTape() as tape:
        loss = ef.ops.mean(judge(made(z))) - ef.ops.mean(judge(real))
    other.apply(tape.gradient(loss, judge.trainable_variables), judge.trainable_variables)
    with ef.GradientTape() as tape:
        loss = -ef.ops.mean(judge(made(z)))
    one.apply(tape.gradient(loss, made.trainable_variables), made.trainable_variables)
"""


def test_a_loop_with_several_optimizers_is_measured_as_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("viz.add_ons.estimate.memory_of_viz", lambda: 0)
    (tmp_path / "train.py").write_text(GAN)
    assert main(["estimate", "--json", str(tmp_path / "train.py")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["batch_size"], found["failed"]) == (16, False)
    assert found["step_seconds"] > 0
    assert found["steps"] > 20
    assert {"judge", "made"} <= found["peak"]["layers"].keys()
    assert "2 optimizers" in found["message"]
    assert main(["estimate", "--limit", "1KB", str(tmp_path / "train.py")]) == 1
    out = capsys.readouterr().out
    assert "← the script's" in out
    assert "that doesn't fit into" in out
    assert "change the script's" in out
    (tmp_path / "train.py").write_text(GAN.replace("made.trainable_variables", "judge.trainable_variables"))
    assert main(["estimate", "--json", str(tmp_path / "train.py")]) == 0
    assert "made" in json.loads(capsys.readouterr().out)["peak"]["layers"]


ROOT = Path(__file__).parents[3]
SCRIPT = """\
import sys
import numpy as np
import eagerflow as ef
from eagerflow import layers
batch = int(sys.argv[1])
x = np.random.default_rng(0).random((2048, 24, 24, 1), dtype="float32")
y = np.arange(2048) % 10
model = ef.Sequential([
    layers.Input((24, 24, 1)),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Conv2D(16, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=batch, steps_per_epoch=4, verbose=0)
# ru_maxrss would also count the process that started this one, before it became another program.
with open("/proc/self/status") as status:
    print(1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM")))
"""


def ran(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=True)
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_peak_of_the_process_is_within_a_tenth(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    small, large = json.loads(ran("-m", "viz", "estimate", "--json", str(script), "64"))["measured"]
    slope = (large["process"] - small["process"]) / (large["rows"] - small["rows"])
    for batch in (32, 128, 512):
        expected = small["process"] + slope * (batch - small["rows"])
        assert expected == pytest.approx(int(ran(str(script), str(batch))), rel=0.1), batch

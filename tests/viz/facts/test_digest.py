"""`viz show`: a recording on one screen."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.sources import ROOT
from viz.cli import main
from viz.facts import archive
from viz.facts.overview import overview
from viz.facts.schema import Op, Record, Scope, Step


def trained(epochs=3, spoilt=False, validated=False, **settings):
    ef.utils.set_random_seed(1)
    model = ef.Sequential([layers.Dense(4, activation="relu", name="hidden"), layers.Dense(1, name="last")], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(1).normal(size=(64, 3)).astype("float32")
    if spoilt:
        x[40, 0] = np.nan
    with viz.trace("net", **settings) as t, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the loss is NaN
        given = {"validation_data": (x[:32], x[:32, :1])} if validated else {}
        model.fit(x, x[:, :1], batch_size=16, epochs=epochs, verbose=0, shuffle=False, **given)
    return t


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Recordings of a training, of the same with statistics and NaN from the third step on, and of the bare minimum."""
    place = tmp_path_factory.mktemp("recordings")
    made = {
        "usual": trained(),
        "spoilt": trained(1, spoilt=True, stats="basic"),
        "bare": trained(1, time=False, memory=False, source=False),
    }
    for name, t in made.items():
        t.save(place / f"{name}.efz")
    return place, made


def test_parts_have_the_time_of_all_their_ops_in_all_steps(recordings):
    t = recordings[1]["usual"]
    parts = {part["name"]: part for part in overview(t)["parts"]}
    assert [parts[name]["level"] for name in ("net", "hidden", "last", "adam")] == [0, 1, 1, 0]
    assert parts["hidden"]["output"] == [[16, 4]]
    assert parts["hidden"]["parameters"] == 3 * 4 + 4
    assert parts["hidden"]["time"] == sum(op.duration for op in t.ops if "hidden" in _forward_path(t, op))
    assert parts["net"]["time"] == parts["hidden"]["time"] + parts["last"]["time"]


def test_times_of_parts_add_up_as_what_is_outside_of_layers_is_a_part_too():
    penalty = ef.regularizers.L2(0.1)
    inner = [layers.Dense(4, kernel_regularizer=penalty, activity_regularizer=penalty), layers.Dense(2)]
    model = ef.Sequential(inner, name="net")
    model.compile("adam", "mse")
    with viz.trace() as t:
        model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)
    found = overview(t)
    outer = [part for part in found["parts"] if part["level"] == 0]
    assert sum(part["time"] for part in outer) == found["in_ops"]
    assert (outer[0]["name"], outer[-1]["name"]) == ("net", "outside of layers")
    assert sum(part["time"] for part in found["parts"] if part["level"] == 1) == outer[0]["time"]


def _forward_path(t, op):
    while op.phase == "backward" and op.forward is not None:
        op = t.ops[op.forward]
    return t.path(op.scope)


def test_numbers_of_epochs_are_told_where_there_are_several_and_of_batches_otherwise(recordings):
    by_epoch, by_batch = (overview(recordings[1][name])["course"] for name in ("usual", "bare"))
    assert [(each["name"], each["by"], each["count"]) for each in by_epoch] == [
        ("loss", "epoch", 3),
        ("mae", "epoch", 3),
    ]
    assert [(each["by"], each["count"]) for each in by_batch] == [("batch", 4), ("batch", 4)]
    assert by_epoch[0]["first"] > by_epoch[0]["last"] == by_epoch[0]["lowest"]


def test_nan_is_told_with_where_it_was_first_seen(recordings, monkeypatch, capsys):
    monkeypatch.chdir(recordings[0])
    found = overview(recordings[1]["spoilt"])["nonfinite"]
    assert 0 < found["flawed"] < found["measured"]
    main(["show", "spoilt.efz"])
    out = capsys.readouterr().out
    assert "values:  NaN or infinity in " in out
    assert "next: viz nonfinite spoilt.efz (where NaN begins); " in out
    main(["show", "usual.efz"])
    assert "values:  not measured (viz run --stats basic measures them)" in capsys.readouterr().out


def test_a_recording_without_times_lines_and_memory_is_shown(recordings, monkeypatch, capsys):
    monkeypatch.chdir(recordings[0])
    assert main(["show", "bare.efz"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"hidden \(Dense\) +16×4 +16\n", out)
    assert "slowest" not in out
    assert "memory:" not in out


def test_of_many_layers_the_outer_ones_are_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    block = [ef.Sequential([layers.Dense(2) for _ in range(4)], name=f"block_{i}") for i in range(4)]
    with viz.trace() as t:
        ef.Sequential(block, name="net")(np.ones((1, 2), "float32"))
    t.save("deep.efz")
    main(["show", "deep.efz"])
    out = capsys.readouterr().out
    assert "  block_3 (Sequential)" in out
    assert "Dense)" not in out
    assert "… 16 more: viz summary" in out


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of memory in /proc")
def test_a_large_recording_is_shown_quickly_and_in_little_memory(tmp_path):
    record = Record(
        ops=[Op(i, "tanh", "forward", i // 30, step=i // 30, start=10 * i, end=10 * i + 5) for i in range(36_000)],
        scopes=[Scope(i, "step", "train_step") for i in range(1200)],
        steps=[Step(i, i) for i in range(1200)],
    )
    program = textwrap.dedent(
        """
        import sys, time
        from viz.cli import main
        began = time.process_time()
        main(["show", sys.argv[1]])
        peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
        print(time.process_time() - began, int(peak) / 1024)
        """
    )
    path = str(archive.write(record, tmp_path / "large.efz"))
    command = [sys.executable, "-c", program, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes = map(float, done.stdout.splitlines()[-1].split())
    assert "slowest: tanh ×36,000: 180 µs (100%)" in done.stdout
    assert seconds < 2  # 0.3 on a machine at rest
    assert megabytes < 100

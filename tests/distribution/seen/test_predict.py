"""`launch --predict` measures a few steps of a script, and says what more ranks should give, as a prediction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core import observe
from eagerflow.launch.measuring import Steps
from eagerflow.launch.predict import table

ROOT = Path(__file__).parents[3]
STEP = {"steps": 20, "step": 1.0, "jitter": 0.0, "rows": 64, "buckets": [12.5e6] * 8}
HERE = {"latency": 2e-6, "bandwidth": 5e9, "adding": 1e-10}


class Enough(Exception):
    """Ends a script, as SystemExit does."""


def measured(train) -> dict:
    found: list[dict] = []

    def enough(what: dict) -> None:
        found.append(what)
        raise Enough

    with observe.observing(Steps(enough)) as steps:
        try:
            train()
        except Enough:
            return found[0]
    return steps.found()


def _fit(epochs: int) -> None:
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(16), ef.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((24, 8)), np.ones((24, 1)), batch_size=6, epochs=epochs, verbose=0)


def test_steps_of_fit_are_measured_until_there_are_enough():
    found = measured(lambda: _fit(100))
    assert found["steps"] == 20
    assert found["rows"] == 6
    assert found["buckets"] == [4 * (8 * 16 + 16 + 16 + 1)]
    assert found["step"] > 0
    assert found["jitter"] >= 0


def test_a_short_script_is_measured_as_far_as_it_goes():
    assert measured(lambda: _fit(2))["steps"] == 5


def test_a_script_that_trains_nothing_has_no_steps():
    found = measured(lambda: ef.ops.ones(2) + 1)
    assert (found["steps"], found["buckets"]) == (0, [])


def test_steps_of_a_loop_of_ones_own_are_measured():
    variable, optimizer = ef.Variable(np.ones((1000, 1000), "float32")), ef.optimizers.SGD(0.1)

    def train() -> None:
        while True:
            with ef.GradientTape() as tape:
                loss = ef.ops.sum(variable)
            optimizer.apply([tape.gradient(loss, variable)], [variable])

    found = measured(train)
    assert (found["steps"], found["buckets"]) == (20, [4_000_000])


def _figures(shown: str, network: str) -> list[list[str]]:
    lines = [line.strip() for line in shown.splitlines()]
    return [line.removeprefix(network).split() for line in lines if line.startswith(network)]


def test_the_table_is_the_models_and_says_so():
    shown = table(1024, "train.py", STEP, None)
    assert shown.startswith("A prediction, not a measurement: train.py on 1,024 ranks")
    assert "a step takes 1 s alone" in shown
    assert "100 MB of gradients, sent in 8 pieces" in shown
    weak, strong = _figures(shown, "25 Gbit/s Ethernet")
    assert weak[-1] == "99%"  # the figure of eagerflow.world.cost
    assert float(strong[0]) > 1.9
    assert strong[-1] == "-"  # 64 rows are too few for 1,024 ranks
    assert _figures(shown, "as within") == []


def test_what_was_measured_here_is_a_network_too():
    shown = table(4, "-m package", STEP, HERE)
    assert "2 µs for a message, 5 GB/s, 10 GB/s added up" in shown
    assert len(_figures(shown, "as within this machine")) == 2
    assert "  2 ranks  4 ranks" in shown


@pytest.mark.slow
def test_the_command_measures_and_tells(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("from tests.distribution.seen.test_predict import _fit\n_fit(100)\nprint('never')\n")
    command = [sys.executable, "-m", "eagerflow", "launch", "--predict", "64", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "never" not in done.stdout
    assert len(_figures(done.stdout, "as within this machine")) == 2
    script.write_text("1 / 0\n")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "no step was timed" in done.stderr
    script.write_text("print('nothing to train')\n")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert (done.returncode, "no training step of eagerflow ran" in done.stderr) == (1, True)

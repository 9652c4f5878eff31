"""However a rank fails: the job ends soon, the last lines name it, the code isn't 0, and nothing is left behind."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from tests.distribution.faults.cases import CASES, SCRIPT, TIMEOUT, left_behind, run
from tests.distribution.faults.two_hosts import FIRST, OTHER, refused, within
from tests.distribution.pool import mpiexec
from tests.distribution.process_group import completed

_SOON = 15.0  # seconds; one or two where the machine has nothing else to do


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if not case.twin], ids=lambda case: case.name)
def test_a_fault_ends_all_ranks_and_is_told_last(case):
    result = run(case)
    assert not result.wrong(case), result.said
    assert result.seconds < _SOON + TIMEOUT * case.waits
    if case.said:
        assert "launch:" in "\n".join(result.said.splitlines()[-2:])


GOES_ON = """
import os, signal, sys
import numpy as np
import eagerflow as ef
from eagerflow import distribution

class Killed(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        first = os.environ["EAGERFLOW_RESTART"] == "0"
        if first and self.model.optimizer.iterations == 11 and distribution.rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)

print("ranks", distribution.size(), flush=True)
ef.utils.set_random_seed(3)
distribution.set_distribution(distribution.DataParallel())
x = np.random.default_rng(5).normal(size=(42, 4)).astype("float32")
model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(8, "tanh"), ef.layers.Dropout(0.2), ef.layers.Dense(2)])
model.compile("adam", "mse")
backup = ef.callbacks.BackupAndRestore("backup", save_freq=3)
model.fit(x, x[:, :2], batch_size=10, epochs=4, verbose=0, callbacks=[backup, Killed()])
model.save_weights(sys.argv[1])
"""


def launched(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The launcher, in a group of its own, with a deadline."""
    return completed([sys.executable, "-m", "eagerflow", "launch", *words], folder)


@pytest.mark.slow
def test_a_training_goes_on_with_the_ranks_that_are_left(tmp_path):
    (tmp_path / "train.py").write_text(GOES_ON)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    done = launched(whole, "-n", "1", "../train.py", "w.weights.h5")
    assert done.returncode == 0, done.stderr
    done = launched(broken, "-n", "3", "--restarts", "1", "--min-ranks", "2", "../train.py", "w.weights.h5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ranks", "3", "ranks", "2"]
    assert "was killed by signal 9" in done.stderr
    assert "launch: restart 1 of 1, on 2 ranks" in done.stderr
    model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(8), ef.layers.Dropout(0.2), ef.layers.Dense(2)])
    weights = []
    for folder in (whole, broken):
        model.load_weights(folder / "w.weights.h5")
        weights.append(model.get_weights())
    for ours, expected in zip(*reversed(weights), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_with_the_same_bits_on_as_many_ranks(tmp_path):
    """All ranks end when one of them is killed, in the middle of a batch, and start again from what was kept."""
    (tmp_path / "train.py").write_text(GOES_ON.replace("== 11", "== int(sys.argv[2])"))
    files = []
    for when in ("-1", "8"):
        folder = tmp_path / when
        folder.mkdir()
        done = launched(folder, "-n", "4", "--restarts", "1", "../train.py", "w.weights.h5", when)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["ranks", "4"] * (2 if when == "8" else 1)
        files.append((folder / "w.weights.h5").read_bytes())
    assert files[0] == files[1]


@pytest.mark.slow
def test_too_few_ranks_are_an_end(tmp_path):
    (tmp_path / "train.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    done = launched(tmp_path, "-n", "1", "--restarts", "3", "--min-ranks", "1", "train.py")
    assert done.returncode == 137
    assert "too few ranks are left" in done.stderr
    done = launched(tmp_path, "-n", "1", "--restarts", "2", "train.py")
    assert done.returncode == 137
    assert done.stderr.count("was killed by signal 9") == 3


CUT_OFF = """
import os, sys, time
from eagerflow import distribution

print("ranks", distribution.size(), flush=True)
for step in range(10 if os.environ["EAGERFLOW_RESTART"] == "1" else 1_000_000):
    if step == 5:
        open(sys.argv[1], "w").close()
    distribution.barrier()
    time.sleep(0.01)
"""


STANDS_STILL = """
import os, signal, sys
import numpy as np
import eagerflow as ef
from eagerflow import distribution

class Stops(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 5 and distribution.rank() == 1:
            os.kill(os.getpid(), signal.SIGSTOP)

distribution.set_distribution(distribution.DataParallel(timeout=3))
model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(np.zeros((640, 4)), np.zeros((640, 2)), batch_size=4, verbose=0, callbacks=[Stops()])
"""


@pytest.mark.slow
def test_the_timeout_of_the_script_holds_where_the_launcher_was_given_none(tmp_path):
    (tmp_path / "train.py").write_text(STANDS_STILL)
    done = launched(tmp_path, "-n", "2", "train.py")
    assert done.returncode == 1, done.stderr
    assert re.search(
        r"launch: rank 1 of 2 \(host \S+, pid \d+\): did not come to the .* of step . of fit, in which rank 0 ",
        done.stderr,
    )


@pytest.mark.slow
def test_a_rank_that_never_comes_to_the_start_ends_the_others(tmp_path):
    program = "import eagerflow.distribution.joining as joining; joining._LEAST = 3; joining.status.timeout = 1; "
    program += "import os; os.environ['PMI_RANK'] == '1' and os.kill(os.getpid(), 19); joining.joined()"
    done = completed([mpiexec(), "-n", "2", sys.executable, "-c", program], tmp_path, 60)
    assert done.returncode == 1, done.stderr
    assert "_waiting_for_all_ranks_to_start" in done.stderr


@pytest.mark.slow
def test_a_machine_that_is_cut_off_is_left_out_of_the_restart(tmp_path):
    if refused():
        pytest.skip(f"no second machine: {refused()}")
    (tmp_path / "train.py").write_text(CUT_OFF)
    launcher = [sys.executable, "-m", "eagerflow", "launch", "--hosts", f"{FIRST}:1,{OTHER}:2"]
    launcher += ["--ssh", "$SSH_STAND_IN", "--interface", "v0", "--timeout", str(TIMEOUT)]
    launcher += ["--restarts", "1", "--min-ranks", "1", "train.py", "mark"]
    done = completed(within(launcher, tmp_path / "mark"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ranks", "3", "ranks", "1"]
    assert "launch: restart 1 of 1, on 1 rank\n" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "pulled", "said"),
    [
        ("kill", False, "was killed by signal 9"),
        ("raise", False, "ValueError: no more rows"),
        ("cable", True, "did not come to the barrier"),
    ],
)
def test_two_machines_end_together(tmp_path, kind, pulled, said):
    if refused():
        pytest.skip(f"no second machine: {refused()}")
    mark, token = tmp_path / "mark", f"token-{secrets.token_hex(8)}"
    launcher = [sys.executable, "-m", "eagerflow", "launch", "--hosts", f"{FIRST},{OTHER}", "--ssh", "$SSH_STAND_IN"]
    launcher += ["--interface", "v0", "--timeout", str(TIMEOUT), str(SCRIPT), kind, str(mark), token]
    done = completed(within(launcher, tmp_path / "mark" if pulled else None), tmp_path)
    ended = time.time()
    assert done.returncode != 0, done.stderr
    assert re.search(rf"launch: rank 1 of 2 \(host b-machine, pid \d+\): .*({said})", done.stderr), done.stderr
    assert ended - float(mark.read_text("utf-8")) < TIMEOUT + 5
    assert left_behind(token, patience=TIMEOUT + 5) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("raise", r"rank 1 of 3 \(host \S+, pid \d+\): ValueError: no more rows, at "),
        ("return", r"rank 1 of 3 \(host \S+, pid \d+\): did not come to the barrier"),
        ("hang", r"rank 1 of 3 \(host \S+, pid \d+\): did not come to the barrier"),
    ],
)
def test_ranks_end_each_other_without_the_launcher_too(tmp_path, kind, said):
    command = [mpiexec(), "-n", "3", sys.executable, str(SCRIPT), kind, str(tmp_path / "mark"), "token"]
    done = completed(command, deadline=60, EAGERFLOW_TIMEOUT=str(TIMEOUT))
    assert done.returncode == 1, done.stderr
    assert re.search(f"eagerflow: {said}", done.stderr), done.stderr

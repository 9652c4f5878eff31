"""What `viz estimate` says of memory is what a training of that batch size then takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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

"""How far `viz estimate` is from what then happens: memory and time of the benchmarks' models, by batch size.

    python -m benchmarks.estimates [--only mlp,lstm] [--times 0.5,1,4]

For each model a script is estimated, then run as it is in a fresh process for each batch size.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import eagerflow as ef
from benchmarks.workloads.data import WORKLOADS
from benchmarks.workloads.keras_models import compiled

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
_BATCHES = 16  # of the usual size, that the data have
_LEAST = 40  # steps
_MODELS = "mlp,tiny,convnet,resnet,transformer,lstm"
_SCRIPT = """\
import sys
from benchmarks.estimates import trained
trained({name!r}, int(sys.argv[1]), int(sys.argv[2]))
"""


def trained(name: str, batch: int, epochs: int) -> None:
    """Train a model on 16 of its usual batches, cut into others; prints what it took as JSON."""
    workload = dataclasses.replace(WORKLOADS[name], steps=_BATCHES)
    x, y = workload.arrays()
    model = compiled(ef, workload)
    steps_taken: list[float] = []
    epoch_times: list[float] = []

    class Clock(ef.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            epoch_times.append(time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            epoch_times[-1] = time.perf_counter() - epoch_times[-1]

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            steps_taken.append(time.perf_counter())

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            steps_taken[-1] = time.perf_counter() - steps_taken[-1]

    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[Clock()])
    # Not ru_maxrss, which also counts the process that started this one; nor viz, whose own modules take megabytes.
    peak = next(1024 * int(line.split()[1]) for line in status() if line.startswith("VmHWM"))
    later = sorted(steps_taken[len(steps_taken) // 2 :])
    quick = later[len(later) // 4]  # what else runs isn't the step's time
    print(json.dumps({"process": peak, "seconds": quick, "epoch": min(epoch_times[1:]) / (len(x) / batch)}))


def status() -> list[str]:
    """What Linux tells of this process, line by line."""
    return Path("/proc/self/status").read_text(encoding="ascii").splitlines()


def main(arguments: list[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=_MODELS)
    parser.add_argument("--times", default="0.5,1,4")
    options = parser.parse_args(arguments)
    print("| model | batch | process: estimated, measured (MB) | off | step: (ms) | off | in an epoch (ms) | off |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.only.split(","):
        workload = WORKLOADS[name]
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "train.py"
            script.write_text(_SCRIPT.format(name=name))
            found = json.loads(_run("-m", "viz", "estimate", "--json", str(script), str(workload.batch), "2"))
            for times in map(float, options.times.split(",")):
                batch = max(1, int(workload.batch * times))
                epochs = max(6, -(-_LEAST * batch // (_BATCHES * workload.batch)))
                real = json.loads(_run(str(script), str(batch), str(epochs)).splitlines()[-1])
                told = next(each for each in found["sizes"] if each["batch_size"] == batch)
                pairs = [
                    (told["process_bytes"] / 2**20, real["process"] / 2**20),
                    (1e3 * told["step_seconds"], 1e3 * real["seconds"]),
                    (1e3 * told["epoch_seconds"] * batch / (_BATCHES * workload.batch), 1e3 * real["epoch"]),
                ]
                cells = [f"{a:.3g}, {b:.3g} | {a / b - 1:+.1%}" for a, b in pairs]
                print(f"| {name} | {batch} | {' | '.join(cells)} |", flush=True)


def _run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()

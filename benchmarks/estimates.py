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
_MODELS = "mlp,tiny,convnet,resnet,transformer,lstm"
_SCRIPT = """\
import sys
from benchmarks.estimates import trained
trained({name!r}, int(sys.argv[1]), int(sys.argv[2]))
"""


def trained(name: str, batch: int, steps: int) -> None:
    """One epoch of a model on so many batches; prints what it took as JSON."""
    workload = dataclasses.replace(WORKLOADS[name], batch=batch, steps=steps)
    x, y = workload.arrays()
    model = compiled(ef, workload)
    times: list[float] = []

    class Clock(ef.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            times.append(time.perf_counter())

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            times[-1] = time.perf_counter() - times[-1]

    model.fit(x, y, batch_size=batch, epochs=2, verbose=0, callbacks=[Clock()])
    # Not ru_maxrss, which also counts the process that started this one; nor viz, whose own modules take megabytes.
    peak = next(1024 * int(line.split()[1]) for line in status() if line.startswith("VmHWM"))
    middle = sorted(times[1:])[len(times[1:]) // 2]
    print(json.dumps({"process": peak, "seconds": middle}))


def status() -> list[str]:
    """What Linux tells of this process, line by line."""
    return Path("/proc/self/status").read_text(encoding="ascii").splitlines()


def main(arguments: list[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=_MODELS)
    parser.add_argument("--times", default="0.5,1,4")
    options = parser.parse_args(arguments)
    print("| model | batch | process: estimated, measured (MB) | off | step: estimated, measured (ms) | off |")
    print("|---|---|---|---|---|---|")
    for name in options.only.split(","):
        workload = WORKLOADS[name]
        rows = workload.batch * 8
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "train.py"
            script.write_text(_SCRIPT.format(name=name))
            found = json.loads(_run("-m", "viz", "estimate", "--json", str(script), str(workload.batch), "16"))
            small, large = found["measured"]
            for times in map(float, options.times.split(",")):
                batch = max(1, int(workload.batch * times))
                real = json.loads(_run(str(script), str(batch), str(max(3, rows // batch))).splitlines()[-1])
                part = (batch - small["rows"]) / (large["rows"] - small["rows"])
                process, seconds = [small[k] + part * (large[k] - small[k]) for k in ("process", "seconds")]
                process = max(process, found["before_training_bytes"])
                print(
                    f"| {name} | {batch} | {process / 2**20:.0f}, {real['process'] / 2**20:.0f} | "
                    f"{process / real['process'] - 1:+.1%} | {1e3 * seconds:.1f}, {1e3 * real['seconds']:.1f} | "
                    f"{seconds / real['seconds'] - 1:+.1%} |",
                    flush=True,
                )


def _run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()

"""`launch --predict N SCRIPT`: what a script should gain from N ranks, by a model and what it takes here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eagerflow.cli.wrapping import folded
from eagerflow.launch.engine import LaunchError, find
from eagerflow.world.cost import NETWORKS, Network, predict

__all__ = ["run_prediction", "table"]

_DEADLINE = 60  # seconds for two ranks to send each other something


def run_prediction(ranks: int, program: Sequence[str]) -> int:
    """Measure a few steps of the script alone, and print what the model expects of it; gives the exit code.

    Args:
        ranks: how many there would be.
        program: the script and its arguments, as `launch` takes them.
    """
    with tempfile.TemporaryDirectory(prefix="eagerflow-") as folder:
        step = Path(folder, "step.json")
        measuring = [sys.executable, "-m", "eagerflow.launch.measuring"]
        code = subprocess.run([*measuring, "step", str(step), *program], check=False).returncode
        if not step.exists():
            print(
                f"launch --predict: {' '.join(program)} ended with code {code}, and no step was timed.", file=sys.stderr
            )
            return code or 1
        found = json.loads(step.read_text(encoding="utf-8"))
        if not found["steps"] or not found["buckets"]:
            print(f"launch --predict: no training step of eagerflow ran in {program[0]}.", file=sys.stderr)
            return 1
        print(folded(table(ranks, " ".join(program), found, _network_here(measuring, Path(folder, "network.json")))))
    return 0


def _network_here(measuring: Sequence[str], result: Path) -> dict[str, float] | None:
    """What two ranks of this machine need; None where they can't be started."""
    try:
        command = [find(), "-n", "2", *measuring, "network", str(result)]
        quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, timeout=_DEADLINE, env=quiet, capture_output=True)
        found: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    except (LaunchError, OSError, subprocess.SubprocessError):
        return None
    return found


def table(ranks: int, name: str, step: dict[str, Any], here: dict[str, float] | None) -> str:
    """What is measured, and what is to be expected, marked as such.

    Args:
        ranks: how many there would be.
        name: the name of the script.
        step: seconds of a `step` alone and their `jitter`, `rows` of its batch, bytes of the `buckets` of gradients.
        here: `latency`, `bandwidth` and `adding` between two ranks of this machine; None: not known.
    """
    pieces = len(step["buckets"])
    lines = [
        f"A prediction, not a measurement: {name} on {ranks:,} ranks, each on a machine of its own like this one.",
        "",
        f"Measured here: a step takes {_time(step['step'])} alone (median of {step['steps']}, which differ by "
        f"{step['jitter']:.0%})" + (f", for {step['rows']:,} rows" if step["rows"] else "") + ".",
        f"It makes {_size(sum(step['buckets']))} of gradients, sent in {pieces} piece{'s' if pieces > 1 else ''}.",
    ]
    networks = list(NETWORKS)
    if here is None:
        lines.append("Two ranks couldn't be started here, so the speed of adding is a usual one.")
    else:
        networks = [network._replace(adding=here["adding"]) for network in networks]
        lines.append(
            f"Two ranks of this machine: {_time(here['latency'])} for a message, {_size(here['bandwidth'])}/s, "
            f"{_size(1 / here['adding'])}/s added up."
        )
        networks.insert(0, Network("as within this machine", **here))
    several = sorted({count for count in (2, 8, 64, 512) if count < ranks} | {ranks})
    for title, cell in (
        ("Each rank works on as many rows as here (batch_size × ranks): what is left of a rank's speed", _left),
        ("The same batch_size, divided among the ranks: how many times as fast as alone", _faster),
    ):
        cells = [[cell(step, count, network) for count in several] for network in networks]
        lines += ["", title, *_rows(several, [network.name for network in networks], cells)]
    lines += ["", "The model is eagerflow/world/cost.py. It knows nothing of disks, other programs and late data."]
    return "\n".join(lines)


def _left(step: dict[str, Any], ranks: int, network: Network) -> str:
    found = predict(step["buckets"], step["step"], ranks, network, jitter=step["jitter"])
    return f"{found.efficiency:.0%}"


def _faster(step: dict[str, Any], ranks: int, network: Network) -> str:
    if step["rows"] and ranks > step["rows"]:
        return "-"  # fewer rows than ranks
    found = predict(step["buckets"], step["step"] / ranks, ranks, network, jitter=step["jitter"])
    return f"{step['step'] / found.step:.1f}"


def _rows(heads: Sequence[int], names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    first = max(map(len, names))
    widths = [max(len(f"{head:,} ranks"), 6) for head in heads]
    lines = ["  " + " " * first + "".join([f"  {f'{head:,} ranks':>{width}}" for head, width in zip(heads, widths)])]
    for name, row in zip(names, cells):
        lines.append(f"  {name:<{first}}" + "".join([f"  {cell:>{width}}" for cell, width in zip(row, widths)]))
    return lines


def _time(seconds: float) -> str:
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _size(nbytes: float) -> str:
    for unit, size in (("B", 1.0), ("KB", 1e3), ("MB", 1e6)):
        if nbytes < 999.5 * size:
            return f"{nbytes / size:.3g} {unit}"
    return f"{nbytes / 1e9:.3g} GB"

"""Two machines out of one: network namespaces that a slow cable joins, and a step over it with 102 MB of gradients.

A namespace has its own name and its own network; `tc` makes the cable slow. Hydra starts a rank in each of them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.distributed.group import ROOT, mpiexec
from benchmarks.machine import clean_environment

__all__ = ["over_the_cable"]

_DEADLINE = 600.0
# Run inside of namespaces of its own: a second one ($P), a cable, and then what it is told.
_TWO_MACHINES = """
set -e
rate=$1; shift
unshare -n -u sleep 1000 & P=$!
trap 'kill $P' EXIT
sleep 0.3
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 netns $P
ip addr add 10.9.0.1/24 dev v0
ip link set v0 up
nsenter -t $P -n ip addr add 10.9.0.2/24 dev v1
nsenter -t $P -n ip link set v1 up
nsenter -t $P -n ip link set lo up
nsenter -t $P -u hostname other-machine
tc qdisc add dev v0 root tbf rate $rate burst 256kb latency 50ms
nsenter -t $P -n tc qdisc add dev v1 root tbf rate $rate burst 256kb latency 50ms
export OTHER=$P
"$@"
"""
# What hydra calls in the place of ssh: ENTER [-x] HOST COMMAND...
_ENTER = """#!/bin/sh
[ "$1" = -x ] && shift
shift
exec nsenter -t "$OTHER" -n -u sh -c "$*"
"""


def over_the_cable(rate: str, rounds: int) -> dict[str, Any]:
    """Figures of a step over the cable; why there are none, where namespaces are refused."""
    missing = [name for name in ("unshare", "nsenter", "ip", "tc") if shutil.which(name) is None]
    if missing:
        return {"not measured": f"{', '.join(missing)} not found"}
    if subprocess.run(["unshare", "-n", "-u", "true"], capture_output=True, check=False).returncode:
        return {"not measured": "this user may not make network namespaces"}
    with tempfile.TemporaryDirectory() as folder:
        script, enter, figures = Path(folder, "two.sh"), Path(folder, "enter"), Path(folder, "figures.json")
        script.write_text(_TWO_MACHINES, encoding="utf-8")
        enter.write_text(_ENTER, encoding="utf-8")
        enter.chmod(0o700)
        apart = {"MPIR_CVAR_NOLOCAL": "1", "MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp"}
        environment = clean_environment(1, PYTHONPATH=str(ROOT), **apart)
        ranks = [mpiexec(sys.executable), "-launcher", "ssh", "-launcher-exec", str(enter), "-iface", "v0"]
        ranks += ["-hosts", "10.9.0.1,10.9.0.2", "-n", "2", "-ppn", "1"]
        ranks += [sys.executable, "-m", "benchmarks.distributed.cable_rank", str(figures), str(rounds)]
        command = ["unshare", "-n", "-u", "-m", "bash", str(script), rate, *ranks]
        subprocess.run(command, env=environment, cwd=ROOT, timeout=_DEADLINE, check=True, stdin=subprocess.DEVNULL)
        found: dict[str, dict[str, list[float]]] = json.loads(figures.read_text(encoding="utf-8"))
    told: dict[str, Any] = {}
    for gradients, kinds in found.items():
        middle = {label: statistics.median(times) for label, times in kinds.items()}
        told |= {f"{gradients}, {label}": f"{1e3 * seconds:.0f} ms" for label, seconds in middle.items()}
        for kind in ("asleep", "computing"):
            ratio = middle[f"step while {kind}"] / max(middle[kind], middle["sums alone"])
            told[f"{gradients}, step while {kind}, of the longer of both"] = round(ratio, 3)
    told["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return told

"""mpiexec: where it is, and how it is called."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from eagerflow.base.text.extras import pip_install
from eagerflow.launch.hosts import Host, in_words

__all__ = ["LaunchError", "command", "find"]

_SSH = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10"  # host keys are checked, as ssh does by itself
_INSTALL = pip_install("mpi4py", "mpich")
_AGENT = Path(__file__).with_name("agent.py")


class LaunchError(Exception):
    """Nothing was started; the text says why."""


def find() -> str:
    """The mpiexec of MPICH next to this Python, or on the path; a LaunchError where there is none, or another MPI's."""
    own = Path(sys.executable).with_name("mpiexec")
    found = str(own) if own.exists() else shutil.which("mpiexec")
    if found is None:
        raise LaunchError(f"there is no mpiexec next to this Python or on PATH. Install one: {_INSTALL}")
    told = subprocess.run([found, "--version"], capture_output=True, errors="replace", check=False).stdout
    if "HYDRA" not in told and "Intel" not in told:
        name = told.strip().partition("\n")[0] or "it says nothing about itself"
        raise LaunchError(
            f"{found} isn't MPICH's ({name}). Start the script with it directly, {found} -n 4 python train.py, or "
            f"install MPICH's next to this Python: {_INSTALL}"
        )
    return found


def command(
    mpiexec: str,
    hosts: Sequence[Host],
    remote: bool,
    folder: Path,
    program: Sequence[str],
    ssh: str = "",
    interface: str = "",
) -> tuple[list[str], dict[str, str]]:
    """How all ranks are started: the words of the command, and variables for mpiexec itself.

    No shell reads them here. ssh gives one line to a shell on the other side, which mpiexec makes of its own path and
    numbers: the program and its arguments follow through mpiexec's own connection. Each rank's output goes to
    `rank-N.log` in the folder, its error output to `rank-N.err`.
    """
    ranks = sum(host.ranks or 1 for host in hosts)
    words = [mpiexec, "-n", str(ranks), f"-outfile-pattern={folder}/rank-%r.log"]
    words.append(f"-errfile-pattern={folder}/rank-%r.err")
    extra = {}
    if remote:
        words += ["-launcher", "ssh", "-hosts", in_words(hosts)]
        extra["HYDRA_LAUNCHER_EXTRA_ARGS"] = _SSH
        if ssh:
            words += ["-launcher-exec", ssh]
    else:
        words += ["-launcher", "fork", "-rmk", "user"]  # whatever the environment says of a batch system
    if interface:
        words += ["-iface", interface]
    rank = [sys.executable, "-m", "eagerflow.launch.rank", *program]
    told = json.dumps({"remote": remote, "command": rank})
    return [*words, sys.executable, "-I", "-S", str(_AGENT), told], extra

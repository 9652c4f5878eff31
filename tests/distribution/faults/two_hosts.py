"""Two "machines" out of one, joined by a cable that can be pulled: namespaces for network and host name. Linux, root.

    unshare --net --uts python -m tests.distribution.faults.two_hosts [--rate 1gbit] [--pull FILE] COMMAND...

runs the command on the first machine, 10.9.0.1, called a-machine. The other one is 10.9.0.2, b-machine. What stands for
ssh is a program whose path the command finds in $SSH_STAND_IN. The cable is pulled a moment after FILE has appeared.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

FIRST, OTHER = "10.9.0.1", "10.9.0.2"
NETWORK = {"MPIR_CVAR_NOLOCAL": "1", "MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp"}
_STAND_IN = """#!/bin/bash
# As ssh is called: options, a host, and a command for a shell there.
while [ "${1#-}" != "$1" ]; do
    if [ "$1" = -o ]; then shift; fi
    shift
done
shift
exec nsenter --target PID --net --uts sh -c "$*"
"""


def refused() -> str:
    """Why there can't be two machines here; empty if there can."""
    if sys.platform != "linux":
        return "namespaces are Linux'"
    missing = [name for name in ("unshare", "nsenter", "ip") if shutil.which(name) is None]
    if missing:
        return f"there is no {missing[0]}"
    done = subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


def within(words: list[str], pull: Path | None = None, rate: str = "") -> list[str]:
    """The command that runs another one on the first of two machines."""
    here = ["unshare", "--net", "--uts", sys.executable, "-m", "tests.distribution.faults.two_hosts"]
    return [*here, *(["--rate", rate] if rate else []), *(["--pull", str(pull)] if pull else []), *words]


def _ip(*words: str, other: int = 0) -> str:
    inside = ["nsenter", "--target", str(other), "--net", "--uts"] if other else []
    return subprocess.run([*inside, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def _wait_until_up(name: str, other: int = 0) -> None:
    until = time.monotonic() + 10
    while " state UP " not in (shown := _ip(*f"ip -o link show dev {name}".split(), other=other)):
        if time.monotonic() > until:
            raise TimeoutError(f"no carrier within 10 s: {shown}")
        time.sleep(0.02)


@contextlib.contextmanager
def _machines(rate: str) -> Iterator[int]:
    """The other machine, given by a process that lives there."""
    with subprocess.Popen(["unshare", "--net", "--uts", "sleep", "600"]) as sleeper:
        try:
            own = os.readlink("/proc/self/ns/net")
            while os.readlink(f"/proc/{sleeper.pid}/ns/net") == own:
                time.sleep(0.01)
            _ip("hostname", "a-machine")
            _ip("hostname", "b-machine", other=sleeper.pid)
            _ip(*"ip link set lo up".split())
            _ip(*f"ip link add v0 type veth peer name v1 netns {sleeper.pid}".split())
            for name, address, other in (("v0", FIRST, 0), ("v1", OTHER, sleeper.pid)):
                _ip(*f"ip addr add {address}/24 dev {name}".split(), other=other)
                _ip(*f"ip link set {name} up".split(), other=other)
                if rate:
                    shaped = f"tc qdisc add dev {name} root tbf rate {rate} burst 256kb latency 50ms"
                    _ip(*shaped.split(), other=other)
            _ip(*"ip link set lo up".split(), other=sleeper.pid)
            # The kernel notices a carrier up to a second late; until then MPI finds no network but the loopback.
            _wait_until_up("v0")
            _wait_until_up("v1", sleeper.pid)
            yield sleeper.pid
        finally:
            sleeper.kill()


def _pull_when(mark: Path) -> None:
    while not mark.exists():
        time.sleep(0.02)
    time.sleep(0.2)
    _ip(*"ip link set v0 down".split())


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.distribution.faults.two_hosts")
    parser.add_argument("--rate", default="")
    parser.add_argument("--pull", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with _machines(options.rate) as other, tempfile.TemporaryDirectory(prefix="two-hosts-") as folder:
        stand_in = Path(folder) / "ssh"
        stand_in.write_text(_STAND_IN.replace("PID", str(other)), "utf-8")
        stand_in.chmod(0o700)
        if options.pull is not None:
            threading.Thread(target=_pull_when, args=[options.pull], daemon=True).start()
        words = [word.replace("$SSH_STAND_IN", str(stand_in)) for word in options.command]
        with subprocess.Popen(words, env={**os.environ, **NETWORK}) as process:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda n, _: process.send_signal(n))
            return process.wait()


if __name__ == "__main__":
    sys.exit(main())

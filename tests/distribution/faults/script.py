"""A script that fails on rank 1 in the way it is told: `script.py KIND FILE TOKEN`.

It writes the time at which it fails to FILE. TOKEN makes its processes known.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import eagerflow as ef
from eagerflow import distribution

KIND, FILE, TOKEN = sys.argv[1:4]
SLEEP = "import sys, time; time.sleep(600)"


def now() -> None:
    """The fault begins here."""
    Path(FILE).write_text(repr(time.time()), "utf-8")


def with_a_child() -> None:
    subprocess.Popen([sys.executable, "-c", SLEEP, TOKEN])  # it would be left behind
    raise ValueError("no more rows")


def after_a_child_in_a_session(then: Callable[[], Any]) -> None:
    subprocess.Popen([sys.executable, "-c", SLEEP, TOKEN], start_new_session=True)
    then()


def with_pythons_lock() -> None:
    ctypes.PyDLL(None).sleep(600)


def segfault() -> None:
    ctypes.string_at(0)


def in_another_order() -> None:
    distribution.broadcast(1)


def for_ever() -> None:
    time.sleep(600)


def raising() -> None:
    raise ValueError("no more rows")


def memory() -> None:
    np.ones(1 << 60, "uint8")


# What rank 1 does in the middle of its work.
FAULTS: dict[str, Callable[[], Any]] = {
    "raise": raising,
    "raise, with a child": with_a_child,
    "out of memory": memory,
    "sys.exit(3)": lambda: sys.exit(3),
    "sys.exit(text)": lambda: sys.exit("nothing to do"),
    "sys.exit()": lambda: sys.exit(),
    "os._exit(3)": lambda: os._exit(3),
    "os._exit(0)": lambda: os._exit(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "segfault": segfault,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "agent killed": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "raise, with a child in a session": lambda: after_a_child_in_a_session(raising),
    "kill, with a child in a session": lambda: after_a_child_in_a_session(FAULTS["kill"]),
    "hang": for_ever,
    "hang with Python's lock": with_pythons_lock,
    "other order": in_another_order,
    "Ctrl-C on a rank": lambda: os.kill(os.getpid(), signal.SIGINT),
    "import error": lambda: __import__("there_is_no_such_module"),
    "return": lambda: None,
}
FROM_OUTSIDE = ("launcher", "mpiexec", "cable")  # the tests see to it


class Fails(ef.callbacks.Callback):
    """Fails on rank 1, in the sixth batch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 5 and distribution.rank() == 1:
            now()
            if KIND == "fit: stop_training":
                self.model.stop_training = True
            else:
                raise ValueError("no more rows")


def fit() -> None:
    rank = distribution.rank()
    with distribution.DataParallel().scope():
        model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(8 + (rank == 1 and KIND == "fit: other layer"))])
        model.compile("sgd", "mse")
        rows = 64 + (rank == 1 and KIND == "fit: other rows")
        if re.search("other", KIND):
            now()
        model.fit(np.zeros((rows, 4)), np.zeros((rows, 8)), batch_size=4, verbose=0, callbacks=[Fails()])


def work() -> None:
    for step in range(1_000_000):
        if distribution.rank() == 1 and step == 10 and KIND in FAULTS:
            now()
            FAULTS[KIND]()
            if KIND == "return":
                return
        if distribution.rank() == 0 and step == 10 and KIND.startswith(FROM_OUTSIDE):
            now()
        if KIND == "none" and step == 10:
            return
        distribution.barrier()
        time.sleep(0.01)


def main() -> None:
    """Work until the fault."""
    if KIND == "import error, at once" and distribution.rank() == 1:
        now()
        __import__("there_is_no_such_module")
    if KIND == "fit: swallowed":
        try:
            fit()
        except ValueError:
            print("never mind")
        distribution.barrier()
    elif KIND.startswith("fit"):
        fit()
    elif KIND == "raise in a thread":
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        distribution.barrier()
    else:
        work()


def in_thread() -> None:
    distribution.barrier()
    if distribution.rank() == 1:
        now()
        raise ValueError("no more rows")


main()

"""One rank of a group: it holds a model, and trains with the others or by itself, as it is told."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from multiprocessing.connection import Client
from time import perf_counter
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Answer until the door closes."""
    made = import_module(f"benchmarks.distributed.by_{sys.argv[1]}").Rank()
    with Client(os.environ["DOOR"], "AF_UNIX", authkey=bytes.fromhex(os.environ["DOOR_KEY"])) as door:
        door.send(made.number)
        while True:
            try:
                what, options = door.recv()
            except EOFError:
                os._exit(0)
            try:
                answer: Any = _obeyed(made, what, options)
            except Exception as error:  # noqa: BLE001  whatever a framework raises is told
                answer = RuntimeError(f"{type(error).__name__}: {error}"[:500])
            door.send(answer)


def _obeyed(rank: Any, what: str, options: dict[str, Any]) -> Any:
    """What it answers: seconds for `steps`, or what the method gives."""
    if what != "steps":
        return getattr(rank, what)(**options)
    gc.collect()
    started = perf_counter()
    rank.steps(**options)
    return perf_counter() - started


if __name__ == "__main__":
    main()

"""Which tests take long: the processor time of each, measured, and a list of those that belong to the slow part.

    python -m pytest -p tests.durations.measured --numprocesses auto --dist worksteal
    python -m tests.durations.measured

The first command runs the fast part as `make test` does, and each of its processes writes what its tests took to
`build/measured`. The second one adds to `slow_tests.txt` those that took `LEAST` seconds or more, but for those of
`FAST`, which are to be run each time all the same; of tests with parameters one stays, the shortest.
"""

from __future__ import annotations

import json
import os
import resource
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["FAST", "LEAST", "SLOW", "slow_ones"]

SLOW = Path(__file__).with_name("slow_tests.txt")
LEAST = 0.1  # seconds of one processor
FAST = (  # how the names of tests begin that stay: what everything else rests on
    "tests/test_architecture",
    "tests/test_readme",
    "tests/test_gradients",
    "tests/test_demo",
    "tests/test_documentation.py::test_examples_on_pages[README",
    "tests/test_stand_in",
    "tests/base/test_output",
    "tests/hostile",
    "tests/capture/test_same_bits",
    "tests/kernels/",
    "tests/layers/",
    "tests/losses/",
    "tests/models/test_functional",
    "tests/ops/",
    "tests/optimizers/",
    "tests/training/test_fit",
)
_FOLDER = Path(__file__).parents[2] / "build" / "measured"


def _now() -> float:
    """Seconds of processors that this process and the programs that it started have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum([each.ru_utime + each.ru_stime for each in used])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What a test took, with its fixtures."""
    began = _now()
    yield
    took = _now() - began
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:  # also of a run that breaks off
        print(json.dumps([item.nodeid, took]), file=file)


def measured() -> dict[str, float]:
    """What tests took in the runs that were measured, by name."""
    lines = [line for path in _FOLDER.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    return dict([json.loads(line) for line in lines])


def slow_ones(took: dict[str, float]) -> list[str]:
    """The names of those that belong to the slow part, from seconds by name."""
    families = defaultdict(list)
    for name in took:
        families[name.partition("[")[0]].append(name)
    found = set[str]()
    for names in families.values():
        long = [name for name in names if took[name] >= LEAST and not name.startswith(FAST)]
        if len(long) == len(names) > 1:
            long.remove(min(names, key=lambda name: took[name]))
        found.update(long)
    return sorted(found)


def main() -> None:
    took = measured()
    known = SLOW.read_text(encoding="utf-8").splitlines()
    SLOW.write_text("\n".join(sorted({*known, *slow_ones(took)})) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

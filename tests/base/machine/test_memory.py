"""Freed memory stays with the process, where glibc allows it and the environment doesn't forbid it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from eagerflow.base.machine import memory
from tests.sources import ROOT

PROGRAM = """
import numpy, resource, eagerflow
from eagerflow.base.machine.memory import keep_freed_memory
def faults():
    for _ in range(3):
        three = numpy.ones(1 << 20), numpy.ones(1 << 20), numpy.ones(1 << 20)
        del three
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        three = numpy.ones(1 << 20), numpy.ones(1 << 20), numpy.ones(1 << 20)
        del three
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(keep_freed_memory(), faults())
"""


def run(**environment: str) -> tuple[str, int]:
    """Whether memory is kept in a fresh process, and the page faults of 20 times three arrays of 8 MB."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    kept, faults = done.stdout.split()
    return kept, int(faults)


@pytest.mark.skipif(not memory.keep_freed_memory(), reason="not glibc, or forbidden by the environment")
def test_arrays_reuse_freed_memory_unless_the_environment_forbids_it():
    assert run(EAGERFLOW_MALLOC="1")[0] == "True"
    kept, left = run(EAGERFLOW_MALLOC="1")[1], run(EAGERFLOW_MALLOC="0")
    assert left[0] == "False"
    assert kept < 100 < left[1]


def test_giving_memory_back_leaves_arrays_alone():
    array = np.arange(1000)
    memory.give_back()
    assert array.sum() == 499500

"""Who is watched runs what runs unwatched: the same kernels in the same order, and the same bits."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from benchmarks.workloads.by_eagerflow import Eagerflow
from benchmarks.workloads.data import WORKLOADS
from eagerflow import kernels, lowerings
from eagerflow.kernels.machine.threads import set_num_threads

FOLDERS = tuple(os.path.dirname(package.__file__) + os.sep for package in (kernels, lowerings))


class Calls:
    """The functions of kernels that this thread calls, in order."""

    def __init__(self):
        self.names = []

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)

    def _note(self, frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(FOLDERS):
            self.names.append((code.co_filename, code.co_qualname))


@pytest.fixture
def one_thread():
    set_num_threads(1)
    yield
    set_num_threads(None)


def results(workload, watched):
    """The kernels of two training steps and a prediction, and all numbers behind them."""
    ef.utils.set_random_seed(3)
    contender = Eagerflow(workload)
    contender.train(1)  # builds what is kept from step to step
    with viz.trace() if watched else contextlib.nullcontext(), Calls() as calls:
        contender.train(2)
        contender.infer(1)
    outputs = contender.model(contender.batch[0], training=False)
    optimizer = [np.asarray(variable) for variable in contender.model.optimizer.variables]
    return calls.names, [*contender.model.get_weights(), *optimizer, np.asarray(outputs)]


def assert_watched_is_run(workload):
    results(workload, watched=False)  # what is found out once for all
    names, numbers = results(workload, watched=False)
    watched_names, watched_numbers = results(workload, watched=True)
    assert names
    assert watched_names == names
    for plain, seen in zip(numbers, watched_numbers, strict=True):
        assert plain.tobytes() == seen.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKLOADS)
def test_watched_and_unwatched_benchmarks_call_the_same_kernels(name, one_thread):
    assert_watched_is_run(dataclasses.replace(WORKLOADS[name], steps=1))

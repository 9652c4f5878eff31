"""How deep a training stands when arrays are multiplied: few frames make it quick, and its tracebacks readable."""

from __future__ import annotations

import os
import sys

import numpy as np

import eagerflow as ef
from eagerflow import layers

OURS = os.path.dirname(os.path.abspath(ef.__file__))
X, Y = np.ones((4, 8), "float32"), np.ones((4, 2), "float32")


def model():
    made = ef.Sequential([ef.Input((8,)), layers.Dense(4, "relu"), layers.Dense(2)])
    made.compile("sgd", "mse")
    return made


def above_the_product(run):
    """The names of our functions around the first product of matrices in `run`, innermost first."""
    stacks = []

    def look(frame, event, called):
        if event != "c_call" or getattr(called, "__name__", "") != "dot":
            return
        names = []
        while frame is not None:
            if frame.f_code.co_filename.startswith((OURS, "<eagerflow")):
                names.append(frame.f_code.co_name)
            frame = frame.f_back
        stacks.append(names)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(before)
    return stacks[0]


def test_few_frames_lie_between_fit_and_the_arrays():
    trained = model()
    trained.fit(X, Y, verbose=0)
    names = above_the_product(lambda: trained.fit(X, Y, verbose=0))
    assert names.index("fit") <= 10
    assert names.index("train_step") + 1 <= 7
    assert len(names) <= 14


def test_few_frames_lie_between_a_step_on_one_batch_and_the_arrays():
    trained = model()
    trained.train_on_batch(X, Y)
    names = above_the_product(lambda: trained.train_on_batch(X, Y))
    assert len(names) <= 11

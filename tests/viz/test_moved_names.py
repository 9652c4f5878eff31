"""What was pickled with 0.1.0, and what its examples import, is still found."""

from __future__ import annotations

import importlib
import pickle

import numpy as np
import pytest

import viz
from eagerflow import ops

# Where 0.1.0 had them.
OLD = {
    "viz.facts.schema": "viz.schema",
    "viz.facts.text_table": "viz.tableau",
    "viz.facts.memory_use": "viz.memory_use",
    "viz.picture.drawing": "viz.drawing",
    "viz.geometry.graph": "viz.graph",
    "viz.picture.gradient_flow": "viz.gradient_flow",
    "viz.nonfinite.evidence": "viz.nonfinite.facts",
    "viz.nonfinite.finding": "viz.nonfinite.facts",
    "viz.compare.changes": "viz.compare.difference",
}


def as_pickled_by_0_1_0(what):
    """A pickle that names the old modules."""
    text = pickle.dumps(what, protocol=2)
    for new, old in OLD.items():
        text = text.replace(f"c{new}\n".encode(), f"c{old}\n".encode())
    return text


@pytest.fixture(scope="module")
def recordings():
    found = []
    for start in (0.5, 1.0):
        with viz.trace("old", stats="basic") as t, np.errstate(divide="ignore"):
            ops.log(ops.full((2, 3), start) - 0.5)
        found.append(t)
    return found


@pytest.mark.parametrize(
    "look",
    [
        lambda t, other: t,
        lambda t, other: t.ops[0],
        lambda t, other: t.summary(),
        lambda t, other: t.draw(),
        lambda t, other: t.memory(),
        lambda t, other: viz.diff(t, other),
        lambda t, other: viz.find_nonfinite(t),
    ],
    ids=["recording", "op", "text", "drawing", "memory", "difference", "nonfinite"],
)
def test_pickles_of_0_1_0_load(look, recordings):
    found = look(*recordings)
    old = as_pickled_by_0_1_0(found)
    assert b"cviz.facts" not in old
    assert b"cviz.picture" not in old
    again = pickle.loads(old)
    assert type(again) is type(found)
    assert repr(again) == repr(found) or isinstance(found, viz.Drawing)


@pytest.mark.parametrize("name", ["viz.charts", "viz.schema", "viz.recording", "viz.doctor.examine", "viz.cli"])
def test_modules_that_examples_of_0_1_0_name_are_there(name):
    module = importlib.import_module(name)
    assert all(hasattr(module, each) for each in module.__all__)


def test_an_old_module_is_an_attribute_too_but_not_shown():
    assert viz.schema.Op is viz.Op
    assert "schema" not in dir(viz)
    assert all(hasattr(viz, name) for name in dir(viz))

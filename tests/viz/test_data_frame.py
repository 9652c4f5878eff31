"""`Recording.to_pandas`: a row an op."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import eagerflow as ef
import viz


@pytest.fixture(scope="module")
def recording():
    model = ef.Sequential([ef.layers.Dense(3, name="hidden"), ef.layers.Dense(1, name="out")], name="net")
    model.compile("sgd", "mse")
    with viz.trace() as found:
        model.fit(np.ones((8, 4)), np.ones((8, 1)), batch_size=4, verbose=0)
    return found


def test_each_op_is_a_row(recording):
    table = recording.to_pandas()
    assert len(table) == len(recording.ops)
    assert table.groupby("step")["op"].count().tolist() == [len(table) // 2] * 2
    first = table.iloc[0]
    assert (first.op, first.layer, first.phase, first.inputs, first.output) == (
        "dense",
        "net/hidden",
        "forward",
        [(4, 4), (4, 3), (3,)],
        (4, 3),
    )
    assert first.line.startswith(__file__)


def test_the_derivative_of_an_op_belongs_to_its_layer(recording):
    table = recording.to_pandas()
    backward = table[(table.phase == "backward") & (table.op == "dense")]
    assert set(backward.layer) == {"net/hidden", "net/out"}
    assert table.flops.sum() > 0


def test_without_pandas_the_error_says_what_to_install(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        recording.to_pandas()

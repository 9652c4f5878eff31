"""The page names the op that raised an error, and none for an error that no op raised."""

from __future__ import annotations

from types import SimpleNamespace

from viz.livepage.failures import Blame


def test_an_error_is_not_blamed_on_the_op_of_one_that_is_gone():
    blame = Blame()
    for _ in range(50):  # of one another's place in memory
        error = ValueError("of an op")
        blame.op(SimpleNamespace(name="matmul"), error)
        assert blame.of(error) == {"op": "matmul"}
        del error
        assert blame.of(ValueError("of no op")) == {}


def test_the_innermost_layer_and_the_op_of_the_cause_are_named():
    blame, cause = Blame(), ValueError("of an op")
    blame.op(SimpleNamespace(name="matmul"), cause)
    for name in ("model/dense", "model"):
        blame.scope(SimpleNamespace(kind="layer", name=name, owner=None), cause)
    error = RuntimeError("around")
    error.__cause__ = cause
    assert blame.of(error) == {"op": "matmul", "layer": "model/dense"}

"""What gradients say of rows that mix, where there is enough of them to say anything."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import eagerflow as ef
from viz.check.batch_independence import check_rows_apart


def subject(function):
    x = ef.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    return SimpleNamespace(part=lambda rows: (x, None), outputs=function, place=None, model=function)


@pytest.mark.parametrize(("scale", "verdict"), [(0.1, "ok"), (70.0, "open"), (1000.0, "open")])
def test_outputs_that_hardly_change_leave_the_question_open(scale, verdict):
    row = check_rows_apart(subject(lambda x: ef.ops.sigmoid(scale * x)))
    assert row.verdict == verdict


def test_rows_that_mix_are_a_fault():
    row = check_rows_apart(subject(lambda x: x + ef.ops.mean(x, axis=0, keepdims=True)))
    assert row.verdict == "fault"

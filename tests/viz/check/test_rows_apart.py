"""What is said of rows that mix, where there is enough of them to say anything."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest

import eagerflow as ef
from viz.check.batch_independence import check_rows_apart


@pytest.mark.parametrize(
    ("function", "verdict"),
    [
        (lambda x: ef.ops.sigmoid(0.1 * x), "ok"),
        (lambda x: ef.ops.sigmoid(1000.0 * x), "open"),
        (lambda x: x + ef.ops.mean(x, axis=0, keepdims=True), "fault"),
    ],
)
def test_rows_that_mix_are_a_fault_and_outputs_that_hardly_change_leave_the_question_open(function, verdict):
    x = ef.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    subject = SimpleNamespace(
        part=lambda rows: (x, None), outputs=function, place=None, model=function, undone=contextlib.nullcontext
    )
    assert check_rows_apart(subject).verdict == verdict

"""How tensors show themselves: large ones in few lines."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef


@pytest.mark.parametrize(
    ("shape", "lines"),
    [((3, 4), 3), ((10, 5), 10), ((100, 100), 7), ((2000,), 1), ((64, 1), 7), ((8, 8, 8), 9), ((4, 32, 32, 3), 23)],
)
def test_a_large_tensor_takes_few_lines(shape, lines):
    values = np.random.default_rng(0).normal(size=shape).round(1)
    for shown in (ef.Tensor(values), ef.Variable(values, dtype="float64")):
        text = repr(shown)
        assert len(text.splitlines()) == lines
        assert ("..." in text) == (shape not in ((3, 4), (10, 5)))
        assert text.startswith(f"{type(shown).__name__}({'×'.join(map(str, shape))} float64")


@pytest.mark.parametrize("made", [ef.Tensor, ef.Variable])
def test_lines_stand_below_the_first_number(made):
    first, second = repr(made(np.ones((2, 3)))).splitlines()
    assert first.index("[1") == second.index("[1")

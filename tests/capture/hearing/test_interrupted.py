"""Ctrl-C while a capture begins leaves everything as it was."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.capture.hearing import draws, watching


@pytest.mark.parametrize("exchange", [watching, draws], ids=["tensors", "random numbers"])
@pytest.mark.parametrize("at", [1, 3, 6])
def test_what_a_capture_exchanged_is_put_back(exchange, at, monkeypatch):
    before = ef.Tensor.__dict__["data"], dict(vars(ef.Variable)), dict(vars(ef.GradientTape)), dict(vars(np.random))
    plain, count = exchange._exchange.put, [0]

    def put(*exchanged):
        count[0] += 1
        if count[0] == at:
            raise KeyboardInterrupt
        plain(*exchanged)

    monkeypatch.setattr(exchange._exchange, "put", put)
    with pytest.raises(KeyboardInterrupt):
        ef.function(lambda x: x * 2)(ef.Tensor([1.0]))
    assert count == [at]
    after = ef.Tensor.__dict__["data"], dict(vars(ef.Variable)), dict(vars(ef.GradientTape)), dict(vars(np.random))
    assert all(x is y for x, y in zip(after[:1], before[:1]))
    assert after[1:] == before[1:]
    monkeypatch.undo()
    step, x = ef.function(lambda x: x * 2), ef.Tensor([1.0])
    for _ in range(8):
        assert float(step(x)) == 2.0
    assert step.replays

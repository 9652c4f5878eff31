"""The loss of each batch, beside the mean of the epoch so far."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.viz.livepage.watching import data, mlp, watched
from viz.livepage.batch_loss import BatchLoss


def test_it_is_what_the_mean_grew_by():
    losses, rows = [3.0, 1.0, 4.0, 1.5], [8, 8, 8, 3]
    heard = BatchLoss()
    for _ in range(2):  # epochs
        total = 0.0
        for i, (loss, count) in enumerate(zip(losses, rows, strict=True)):
            total += loss * count
            assert float(heard.hear(i, count, np.float32(total / sum(rows[: i + 1])))) == pytest.approx(loss, rel=1e-5)


def test_without_the_batch_before_nothing_is_known_and_what_is_not_finite_stays_so():
    heard = BatchLoss()
    assert heard.hear(3, 8, 1.0) is None
    assert heard.hear(5, 8, 1.0) is None
    assert heard.hear(0, 0, 1.0) is None
    assert float(heard.hear(0, 8, 2.0)) == 2.0
    assert math.isnan(float(heard.hear(1, 8, math.nan)))


def test_the_page_has_a_curve_of_it_that_is_the_loss_of_that_batch():
    x, y = data(20)
    model = mlp()
    wanted = []
    with watched() as (_, reader):
        for _ in range(2):
            wanted += [float(model.evaluate(x[i : i + 8], y[i : i + 8], verbose=0)[0]) for i in (0, 8, 16)]
            model.optimizer.learning_rate = 0.0
            model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        found = reader.wait(
            lambda reader: reader.curves.get("each|loss") if len(reader.curves.get("each|loss", ())) == 6 else None
        )
    assert [value for _, value, *_ in found] == pytest.approx(wanted, rel=1e-4)

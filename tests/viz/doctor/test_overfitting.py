"""`overfit` follows losses that rise and fall."""

from __future__ import annotations

from viz.doctor import Watcher


def test_overfitting_that_is_told_stays_until_the_validation_loss_is_as_good_as_it_was():
    """Its losses rise and fall: what comes and goes with them helps nobody."""
    told = []
    with Watcher() as watcher:
        (check,) = [each for each in watcher.checks if type(each).__name__ == "Overfit"]
        validation = [3.0, 1.0, *([1.3, 1.3, 1.3, 1.1, 1.1, 1.1] * 4), 0.9, 0.9, 0.9]
        for epoch, loss in enumerate(validation):
            check.on_logs("epoch", epoch, {"loss": 2.0 / (epoch + 1), "val_loss": loss})
            told.append([finding.kind for finding in watcher.findings])
    changes = [told[i] for i in range(1, len(told)) if told[i] != told[i - 1]]
    assert changes == [["overfit"], []]

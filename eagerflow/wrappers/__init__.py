"""Models as estimators of scikit-learn."""

from __future__ import annotations

from eagerflow.wrappers.scikit_learn import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __dir__() -> list[str]:
    return sorted(__all__)

"""Models inside of scikit-learn."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L
from eagerflow.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer, scikit_learn

base = pytest.importorskip("sklearn.base", reason="scikit-learn is an extra")
pipeline = pytest.importorskip("sklearn.pipeline")
selection = pytest.importorskip("sklearn.model_selection")

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(60, 4)).astype("float32")
CLASSES = np.where(X[:, 0] > 0, "yes", "no")


def made(X, y, width=8, loss="categorical_crossentropy", activation="softmax"):
    model = ef.Sequential([ef.Input((X.shape[1],)), L.Dense(width, "relu"), L.Dense(y.shape[1], activation)])
    model.compile(ef.optimizers.Adam(0.05), loss)
    return model


REGRESSION = {"loss": "mse", "activation": None}


def test_a_classifier_learns_classes_of_any_kind():
    ef.utils.set_random_seed(0)
    estimator = SKLearnClassifier(made, model_kwargs={"width": 6}, fit_kwargs={"epochs": 30, "verbose": 0})
    assert estimator.fit(X, CLASSES) is estimator
    assert estimator.classes_.tolist() == ["no", "yes"]
    assert estimator.score(X, CLASSES) > 0.9
    assert estimator.decision_function(X).shape == (60, 2)
    assert estimator.model_.layers[0].units == 6
    assert len(estimator.history_.history["loss"]) == 30
    estimator.fit(X, CLASSES, epochs=2)
    assert len(estimator.history_.history["loss"]) == 2
    assert estimator.fit_kwargs == {"epochs": 30, "verbose": 0}


def test_a_regressor_gives_targets_back_in_their_form():
    estimator = SKLearnRegressor(made, model_kwargs=REGRESSION, fit_kwargs={"epochs": 40, "verbose": 0})
    assert estimator.fit(X, X[:, 0] - X[:, 1]).score(X, X[:, 0] - X[:, 1]) > 0.8
    assert estimator.predict(X).shape == (60,)
    assert estimator.fit(X, X[:, :2], epochs=1).predict(X).shape == (60, 2)


def test_a_model_is_copied_unless_warm_start_is_set():
    model = made(X, X[:, :1], **REGRESSION)
    before = model.get_weights()
    cold = SKLearnRegressor(model).fit(X, X[:, 0], verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))
    assert cold.model_ is not model
    warm = SKLearnRegressor(model, warm_start=True).fit(X, X[:, 0], verbose=0)
    assert warm.model_ is model
    assert any((a != b).any() for a, b in zip(before, model.get_weights()))
    function = SKLearnRegressor(made, warm_start=True, model_kwargs=REGRESSION).fit(X, X[:, 0], verbose=0)
    first = function.model_
    assert function.fit(X, X[:, 0], verbose=0).model_ is first


def test_estimators_fit_into_pipelines_and_searches():
    transformer = SKLearnTransformer(made, model_kwargs=REGRESSION, fit_kwargs={"verbose": 0})
    classifier = SKLearnClassifier(made, fit_kwargs={"verbose": 0})
    steps = pipeline.make_pipeline(transformer, classifier)
    assert set(steps.fit(X, (X[:, 0] > 0).astype(int)).predict(X)) <= {0, 1}
    assert transformer.transform(X).shape == (60, 1)
    search = selection.GridSearchCV(classifier, {"model_kwargs": [{"width": 2}, {"width": 3}]}, cv=2)
    assert search.fit(X, CLASSES).best_params_["model_kwargs"]["width"] in (2, 3)
    copy = base.clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert base.is_classifier(classifier)
    assert not hasattr(copy, "model_")


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"isn't compiled. Call"):
        SKLearnRegressor(ef.Sequential([L.Dense(1)])).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="expected a Model, or a function of X and y that makes one; got str"):
        SKLearnRegressor("model").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="only one class, yes"):
        SKLearnClassifier(made).fit(X, ["yes"] * 60)
    with pytest.raises(ValueError, match="expected one class per sample"):
        SKLearnClassifier(made).fit(X, (X > 0).astype(int))
    with pytest.raises(ValueError, match="not fitted yet"):
        SKLearnClassifier(made).predict(X)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    spec = importlib.util.spec_from_file_location("without", scikit_learn.__file__)
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    for cls in (without.SKLearnClassifier, without.SKLearnRegressor, without.SKLearnTransformer):
        with pytest.raises(ImportError, match=r"needs scikit-learn.*pip install 'scikit-learn>=1"):
            cls(made)

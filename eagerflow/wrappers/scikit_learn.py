"""Models as scikit-learn's classifiers, regressors and transformers: for its pipelines, searches and scores.

The one file which imports sklearn. Without it the classes are there, and say on first use what to install.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base.text.extras import missing_package
from eagerflow.models import Model, clone_model

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data

    _INSTALLED = True
except ImportError:
    _INSTALLED = False
    BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin = (type("_", (), {}) for _ in range(4))

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class _Estimator:
    """What the three have in common: making the model, `fit`, and predictions.

    A subclass says what becomes of targets before training, and of predictions.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if not _INSTALLED:
            raise missing_package("scikit-learn", "scikit-learn", type(self).__name__)
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Trains a copy of the model, or with `warm_start` the model itself.

        Args:
            X: an array (samples, features).
            y: targets (samples,), or (samples, outputs).
            **kwargs: arguments of `Model.fit`; they come before `fit_kwargs`.

        Returns:
            The estimator itself. `model_` is the trained model, `history_` what its `fit` returned.

        Raises:
            TypeError: when `model` isn't a model, or as a function doesn't return one.
            ValueError: for a model that isn't compiled, or targets that don't fit.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.25), "mse")
        >>> X, y = np.array([[-1.0], [1.0]]), np.array([-3.0, 3.0])
        >>> regressor = ef.wrappers.SKLearnRegressor(model).fit(X, y, epochs=3, verbose=0)
        >>> regressor.history_.history["loss"]
        [9.0, 2.25, 0.5625]
        """
        if getattr(getattr(y, "dtype", None), "kind", "") == "O":
            type_of_target(y, raise_unknown=True)
        X, y = validate_data(self, X, y, multi_output=True)
        y = self._targets(y)
        self.model_ = self._model_for(X, y)
        self.history_ = self.model_.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        return self

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: results differ from run to run."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.non_deterministic = True
        return tags

    def predict(self, X: Any) -> numpy.ndarray:
        """Predicts targets, in the form of those given to `fit`.

        Args:
            X: an array (samples, features).

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.25), "mse")
        >>> X, y = np.array([[-1.0], [1.0]]), np.array([-3.0, 3.0])
        >>> regressor = ef.wrappers.SKLearnRegressor(model).fit(X, y, epochs=1, verbose=0)
        >>> regressor.predict(X).tolist()  # one axis, as the targets have
        [-1.5, 1.5]
        """
        return self._answers(self._predictions(X))

    def _predictions(self, X: Any) -> numpy.ndarray:
        check_is_fitted(self)
        predictions: numpy.ndarray = self.model_.predict(validate_data(self, X, reset=False), verbose=0)
        return predictions

    def _model_for(self, X: Any, y: Any) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            made = self.model if self.warm_start else _copied(self.model)
        elif callable(self.model):
            made = self.model(X=X, y=y, **(self.model_kwargs or {}))
        else:
            made = self.model
        if not isinstance(made, Model):
            raise TypeError(
                f"{type(self).__name__}(model=...): expected a Model, or a function of X and y that makes one; "
                f"got {type(made).__name__}."
            )
        if not made.compiled:
            raise ValueError(
                f"{type(self).__name__}(model=...): the model {made.name!r} isn't compiled. "
                "Call model.compile(optimizer, loss) first."
            )
        return made

    def _targets(self, y: numpy.ndarray) -> numpy.ndarray:
        """Targets as the model gets them: with two axes."""
        self._one_axis = y.ndim == 1
        return y[:, None] if self._one_axis else y

    def _answers(self, predictions: numpy.ndarray) -> numpy.ndarray:
        flat = self._one_axis and predictions.ndim == 2 and predictions.shape[1] == 1
        return predictions[:, 0] if flat else predictions


def _copied(model: Model) -> Model:
    copy: Model = clone_model(model)
    settings = model.get_compile_config()
    if settings and not copy.compiled:
        copy.compile_from_config(settings)
    return copy


class SKLearnClassifier(ClassifierMixin, _Estimator, BaseEstimator):
    """Wraps a model as a scikit-learn classifier.

    The model is trained on one-hot labels, and must have one output per class.

    Args:
        model: a compiled model; or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether `fit` trains the given model itself, and goes on where an earlier `fit` ended; by default it
            trains a copy.
        model_kwargs: further arguments of the function.
        fit_kwargs: a dict of arguments for `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.
        classes_: the classes, sorted.

    Raises:
        ImportError: without scikit-learn.

    Source: the interface of `keras.wrappers.SKLearnClassifier` 3.15.

    >>> def make(X, y):
    ...     model = ef.Sequential([ef.layers.Dense(2, activation="softmax", kernel_initializer="zeros")])
    ...     model.compile(ef.optimizers.SGD(1.0), "categorical_crossentropy")
    ...     return model
    >>> X, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array(["no", "no", "yes", "yes"])
    >>> classifier = ef.wrappers.SKLearnClassifier(make, fit_kwargs={"epochs": 5, "verbose": 0}).fit(X, y)
    >>> classifier.predict(np.array([[-3.0], [3.0]])).tolist(), classifier.score(X, y)
    (['no', 'yes'], 1.0)
    """

    def __sklearn_tags__(self) -> Any:
        """And that one epoch, the default, makes no good score."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def decision_function(self, X: Any) -> numpy.ndarray:
        """The model's outputs for each class.

        Args:
            X: an array (samples, features).

        >>> model = ef.Sequential([ef.layers.Dense(2, activation="softmax", kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.0), "categorical_crossentropy")
        >>> X, y = np.array([[-1.0], [1.0]]), np.array(["no", "yes"])
        >>> classifier = ef.wrappers.SKLearnClassifier(model, fit_kwargs={"verbose": 0}).fit(X, y)
        >>> classifier.decision_function(X).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
        """
        return self._predictions(X)

    def _targets(self, y: numpy.ndarray) -> numpy.ndarray:
        check_classification_targets(y)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if y.ndim != 1:
            raise ValueError(f"SKLearnClassifier.fit: expected one class per sample; got y of shape {y.shape}.")
        self.classes_, which = numpy.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"SKLearnClassifier.fit: y holds only one class, {self.classes_[0]}.")
        return numpy.eye(len(self.classes_), dtype="float32")[which]

    def _answers(self, predictions: numpy.ndarray) -> numpy.ndarray:
        chosen: numpy.ndarray = self.classes_[predictions.argmax(axis=-1)]
        return chosen


class SKLearnRegressor(RegressorMixin, _Estimator, BaseEstimator):
    """Wraps a model as a scikit-learn regressor.

    Args:
        model: a compiled model; or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether `fit` trains the given model itself, and goes on where an earlier `fit` ended; by default it
            trains a copy.
        model_kwargs: further arguments of the function.
        fit_kwargs: a dict of arguments for `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.

    Raises:
        ImportError: without scikit-learn.

    Source: the interface of `keras.wrappers.SKLearnRegressor` 3.15.

    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(ef.optimizers.SGD(0.25), "mse")
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([-3.0, 3.0])
    >>> regressor = ef.wrappers.SKLearnRegressor(model, fit_kwargs={"epochs": 20, "verbose": 0}).fit(X, y)
    >>> regressor.predict(np.array([[2.0]])).round(2).tolist()
    [6.0]
    """

    def __sklearn_tags__(self) -> Any:
        """And that one epoch, the default, makes no good score."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator, BaseEstimator):
    """Wraps a model as a scikit-learn transformer, whose outputs are the features for the next step of a pipeline.

    Args:
        model: a compiled model; or a function of `X`, `y` and `model_kwargs` that returns one.
        warm_start: whether `fit` trains the given model itself, and goes on where an earlier `fit` ended; by default it
            trains a copy.
        model_kwargs: further arguments of the function.
        fit_kwargs: a dict of arguments for `Model.fit`.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.

    Raises:
        ImportError: without scikit-learn.

    Source: the interface of `keras.wrappers.SKLearnTransformer` 3.15.

    >>> model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    >>> model.compile(ef.optimizers.SGD(0.0), "mse")
    >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2)
    >>> transformer = ef.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0}).fit(X, y)
    >>> transformer.transform(X).tolist()
    [[3.0], [7.0]]
    """

    def __sklearn_tags__(self) -> Any:
        """And that the outputs are of the model's own type."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def transform(self, X: Any) -> numpy.ndarray:
        """The model's outputs, as an array.

        Args:
            X: an array (samples, features).

        >>> model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        >>> model.compile(ef.optimizers.SGD(0.0), "mse")
        >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2)
        >>> ef.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0}).fit(X, y).transform(X).tolist()
        [[3.0], [7.0]]
        """
        return self._predictions(X)

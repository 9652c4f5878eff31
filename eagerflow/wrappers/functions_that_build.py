"""`keras.wrappers.scikit_learn`: functions that build models, as estimators of scikit-learn."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.models import Model
from eagerflow.wrappers.scikit_learn import BaseEstimator, ClassifierMixin, RegressorMixin

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

_METHODS = ("evaluate", "fit", "predict")
_OLDER = {"nb_epoch": "epochs"}


class BaseWrapper:
    """What both have in common: building the model, and whose argument each parameter is.

    Args:
        build_fn: a function that gives a compiled model; or an object with such a `__call__`. None: the `__call__` of a
            subclass.
        **sk_params: arguments of that function, and of `fit`, `evaluate` and `predict` (`epochs`, `batch_size`, ...).

    Raises:
        ValueError: for a parameter that none of them has.
    """

    def __init__(self, build_fn: Callable[..., Model] | None = None, **sk_params: Any) -> None:
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def _builder(self) -> Callable[..., Model]:
        return self if self.build_fn is None else self.build_fn  # type: ignore[return-value]

    def check_params(self, params: dict[str, Any]) -> None:
        """Raise a ValueError for a parameter that neither the function nor a method of the model has."""
        known = {*_names(self._builder()), *_OLDER}.union(*[_names(getattr(Model, method)) for method in _METHODS])
        for name in params:
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__}({name}=...): no argument of the function that builds the model "
                    f"({', '.join(_names(self._builder())) or 'it has none'}), nor of fit, evaluate or predict."
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name, `build_fn` among them."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Change parameters, and return the estimator."""
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn: Callable[..., Any], override: Any = None) -> dict[str, Any]:
        """The parameters that are arguments of a function, and others that replace or extend them."""
        names = _names(fn)
        chosen = {_OLDER.get(name, name): value for name, value in self.sk_params.items()}
        return {**{name: value for name, value in chosen.items() if name in names}, **(override or {})}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build a model and train it.

        Returns:
            Its history, as Keras 2 does.
        """
        self.model: Model = self._builder()(**self.filter_sk_params(self._builder()))
        y = numpy.asarray(y)
        if _name_of(self.model.loss) == "categorical_crossentropy" and y.ndim != 2:
            y = numpy.eye(int(y.max()) + 1, dtype="float32")[y.astype("int64")]
        return self.model.fit(x, y, **self.filter_sk_params(Model.fit, kwargs))

    def _predicted(self, x: Any, kwargs: dict[str, Any]) -> numpy.ndarray:
        return numpy.asarray(self.model.predict(x, **self.filter_sk_params(Model.predict, kwargs)))


class KerasClassifier(ClassifierMixin, BaseWrapper, BaseEstimator):
    """A classifier: `KerasClassifier(build_fn=make_model, epochs=10)`.

    Args:
        build_fn: as in `BaseWrapper`.
        **sk_params: the same.
    """

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Build a model and train it on classes, numbered or named, or one-hot.

        Raises:
            ValueError: for labels of another shape.
        """
        y = numpy.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = numpy.arange(y.shape[1])
        elif y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
            self.classes_, places = numpy.unique(y, return_inverse=True)
            y = places.reshape(y.shape)
        else:
            raise ValueError(f"KerasClassifier.fit: expected labels (samples,) or (samples, classes); got {y.shape}.")
        self.n_classes_ = len(self.classes_)
        weighted = kwargs if sample_weight is None else {**kwargs, "sample_weight": sample_weight}
        return super().fit(x, y, **weighted)

    def predict(self, x: Any, **kwargs: Any) -> numpy.ndarray:
        """The class of each row."""
        chances = self._predicted(x, kwargs)
        found = chances.argmax(axis=-1) if chances.shape[-1] > 1 else (chances > 0.5).astype("int64")
        classes: numpy.ndarray = self.classes_[found]
        return classes

    def predict_proba(self, x: Any, **kwargs: Any) -> numpy.ndarray:
        """The probabilities of the classes, two columns for two classes."""
        chances = self._predicted(x, kwargs)
        return numpy.hstack([1 - chances, chances]) if chances.shape[1] == 1 else chances

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The accuracy.

        Raises:
            ValueError: for a model without that metric.
        """
        y = numpy.searchsorted(self.classes_, numpy.asarray(y))
        if _name_of(self.model.loss) == "categorical_crossentropy" and y.ndim != 2:
            y = numpy.eye(self.n_classes_, dtype="float32")[y]
        arguments = self.filter_sk_params(Model.evaluate, kwargs)
        found = self.model.evaluate(x, y, **{**arguments, "return_dict": True})
        for name in ("accuracy", "acc"):
            if name in found:
                return float(found[name])
        raise ValueError('KerasClassifier.score: the model measures no accuracy; compile(metrics=["accuracy"]).')


class KerasRegressor(RegressorMixin, BaseWrapper, BaseEstimator):
    """A regressor: `KerasRegressor(build_fn=make_model, epochs=10)`.

    Args:
        build_fn: as in `BaseWrapper`.
        **sk_params: the same.
    """

    def predict(self, x: Any, **kwargs: Any) -> numpy.ndarray:
        """The prediction for each row, without an axis of length one."""
        predictions = self._predicted(x, kwargs)
        return predictions[..., 0] if predictions.shape[-1] == 1 else predictions

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Minus the loss, so that more is better."""
        arguments = self.filter_sk_params(Model.evaluate, kwargs)
        return -float(self.model.evaluate(x, y, **{**arguments, "return_dict": True})["loss"])


def _names(function: Any) -> list[str]:
    """The names of a function's arguments."""
    return [name for name in inspect.signature(function).parameters if name not in ("self", "args", "kwargs")]


def _name_of(loss: Any) -> str:
    return str(loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", ""))

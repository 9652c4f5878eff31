"""Nodes of `ai.onnx.ml` that skl2onnx makes of linear models, networks and preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import room
from eagerflow.onnx.nodes.values import as_type, numbers

__all__ = ["NODES", "lifted"]


def _scaler(x: Any, *, offset: Any, scale: Any) -> Any:
    offset, scale = (numpy.asarray(each, "float32") for each in (offset, scale))
    return ops.multiply(ops.subtract(_float(x), offset), scale)


def _float(x: Any) -> Any:
    return ops.cast(x, "float32")


def _normalizer(x: Any, *, norm: str = "MAX") -> Any:
    x = _float(x)
    if norm == "MAX":
        size = ops.max(ops.absolute(x), axis=-1, keepdims=True)
    elif norm == "L1":
        size = ops.sum(ops.absolute(x), axis=-1, keepdims=True)
    else:
        size = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
    return ops.where(ops.equal(size, 0.0), x, ops.divide(x, ops.where(ops.equal(size, 0.0), 1.0, size)))


def _transformed(scores: Any, how: str) -> Any:
    if how == "NONE":
        return scores
    if how == "LOGISTIC":
        return ops.sigmoid(scores)
    if how == "SOFTMAX":
        return ops.softmax(scores, axis=-1)
    raise ValueError(f"post_transform={how!r:.40} isn't known here.")


def _scores(x: Any, weights: Any, bias: Any) -> Any:
    room((x.shape[0], weights.shape[0]), "float32")
    made = ops.matmul(_float(x), ops.transpose(weights))
    return made if bias is None else ops.add(made, bias)


def _linear_regressor(x: Any, weights: Any, bias: Any = None, *, post_transform: str = "NONE", targets: int = 1) -> Any:
    return _transformed(_scores(x, weights, bias), post_transform)


def _linear_classifier(
    x: Any,
    weights: Any,
    bias: Any = None,
    *,
    classlabels_ints: Any = None,
    classlabels_strings: Any = None,
    multi_class: int = 0,
    post_transform: str = "NONE",
) -> Any:
    if classlabels_ints is None:
        raise ValueError(
            "its labels are text, which tensors don't hold. Fit the classifier on class numbers, or leave the label "
            "out: load_onnx(path, outputs=[...]) with the name of the probabilities."
        )
    labels = numpy.asarray(classlabels_ints, "int64")
    scores = _scores(x, weights, bias)
    if scores.shape[1] == 1 and len(labels) == 2:
        scores = ops.concatenate([ops.negative(scores), scores], axis=-1)
        chosen = ops.cast(ops.greater(scores[:, 1], 0.0), "int64")
    else:
        chosen = ops.argmax(scores, axis=-1)
    return [as_type(ops.take(labels, chosen, axis=0), "int64"), _transformed(scores, post_transform)]


def _array_features(x: Any, places: Any) -> Any:
    return (
        ops.take(x, ops.reshape(places, (-1,)), axis=-1)
        if x.ndim > 1
        else ops.expand_dims(ops.take(x, ops.reshape(places, (-1,)), axis=-1), 0)
    )


def _binarizer(x: Any, *, threshold: float = 0.0) -> Any:
    return as_type(ops.cast(ops.greater(x, threshold), "float32"), x.dtype)


def _imputer(
    x: Any,
    *,
    imputed_value_floats: Any = None,
    replaced_value_float: float = 0.0,
    imputed_value_int64s: Any = None,
    replaced_value_int64: int = 0,
) -> Any:
    if imputed_value_int64s is not None:
        return as_type(ops.where(ops.equal(x, replaced_value_int64), numpy.asarray(imputed_value_int64s), x), x.dtype)
    missing = ops.isnan(x) if numpy.isnan(replaced_value_float) else ops.equal(x, replaced_value_float)
    return as_type(ops.where(missing, numpy.asarray(imputed_value_floats, "float32"), x), x.dtype)


def _feature_vectorizer(*xs: Any, inputdimensions: Any = None) -> Any:
    return ops.concatenate([_float(ops.reshape(x, (x.shape[0], -1))) for x in xs], axis=1)


def _label_encoder(
    x: Any,
    *,
    keys_int64s: Any = None,
    keys_floats: Any = None,
    values_int64s: Any = None,
    values_floats: Any = None,
    default_int64: int = -1,
    default_float: float = 0.0,
    default_string: Any = None,
    keys_tensor: Any = None,
    values_tensor: Any = None,
    default_tensor: Any = None,
    **texts: Any,
) -> Any:
    keys = next((k for k in (keys_int64s, keys_floats, keys_tensor) if k is not None), None)
    values = next((v for v in (values_int64s, values_floats, values_tensor) if v is not None), None)
    if keys is None or values is None or texts:
        raise ValueError("labels of text aren't known here.")
    if default_tensor is not None:
        other: Any = numpy.asarray(default_tensor).reshape(-1)[0]
    else:
        other = default_int64 if values_int64s is not None else default_float
    keys, values = numpy.asarray(keys), numpy.asarray(values)
    kind = (
        values.dtype if values_tensor is not None else numpy.dtype("int64" if values_int64s is not None else "float32")
    )
    order = numpy.argsort(keys, kind="stable")
    found = numbers(x)
    places = numpy.clip(numpy.searchsorted(keys[order], found), 0, len(keys) - 1)
    same = keys[order][places] == found
    if found.dtype.kind == "f":
        same |= numpy.isnan(keys[order][places]) & numpy.isnan(found)
    return numpy.where(same, values[order][places], other).astype(kind)


def _zip_map(x: Any, **labels: Any) -> Any:
    return x  # a dictionary for each row, whose values stay a matrix here


_ML = "ai.onnx.ml."


def lifted(kind: str, attributes: dict[str, Any]) -> list[Any]:
    """The weights that a linear model's node holds as attributes, taken out, to be further inputs: (targets, features).

    Args:
        kind: of the node.
        attributes: from which they are taken.

    Raises:
        ValueError: where their numbers don't go together.
    """
    if kind not in (f"{_ML}LinearRegressor", f"{_ML}LinearClassifier") or "coefficients" not in attributes:
        return []
    weights = numpy.asarray(attributes.pop("coefficients"), "float32")
    bias = attributes.pop("intercepts", None)
    labels = attributes.get("classlabels_ints") or attributes.get("classlabels_strings") or [0]
    count = len(bias) if bias else len(labels) if kind.endswith("Classifier") else attributes.get("targets", 1)
    if not isinstance(count, int) or count < 1 or len(weights) % count:
        raise ValueError(f"{len(weights)} coefficients of a linear model for {count!r:.20} targets.")
    return [weights.reshape(count, -1), *([numpy.asarray(bias, "float32")] if bias else [])]


NODES: dict[str, Callable[..., Any]] = {
    f"{_ML}Scaler": _scaler,
    f"{_ML}Normalizer": _normalizer,
    f"{_ML}LinearRegressor": _linear_regressor,
    f"{_ML}LinearClassifier": _linear_classifier,
    f"{_ML}ArrayFeatureExtractor": _array_features,
    f"{_ML}Binarizer": _binarizer,
    f"{_ML}Imputer": _imputer,
    f"{_ML}FeatureVectorizer": _feature_vectorizer,
    f"{_ML}LabelEncoder": _label_encoder,
    f"{_ML}ZipMap": _zip_map,
}

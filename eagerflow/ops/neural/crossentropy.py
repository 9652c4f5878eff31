"""Crossentropies: from logits as fused ops, from probabilities as compositions that clip as Keras does."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.capturing import replayed_check
from eagerflow.base.config import epsilon
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Needs, Numpy, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.dtypes import is_half, wide_sum
from eagerflow.core.op import apply, composite, op
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.indexing import scatter_index
from eagerflow.ops.arrays.shape import moveaxis
from eagerflow.ops.elementwise.exponential import log
from eagerflow.ops.elementwise.selection import clip, where
from eagerflow.ops.neural.activations import sigmoid, softplus
from eagerflow.ops.neural.softmax import log_softmax

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]


def _logits_rule(xp: Numpy, g: Array, target: Array, output: Array) -> Array:
    return g * (apply(sigmoid, xp, output) - target)


@op(lambda g, output: -g * output, _logits_rule, floating="real")
def sigmoid_crossentropy(xp: Numpy, target: Array, output: Array) -> Array:
    """Binary crossentropy between `target` and `sigmoid(output)`, elementwise, from the logits `output`."""
    return apply(softplus, xp, output) - target * output


def _of_log_softmax(target: Any, output: Any, log_probabilities: Any = None) -> Any:
    return -(target * log_softmax(output)).sum(axis=-1)


def _softmax_rule(xp: Numpy, g: Array, needs: Needs, target: Array, output: Array, log_probabilities: Any) -> Any:
    g = g[..., None]
    to_target = -g * log_probabilities if needs[0] else None
    if not needs[1]:
        return to_target, None
    total = wide_sum(target, -1, keepdims=True)
    slope = xp.exp(log_probabilities)
    slope *= total
    slope -= target
    slope *= g
    return to_target, slope


@op(_softmax_rule, joint=True, reference=_of_log_softmax, saves=("log_probabilities",), floating="real")
def softmax_crossentropy(xp: Numpy, target: Array, output: Array) -> Any:
    """Crossentropy between `target` and `softmax(output)` over the last axis, from the logits `output`."""
    log_probabilities = apply(log_softmax, xp, output)
    return -wide_sum(target * log_probabilities, -1), log_probabilities


def _picked(target: Any, output: Any, probabilities: Any = None) -> Any:
    classes = output.shape[-1]
    labels = target.data.reshape(-1)
    rows = namespace_of(labels).arange(labels.shape[0])
    flat = log_softmax(output).reshape((-1, classes))
    return -flat[rows, labels].reshape(target.shape)


def _sparse_rule(xp: Numpy, g: Array, needs: Needs, target: Array, output: Array, probabilities: Any) -> Any:
    slope = probabilities.copy()
    slope[xp.arange(target.size), target.reshape(-1)] -= 1
    slope *= g.reshape(-1, 1)
    return None, slope.reshape(output.shape)


def check_labels(xp: Numpy, target: Array, output: Array) -> Any:
    """None when all labels are classes. On a GPU, where looking would wait for it, the flags of those which are not."""
    classes = output.shape[-1]
    # As numbers without a sign, negative ones are large: one look instead of four.
    known = xp.__name__ == "numpy" and target.size and target.dtype.kind in "iu"
    if known and xp.maximum.reduce(target.view(f"u{target.itemsize}"), None) < classes:
        return None
    outside = (target < 0) | (target >= classes)
    if xp.__name__ != "numpy":
        return outside
    if outside.any():
        given = f"target={signature_of(target)}, output={signature_of(output)}"
        cure = "Labels begin with 0; more classes need more outputs."
        if target.min() < 0:
            cure = "Labels begin with 0: renumber the classes, and leave out rows without a class."
        elif classes == 1:
            cure = (
                "Here each class has an output of its own; for labels 0 and 1 and one output use binary_crossentropy."
            )
        raise ValueError(  # the whole message: a captured step has nobody around it who would say more
            f"sparse_categorical_crossentropy({given}): target: expected class numbers from 0 to {classes - 1} "
            f"({classes} {'class' if classes == 1 else 'classes'}); "
            f"got values from {target.min()} to {target.max()}. {cure}"
        )
    return None


def _class_rule(xp: Numpy, g: Array, target: Any, output_shape: tuple[int, ...]) -> tuple[None, Any]:
    labels = (target.data if isinstance(target, Tensor) else target).reshape(-1)
    rows = (labels.shape[0], output_shape[-1])
    slope = apply(scatter_index, xp, g.reshape(-1), (xp.arange(rows[0]), labels), rows)
    return None, slope.reshape(output_shape)


@op(_class_rule, joint=True)
def of_class(xp: Numpy, target: Array, output: Array) -> Array:
    """What `output` holds for the classes `target`, over the last axis; they are an input: graphs show them."""
    rows = output.reshape(-1, output.shape[-1])
    return rows[xp.arange(rows.shape[0]), target.reshape(-1)].reshape(target.shape)


@op(_sparse_rule, joint=True, reference=_picked, saves=("probabilities",))
def sparse_softmax_crossentropy(xp: Numpy, target: Array, output: Array) -> Any:
    """Crossentropy between the classes `target` and `softmax(output)` over the last axis, from the logits `output`.

    A label that is no class raises; on a GPU its loss is NaN instead, for looking would stop the GPU.
    """
    classes = output.shape[-1]
    outside = check_labels(xp, target, output)
    logits = output.reshape(-1, classes)
    moved = logits - logits.max(axis=-1, keepdims=True) if output.size else logits.copy()
    picked = moved[xp.arange(target.size), target.reshape(-1)]
    xp.exp(moved, out=moved)
    total = wide_sum(moved, -1)
    loss = (xp.log(total) - picked).reshape(target.shape)
    if outside is not None:
        loss[outside] = xp.nan
    moved /= total[:, None]
    return loss, moved


@composite
def binary_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False) -> Tensor:
    """Binary crossentropy, elementwise.

    Args:
        target: probabilities (often 0 or 1).
        output: probabilities, or logits with `from_logits`; of the shape of `target`.
        from_logits: whether `output` are logits, to which no sigmoid has been applied, which is faster and more exact.
            Probabilities are clipped to `[epsilon(), 1 - epsilon()]`.

    Raises:
        ValueError: when the shapes differ.

    >>> ef.ops.binary_crossentropy([1.0, 0.0], [0.5, 0.25]).round(4)
    Tensor(2 float32, [0.6931, 0.2877])
    >>> ef.ops.binary_crossentropy([1.0], [0.0], from_logits=True).round(4)
    Tensor(1 float32, [0.6931])
    """
    target, output = _pair("binary_crossentropy", target, output)
    if from_logits:
        return sigmoid_crossentropy(target, output)
    if is_half(output.dtype):
        return binary_crossentropy(*_wide(target, output)).astype(output.dtype)
    output = _clipped(output)
    return -(target * log(output) + (1 - target) * log(1 - output))


@composite
def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Crossentropy between target and predicted distributions along `axis`.

    Args:
        target: probabilities of the classes, such as one-hot vectors.
        output: probabilities, or logits with `from_logits`; of the shape of `target`.
        from_logits: whether `output` are logits, to which no softmax has been applied. Probabilities are divided by
            their sum and clipped to `[epsilon(), 1 - epsilon()]`.
        axis: the axis of the classes.

    Returns:
        A tensor without that axis.

    Raises:
        ValueError: when the shapes differ.

    >>> ef.ops.categorical_crossentropy([[0, 1], [1, 0]], [[0.5, 0.5], [0.25, 0.75]]).round(4)
    Tensor(2 float32, [0.6931, 1.3863])
    >>> ef.ops.categorical_crossentropy([0, 1], [0.0, 0.0], from_logits=True).round(4)
    Tensor(float32, 0.6931)
    """
    target, output = _pair("categorical_crossentropy", target, output)
    axis = _class_axis("categorical_crossentropy", output, axis)
    if from_logits:
        return softmax_crossentropy(_last(target, axis), _last(output, axis))
    if is_half(output.dtype):
        return categorical_crossentropy(*_wide(target, output), axis=axis).astype(output.dtype)
    output = _clipped(output / output.sum(axis=axis, keepdims=True))
    return -(target * log(output)).sum(axis=axis)


@composite
def sparse_categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Crossentropy between class numbers and predicted distributions along `axis`.

    Args:
        target: class numbers, of the shape of `output` without `axis` (or with length 1 there).
        output: probabilities, or logits with `from_logits`.
        from_logits: whether `output` are logits, to which no softmax has been applied. Probabilities are divided by
            their sum and clipped to `[epsilon(), 1 - epsilon()]`.
        axis: the axis of the classes.

    Returns:
        A tensor without that axis.

    Raises:
        ValueError: when the shapes don't fit, or a label is no class.

    >>> ef.ops.sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.25, 0.75]]).round(4)
    Tensor(2 float32, [0.6931, 1.3863])
    """
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    axis = _class_axis("sparse_categorical_crossentropy", output, axis)
    target = _as_labels(target, output, axis)
    output = _last(output, axis)
    try:
        if from_logits:
            return sparse_softmax_crossentropy(target, output)
        if is_half(output.dtype):
            wide = output.astype("float32")
            loss = negative_log_of_picked(target, _clipped(wide / wide.sum(axis=-1, keepdims=True)), output)
            return loss.astype(output.dtype)
        return negative_log_of_picked(target, _clipped(output / output.sum(axis=-1, keepdims=True)), output)
    except ValueError as error:
        if ": target: " not in str(error) and not str(error).startswith("target: "):
            raise
        said = str(error).partition("target: ")[2]
        given = f"target={signature_of(target)}, output={signature_of(output)}"
        raise ValueError(f"sparse_categorical_crossentropy({given}): target: {said}") from None


def negative_log_of_picked(target: Tensor, probabilities: Tensor, output: Tensor) -> Tensor:
    """`-log` of the probability of each label; errors tell of the `output` that it is computed from."""
    outside = _labels_outside(target, output)
    loss = -log(of_class(target, probabilities))
    return loss if outside is None else where(outside, numpy.nan, loss)


@replayed_check
def _labels_outside(target: Tensor, output: Tensor) -> Any:
    """As `check_labels`."""
    return check_labels(namespace_of(target.data), target.data, output.data)


def _pair(name: str, target: Any, output: Any) -> tuple[Tensor, Tensor]:
    output = convert_to_tensor(output)
    target = convert_to_tensor(target)
    if target.shape != output.shape:
        raise ValueError(
            f"{name}: target and output need the same shape; got target {signature_of(target)}, "
            f"output {signature_of(output)}."
        )
    return target.astype(output.dtype) if target.dtype.kind in "iub" else target, output


def _class_axis(name: str, output: Tensor, axis: int) -> int:
    if not -output.ndim <= axis < output.ndim:
        raise ValueError(f"{name}: axis={axis}: output {signature_of(output)} has no such axis.")
    return axis % output.ndim


def _as_labels(target: Tensor, output: Tensor, axis: int) -> Tensor:
    """Integer labels of the shape of `output` without the axis of classes."""
    wanted = (*output.shape[:axis], *output.shape[axis + 1 :])
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = target.reshape((*target.shape[:axis], *target.shape[axis + 1 :]))
    if target.shape != wanted:
        one_hot = target.shape == output.shape
        cure = " For one-hot labels use a categorical loss, or ops.argmax(y, axis=-1)." if one_hot else ""
        if target.ndim == 1 and output.ndim > 2:
            cure = (
                " One label per sample needs outputs (batch, classes): a Flatten or pooling layer before the last one, "
                "or a recurrent layer without return_sequences=True."
            )
        if target.ndim > output.ndim:
            cure = " Are target and output swapped? The target comes first."
        raise ValueError(
            f"sparse_categorical_crossentropy: target: expected class numbers of shape {wanted} for output "
            f"{signature_of(output)}; got {signature_of(target)}.{cure}"
        )
    if target.dtype.kind in "iu":
        return target
    if target.dtype.kind == "f":
        _check_whole(target)
    return target.astype("int32")


@replayed_check
def _check_whole(target: Tensor) -> None:
    numbers = target.data
    if namespace_of(numbers) is numpy and (numbers != numpy.floor(numbers)).any():
        first = float(numbers[numbers != numpy.floor(numbers)].flat[0])
        cure = "For probabilities use categorical_crossentropy."
        if numpy.isnan(first):
            cure = f"{numpy.isnan(numbers).sum()} of {numbers.size} labels are missing: leave these rows out."
        raise ValueError(
            f"sparse_categorical_crossentropy: target: expected class numbers 0, 1, 2, ...; got {first:g}. {cure}"
        )


def _last(x: Tensor, axis: int) -> Tensor:
    return x if axis == x.ndim - 1 else moveaxis(x, axis, -1)


def _wide(target: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """As float32: in halves `1 - epsilon()` is 1, and the logarithm of what is left 0."""
    return target.astype("float32"), output.astype("float32")


def _clipped(x: Tensor) -> Tensor:
    return clip(x, epsilon(), 1 - epsilon())

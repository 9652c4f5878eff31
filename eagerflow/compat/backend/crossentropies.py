"""Crossentropies and CTC, with the arguments of `keras.backend`."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.config import epsilon
from eagerflow.losses import binary_focal_crossentropy, categorical_focal_crossentropy

__all__ = ["binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy"]
__all__ += ["categorical_focal_crossentropy", "ctc_batch_cost", "ctc_decode", "sparse_categorical_crossentropy"]

binary_crossentropy, categorical_crossentropy = ops.binary_crossentropy, ops.categorical_crossentropy


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The crossentropy of targets that are class numbers.

    >>> sparse_categorical_crossentropy([1, 0], [[0.5, 0.5], [0.25, 0.75]]).round(4)
    Tensor(2 float32, [0.6931, 1.3863])
    """
    target, output = ops.convert_to_tensor(target), ops.convert_to_tensor(output)
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = ops.squeeze(target, -1)
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss of every sequence; the last class is the blank.

    >>> even = ef.ops.full((1, 2, 2), 0.5)
    >>> ef.ops.exp(-ctc_batch_cost([[0]], even, [[2]], [[1]])).round(4)
    Tensor(1×1 float32, [[0.75]])
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels, steps = [ops.cast(ops.reshape(n, (-1,)), "int32") for n in (label_length, input_length)]
    blank = y_pred.shape[-1] - 1
    losses = ops.ctc_loss(ops.cast(y_true, "int32"), _logits(y_pred), labels, steps, mask_index=blank)
    return ops.expand_dims(losses, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """The most probable labels of every sequence; the last class is the blank.

    >>> scores = [[[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]]
    >>> labels, _ = ctc_decode(scores, [3])
    >>> labels[0].tolist()
    [[0, 1, -1]]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    paths, scores = ops.ctc_decode(
        _logits(y_pred),
        input_length,
        "greedy" if greedy else "beam_search",
        beam_width,
        top_paths,
        mask_index=y_pred.shape[-1] - 1,
    )
    return [paths[i] for i in range(paths.shape[0])], scores


def _logits(probabilities: Any) -> Any:
    return ops.log(probabilities + epsilon())

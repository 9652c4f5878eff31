"""What makes a vocabulary usable: no token twice, special tokens first, one weight for each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.machine.budget import take
from eagerflow.layer.input_spec import describe

__all__ = ["checked_tokens", "checked_weights", "padded_weights"]


def checked_weights(layer: Any, vocabulary: Any, idf_weights: Any) -> None:
    """Raise unless weights are there exactly for the mode "tf_idf".

    Raises:
        ValueError: naming the layer.
    """
    who = describe(layer)
    wanted = layer.output_mode == "tf_idf"
    if wanted and isinstance(vocabulary, str):
        raise ValueError(
            f'{who}: output_mode="tf_idf" needs weights, which a vocabulary file doesn\'t hold. '
            "Pass lists: vocabulary and idf_weights."
        )
    if wanted != (idf_weights is not None):
        raise ValueError(
            f'{who}: idf_weights belong to output_mode="tf_idf"; the mode is {layer.output_mode!r} and '
            f"idf_weights {'missing' if wanted else 'given'}."
        )
    if idf_weights is not None and (numpy.ndim(idf_weights) != 1 or len(idf_weights) != len(vocabulary)):
        raise ValueError(
            f"{who}: expected one idf_weight per token: {len(vocabulary)}; got shape {numpy.shape(idf_weights)}."
        )


def checked_tokens(layer: Any, listed: list[Any]) -> tuple[list[Any], bool]:
    """The tokens of a vocabulary without the special ones, and whether those were there.

    Raises:
        ValueError: for repeated, reserved or too many tokens, or none.
    """
    who = describe(layer)
    if not listed:
        raise ValueError(f"{who}: the vocabulary is empty.")
    special = layer.get_vocabulary()[: layer.vocabulary_size() - len(layer.get_vocabulary(False))]
    found_special = bool(special) and listed[: len(special)] == special
    tokens = listed[len(special) :] if found_special else listed
    repeated = [token for token, count in Counter(tokens).items() if count > 1]
    if repeated:
        raise ValueError(f"{who}: the vocabulary has repeated tokens: {repeated[:10]}. Name each once.")
    reserved = [layer.mask_token] + ([layer.oov_token] if layer.invert else [])
    for token in reserved:
        if token is not None and token in tokens:
            raise ValueError(
                f"{who}: the vocabulary has the reserved token {token!r} at index {listed.index(token)}. Leave mask "
                f"and unknown tokens away, or begin with exactly {special}."
            )
    size = len(special) + len(tokens)
    if layer.max_tokens is not None and size > layer.max_tokens:
        raise ValueError(
            f"{who}: the vocabulary has {size} tokens with the special ones; max_tokens={layer.max_tokens}."
        )
    return tokens, found_special


def padded_weights(layer: Any, idf_weights: Any, listed: list[Any], found_special: bool) -> numpy.ndarray:
    """Weights for all indices: unknown tokens get the mean, those that only pad get 0."""
    weights = numpy.asarray(idf_weights, floatx())
    front = 0 if found_special else layer.vocabulary_size() - len(listed)
    back = layer.max_tokens - front - len(weights) if layer.pad_to_max_tokens else 0
    take(8 * (front + max(back, 0)), f"the idf_weights of {describe(layer)}")
    return numpy.pad(weights, (front, back), constant_values=(weights.mean(), 0))

"""Text for a page: what a `TextVectorization` does, as plain data that the page's scripts follow."""

from __future__ import annotations

from typing import Any

from eagerflow import Input, Model, Sequential
from eagerflow.layers import TextVectorization

__all__ = ["described", "without_text"]

_MODES = ("int", "multi_hot", "count", "tf_idf")


def described(layer: TextVectorization, length: int | None) -> dict[str, Any]:
    """A layer's settings and words."""
    about, lookup = layer.get_config(), layer._lookup_layer
    chosen = [name for name in ("standardize", "split") if not isinstance(about[name], str | None)]
    if chosen:
        raise ValueError(
            f"export(format='web'): the page can't run the Python function that {layer.name!r} has as {chosen[0]}. "
            "Use one of Keras' names for it, or export the model behind it, which takes numbers."
        )
    words, mode = lookup.get_vocabulary(), about["output_mode"]
    if mode not in _MODES:
        raise ValueError(
            f"export(format='web'): {layer.name!r} has output_mode={mode!r}; the page knows "
            f"{', '.join(map(repr, _MODES))}."
        )
    ngrams = None if layer._ngrams is None else list(layer._ngrams)
    if mode == "int":
        length = about["output_sequence_length"] or length
    else:
        length = about["max_tokens"] if about["pad_to_max_tokens"] else len(words)
    weights = None if mode != "tf_idf" or lookup.idf_weights is None else lookup.idf_weights.tolist()
    first = lookup.vocabulary_size() - len(lookup.get_vocabulary(False))
    found = {"mode": mode, "length": length, "words": words, "first": first, "weights": weights}
    return {"kind": "text", "standardize": about["standardize"], "split": about["split"], "ngrams": ngrams, **found}


def without_text(model: Any) -> tuple[Any, TextVectorization | None]:
    """The part of a model behind its `TextVectorization`, and that layer; the model itself where it has none."""
    layers = list(getattr(model, "layers", ()))
    found = next((layer for layer in layers if isinstance(layer, TextVectorization)), None)
    if found is None:
        return model, None
    if isinstance(model, Sequential):
        if layers[0] is not found:
            raise ValueError(f"export(format='web'): {found.name!r} must be the model's first layer.")
        about = described(found, None)
        kind = "int64" if about["mode"] == "int" else "float32"
        return Sequential([Input((about["length"],), dtype=kind), *layers[1:]], name=model.name), found
    return Model(found.output, model.output, name=model.name), found

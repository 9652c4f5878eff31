"""Text for a page: what a `TextVectorization` does, as plain data that the page's scripts follow."""

from __future__ import annotations

from typing import Any

from eagerflow import Input, Model, Sequential
from eagerflow.layers import TextVectorization
from eagerflow.onnx import text

__all__ = ["described", "without_text"]


def described(layer: TextVectorization, length: int | None) -> dict[str, Any]:
    """A layer's settings and words.

    Args:
        layer: what makes indices of text.
        length: of the sequences that the model takes, None where any will do.
    """
    about = text.described(layer)
    chosen = [name for name in ("standardize", "split") if isinstance(about[name], dict)]
    if chosen:
        raise ValueError(
            f"export(format='web'): the page can't run the Python function that {layer.name!r} has as {chosen[0]}. "
            "Use one of Keras' names for it, or export the model behind it, which takes numbers."
        )
    if about["output_mode"] != "int":
        raise ValueError(
            f"export(format='web'): {layer.name!r} has output_mode={about['output_mode']!r}; the page makes indices "
            "of words, output_mode='int'."
        )
    taken = {name: about[name] for name in ("standardize", "split", "ngrams")}
    return {"kind": "text", **taken, "length": about["sequence_length"] or length, "words": about["vocabulary"]}


def without_text(model: Any) -> tuple[Any, TextVectorization | None]:
    """The part of a model behind its `TextVectorization`, and that layer; the model itself where it has none."""
    layers = list(getattr(model, "layers", ()))
    found = next((layer for layer in layers if isinstance(layer, TextVectorization)), None)
    if found is None:
        return model, None
    if isinstance(model, Sequential):
        if layers[0] is not found:
            raise ValueError(f"export(format='web'): {found.name!r} must be the model's first layer.")
        length = found.get_config()["output_sequence_length"]
        return Sequential([Input((length,), dtype="int64"), *layers[1:]], name=model.name), found
    return Model(found.output, model.output, name=model.name), found

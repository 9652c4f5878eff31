"""A model as a configuration, and back: architecture, the shapes it was built for, and how it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.machine.budget import LoadLimitError
from eagerflow.base.serialization import deserialize_keras_object, made_from
from eagerflow.base.shared_objects import calls_counted_together
from eagerflow.base.tracebacks import warn
from eagerflow.layer.configuration import described_with_shapes
from eagerflow.layer.layer import Layer
from eagerflow.models.quantizing import quantize_layers, quantized_layers
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.lambdas import without_code
from eagerflow.models.saving.legacy_config import modern_config
from eagerflow.training.compile_arguments import from_description
from eagerflow.training.trainer import Trainer

__all__ = ["built_model", "compile_again", "config_of"]


def config_of(model: Any, compiled: bool = True) -> dict[str, Any]:
    """Everything but the weights."""
    with calls_counted_together():
        config = described_with_shapes(model)
    quantized = quantized_layers(model) if isinstance(model, Layer) else None
    if quantized:
        config["quantized"] = quantized  # which Keras overlooks
    compile_config = model.get_compile_config() if compiled and isinstance(model, Trainer) else None
    return {**config, "compile_config": compile_config} if compile_config else config


def built_model(config: dict[str, Any], file: str, custom_objects: Any, safe_mode: bool) -> Any:
    """The model that a config describes, with fresh weights, not compiled.

    Args:
        config: what `config_of` gave.
        file: for messages.
        custom_objects: custom classes and functions by name.
        safe_mode: whether Lambda layers whose code is in the file are refused.

    Raises:
        FileFormatError: when the config describes no model.
        LoadLimitError: when it describes larger weights than the file can hold.
    """
    described = without_code(
        {k: v for k, v in config.items() if k != "compile_config"}, file, custom_objects, safe_mode
    )
    with made_from(file, safe_mode):
        try:
            model = deserialize_keras_object(modern_config(described), custom_objects)
            if described.get("quantized") and isinstance(model, Layer):
                quantize_layers(model, described["quantized"])
        except (ValueError, TypeError) as error:
            if (
                not isinstance(error, (FileFormatError, LoadLimitError))
                and error.args
                and isinstance(error.args[0], str)
            ):
                error.args = (f"{file!r}: {error.args[0]}", *error.args[1:])
            raise
        except (KeyError, IndexError, AttributeError, RecursionError) as error:
            raise FileFormatError(
                f"{file!r}: its configuration is damaged ({type(error).__name__}: {error!s:.200})."
            ) from error
    if not isinstance(model, Trainer) and not getattr(model, "_saved_alone", False):
        raise FileFormatError(f"{file!r} describes a {type(model).__name__}, no model.")
    return model


def compile_again(model: Any, compile_config: Mapping[str, Any] | None, custom_objects: Any, file: str) -> None:
    """Compile a model as it was. Where that fails the model stays uncompiled, with a warning: it still predicts."""
    if not compile_config:
        return
    arguments = {k: v for k, v in compile_config.items() if k != "auto_scale_loss"}
    try:
        with made_from(file):
            made = {k: from_description(v, custom_objects) for k, v in arguments.items()}
            model.compile_from_config(made)
    except LoadLimitError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        warn(
            f"{file!r}: the model was loaded, but couldn't be compiled as it was: {error!s:.250} "
            "Call compile() yourself, or load with custom_objects={...}."
        )

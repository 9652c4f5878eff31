"""`.h5` in the layout of Keras 2: configurations as attributes, and a group of named weights per layer.

Source: what Keras 3.15 and tf.keras 2 write.
"""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO

import numpy

from eagerflow import losses
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.base.tracebacks import warn
from eagerflow.core.variable import Variable
from eagerflow.layer.configuration import described_with_shapes
from eagerflow.layer.unique_names import snake_case
from eagerflow.layer.weights import gather
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.archive import KERAS_VERSION
from eagerflow.models.saving.assets import asset_arrays, restore_asset_arrays
from eagerflow.models.saving.assign import Match, assign_all, signature
from eagerflow.models.saving.errors import SKIPS, FileFormatError, listed
from eagerflow.models.saving.json_text import read_json, write_json
from eagerflow.models.saving.legacy_config import is_before_keras_3, modern_compile_config, with_old_meanings
from eagerflow.models.saving.state import beside_weights, restore_beside_weights
from eagerflow.models.saving.whole import built_model, compile_again
from eagerflow.optimizers.base import Optimizer

__all__ = ["is_legacy", "load_model", "load_weights", "write_model", "write_weights"]

_TOP = "top_level_model_weights"
_BESIDE = "_eagerflow"  # a group that Keras doesn't look at
_CHECKSUM = "eagerflow_crc32"


# Writing


def write_model(model: Any, target: BinaryIO, include_optimizer: bool = True) -> None:
    """Write the whole model."""
    for layer in model._flatten_layers():
        if getattr(layer, "quantization_mode", None) == "float8":
            raise ValueError(
                f"save: .h5 files can't hold {layer.name!r}, which is quantized to float8. Save as '.keras'."
            )
    config = {"class_name": type(model).__name__, "config": model.get_config()}
    shapes = described_with_shapes(model).get("build_config")
    if shapes and "layers" not in config["config"]:  # a subclassed model; Keras reads none of these from .h5
        config["build_config"] = shapes
    attributes = {"keras_version": KERAS_VERSION, "backend": "numpy", "model_config": write_json(config, model)}
    optimizer = model.optimizer if include_optimizer and model.compiled else None
    if optimizer is not None:
        attributes["training_config"] = write_json(_training_config(model), model)
    attributes[_CHECKSUM] = str(_sum_of(attributes))
    with hdf5.writing(target) as writer:
        writer.attributes("", attributes)
        _write_layers(writer, "model_weights", model)
        if optimizer is not None and optimizer.built:
            _write_group(writer, "optimizer_weights", optimizer.variables)
        for path, array in {**beside_weights(model), **asset_arrays(model)}.items():
            writer.array(path, array)


def write_weights(model: Any, target: BinaryIO) -> None:
    """Write the weights alone."""
    with hdf5.writing(target) as writer:
        _write_layers(writer, "", model)


def _sum_of(attributes: dict[str, Any]) -> int:
    texts = [str(attributes.get(name)) for name in ("model_config", "training_config")]
    return zlib.crc32("\n".join(texts).encode())


def _training_config(model: Any) -> dict[str, Any]:
    config = model.get_compile_config()
    optimizer = config.pop("optimizer")
    name = optimizer["registered_name"] or optimizer["class_name"]
    config["loss"] = _loss_objects(config["loss"])
    return {**config, "optimizer_config": {"class_name": name, "config": optimizer["config"]}}


def _loss_objects(value: Any) -> Any:
    """Names of losses become the objects they stand for: Keras can't read "mse" from such a file."""
    if isinstance(value, list):
        return [_loss_objects(v) for v in value]
    if isinstance(value, dict):
        return value if "class_name" in value else {k: _loss_objects(v) for k, v in value.items()}
    name = getattr(losses.get(value), "__name__", None)
    kinds = [kind for kind in vars(losses).values() if isinstance(kind, type) and issubclass(kind, losses.Loss)]
    kind = next((kind for kind in kinds if name is not None and snake_case(kind.__name__) == name), None)
    return value if kind is None else serialize_keras_object(kind())


def _write_layers(writer: hdf5.Writer, group: str, model: Any) -> None:
    writer.attributes(group, {"backend": "numpy", "keras_version": KERAS_VERSION})
    layers = list({id(layer): layer for layer in model.layers}.values())  # a Sequential may list one twice
    writer.texts(group, "layer_names", [layer.name for layer in layers])
    prefix = f"{group}/" if group else ""
    for layer in layers:
        _write_group(writer, f"{prefix}{layer.name}", _in_old_order(layer))
    _write_group(writer, f"{prefix}{_TOP}", gather(model)[0])


def _in_old_order(layer: Any) -> list[Variable]:
    """Weights as Keras 2 orders them: trainable ones of all inner layers first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _write_group(writer: hdf5.Writer, group: str, variables: list[Variable]) -> None:
    names: list[str] = []
    for variable in variables:
        name = variable.path
        while name in names:
            name += "_"
        names.append(name)
        writer.array(f"{group}/{name}", numpy.asarray(variable))
    writer.texts(group, "weight_names", names)


# Reading


def is_legacy(file: BinaryIO, name: str) -> bool:
    """Whether an HDF5 file has this layout, rather than that of `.weights.h5`."""
    with hdf5.reading(file, name) as root:
        found = _layers_group(root) is not None
    file.seek(0)
    return found


def _layers_group(root: hdf5.Group) -> hdf5.Group | None:
    group = root.groups.get("model_weights", root)
    return group if any(key.startswith("layer_names") for key in group.attributes) else None


def load_model(file: BinaryIO, name: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model, compiled as it was."""
    with hdf5.reading(file, name) as root:
        text = root.text("model_config")
        group = _layers_group(root)
        if text is None or group is None:
            raise FileFormatError(
                f"{name!r} holds weights but no model: make the model yourself, then model.load_weights({name!r})."
            )
        training = root.text("training_config")
        _check_sum(root, name)
        config = read_json(text, name, "model_config")
        config = with_old_meanings(config) if is_before_keras_3(root.text("keras_version")) else config
        model = built_model(config, name, custom_objects, safe_mode)
        _load_layers(model, group, name, fresh=True)
        others = dict(root.groups[_BESIDE].all_arrays(f"{_BESIDE}/")) if _BESIDE in root.groups else {}
        restore_beside_weights(model, others, name)
        restore_asset_arrays(model, others, name)
        if compile and training is not None:
            compile_config = _compile_config(read_json(training, name, "training_config"), name)
            compile_again(model, compile_config, custom_objects, name)
            if model.compiled and "optimizer_weights" in root.groups:
                _load_optimizer(model, root.groups["optimizer_weights"], name)
    return model


def _check_sum(root: hdf5.Group, file: str) -> None:
    expected = root.text(_CHECKSUM)
    texts = {name: root.text(name) for name in ("model_config", "training_config")}
    if expected is not None and expected != str(_sum_of(texts)):
        raise FileFormatError(f"{file!r} is damaged: the checksum of its configuration is wrong.")


def _compile_config(config: dict[str, Any], file: str) -> dict[str, Any]:
    try:
        return modern_compile_config(config)
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{file!r}: its training_config is damaged ({type(error).__name__}: {error}).") from None


def load_weights(model: Any, file: BinaryIO, name: str, skip_mismatch: bool, by_name: bool) -> None:
    """Set the weights of a model."""
    with hdf5.reading(file, name) as root:
        group = _layers_group(root)
        assert group is not None
        _load_layers(model, group, name, skip_mismatch, by_name)


def _load_layers(
    model: Any, group: hdf5.Group, file: str, skip_mismatch: bool = False, by_name: bool = False, fresh: bool = False
) -> None:
    stored = {n: _arrays(group, n, file) for n in group.texts("layer_names")}
    saved = {n: arrays for n, arrays in stored.items() if arrays}
    own = {layer.name: layer for layer in model.layers if layer.weights}
    pairs = _paired(saved, own, by_name, file, fresh)
    if by_name and not pairs:
        warn(
            f"load_weights({file!r:.120}, by_name=True): nothing was loaded: no layer with weights has the name of one "
            f"in the file. The file has {list(saved)!s:.120}, the model {list(own)!s:.120}."
        )
    matches, extra = [], []
    for name, layer in pairs:
        found, more = _match(saved[name], _in_old_order(layer), f"layer {layer.name!r}", layer.name)
        matches += found
        extra += more
    top, more = _match(_arrays(group, _TOP, file, optional=True), gather(model)[0], f"model {model.name!r}", model.name)
    matches += top if not by_name else []
    extra += more if not by_name else []
    if extra and not skip_mismatch:
        raise listed(
            file,
            "doesn't fit the model",
            [*[p for p in [m.problem for m in matches] if p], *extra],
            "" if fresh else SKIPS,
        )
    assign_all(matches, file, skip_mismatch, fresh)


def _arrays(group: hdf5.Group, layer: str, file: str, optional: bool = False) -> list[hdf5.Array]:
    """The arrays of a layer in their order."""
    found = group.find_group(layer)
    if found is None:
        if optional:
            return []
        raise FileFormatError(f"{file!r} is damaged: the weights of its layer {layer!r:.80} are missing.")
    arrays = []
    for name in found.texts("weight_names"):
        array = found.find_array(name)
        if array is None:
            raise FileFormatError(f"{file!r} is damaged: array {name!r:.80} of layer {layer!r:.80} is missing.")
        arrays.append(array)
    return arrays


def _paired(saved: dict[str, Any], own: dict[str, Any], by_name: bool, file: str, fresh: bool) -> list[tuple[str, Any]]:
    """Saved layers and the model's: by name where all names agree, else in their order, as in Keras."""
    if by_name or saved.keys() == own.keys():
        return [(name, own[name]) for name in saved if name in own]
    if len(saved) != len(own):
        missing = [f"layer {n!r}: the file lacks it" for n in own if n not in saved]
        extra = [f"layer {n!r}: the model lacks it" for n in saved if n not in own]
        raise listed(
            file,
            f"has {len(saved)} layers with weights, the model {len(own)}",
            [*missing, *extra],
            f" Make the model in code, call it on data, then model.load_weights({file!r:.120})."
            if fresh
            else " by_name=True loads the layers that both have.",
        )
    return list(zip(saved, own.values()))


def _match(
    arrays: list[hdf5.Array], variables: list[Variable], where: str, owner: str
) -> tuple[list[Match], list[str]]:
    matches = [
        Match(v, arrays[i] if i < len(arrays) else None, f"{where}, array {i} {v.name!r:.60}", owner)
        for i, v in enumerate(variables)
    ]
    extra = [
        f"{where}, array {i}: found {signature(a)}, expected nothing"
        for i, a in enumerate(arrays)
        if i >= len(variables)
    ]
    return matches, extra


def _load_optimizer(model: Any, group: hdf5.Group, file: str) -> None:
    """Set the optimizer's state. Where it doesn't fit, a warning says that the optimizer starts over, as in Keras."""
    optimizer = model.optimizer
    if not isinstance(optimizer, Optimizer):
        return
    arrays = [group.find_array(name) for name in group.texts("weight_names")]
    for order in (arrays, _interleaved(arrays, optimizer)):
        matches = [
            Match(v, a, f"optimizer {optimizer.name!r}, array {i}", optimizer.name)
            for i, (v, a) in enumerate(zip(_own_state(optimizer, order), order))
        ]
        if order and len(matches) == len(order) and not any(m.problem for m in matches):
            assign_all(matches, file, fresh=True)
            return
    warn(
        f"{file!r}: the state of the optimizer ({len(arrays)} arrays) doesn't fit {type(optimizer).__name__} "
        f"({len(optimizer.variables)} arrays); it starts over."
    )


def _own_state(optimizer: Optimizer, order: list[Any]) -> list[Variable]:
    """The variables that a file's arrays are for.

    Files before Keras 2.11 lack the learning rate; those of models that weren't trained hold the counter and the rate.
    """
    own = optimizer.variables
    if len(order) == len(own):
        return own
    if not any(array is None or array.shape for array in order):
        return [v for v in own[: len(order)] if not v.shape]
    rate = optimizer._rate.variable
    rest = [v for v in own if v is not rate]
    return rest if len(order) == len(rest) else []


def _interleaved(arrays: list[Any], optimizer: Optimizer) -> list[Any]:
    """State before Keras 2.11: the counter, all first slots, all second slots; ours goes variable by variable."""
    slots = len(optimizer.slots)
    if slots == 0 or (len(arrays) - 1) % slots:
        return []
    count = (len(arrays) - 1) // slots
    columns = [arrays[1 + i * count : 1 + (i + 1) * count] for i in range(slots)]
    return [arrays[0], *[array for row in zip(*columns) for array in row]]

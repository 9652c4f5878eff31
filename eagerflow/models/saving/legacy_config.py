"""Configurations of Keras 1 and 2, and of `.h5` files of Keras 3, in the layout of `.keras` files."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from eagerflow.base.legacy import legacy
from eagerflow.base.serialization import tables
from eagerflow.base.tracebacks import arguments_of
from eagerflow.layer.configuration import table as layers
from eagerflow.models.saving.legacy_ops import is_place, tensor, tensorflow_op

__all__ = ["modern_compile_config", "modern_config", "with_old_meanings"]
__all__ += ["is_before_keras_3"]

_INNER = frozenset("layer layers cell cells forward_layer backward_layer".split())
_HARMLESS = ("implementation", "fused", "experimental_run_tf_function", "ragged", "sparse", "batch_size")
_MODELS = {"Sequential": "keras", "Functional": "keras.src.models.functional", "Model": "keras.src.models.functional"}
_UNUSED = {  # what Keras 2 wrote for classes that don't use it
    "SeparableConv": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "DepthwiseConv": ("groups", "filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape", "softmax_robust_masking"),
}
_DEFAULT_OF_KERAS_2 = {"time_major": False, "unroll": False, "renorm": False, "virtual_batch_size": None}


def modern_config(entry: Any, older: bool = False) -> Any:
    """A layer's or model's description, with all inside of it, as Keras 3 writes it into `.keras` files.

    Args:
        entry: that description, in the form of any version.
        older: whether it is a part of what an older version wrote, though it tells its module (as from Keras 2.13 on).
    """
    if isinstance(entry, list):
        return [modern_config(e, older) for e in entry]
    if not isinstance(entry, dict) or "class_name" not in entry:
        return entry
    name, config, module = str(entry["class_name"]), entry.get("config"), str(entry.get("module") or "")
    if name in ("TFOpLambda", "SlicingOpLambda"):
        return tensorflow_op(entry)
    older = older or _has_calls_by_list(config)
    if module and not (older and module.startswith("keras")):
        made: dict[str, Any] = (
            {**entry, "inbound_nodes": _calls(entry)} if older and "inbound_nodes" in entry else {**entry}
        )
        if isinstance(config, dict) and not _INNER.isdisjoint(config):
            made["config"] = {k: modern_config(v, older) if k in _INNER else v for k, v in config.items()}
        return made
    config = {"layers": config} if isinstance(config, list) else dict(config or {})
    if not older and _is_op(entry, config):  # Keras 2 writes ops as a TFOpLambda
        return {**entry, "module": "eagerflow.ops", "inbound_nodes": _calls(entry)}
    made = {**entry, "config": _modern_settings(name, config, older)}
    if name not in layers:  # Keras 1's Convolution2D
        made["class_name"] = name = name.replace("Convolution", "Conv")
    if name in _MODELS and "layers" in config:
        made.update(module=_MODELS[name], class_name="Functional" if name == "Model" else name)
    elif name in layers:
        made["module"] = "keras.layers"
    if "inbound_nodes" in entry:
        made["inbound_nodes"] = _calls(entry)
    return made


def is_before_keras_3(version: Any) -> bool:
    """Whether a file tells an older version than 3, or none."""
    major = str(version or "").partition(".")[0]
    return not major.isdigit() or int(major) < 3


def with_old_meanings(config: Any) -> Any:
    """A configuration of Keras 1 or 2 in which activations mean what they meant there.

    The slope of `hard_sigmoid`, which old LSTMs and GRUs have as a default, was 0.2; in Keras 3 it is 1/6.
    """
    if isinstance(config, list):
        return [with_old_meanings(v) for v in config]
    if not isinstance(config, dict):
        return config
    kind = config.get("class_name")
    named = kind in _MODELS or kind in layers  # in `.keras` files of Keras 2, with modules of that time
    return {
        k: "hard_sigmoid_keras_2"
        if v == "hard_sigmoid" and (k.endswith("activation") or (kind == "function" and k == "config"))
        else with_old_meanings(v)
        for k, v in config.items()
        if not (named and k == "module")
    }


def _has_calls_by_list(config: Any) -> bool:
    """Whether these are the settings of a model of Keras 1 or 2."""
    inside = config.get("layers") if isinstance(config, dict) else None
    return isinstance(inside, list) and any(isinstance(call, list) for entry in inside for call in _inbound(entry))


def _is_op(entry: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Some ops have the name of a layer; layers always say whether they are trainable, or what an Input's shape is."""
    own = {"trainable", "batch_shape", "batch_input_shape", "layers"}
    return "inbound_nodes" in entry and not own & config.keys()


@functools.lru_cache(maxsize=256)
def _known_arguments(cls: type) -> frozenset[str]:
    """What the config of a class may hold; cached, as a file may have very many layers of few classes."""
    return frozenset([*arguments_of(cls), "batch_shape", "input_length"])


def _modern_settings(name: str, config: dict[str, Any], older: bool) -> dict[str, Any]:
    found = {k: v for k, v in config.items() if k not in _HARMLESS}
    for prefix, keys in _UNUSED.items():
        if name.startswith(prefix):
            found = {k: v for k, v in found.items() if k not in keys}
    for key, default in _DEFAULT_OF_KERAS_2.items():
        if key in found and found[key] == default:
            del found[key]
    for key in _INNER:
        if key in found:
            found[key] = modern_config(found[key], older)
    if "batch_input_shape" in found:
        found["batch_shape"] = found.pop("batch_input_shape")
    known = name.replace("Convolution", "Conv")
    if known in layers and not found.keys() <= _known_arguments(cls := layers.find(known)):
        found = legacy.config(cls, found)  # Keras 1's names
    if isinstance(found.get("axis"), list) and len(found["axis"]) == 1:
        found["axis"] = found["axis"][0]
    if isinstance(found.get("dtype"), Mapping) and found["dtype"].get("class_name") in ("Policy", "PolicyV1"):
        found["dtype"] = found["dtype"]["config"]["name"]
    for key in ("input_layers", "output_layers"):
        if key in found:
            found[key] = _ends(found[key])
    return _renumbered(found) if "input_layers" in found and _has_calls_by_list(config) else found


def _inbound(entry: Any) -> list[Any]:
    calls = entry.get("inbound_nodes") if isinstance(entry, dict) else None
    return calls if isinstance(calls, list) else []


def _renumbered(config: dict[str, Any]) -> dict[str, Any]:
    """Keras 2 counts the making of an inner model as its first call; Keras 3 does so in `output_layers` alone."""
    counts = {entry.get("name"): len(_inbound(entry)) for entry in config["layers"]}
    models = {entry.get("name") for entry in config["layers"] if "input_layers" in (entry.get("config") or {})}
    ends = [place for key in ("input_layers", "output_layers") for place in _places_in(config[key])]
    inside = [place for entry in config["layers"] for place in _places_in(_inbound(entry))]
    highest: dict[str, int] = {}
    for place in [*ends, *inside]:
        highest[place[0]] = max(place[1], highest.get(place[0], 0))
    for place in [*ends, *inside]:
        place[1] -= max(0, highest[place[0]] - ((counts.get(place[0]) or 1) - 1))
    for place in ends:
        place[1] += place[0] in models
    return config


def _places_in(value: Any) -> Iterator[list[Any]]:
    if is_place(value):
        yield value
    elif isinstance(value, (list, Mapping)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _places_in(part)


def _ends(places: Any) -> Any:
    """Keras 2 lists even a single end; the model then takes and gives a list of one."""
    single = isinstance(places, list) and len(places) == 1 and isinstance(places[0], list) and len(places[0]) == 3
    return places[0] if single else places


def _calls(entry: Mapping[str, Any]) -> list[Any]:
    """The calls of a layer: `[[name, call, output, kwargs], ...]` in Keras 2, arguments in Keras 3."""
    return [call if isinstance(call, dict) else _modern_call(call, entry) for call in entry["inbound_nodes"]]


def _modern_call(call: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
    places = [call] if is_place(call) else list(call)
    tensors = [tensor(p) for p in places]
    if "return_state" in (entry.get("config") or {}) and len(tensors) > 1:  # a recurrent layer with its states
        return {"args": tensors[:1], "kwargs": {"initial_state": tensors[1:]}}
    kwargs = {k: v for p in places if len(p) > 3 and isinstance(p[3], dict) for k, v in p[3].items()}
    return {
        "args": [tensors[0] if len(tensors) == 1 else tensors] if tensors else [],
        "kwargs": {k: tensor(v) if is_place(v) else v for k, v in kwargs.items()},
    }


# How a model is compiled


def modern_compile_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The `training_config` of an `.h5` file as arguments of `compile`."""
    optimizer = dict(config["optimizer_config"])
    settings = {k: v for k, v in (optimizer.get("config") or {}).items() if k not in _OF_OLD_OPTIMIZERS}
    if "lr" in settings:  # until Keras 2.2
        settings["learning_rate"] = settings.pop("lr")
    if not settings.get("decay"):
        settings.pop("decay", None)
    name = str(optimizer["class_name"]).rpartition(">")[2]
    if isinstance(settings.get("learning_rate"), Mapping):
        settings["learning_rate"] = {**settings["learning_rate"], "module": "keras.optimizers.schedules"}
    found: dict[str, Any] = {"optimizer": {"module": "keras.optimizers", "class_name": name, "config": settings}}
    found["loss"] = _each(config.get("loss"), _loss)
    for key in ("metrics", "weighted_metrics"):
        found[key] = _each(config.get(key), _metric)
    found["loss_weights"] = config.get("loss_weights")
    return found | {k: config[k] for k in ("run_eagerly", "steps_per_execution", "jit_compile") if k in config}


_OF_OLD_OPTIMIZERS = ("jit_compile", "is_legacy_optimizer")


def _each(value: Any, convert: Any) -> Any:
    if isinstance(value, list):
        return [_each(v, convert) for v in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _each(v, convert) for k, v in value.items()}
    return convert(value)


def _loss(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    if entry["class_name"] == "function":
        return entry["config"]
    settings = {k: v for k, v in entry["config"].items() if k != "fn"}
    if settings.get("reduction") in ("auto", "default"):
        del settings["reduction"]
    return {**entry, "module": entry.get("module") or "keras.losses", "config": settings}


def _metric(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    if entry["class_name"] == "function":
        return entry["config"]
    settings = dict(entry["config"])
    function = settings.pop("fn", None)
    if entry["class_name"] == "MeanMetricWrapper" and function is not None:
        name = function["config"] if isinstance(function, dict) else function
        given, known = settings.get("name"), tables["keras.metrics"].entries
        if given in ("accuracy", "acc"):
            return given
        if (
            name in known and given and {given, given.rpartition("_")[2]}.isdisjoint(known)
        ):  # as in "mine", not "out_mae"
            return {"module": "keras.metrics", "class_name": "MeanMetricWrapper", "config": {**settings, "fn": name}}
        return name
    return {**entry, "module": entry.get("module") or "keras.metrics", "config": settings}

"""Configurations that come from elsewhere, handed to every function that builds something of one."""

from __future__ import annotations

import json
import os

import pytest

import eagerflow as ef
from tests.hostile.configurations import configurations
from tests.hostile.good import good_model

CODE = ["4wEAAAA=", None, None]
KINDS = ("activations", "constraints", "initializers", "layers", "losses", "metrics", "optimizers", "regularizers")
DESERIALIZERS = {kind: getattr(ef, kind).deserialize for kind in KINDS}
DESERIALIZERS |= {
    "schedules": ef.optimizers.schedules.deserialize,
    "saving": ef.saving.deserialize_keras_object,
    "policies": ef.dtype_policies.deserialize,
}
THINGS = {
    "system": {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": "system"},
    "function": {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"},
    "eval": {"module": "builtins", "class_name": "eval", "config": "1", "registered_name": "eval"},
    "numpy": {"module": "numpy", "class_name": "load", "config": {"file": "x"}, "registered_name": "load"},
    "get_file": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "file:///etc/passwd"}},
    "dunder": {"module": "builtins", "class_name": "__import__", "config": {"name": "os"}},
    "lambda": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    "lambda_layer": {"class_name": "Lambda", "config": {"function": CODE}},
    "lambda_dict": {
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
    },
    "lambda_inside": {
        "class_name": "TimeDistributed",
        "config": {"layer": {"class_name": "Lambda", "config": {"function": CODE}}},
    },
    "lambda_model": {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Lambda", "config": {"function": CODE}}]},
    },
    "number": {"class_name": 3, "config": {}},
    "list": {"class_name": ["Dense"], "config": {}},
    "no_config": {"class_name": "Dense"},
    "config_text": {"class_name": "Dense", "config": "units"},
    "config_none": {"class_name": "Dense", "config": None},
    "long": {"class_name": "n" * 10**6, "config": {}},
    "long_value": {"class_name": "Dense", "config": {"units": "u" * 10**6}},
    "long_key": {"class_name": "Dense", "config": {"u" * 10**6: 1}},
    "text": "os.system",
    "path": "../../etc/passwd",
    "long_text": "n" * 10**6,
}


@pytest.fixture(autouse=True)
def no_commands(monkeypatch):
    """Whatever would run a command fails the test."""
    ran = []
    monkeypatch.setattr(os, "system", ran.append)
    yield
    assert ran == []


def refused(call, config):
    """Whether something was refused, in words; what isn't code may also come back as it is."""
    with pytest.raises((ValueError, TypeError)) as caught:
        call(config)
    assert 0 < len(str(caught.value)) <= 500
    return str(caught.value)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("kind", DESERIALIZERS)
def test_what_is_no_name_of_ours_is_refused(kind, thing):
    if kind in ("saving", "policies") and isinstance(THINGS[thing], str):  # plain text stands for itself
        assert DESERIALIZERS[kind](THINGS[thing]) == THINGS[thing]
    else:
        refused(DESERIALIZERS[kind], THINGS[thing])


@pytest.mark.parametrize("kind", DESERIALIZERS)
def test_what_nests_too_deep_is_refused(kind):
    deep: object = {"class_name": "Dense", "config": {}}
    for _ in range(5000):
        deep = {"class_name": "TimeDistributed", "config": {"layer": deep}}
    refused(DESERIALIZERS[kind], deep)


@pytest.mark.parametrize("thing", [name for name in THINGS if "lambda" in name])
@pytest.mark.parametrize("door", ["from_config", "from_json", "clone"])
def test_code_is_refused_by_every_door(door, thing):
    config = {"name": "net", "layers": [THINGS[thing]]}
    whole = {"class_name": "Sequential", "config": config}
    doors = {
        "from_config": lambda: ef.Sequential.from_config(config),
        "from_json": lambda: ef.models.model_from_json(json.dumps(whole)),
        "clone": lambda: ef.models.clone_model(ef.Sequential([ef.Input((3,)), Liar(THINGS[thing])])),
    }
    refused(lambda _: doors[door](), None)


class Liar(ef.layers.Lambda):
    """A layer which tells that it holds other code."""

    def __init__(self, function, **kwargs):
        super().__init__(ef.ops.relu, **kwargs)
        self._told = function

    def get_config(self):
        return ef.layers.Lambda(ef.ops.relu).get_config() | {"function": self._told}

    @classmethod
    def from_config(cls, config):
        return ef.layers.Lambda.from_config(config)


# Layers that ask for more memory than there is are built in `test_corpus` only, in a process with a limit.
NAMES = [n for n, _ in configurations(good_model().to_json().encode()) if n not in ("config_huge", "config_huger")]


@pytest.mark.parametrize("name", NAMES)
def test_configurations_of_layers_are_built_or_refused(name):
    text = dict(configurations(good_model().to_json().encode()))[name]
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return  # no configuration at all
    if not isinstance(whole, dict) or "config" not in whole:
        return
    try:
        made = ef.Sequential.from_config(whole["config"])
    except (ValueError, TypeError) as error:
        assert 0 < len(str(error)) <= 500  # noqa: PT017 - it may also be built
    else:
        assert isinstance(made, ef.Sequential)

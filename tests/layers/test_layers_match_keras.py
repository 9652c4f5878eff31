"""Every layer against Keras 3.15: outputs, gradients, states, weights and configurations.

The fixture is made by `tests/fixtures/make_layers.py`; the settings compared are in `layer_cases.py`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from eagerflow import layers
from eagerflow.base import tree
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor

FIXTURES = Path(__file__).parents[1] / "fixtures"
TOLERANCE = {"float64": {"rtol": 1e-10, "atol": 1e-10}, "float32": {"rtol": 1e-5, "atol": 1e-5}}


def load_cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("layer_cases", FIXTURES / "cases" / "layer_cases.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["layer_cases"] = module
    spec.loader.exec_module(module)
    return module


cases = load_cases()


class Fixture:
    """The numbers of `layers.npz`, by case and key."""

    def __init__(self) -> None:
        with np.load(FIXTURES / "layers.npz") as stored:
            self.values = stored["values"]
            told = json.loads(str(stored["told"]))
        self.index, self.facts = told["index"], told["facts"]

    def __getitem__(self, place: tuple[str, str]) -> np.ndarray:
        start, shape = self.index[place[0]][place[1]]
        return self.values[start : start + int(np.prod(shape))].reshape(shape)

    def keys(self, name: str, prefix: str) -> list[str]:
        return [key for key in self.index[name] if key.startswith(prefix)]


@pytest.fixture(scope="module")
def keras() -> Fixture:
    return Fixture()


class Typed:
    """Our layers in one data type."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: getattr(layers, name)(*args, dtype=self.dtype, **kwargs)


def run(case: Any, dtype: str, facts: Any) -> dict[str, np.ndarray]:
    """What Keras' side stored, from our layers."""
    layer = case.make(Typed(dtype))
    arrays = cases.inputs_of(case)
    tensors = [Tensor(a, None if case.integers else dtype) for a in arrays]
    main = tensors[: len(case.shapes)]
    layer.build(*case.arguments(list(case.shapes)))
    names = [v.name for v in layer.weights]
    assert [[v.name, list(v.shape)] for v in layer.weights] == facts["weights"]
    layer.set_weights(cases.weights_of(case, names, [tuple(v.shape) for v in layer.weights]))
    call = dict(case.call)
    if case.mask is not None:
        call["mask"] = Tensor(cases.mask_of(case))
    if case.states:
        call["initial_state"] = tensors[len(case.shapes) :]
    sources = [] if case.integers else tensors
    with GradientTape() as tape:
        for tensor in sources:
            tape.watch(tensor)
        # The watched tensors themselves: a list is handed on as it is.
        outputs = tree.flatten(layer(*case.arguments(main), **call))
        upstream = [Tensor(cases.upstream_of(case, i, o.shape), dtype) for i, o in enumerate(outputs)]
        total = sum(((o * u).sum() for o, u in zip(outputs, upstream, strict=True)), Tensor(0.0, dtype))
    check_shapes(layer, case, outputs)
    gradients = tape.gradient(total, [*layer.trainable_variables, *sources])
    count = len(layer.trainable_variables)
    found = {f"out {i}": o for i, o in enumerate(outputs)}
    found |= {f"weight gradient {i}": g for i, g in enumerate(gradients[:count])}
    found |= {f"input gradient {i}": g for i, g in enumerate(gradients[count:])}
    found |= {f"after {i}": v for i, v in enumerate(layer.non_trainable_weights)}
    return {key: None if value is None else value.numpy() for key, value in found.items()}


def check_shapes(layer: Any, case: Any, outputs: list[Any]) -> None:
    """`compute_output_shape` tells the shapes, with None for an unknown batch too."""
    for batch in (case.shapes[0][0], None):
        shapes = [(batch, *shape[1:]) for shape in case.shapes]
        told = layer.compute_output_shape(
            *case.arguments(shapes), **({"reverse": True} if "reverse" in case.call else {})
        )
        flat = [told] if not any(isinstance(n, (list, tuple)) for n in told) else flatten_shapes(told)
        expected = [o.shape if batch is not None else (None, *o.shape[1:]) for o in outputs]
        if "return_attention_scores" in case.call:  # which `compute_output_spec` knows of
            expected = expected[:1]
        assert [tuple(s) for s in flat] == expected


def flatten_shapes(told: Any) -> list[Any]:
    if all(n is None or isinstance(n, int) for n in told):
        return [told]
    return [shape for part in told for shape in flatten_shapes(part)]


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_numbers_in_double_precision(case, keras, device):
    """On every device; the stand-in for CuPy refuses to mix host and device arrays."""
    compare(case, "float64", keras)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_numbers_in_single_precision(case, keras):
    compare(case, "float32", keras)


def compare(case: Any, dtype: str, keras: Fixture) -> None:
    found = run(case, dtype, keras.facts[case.name])
    assert set(found) == set(keras.index[case.name])
    for key, value in found.items():
        expected = keras[case.name, key]
        if value is None:  # our tapes answer None where nothing depends on a variable; Keras zeros
            assert not expected.any(), key
            continue
        assert value.dtype == dtype, key
        assert value.shape == expected.shape, key
        tolerance = TOLERANCE["float32" if case.single else dtype]
        np.testing.assert_allclose(value, expected, err_msg=key, **tolerance)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_configuration(case, keras):
    """The same keys and values as Keras', and a layer made from it is equal."""
    layer = case.make(Typed("float64"))
    layer.build(*case.arguments(list(case.shapes)))
    ours = plain(layer.get_config())
    assert without_names(ours) == without_names(keras.facts[case.name]["config"])
    again = type(layer).from_config(layer.get_config())
    assert plain(again.get_config()) == ours
    rebuilt = layers.deserialize(plain(layers.serialize(layer)))
    assert type(rebuilt) is type(layer)
    assert plain(rebuilt.get_config()) == ours


def without_names(config: Any) -> Any:
    """The names of layers are numbered per process; `build_config` belongs to saved files."""
    if isinstance(config, list):
        return [without_names(part) for part in config]
    if not isinstance(config, dict):
        return config
    named = "name" in config and "trainable" in config
    kept = {k: v for k, v in config.items() if k != "build_config"}
    return {k: None if named and k == "name" else without_names(v) for k, v in kept.items()}


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))

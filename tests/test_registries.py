"""Every name in every registry stands for what it stands for in Keras, by value and sign."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.base import typing as named_types
from eagerflow.base.serialization import tables
from eagerflow.core.dtypes import ALLOWED
from eagerflow.core.host_arrays import AxisError, errstate
from eagerflow.core.lowering import load_kernels
from eagerflow.core.primitive import registry
from tests.fixtures.cases import registry_cases as cases

FIXTURES = Path(__file__).parent / "fixtures"

KINDS = "losses metrics activations regularizers constraints initializers optimizers".split()
RANDOM = ("Normal", "Uniform", "Variance", "Orthogonal", "normal", "uniform", "variance", "orthogonal")
# What Keras knows by no name, or what can't be asked without arguments. Each is compared elsewhere.
UNNAMED = {
    "losses": "CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy",
    "metrics": """huber binary_focal_crossentropy categorical_focal_crossentropy log_cosh MeanMetricWrapper io_u
        mean_io_u one_hot_io_u one_hot_mean_io_u precision_at_recall recall_at_precision sensitivity_at_specificity
        specificity_at_sensitivity mean_metric_wrapper""",
    "activations": "threshold sparsemax hard_sigmoid_keras_2",  # Keras' sparsemax doesn't add up to 1
    "initializers": "STFT stft STFTInitializer",
    "optimizers": "LossScaleOptimizer MultiOptimizer OptimizerMap Lamb lamb",
}


def _stored():
    with np.load(FIXTURES / "registries.npz") as file:
        return {name: file[f"a{i}"] for i, name in enumerate(str(file["names"]).split("\n"))}


STORED = _stored()
OURS = [(k, n) for k in KINDS for n in sorted(tables[f"keras.{getattr(ef, k).__name__.rpartition('.')[2]}"].entries)]


def _value(kind, name):
    """As `value` in make_registries.py."""
    settings = cases.SETTINGS.get(name)
    thing = getattr(ef, kind).get(name if settings is None else {"class_name": name, "config": settings})
    if kind in ("losses", "metrics"):
        return thing(cases.REALS) if name.lower() in ("mean", "sum") else thing(*cases.pair(name))
    if kind == "activations":
        return thing(ef.Tensor(cases.REALS))
    if kind in ("regularizers", "constraints"):
        return thing(ef.Tensor(cases.OTHERS * 3))
    if kind == "initializers":
        drawn = thing((300, 300), dtype="float32").numpy()
        return np.array([drawn.mean(), drawn.std(), np.abs(drawn).max(), np.trace(drawn)])
    variable = ef.Variable(cases.REALS[:4, :3].copy())
    thing.build([variable])
    for step in range(3):
        thing.apply([ef.Tensor(cases.gradients(step))], [variable])
    return variable.value


def _expected(kind, name):
    present = cases.OLDER.get(kind, {}).get(name, name)
    spelled = [present, present.lower()] if kind == "optimizers" else [present]
    return next((STORED[f"{kind}.{n}"] for n in spelled if f"{kind}.{n}" in STORED), None)


@pytest.mark.parametrize(("kind", "name"), OURS, ids=lambda x: x)
def test_a_name_stands_for_what_it_stands_for_in_keras(kind, name):
    expected = _expected(kind, name)
    if name in UNNAMED.get(kind, "").split():
        return
    assert expected is not None, f"{kind} {name}: Keras gave nothing for it: run make_registries.py"
    found = np.asarray(_value(kind, name))
    assert found.shape == expected.shape
    if kind == "initializers" and any(word in name for word in RANDOM):
        np.testing.assert_allclose(found[1], expected[1], rtol=0.02)
        np.testing.assert_allclose(found[2], expected[2], rtol=0.2)
    else:
        np.testing.assert_allclose(found, expected, rtol=3e-5, atol=2e-6)


@pytest.mark.parametrize("name", sorted(STORED))
def test_each_name_of_keras_is_known(name):
    kind, _, own = name.partition(".")
    assert getattr(ef, kind).get(
        own if own not in cases.SETTINGS else {"class_name": own, "config": cases.SETTINGS[own]}
    )


def test_training_on_cosine_similarity_turns_towards_the_target():
    ef.utils.set_random_seed(0)
    x, y = np.eye(4, dtype="float32"), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]], "float32")
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    model.compile(ef.optimizers.SGD(0.5), "cosine_similarity", metrics=["cosine_similarity"])
    logs = [model.train_on_batch(x, y, return_dict=True) for _ in range(60)][-1]
    assert logs["loss"] < -0.9
    assert logs["cosine_similarity"] > 0.9


def test_ops_are_mathematics():
    """An op's function and rules take arrays' functions from `xp`, and reach no kernel."""
    load_kernels()
    found = {}
    for name, made in registry.items():
        if made.mathematics.__module__.startswith("eagerflow."):
            seen = set()
            reached = [hit for function in (made.mathematics, *made.rules) for hit in devices_in(function, seen)]
            found |= {name: reached} if reached else {}
    assert not found


def devices_in(function, seen):
    """Names of NumPy or kernels that a function uses, or those of the ops' files that it calls."""
    if function.__code__ in seen:
        return
    seen.add(function.__code__)
    names = names_in(function.__code__)
    for value in [function.__globals__[name] for name in names if name in function.__globals__]:
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
        if (home == "numpy" and value not in (errstate, AxisError)) or home.startswith("eagerflow.kernels"):
            yield f"{function.__qualname__}: {home}"
        elif isinstance(value, FunctionType) and home.startswith("eagerflow.ops") and not hasattr(value, "op"):
            yield from devices_in(value, seen)
        elif home.startswith("eagerflow.ops"):
            inside = [getattr(value, name, None) for name in names]
            for each in [f for f in inside if isinstance(f, FunctionType) and not hasattr(f, "op")]:
                yield from devices_in(each, seen)


def names_in(code):
    """All names of a function, and of those within it."""
    found = set(code.co_names)
    for constant in code.co_consts:
        found |= names_in(constant) if isinstance(constant, CodeType) else set()
    return found


def literals(alias):
    """The names in a union."""
    return [name for part in get_args(alias) if get_origin(part) is Literal for name in get_args(part)]


@pytest.mark.parametrize(
    ("kind", "alias"),
    [
        ("activations", named_types.ActivationLike),
        ("constraints", named_types.ConstraintLike),
        ("initializers", named_types.InitializerLike),
        ("losses", named_types.LossLike),
        ("optimizers", named_types.OptimizerLike),
        ("regularizers", named_types.RegularizerLike),
    ],
)
def test_editors_propose_a_name_for_everything_that_has_one(kind, alias):
    entries = tables[f"keras.{kind}"].entries
    proposed = {id(entries[name]) for name in literals(alias)}
    assert proposed == {id(entry) for name, entry in entries.items() if name == name.lower()}


def test_editors_propose_the_names_of_all_metrics_that_need_no_arguments():
    named = {}
    for name in tables["keras.metrics"].entries:
        if name == name.lower() and name not in ("mean", "sum"):  # of numbers, not of predictions
            with contextlib.suppress(TypeError):
                found = ef.metrics.get(name)
                named[name] = found if isinstance(found, FunctionType) else type(found)
    proposed = [name for name in literals(named_types.MetricLike) if name != "acc"]
    assert {named[name] for name in proposed} == set(named.values())


def test_editors_propose_the_names_of_all_types_of_numbers():
    assert sorted(literals(named_types.DType)) == sorted(ALLOWED)

"""Every public class is compared with Keras' numbers, or stands here with the reason and where it is tested instead.

The settings of each comparison are the cases themselves: `tests/fixtures/cases`, and the tables at the top of
`make_losses.py` and `make_optimizers.py`.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import eagerflow as ef
from tests.fixtures.cases import layer_cases, preprocessing_layer_cases

FIXTURES = Path(__file__).parent / "fixtures"

ELSEWHERE = {
    "a base class": """layers.Layer layers.Wrapper losses.Loss metrics.Metric metrics.MeanMetricWrapper
        optimizers.Optimizer optimizers.OptimizerMap initializers.Initializer regularizers.Regularizer
        constraints.Constraint schedules.LearningRateSchedule""",
    "what Input gives, and what inputs are checked against: no numbers": """layers.InputLayer layers.InputSpec
        layers.KerasTensor""",
    "random: its distribution is tested, in tests/layers": """layers.GaussianDropout layers.SpatialDropout1D
        layers.SpatialDropout2D layers.SpatialDropout3D layers.Dropout layers.AlphaDropout layers.GaussianNoise""",
    "random field: behaviour is tested, in tests/layers/preprocessing": """layers.RandomElasticTransform
        layers.RandomColorJitter""",
    "no arithmetic: behaviour is tested, in tests/layers": """layers.Pipeline layers.MaxNumBoundingBoxes
        layers.Masking layers.Lambda layers.ActivityRegularization layers.StackedRNNCells layers.RNN""",
    "a sum or mean: the formula is in tests/metrics": "metrics.Mean metrics.Sum metrics.Accuracy",
    "Keras' torch version reads a changed momentum: float64 formulas in tests/optimizers": """
        optimizers.ScheduleFreeAdamW""",
    "holds other optimizers: tested in tests/optimizers": "optimizers.MultiOptimizer optimizers.LossScaleOptimizer",
}
REASONS = {name: reason for reason, names in ELSEWHERE.items() for name in names.split()}


class _Recorder:
    """Stands for `keras.layers`: notes which classes a case makes."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(ef.layers, name)


def _strings(file: str) -> set[str]:
    """Every name and string in a fixture's script."""
    tree = ast.parse((FIXTURES / file).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(node.value.replace("(", " ").replace(".", " ").split())
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


def _layers_compared() -> set[str]:
    recorder = _Recorder()
    for case in layer_cases.CASES:
        case.make(recorder)
    names = recorder.names
    for case in [*preprocessing_layer_cases.CASES, *preprocessing_layer_cases.IMAGE_CASES]:
        names.add(case.layer)
    classes = {getattr(ef.layers, name) for name in names}
    return {name for name in ef.layers.__all__ if getattr(ef.layers, name) in classes}


def _classes(module: Any) -> dict[Any, list[str]]:
    """Public classes, with all their names."""
    found: dict[Any, list[str]] = {}
    for name in module.__all__:
        if inspect.isclass(thing := getattr(module, name)):
            found.setdefault(thing, []).append(name)
    return found


def _missing(area: str, module: Any, compared: Any) -> list[str]:
    """Classes of which no name is compared, and none excused."""
    return [
        names[0]
        for names in _classes(module).values()
        if not any(name in compared or f"{area}.{name}" in REASONS for name in names)
    ]


def test_every_layer_is_compared_or_excused():
    assert _missing("layers", ef.layers, _layers_compared()) == []


@pytest.mark.parametrize(
    ("area", "module", "files"),
    [
        ("losses", ef.losses, ["make_losses.py"]),
        ("metrics", ef.metrics, ["make_losses.py"]),
        ("optimizers", ef.optimizers, ["make_optimizers.py"]),
        ("schedules", ef.optimizers.schedules, ["make_optimizers.py"]),
        ("regularizers", ef.regularizers, ["cases/weight_cases.py"]),
        ("constraints", ef.constraints, ["cases/weight_cases.py"]),
    ],
)
def test_every_class_is_compared_or_excused(area, module, files):
    assert _missing(area, module, set().union(*[_strings(file) for file in files])) == []


def test_the_distribution_of_every_initializer_is_tested_by_name():
    folder = Path(__file__).parent / "initializers"
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert _missing("initializers", ef.initializers, text) == []


def test_no_excuse_is_stale():
    areas = {"schedules": ef.optimizers.schedules}
    for name in REASONS:
        area, _, cls = name.partition(".")
        assert hasattr(areas.get(area) or getattr(ef, area), cls), name

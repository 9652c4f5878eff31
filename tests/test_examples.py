"""The examples run: quickly with small settings, and as they are (marked slow) with the result they promise."""

from __future__ import annotations

import importlib.util
import inspect
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.sources import ROOT

FOLDER = ROOT / "examples"


class Expected(NamedTuple):
    """What an example must reach: in its own settings, and in quick ones."""

    full: float
    quick: float
    settings: dict[str, Any]
    less_is_better: bool = False


# The quick results are far above (or below) what chance or an untrained network reaches.
EXPECTED = {
    "cartpole": Expected(190, 60, {"rounds": 9}),
    "char_rnn": Expected(0.95, 0.5, {"epochs": 3, "letters": 300}),
    "custom_loop": Expected(0.98, 0.7, {"epochs": 5, "count": 1000}),
    "diffusion": Expected(0.9, 0.3, {"epochs": 15}),
    "digits": Expected(0.97, 0.8, {"epochs": 4}),
    "digits_cnn": Expected(0.985, 0.7, {"epochs": 4, "images": 600}),
    "functional": Expected(0.98, 0.8, {"epochs": 4, "count": 1500}),
    "gan": Expected(0.9, 0.5, {"epochs": 30}),
    "segmentation": Expected(0.8, 0.35, {"epochs": 3, "count": 120}),
    "sentiment_lstm": Expected(0.98, 0.9, {"epochs": 5, "reviews": 1500}),
    "siamese": Expected(0.96, 0.8, {"epochs": 2, "count": 1500}),
    "timeseries": Expected(0.55, 0.95, {"epochs": 6, "hours": 2500}, less_is_better=True),
    "transfer": Expected(0.9, 0.7, {"epochs": 5}),
    "transformer": Expected(0.98, 0.62, {"epochs": 5, "count": 3000}),
    "vae": Expected(2.6, 0.5, {"epochs": 15}),
}


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"examples.{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(name: str, folder, settings: dict[str, Any]) -> float:
    main = example(name).main
    parameters = inspect.signature(main).parameters
    return main(**({"folder": folder} if "folder" in parameters else {}), **settings)


def test_every_example_is_expected_to_reach_something():
    learning = [path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("viz_")]  # those: tests/viz
    assert sorted(learning) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_examples_are_short_and_say_how_to_run_them(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 105
    assert f"    python examples/{name}.py" in text


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if i % 2 else ()) for i, name in enumerate(EXPECTED)]
)
def test_a_short_run_learns(name, tmp_path, capsys):
    expected = EXPECTED[name]
    reached = result(name, tmp_path, expected.settings)
    assert isinstance(reached, float)
    assert reached < expected.quick if expected.less_is_better else reached > expected.quick
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", ["gan", "sentiment_lstm"])
def test_the_same_seed_gives_the_same_result(name, tmp_path):
    settings = {**EXPECTED[name].settings, "epochs": 2}
    assert result(name, tmp_path, settings) == result(name, tmp_path, settings)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_the_whole_example_reaches_what_it_promises(name, tmp_path):
    expected = EXPECTED[name]
    reached = result(name, tmp_path, {})
    assert reached <= expected.full if expected.less_is_better else reached >= expected.full

"""Each architecture has Keras' layers and weights: figures written by tools/interop_applications.py."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import eagerflow as ef
from tools.interop_applications import figures

FIGURES = json.loads((Path(__file__).parents[1] / "fixtures" / "applications.json").read_text(encoding="utf-8"))
QUICK = """
    ConvNeXtTiny EfficientNetB0 InceptionV3 MobileNet MobileNetV2 MobileNetV3Small NASNetMobile ResNet50V2 Xception
""".split()


def named(key: str) -> tuple[str, bool]:
    name, _, top = key.partition(" ")
    return name, top == "with top"


def same(key: str) -> None:
    name, top = named(key)
    ef.utils.clear_session()
    made = getattr(ef.applications, name)(weights=None, include_top=top, pooling="avg")
    assert figures(made) == FIGURES[key]


@pytest.mark.parametrize("key", [key for key in FIGURES if named(key)[0] in QUICK and named(key)[1]])
def test_a_small_architecture_is_that_of_keras(key):
    same(key)


@pytest.mark.slow
@pytest.mark.parametrize("key", FIGURES)
def test_every_architecture_is_that_of_keras(key):
    same(key)


def test_the_page_has_the_sizes_of_all_architectures():
    page = (Path(__file__).parents[2] / "docs" / "applications.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) +\| `(\w+)` +\| +([\d.]+) \| +([\d.]+) \| (\d+) × \5 \|$", page, re.MULTILINE)
    assert {name for name, *_ in rows} == {named(key)[0] for key in FIGURES}
    for name, module, whole, without, side in rows:
        assert whole == f"{FIGURES[f'{name} with top'][0] / 1e6:.1f}"
        assert without == f"{FIGURES[f'{name} without top'][0] / 1e6:.1f}"
        function = getattr(import_module(f"eagerflow.applications.{module}"), name)
        assert f"images of {side} × {side} " in " ".join(function.__doc__.split())


def test_every_architecture_of_keras_is_here():
    assert {named(key)[0] for key in FIGURES} == {name for name in ef.applications.__all__ if name[0].isupper()}
    assert len(FIGURES) == 80

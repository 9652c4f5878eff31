"""The scripts behind the pictures in the documentation run, and make them."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
PAGES = FOLDER.parent / "docs" / "viz"
SMALL = {
    "viz_before": {},
    "viz_doctor": {"kinds": ("dead_relu",)},
    "viz_explain": {"epochs": 1},
    "viz_live": {"epochs": 1, "open_browser": False, "linger": 0},
    "viz_page": {"rows": 8},
    "viz_step": {"rows": 8},
    "viz_nan": {"rows": 16},
    "viz_gradients": {"depth": 3},
    "viz_resnet": {"blocks": (1, 1), "width": 4, "size": 16},
    "viz_transformer": {"blocks": 3, "width": 8},
    "viz_models": {},
    "viz_tensorboard": {"epochs": 1},
    "viz_web": {"epochs": 1},
}


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_here():
    assert {path.stem for path in FOLDER.glob("viz_*.py")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_examples_run(name, tmp_path, capsys):
    if name == "viz_tensorboard":
        pytest.importorskip("tensorboard")
    load(name).main(tmp_path, **SMALL[name])
    for path in tmp_path.glob("*.svg"):
        texts = ["".join(e.itertext()) for e in ET.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")]
        assert texts
        assert "nan" not in path.read_text(encoding="utf-8").replace("nan.py", "").split('d="')[-1][:200]
    assert capsys.readouterr().out or name == "viz_models"


def test_the_pages_show_pictures_that_are_there_and_name_their_scripts():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.iterdir())
    shown = [part.split(")")[0] for part in text.split("](../images/")[1:]]
    assert len(shown) >= 6
    for picture in shown:
        assert (PAGES.parent / "images" / picture).exists(), picture
    for name in SMALL:
        assert f"examples/{name}.py" in text

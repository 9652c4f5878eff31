"""docs/doctor explains every kind of finding, and its examples get the findings they promise."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from viz.doctor import KINDS
from viz.doctor.finding import OF_RANKS

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("viz_doctor", ROOT / "examples" / "viz_doctor.py")
pictures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pictures)
EXAMPLES = pictures.EXAMPLES
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in pictures.PAGES.iterdir()}
INDEX = PAGES.pop("index")


def test_every_kind_has_a_page_with_an_example_and_a_cure():
    assert [*EXAMPLES, *OF_RANKS] == list(KINDS)
    assert set(PAGES) == set(KINDS)
    for kind, text in PAGES.items():
        assert text.startswith(f"# `{kind}`: ")
        assert text.count("**Cure.**") == 1


def test_every_kind_is_listed_once_under_the_title_of_its_page():
    listed = INDEX.partition("## All kinds")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^- \[`(\w+)`\]\(\1\.md\): (.+)$", listed, re.MULTILINE)) == sorted(
        (kind, text.partition("`: ")[2].partition("\n")[0]) for kind, text in PAGES.items()
    )


def test_every_kind_stands_in_the_table_of_what_one_sees():
    table = INDEX.partition("## From what you see")[2].partition("\n## ")[0]
    assert set(re.findall(r"\]\((\w+)\.md\)", table)) == set(KINDS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_get_their_finding_and_its_picture(kind, tmp_path):
    finding = pictures.found(kind, EXAMPLES[kind], tmp_path)
    drawn = ET.fromstring(pictures.chart(finding))
    assert len([e for e in drawn.iter() if e.get("class") == "bar"]) >= 2


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_page_shows_the_picture(kind):
    assert f"](../images/doctor_{kind}.svg)" in PAGES[kind]
    assert (pictures.PAGES.parent / "images" / f"doctor_{kind}.svg").exists()


def test_pictures_are_written(tmp_path, capsys):
    pictures.main(tmp_path, kinds=("dead_relu",))
    assert [path.name for path in tmp_path.iterdir()] == ["doctor_dead_relu.svg"]
    assert capsys.readouterr().out.startswith("dead_relu: ")

"""docs/doctor explains every kind of finding, and its examples get the findings they promise."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from eagerflow.utils import set_random_seed
from tools.site import run_page
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


MEASURED = {"slow_input", "slow_op"}  # seconds and shares of time, others in each run


def bars_of(drawing):
    """What stands at the bars of a picture, and the numbers beside them."""
    groups = [group for group in ET.fromstring(drawing).iter() if group.get("class") == "bar"]
    texts = [[e.text for e in group if e.tag.endswith("text")] for group in groups]
    return [without_counts(name) for name, _ in texts], [float(number) for _, number in texts]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_get_their_finding_with_the_numbers_of_the_picture(kind, tmp_path):
    names, numbers = bars_of(pictures.chart(pictures.found(kind, EXAMPLES[kind], tmp_path)))
    assert len(names) >= 2
    shown, beside = bars_of((pictures.PAGES.parent / "images" / f"doctor_{kind}.svg").read_text(encoding="utf-8"))
    assert names == shown
    if kind not in MEASURED:
        assert numbers == pytest.approx(beside, rel=0.02, nan_ok=True)  # processors round in ways of their own


@pytest.mark.parametrize("kind", ["loss_mismatch", "lr_too_high", "overfit"])  # each depends on the first weights
def test_what_the_site_says_of_an_example_has_the_numbers_of_its_picture(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    set_random_seed(1)  # whatever ran before
    (shown,) = run_page.run(PAGES[kind], f"{kind}.md")["outputs"][0]
    message = pictures.found(kind, EXAMPLES[kind], tmp_path).message
    assert without_counts(message) in without_counts(shown["data"])


def without_counts(text):
    """Its words in small letters, without line ends, and with `dense` for `dense_83`, of which others may be there."""
    return " ".join(re.sub(r"_\d+", "", text.lower()).split())

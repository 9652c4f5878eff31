"""The lines that the tour of the code shows are in the files that it names."""

from __future__ import annotations

import re

import pytest

from tests.sources import ROOT

TOUR = (ROOT / "docs" / "internals" / "tour.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```py\n# (\S+)\n(.*?)```", TOUR, re.DOTALL)


def shown_in_order(lines: list[str], source: list[str]) -> str:
    """The first of the lines that doesn't follow the ones before it in the source; "" where all do.

    Lines stand together but where "..." is between them.
    """
    at, gap = 0, True
    for line in lines:
        if line.strip() == "...":
            gap = True
            continue
        found = [i for i in range(at, len(source) if gap else min(at + 1, len(source))) if line.strip() in source[i]]
        if not found:
            return line
        at, gap = found[0] + 1, False
    return ""


def test_every_block_names_its_file():
    assert len(BLOCKS) == TOUR.count("```py\n") > 8


@pytest.mark.parametrize(("path", "block"), BLOCKS, ids=[f"{i}-{path}" for i, (path, _) in enumerate(BLOCKS)])
def test_the_tour_shows_lines_as_they_are(path, block):
    source = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert shown_in_order(block.splitlines(), source) == ""


def test_a_line_that_changed_is_noticed():
    source = ["a", "b", "c", "d"]
    assert shown_in_order(["a", "...", "c", "d"], source) == ""
    assert shown_in_order(["a", "c"], source) == "c"
    assert shown_in_order(["b", "...", "a"], source) == "a"

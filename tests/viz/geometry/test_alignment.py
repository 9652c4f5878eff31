"""Where several branches begin in a frame, that which its way goes on from stands below what they come from."""

from __future__ import annotations

import pytest

from viz.geometry.alignment import aligned

GAP = 20.0


@pytest.mark.parametrize("out", [0.2, 0.9])
def test_the_branch_that_goes_on_stands_below_what_it_comes_from(out):
    links = [(0, 1, 0.5, 0.5), (1, 2, 0.5, 0.2), (1, 2, 0.5, 0.9), (2, 3, out, 0.5)]
    lefts = aligned([[0], [1], [2], [3]], [100.0, 100.0, 300.0, 100.0], links, GAP)
    middle = lefts[2] + out * 300
    assert {lefts[unit] + 50 for unit in (0, 1, 3)} == {middle}


def test_what_comes_from_several_units_stands_by_all_of_them():
    links = [(0, 2, 0.5, 0.2), (1, 2, 0.5, 0.9), (2, 3, 0.2, 0.5)]
    lefts = aligned([[0, 1], [2], [3]], [100.0, 100.0, 300.0, 100.0], links, GAP)
    assert lefts[1] - lefts[0] >= 100 + GAP


def test_an_input_stands_above_what_reads_it_first_though_a_later_reader_leads_on_as_long():
    links = [(0, 1, 0.5, 0.5), (0, 4, 0.5, 0.5), (1, 2, 0.5, 0.5), (2, 3, 0.5, 0.5), (3, 4, 0.5, 0.9)]
    lefts = aligned([[0], [1], [2], [3], [4]], [100.0, 100.0, 100.0, 100.0, 400.0], links, GAP)
    assert lefts[0] == lefts[1] == lefts[2]

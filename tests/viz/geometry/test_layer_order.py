"""Orders of boxes side by side, and where they stand, so that arrows cross little and run straight."""

from __future__ import annotations

from viz.geometry.alignment import aligned
from viz.geometry.layer_order import Link, in_order


def test_neighbours_are_swapped_where_their_arrows_cross():
    links = [Link(0, 3), Link(1, 2)]
    assert in_order([0, 0, 1, 1], links) in ([[0, 1], [3, 2]], [[1, 0], [2, 3]])


def test_what_does_not_cross_keeps_its_order():
    assert in_order([0, 0, 1, 1], [Link(0, 2), Link(1, 3)]) == [[0, 1], [2, 3]]


def test_units_stand_below_what_they_read():
    places = aligned([[0, 1], [2]], [40.0, 60.0, 20.0], [Link(1, 2)], 10.0)
    assert places == {0: 0.0, 1: 50.0, 2: 70.0}  # its middle at 80


def test_units_that_want_the_same_place_share_it_and_keep_apart():
    places = aligned([[0], [1, 2]], [100.0, 40.0, 40.0], [Link(0, 1), Link(0, 2)], 10.0)
    assert places[2] - places[1] == 50.0
    assert places[0] + 50 in (places[1] + 20, places[1] + 45)  # above the first of them, or between both


def test_straight_ways_may_make_everything_a_little_wider():
    below = {2 + i: Link(1, 2 + i) for i in range(2)}
    for width, wider in ((40.0, True), (2000.0, False)):
        places = aligned([[0, 1], [*below]], [width] * 4, [*below.values()], 10.0)
        assert (max(places.values()) + width > 2 * width + 10) == wider


def test_the_longest_branch_goes_straight_on_with_what_comes_behind_it():
    layers = [[0], [1, 2], [3], [4]]  # 0 leads to 4 by way of 1, and of 2 and 3
    links = [Link(0, 1), Link(0, 2), Link(1, 4), Link(2, 3), Link(3, 4)]
    places = aligned(layers, [60.0] * 5, links, 10.0)
    assert places[0] == places[2] == places[3] == places[4]


def test_what_reads_nothing_stands_above_its_first_reader():
    places = aligned([[0], [1, 2]], [20.0, 50.0, 50.0], [Link(0, 2)], 10.0)
    assert places[0] + 10 == places[2] + 25

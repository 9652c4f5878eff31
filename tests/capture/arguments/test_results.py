"""What a step gives: the objects that the eager step gives, one where that gives one, and the caller's own."""

from __future__ import annotations

import collections

import pytest

import eagerflow as ef


def calls(step, count=6):
    """What a step gives in each of some calls, and what it was given."""
    found = []
    for i in range(count):
        x = ef.Tensor([1.0 + i, 2.0])
        found.append((step(x), x))
    return found


class Pair(collections.namedtuple("Pair", "a b")):
    """A named tuple with attributes."""


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
def test_a_list_that_holds_itself_is_given_eagerly():
    def step(x):
        found = [x * 2.0]
        found.append(found)
        return found

    captured = ef.function(step)
    for found, _ in calls(captured):
        assert found[1] is found
    assert "holds itself" in captured.why_eager

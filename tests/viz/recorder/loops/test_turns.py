"""Which update ends a step, and which one is a part of it."""

from __future__ import annotations

import pytest

from viz.recorder.step_tracker import Turns


def numbers(updates: str, weights: dict[str, str] | None = None, learnt: bool = True) -> list[int]:
    """The numbers of the steps of updates by optimizers that are called by letters."""
    turns = Turns()
    found = []
    for who in updates:
        if learnt:
            turns.learnt()
        found.append(turns.updated(who, frozenset((weights or {}).get(who, who))))
    return found


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ("aaaa", [0, 1, 2, 3]),
        ("dgdgdg", [0, 0, 1, 1, 2, 2]),
        ("dgedge", [0, 0, 0, 1, 1, 1]),
        ("cccgcccg", [0, 1, 2, 2, 3, 4, 5, 5]),
    ],
)
def test_optimizers_that_take_turns_make_one_step(updates, expected):
    assert numbers(updates) == expected


def test_an_optimizer_that_follows_another_one_for_good_begins_a_step():
    assert numbers("a" * 9 + "bbb") == list(range(12))


def test_another_optimizer_of_the_same_weights_begins_a_step():
    assert numbers("ab", {"a": "w", "b": "w"}) == [0, 1]
    assert numbers("aaab", {"a": "w", "b": "w"}) == [0, 1, 2, 3]


def test_updates_by_gradients_of_one_pass_are_one_step():
    turns = Turns()
    found = []
    for _ in range(2):
        turns.learnt()
        found += [turns.updated("a"), turns.updated("a"), turns.updated("b")]
    assert found == [0, 0, 0, 1, 1, 1]


def test_without_any_gradients_each_update_is_a_step():
    assert numbers("aab", learnt=False) == [0, 1, 2]


def test_a_marked_step_ends_what_runs_and_has_a_number_of_its_own():
    turns = Turns()
    turns.learnt()
    assert [turns.updated("a"), turns.marked(), turns.marked()] == [0, 1, 2]
    turns.learnt()
    assert turns.updated("b") == 3


def test_a_step_is_over_when_all_had_their_turn_as_in_the_step_before():
    turns, seen = Turns(), []
    for who in "dgdg":
        turns.learnt()
        turns.updated(who)
        seen.append((turns.is_over, turns.is_settled))
    assert seen == [(True, False), (True, False), (False, False), (True, True)]

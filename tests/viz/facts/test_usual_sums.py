"""What ops usually take together is what each usually takes."""

from __future__ import annotations

import types

from viz.facts.digest.usual_sums import steps_of, usual_sums


def op(number, duration=5):
    return types.SimpleNamespace(id=number, duration=duration)


def taken(*times, steps=(0, 1, 2)):
    return types.SimpleNamespace(steps=steps, times=times)


def test_the_medians_of_parts_add_up_to_the_time_of_the_whole():
    """What held up one op once counts for nothing, though each step was held up."""
    together = usual_sums({0: taken(9, 1, 1), 1: taken(1, 9, 12)})
    assert together([op(0)]) == 1
    assert together([op(1)]) == 9
    assert together([op(0), op(1)]) == 10
    assert together([]) == 0


def test_of_an_even_number_of_steps_the_two_times_in_the_middle_count_half_each():
    """The first step often warms up: of four it is none of the two in the middle, whatever it took altogether."""
    assert usual_sums({0: taken(1204, 46, 45, 39, steps=(0, 1, 2, 3))})([op(0)]) == round((46 + 45) / 2)


def test_of_two_steps_the_first_which_was_faster_altogether():
    together = usual_sums({0: taken(3, 9, steps=(1, 0)), 1: taken(8, 4, steps=(1, 0))})
    assert together([op(0)]) == 3
    assert together([op(1)]) == 8
    assert together([op(0), op(1)]) == 11


def test_what_ran_in_other_steps_or_in_one_alone_counts_for_itself():
    usual = {0: taken(9, 1, 1), 1: taken(4, 7, steps=(4, 3))}
    assert usual_sums(usual)([op(0), op(1), op(2)]) == 1 + 4 + 5
    assert steps_of([op(0), op(1), op(2)], usual) == 3
    assert steps_of([op(2)], usual) == 0

"""How long ops usually take: over the steps of a recording, and over steps that are recorded one by one."""

from __future__ import annotations

import viz
from tests.viz.nets import Trainer
from viz.facts.digest.usual_times import RecentTimes, usual_sums, usual_times


def recorded(steps=1):
    trainer = Trainer()
    trainer.step()
    with viz.trace() as t:
        for _ in range(steps):
            trainer.step()
    return t


def set_times(t, of):
    """Give each op the time that `of(step, place in the step)` says."""
    places = {}
    for op in t.ops:
        place = places[op.step] = places.get(op.step, -1) + 1
        op.start, op.end = 0, of(op.step, place)


def test_an_op_has_its_time_in_each_of_the_steps_that_ran_it_and_their_median():
    t = recorded(steps=5)
    set_times(t, lambda step, place: 1000 * place + [90, 3, 1, 2, 4][step])
    usual, per_step = usual_times(t), len(t.ops) // 5
    assert len(usual) == len(t.ops)
    for op in t.ops:
        found, base = usual[op.id], 1000 * (op.id % per_step)
        assert found.times == tuple(base + time for time in (90, 3, 1, 2, 4))
        assert (found.median, found.steps) == (base + 3, (0, 1, 2, 3, 4))


def test_what_held_up_one_op_once_is_in_no_usual_time_and_those_of_parts_add_up():
    """Each step was held up elsewhere, so that the step in the middle was, too."""
    t = recorded(steps=4)
    set_times(t, lambda step, place: 10_000 * (step + 1) if place == step else 10)
    usual, ops = usual_times(t), [op for op in t.ops if op.step == 0]
    assert {usual[op.id].median for op in ops} == {10}
    assert usual_sums(usual)(ops) == sum(usual_sums(usual)([op]) for op in ops) == 10 * len(ops)


def test_of_two_steps_all_times_are_of_the_one_that_was_faster_altogether():
    """Each was held up once: the faster times of parts would be of both, and not add up to that of the whole."""
    t = recorded(steps=2)
    set_times(t, lambda step, place: {(0, 1): 60_000, (1, 2): 50_000}.get((step, place), 10 + step))
    usual = usual_times(t)
    in_faster = sum(op.duration for op in t.ops if op.step == 1)
    assert sum(usual[op.id].median for op in t.ops if op.step == 1) == in_faster
    assert usual_sums(usual)(op for op in t.ops if op.step == 0) == in_faster
    assert {found.steps for found in usual.values()} == {(1, 0)}


def test_the_recent_steps_alone_count_and_what_no_longer_runs_is_forgotten():
    recent, t = RecentTimes(most=3), recorded()
    for time in (1000, 1, 2, 3):
        set_times(t, lambda step, place, time=time: time)
        usual = recent.add(t)
    assert {(found.median, found.times) for found in usual.values()} == {(2, (1, 2, 3))}
    other = Trainer()
    other.x, other.y = other.x[:3], other.y[:3]
    other.step()
    with viz.trace() as smaller:
        other.step()
    for _ in range(3):
        recent.add(smaller)
    assert not any(len(found.steps) > 1 for op, found in recent.add(t).items() if t.ops[op].phase == "forward")

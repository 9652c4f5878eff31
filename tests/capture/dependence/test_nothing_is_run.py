"""To see whether something has changed, no code of the user's runs: it may print or count."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.capture.dependence import attributes
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
asked = []


class Counting(dict):
    def __getitem__(self, key):
        asked.append(key)
        return super().__getitem__(key)

    def values(self):
        asked.append("values")
        return super().values()


class Slotted:
    __slots__ = ("a", "b")

    def __getattr__(self, name):
        asked.append(name)
        raise AttributeError(name)


class Mean(ef.metrics.Mean):
    @property
    def value(self):
        asked.append("value")
        return 1.0


class SGD(ef.optimizers.SGD):
    @property
    def value(self):
        asked.append("value")
        return 1.0


class Thing:
    pass


def a_property_of_a_metric():
    mean, variable = Mean(), ef.Variable(2.0)

    def step(x):
        mean.update_state(x)
        return x * variable.value

    return step


def a_property_of_an_optimizer():
    sgd, variable = SGD(0.1), ef.Variable([2.0, 1.0])

    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(x * variable.value)
        sgd.apply([tape.gradient(loss, variable)], [variable])
        return loss

    return step


def a_slot_that_is_not_set():
    thing = Slotted()
    thing.a = 2.0
    return lambda x: x * thing.a


def a_dict_of_ones_own():
    thing = Thing()
    thing.cache, thing.factor = Counting(a=1.0), 2.0
    return lambda x: x * thing.factor


@pytest.mark.parametrize(
    "make", [a_property_of_a_metric, a_property_of_an_optimizer, a_slot_that_is_not_set, a_dict_of_ones_own]
)
def test_guards_run_nothing(make):
    asked.clear()
    step = ef.function(make())
    many(step, X)
    assert step.replays
    assert asked == []


def test_an_object_that_is_given_is_asked_for_nothing():
    asked.clear()
    thing, step = Slotted(), ef.function(lambda thing, x: x * thing.a)
    thing.a = 2.0
    many(step, thing, X)
    thing.a = 3.0
    assert step(thing, X).tolist() == [3.0, 6.0]
    assert step.replays
    assert asked == []


def test_what_a_property_of_a_metric_reads_counts():
    class Plain(ef.metrics.Mean):
        scale = 1.0

        @property
        def value(self):
            return self.scale

    mean = Plain()

    def given(x):
        return x * mean.value

    step = ef.function(given)
    many(step, X)
    assert step.replays
    mean.scale = 3.0
    assert step(X).tolist() == [3.0, 6.0]


def test_entries_of_a_dict_of_ones_own_count():
    cache = Counting(a=1.0)
    step = ef.function(lambda x: x * dict.__getitem__(cache, "a"))
    many(step, X)
    assert step.replays
    dict.__setitem__(cache, "a", 3.0)
    assert step(X).tolist() == [3.0, 6.0]


def test_a_slot_that_is_set_later_counts():
    class Plain:
        __slots__ = ("a", "b")

    thing = Plain()
    thing.a = 2.0
    step = ef.function(lambda x: x * (thing.a + getattr(thing, "b", 0.0)))
    many(step, X)
    assert step.replays
    thing.b = 1.0
    assert step(X).tolist() == [3.0, 6.0]


def test_no_schedule_of_the_users_is_asked():
    class Counting(ef.optimizers.schedules.LearningRateSchedule):
        calls = 0

        def __call__(self, step):
            Counting.calls += 1
            return 0.1

    assert attributes.looked_up(ef.optimizers.SGD(Counting()), "learning_rate") is attributes.NOTHING
    assert Counting.calls == 0
    ours = ef.optimizers.schedules.CosineDecay(0.5, 10)
    assert float(attributes.looked_up(ef.optimizers.SGD(ours), "learning_rate")) == 0.5
    assert float(attributes.looked_up(ef.optimizers.SGD(0.25), "lr")) == 0.25

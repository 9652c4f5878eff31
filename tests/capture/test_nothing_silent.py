"""Whatever a step depends on may change between two calls: captured and eager give the same, call by call."""

from __future__ import annotations

import abc
import array
import collections
import contextvars
import decimal
import enum
import functools
import itertools
import operator
import threading
import types
import warnings
import weakref

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.compat.tensorflow.images.mirrored import random_flip_left_right

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
CALLS, FIRST = 12, 5  # how often a step is called, and before which call something changes first
CASES = {}


def case(make):
    """A function that gives a step, and what changes before call `i`; None where the step itself does."""
    CASES[make.__name__] = make
    return make


def outcomes(make, captured):
    """What a step gives in each call, and the step."""
    ef.utils.set_random_seed(7)
    step, change = make()
    step = ef.function(step) if captured else step
    found = []
    for i in range(CALLS):
        if i >= FIRST and change is not None:
            change(i)
        found.append(np.array(step(X)))
    return found, step


# -- objects and classes


def holding(**attributes):
    return types.SimpleNamespace(**attributes)


@case
def a_property_that_reads_elsewhere():
    box = {"factor": [1.0]}

    class Thing:
        @property
        def factor(self):
            return box["factor"][0]

    thing = Thing()
    return (lambda x: x * thing.factor), lambda i: box["factor"].__setitem__(0, float(i))


@case
def a_descriptor():
    state = [1.0]

    class Factor:
        def __get__(self, owner, kind):
            return state[0]

    class Thing:
        factor = Factor()

    thing = Thing()
    return (lambda x: x * thing.factor), lambda i: state.__setitem__(0, float(i))


@case
def attributes_made_as_they_are_asked_for():
    state = [1.0]

    class Thing:
        def __getattr__(self, name):
            return state[0]

    thing = Thing()
    return (lambda x: x * thing.anything), lambda i: state.__setitem__(0, float(i))


@case
def an_attribute_of_a_class_and_of_its_base():
    class Base:
        factor = 1.0

    class Thing(Base):
        pass

    thing = Thing()

    def change(i):
        (Base if i < 7 else Thing if i < 9 else thing).factor = float(i)

    return (lambda x: x * thing.factor), change


@case
def an_attribute_of_a_class_of_classes():
    class Kind(type):
        factor = 1.0

    class Thing(metaclass=Kind):
        pass

    return (lambda x: x * Thing.factor), lambda i: setattr(Kind, "factor", float(i))


@case
def a_list_of_a_class():
    class Thing:
        factors = [1.0]

    thing = Thing()
    return (lambda x: x * thing.factors[0]), lambda i: Thing.factors.__setitem__(0, float(i))


@case
def methods_that_are_replaced():
    class Thing:
        def of_objects(self, x):
            return x

        @staticmethod
        def of_nobody(x):
            return x

        @classmethod
        def of_classes(cls, x):
            return x

    thing = Thing()

    def change(i):
        if i < 7:
            Thing.of_objects = lambda self, x: x * i
        elif i < 9:
            Thing.of_nobody = staticmethod(lambda x: x + i)
        elif i < 11:
            Thing.of_classes = classmethod(lambda cls, x: x - i)
        else:
            thing.of_objects = lambda x: x / i

    return (lambda x: thing.of_objects(thing.of_nobody(thing.of_classes(x)))), change


@case
def the_state_of_a_class_method():
    class Thing:
        factor = 1.0

        @classmethod
        def times(cls, x):
            return x * cls.factor

    return (lambda x: Thing.times(x)), lambda i: setattr(Thing, "factor", float(i))


@case
def a_cached_property():
    class Thing:
        base = 1.0

        @functools.cached_property
        def factor(self):
            return self.base

    thing = Thing()

    def change(i):
        thing.__dict__.pop("factor", None)
        Thing.base = float(i)

    return (lambda x: x * thing.factor), change


@case
def operators_and_contexts_of_an_object():
    class Thing:
        factor = 1.0

        def __mul__(self, other):
            return other * self.factor

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

    thing = Thing()

    def step(x):
        with thing as inside:
            return inside * x + thing.factor

    return step, lambda i: setattr(thing, "factor", float(i))


@case
def slots_of_bases_and_private_ones():
    class Base:
        __slots__ = ("factor",)

    class Thing(Base):
        __slots__ = ("__term",)

        def __init__(self):
            self.factor, self.__term = 1.0, 1.0

        def __call__(self, x):
            return x * self.factor + self.__term

    thing = Thing()
    return thing, lambda i: setattr(thing, ("factor", "_Thing__term")[i % 2], float(i))


@case
def another_object_that_is_equal():
    first, second = [1.0], [1.0]
    thing = holding(chosen=first)
    step = lambda x: x * (1.0 if thing.chosen is first else 2.0)  # noqa: E731
    return step, lambda i: setattr(thing, "chosen", (first, second)[i % 2])


@case
def numbers_of_other_types_and_signs():
    thing = holding(factor=0)

    def step(x):
        return x * (5.0 if thing.factor is True else 1.0) / ops.sign(0.5 + ef.Tensor([np.copysign(1.0, thing.factor)]))

    return step, lambda i: setattr(thing, "factor", (0, True, -0.0, 0.0)[i % 4])


@case
def not_a_number():
    thing = holding(factor=float("nan"))
    step = lambda x: x * (1.0 if thing.factor != thing.factor else 2.0)  # noqa: E731
    return step, lambda i: setattr(thing, "factor", 1.0 if i % 2 else float("nan"))


@case
def an_attribute_whose_name_is_text():
    thing = holding(a=1.0, b=2.0, which="a")
    return (lambda x: x * getattr(thing, thing.which)), lambda i: setattr(thing, "which", "ab"[i % 2])


@case
def members_of_an_enumeration():
    class Kind(enum.Enum):
        ONE = 1
        TWO = 2

    thing = holding(kind=Kind.ONE)
    return (lambda x: x * thing.kind.value), lambda i: setattr(thing, "kind", (Kind.ONE, Kind.TWO)[i % 2])


@case
def a_weak_reference():
    class Thing:
        factor = 2.0

    things = [Thing()]
    reference = weakref.ref(things[0])

    def change(i):
        if i == FIRST:
            things[0].factor = 3.0
        elif i == 8:
            things.clear()

    return (lambda x: x * (1.0 if reference() is None else reference().factor)), change


@case
def classes_that_are_registered():
    class Kind(abc.ABC):  # noqa: B024
        pass

    class Thing:
        pass

    thing = Thing()
    return (lambda x: x * (2.0 if isinstance(thing, Kind) else 1.0)), lambda i: i == 7 and Kind.register(Thing)


@case
def what_a_thread_and_a_context_hold():
    local, variable = threading.local(), contextvars.ContextVar("variable", default=1.0)
    local.factor = 1.0

    def change(i):
        if i % 2:
            local.factor = float(i)
        else:
            variable.set(float(i))

    return (lambda x: x * local.factor + variable.get()), change


# -- collections


@case
def nested_collections():
    held = ([1.0], (2.0, {"a": [3.0]}))
    step = lambda x: x * held[0][0] + held[1][1]["a"][0]  # noqa: E731
    return step, lambda i: (held[0], held[1][1]["a"])[i % 2].__setitem__(0, float(i))


@case
def queues_sets_and_counters():
    queue, known = collections.deque([1.0]), set()
    counted, usual = collections.Counter(a=1), collections.defaultdict(float)

    def step(x):
        return x * queue[0] + len(known) - counted["a"] + usual["a"]

    def change(i):
        if i % 4 == 0:
            queue[0] = float(i)
        elif i % 4 == 1:
            known.add(i)
        elif i % 4 == 2:
            counted["a"] = i
        else:
            usual["a"] = float(i)

    return step, change


@case
def bytes_that_may_be_written():
    inside = bytearray(b"\1\2")
    numbers, view = array.array("d", [1.0]), memoryview(inside)

    def change(i):
        if i % 2:
            inside[0] = i
        else:
            numbers[0] = float(i)

    return (lambda x: x * float(inside[0]) + numbers[0] - view[0] / 2.0), change


@case
def the_order_of_a_dict():
    factors = {"a": 1.0, "b": 2.0}

    def step(x):
        for factor in factors.values():
            x = x * 2 + factor
        return x

    return step, lambda i: factors.__setitem__("a", factors.pop("a")) if i % 2 else factors.update(b=factors.pop("b"))


@case
def views_of_a_dict():
    factors = {"a": 1.0}
    values, shown = factors.values(), types.MappingProxyType(factors)
    return (lambda x: x * max(values) + shown["a"]), lambda i: factors.update(a=float(i))


@case
def attributes_of_a_list_and_of_a_dict():
    class Numbers(list):
        factor = 1.0

    class Settings(dict):
        __getattr__ = dict.__getitem__

    numbers, settings = Numbers([1.0]), Settings(rate=1.0)

    def change(i):
        if i % 3 == 0:
            numbers.factor = float(i)
        elif i % 3 == 1:
            numbers[0] = float(i)
        else:
            settings["rate"] = float(i)

    return (lambda x: x * numbers.factor + numbers[0] - settings.rate), change


def used_up(make):
    iterator = make([1.0] * 8 + [5.0] * 100)

    def step(x):
        for factor in iterator:
            return x * factor
        raise AssertionError("used up")

    return step, None


@case
def an_iterator_of_a_list():
    return used_up(iter)


@case
def a_chain_of_iterators():
    return used_up(itertools.chain)


@case
def a_generator():
    return used_up(lambda values: (value for value in values))


# -- functions


@case
def default_arguments():
    def step(x, factor=[1.0], *, term=1.0):  # noqa: B006
        return x * factor[0] + term

    def change(i):
        if i % 3 == 0:
            step.__defaults__[0][0] = float(i)
        elif i % 3 == 1:
            step.__kwdefaults__["term"] = float(i)
        else:
            step.__defaults__ = ([i / 2],)

    return step, change


@case
def the_code_and_attributes_of_a_function():
    def times(x):
        return x * times.factor

    def other(x):
        return x + times.factor

    times.factor = 1.0

    def change(i):
        if i == 8:
            times.__code__ = other.__code__.replace(co_freevars=times.__code__.co_freevars)
        else:
            times.factor = float(i)

    return (lambda x: times(x)), change


@case
def what_a_partial_function_was_given():
    class Thing:
        factor = 1.0

        def times(self, term, x):
            return x * self.factor + term[0]

    thing, term = Thing(), [1.0]
    bound = functools.partial(thing.times, term)

    def change(i):
        if i % 2:
            thing.factor = float(i)
        else:
            term[0] = float(i)

    return (lambda x: bound(x)), change


@case
def a_decorator_that_holds_something():
    state = [1.0]

    def times(function):
        @functools.wraps(function)
        def inner(x):
            return function(x) * state[0]

        return inner

    return times(lambda x: x), lambda i: state.__setitem__(0, float(i))


@case
def functions_in_a_dict():
    state = [1.0]
    functions = {"times": lambda x: x * state[0]}
    return (lambda x: functions["times"](x)), lambda i: state.__setitem__(0, float(i))


@case
def a_function_that_is_chosen_by_type():
    @functools.singledispatch
    def times(kind, x):
        return x

    return (lambda x: times(1, x)), lambda i: times.register(int, lambda kind, x: x * i)


@case
def a_getter_of_items():
    factors, thing = {"a": 1.0, "b": 2.0}, holding(get=operator.itemgetter("a"))
    return (lambda x: x * thing.get(factors)), lambda i: setattr(thing, "get", operator.itemgetter("ab"[i % 2]))


@case
def a_module_and_a_name_that_hides_a_builtin():
    module = types.ModuleType("settings_of_mine")
    module.factor = 1.0
    names = {"module": module}
    exec("def step(x): return x * module.factor * max(1.0, 2.0)", names)

    def change(i):
        if i < 8:
            module.factor = float(i)
        else:
            names["max"] = lambda a, b: 7.0

    return names["step"], change


@case
def a_cache_that_is_cleared_and_filled_again():
    table = [1.0]

    @functools.lru_cache
    def looked_up():
        return table[0]

    def change(i):
        table[0] = float(i)
        if i % 3 == 0:  # with as many hits and misses as before
            looked_up.cache_clear()
            for _ in range(3):
                looked_up()

    return (lambda x: x * looked_up()), change


@case
def a_cache_without_an_order_that_is_cleared():
    table = [1.0]

    class Thing:
        @functools.cache  # noqa: B019 - as users' programs do
        def times(self, by):
            return table[0] * by

    thing = Thing()

    def change(i):
        table[0] = float(i)
        if i % 4 == 0:
            Thing.times.cache_clear()
        thing.times(float(i))

    return (lambda x: x * thing.times(2)), change


@case
def a_cache_with_too_little_room():
    table = [1.0]

    @functools.lru_cache(maxsize=1)
    def times(by):
        return table[0] * by

    def change(i):
        table[0] = float(i)
        if i % 4 == 0:
            times(3)

    return (lambda x: x * times(2)), change


@case
def a_cached_list():
    @functools.lru_cache
    def factors():
        return [1.0]

    return (lambda x: x * factors()[0]), lambda i: factors().__setitem__(0, float(i // 3))


# -- arrays and random numbers


@case
def arrays_inside_of_objects_of_numpys_and_pythons():
    line, entries = np.poly1d([1.0, 2.0]), collections.UserDict(factor=np.ones(2))

    def change(i):
        if i % 4 < 2:
            line[0] = float(i // 4)
        else:
            entries["factor"][0] = i // 4

    return (lambda x: x * float(line(1.0)) + float(entries["factor"][0])), change


@case
def settings_that_are_asked_for():
    threads, shown, told = ef.get_num_threads(), np.get_printoptions()["precision"], np.geterr()["under"]

    def step(x):
        return x * ef.get_num_threads() + len(np.array2string(np.ones(1) / 3)) * len(np.geterr()["under"])

    def change(i):
        last = i == CALLS - 1
        ef.set_num_threads(threads if last else 1 + i // 5)
        np.set_printoptions(precision=shown if last else i // 5)
        np.seterr(under=told if last else ("ignore", "warn")[i // 4 % 2])

    return step, change


@case
def arrays_and_what_shares_their_memory():
    table = np.ones(3, "float32")
    shown = table.view()
    shown.flags.writeable = False
    return (lambda x: x * shown), lambda i: table.__setitem__(1, i)


@case
def arrays_of_objects_and_of_records():
    objects = np.array([[1.0], None], dtype=object)
    records = np.zeros(2, [("a", "f4"), ("b", "i4")])

    def change(i):
        if i % 2:
            objects[0][0] = float(i)
        else:
            records["a"][0] = i

    return (lambda x: x * objects[0][0] + float(records["a"][0])), change


@case
def a_part_of_a_large_array():
    table = np.ones((1000, 300), "float32")
    return (lambda x: x * table[:2, :3]), lambda i: table.__setitem__((0, 1), i)


@case
def numpys_generators():
    rng, table = np.random.default_rng(3), np.arange(3, dtype="float32")

    def step(x):
        rng.shuffle(table)
        return x * table * (2.0 if rng.random() > 0.8 else 1.0)

    return step, None


@case
def chance_in_functions_of_tf_image():
    return (lambda x: random_flip_left_right(x[:, :, None])[:, :, 0]), None


# -- layers and models


class Stateful(layers.Layer):
    share = 1.0

    def __init__(self):
        super().__init__()
        self.factor, self._term, self.deep = 1.0, 1.0, {"a": [1.0]}
        self._hidden = [1.0]

    def call(self, x):
        return x * self.factor + self._term - self.deep["a"][0] * self.share * self._hidden[0]


@case
def attributes_of_a_layer_of_ones_own():
    layer = Stateful()

    def change(i):
        if i % 5 == 0:
            layer.factor = float(i)
        elif i % 5 == 1:
            layer._term = float(i)
        elif i % 5 == 2:
            layer.deep["a"][0] = float(i)
        elif i % 5 == 3:
            layer._hidden[0] = float(i)
        else:
            type(layer).share = 1.0 + i / 100

    Stateful.share = 1.0
    return (lambda x: layer(x)), change


@case
def layers_that_come_and_go():
    model = ef.Sequential([layers.Dense(3, kernel_initializer="ones")])
    model(X)

    def change(i):
        if i == 6:
            model.add(layers.Rescaling(3.0))
        elif i == 9:
            model.pop()
        elif i == 11:
            model.layers[0].kernel = ef.Variable(np.full((3, 3), 2.0, "float32"))

    return (lambda x: model(x)), change


@case
def a_model_without_layers_that_gets_some():
    model = ef.Sequential([layers.Input((3,))])

    def change(i):
        if i in (6, 8):
            model.add(layers.Rescaling(3.0))
        elif i == 10:
            model.pop()

    return (lambda x: model(x)), change


@case
def the_class_of_an_object():
    class Twice:
        def of(self, x):
            return x * 2.0

    class Thrice(Twice):
        def of(self, x):
            return x * 3.0

    class Shifted(layers.Dense):
        def call(self, x, training=False):
            return super().call(x, training) + 1.0

    thing, layer = Twice(), layers.Dense(3, kernel_initializer="ones")
    layer(X)

    def change(i):
        thing.__class__ = Thrice if i % 4 < 2 else Twice
        layer.__class__ = Shifted if i > 8 else layers.Dense

    return (lambda x: layer(thing.of(x))), change


@case
def the_precision_of_decimal_numbers():
    one, usual = decimal.Decimal(1), decimal.getcontext().prec

    def change(i):
        decimal.getcontext().prec = 1 + i // 4 if i < CALLS - 1 else usual

    return (lambda x: x * float(one / 3)), change


@case
def settings_of_ready_layers_losses_and_regularizers():
    penalty = ef.regularizers.L2(0.1)
    dense = layers.Dense(3, kernel_initializer="ones", kernel_regularizer=penalty)
    leaky, huber = layers.LeakyReLU(0.2), ef.losses.Huber(1.0)
    dense(X)

    def step(x):
        y = leaky(dense(x) - 10.0)
        return huber(x, y) + ops.sum(ops.stack(dense.losses)) + y

    def change(i):
        if i % 4 == 0:
            penalty.l2 = i / 10
        elif i % 4 == 1:
            leaky.negative_slope = i / 10
        elif i % 4 == 2:
            huber.delta = i / 10
        else:
            dense.activation = (ops.tanh, ops.relu)[i // 4 % 2]

    return step, change


# -- the test

NEVER_REPLAYED = {
    "a_cache_with_too_little_room",
    "an_iterator_of_a_list",
    "a_chain_of_iterators",
    "a_generator",
    "a_part_of_a_large_array",
    "numpys_generators",
    "chance_in_functions_of_tf_image",
}


@pytest.mark.parametrize("name", CASES)
def test_a_captured_step_gives_what_the_eager_one_gives(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* runs eagerly, not captured")
        (eager, _), (captured, step) = (outcomes(CASES[name], which) for which in (False, True))
    for one, other in zip(eager, captured, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert any((one != eager[0]).any() for one in eager), "the case changes nothing"
    assert (step.replays == 0) == (name in NEVER_REPLAYED)


def test_chance_that_has_a_seed_of_its_own_and_goes_on_is_not_replayed():
    step = ef.function(lambda x: random_flip_left_right(x[:, :, None], seed=5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len({step(X).numpy().tobytes() for _ in range(30)}) == 2
    assert "draws random numbers of tf.image" in str(caught[0].message)

"""What changes between calls is noticed before a replay: it is captured again."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
import weakref
from collections import deque
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.base.capturing import asked_by
from eagerflow.capture.function import CaptureError
from tests.capture.steps import batches, many

X = ef.Tensor([1.0, 2.0])
FACTOR = 2.0
SETTINGS = {"rate": 2.0, "list": [1.0, 2.0]}
TABLE = np.array([1.0, 2.0], "float32")


def helper(x):
    return x * FACTOR


def settled(step, *given, calls=5):
    for _ in range(calls):
        found = step(*given)
    assert step.replays
    return found


def check(step, change, before, after):
    """The captured step gives `before`, and `after` once something has changed; then it is replayed again."""
    captured = ef.function(step)
    assert settled(captured, X).tolist() == before
    change()
    assert captured(X).tolist() == after
    replays = captured.replays
    assert settled(captured, X).tolist() == after
    assert captured.replays > replays


def test_a_global(monkeypatch):
    check(lambda x: x * FACTOR, lambda: monkeypatch.setitem(globals(), "FACTOR", 3.0), [2.0, 4.0], [3.0, 6.0])


def test_a_global_that_a_function_uses(monkeypatch):
    check(lambda x: helper(x), lambda: monkeypatch.setitem(globals(), "FACTOR", 3.0), [2.0, 4.0], [3.0, 6.0])


def scaled(x, by=[2.0]):  # noqa: B006 - what changes is seen
    return x * by[0]


class Scales:
    @staticmethod
    def scaled(x, by=[2.0]):  # noqa: B006
        return x * by[0]


@pytest.mark.parametrize("holder", [__name__, Scales])
def test_a_default_of_a_function_that_only_text_leads_to_also_when_all_is_frozen(holder):
    gc.freeze()  # of what there is now the garbage collector tells no more who holds it
    holder = sys.modules[holder] if isinstance(holder, str) else holder
    default = holder.scaled.__defaults__[0]
    try:
        check(lambda x: getattr(holder, "sca" + "led")(x), lambda: default.__setitem__(0, 3.0), [2.0, 4.0], [3.0, 6.0])
    finally:
        default[0] = 2.0


def test_an_entry_of_a_dict_and_of_a_list(monkeypatch):
    monkeypatch.setitem(SETTINGS, "list", [1.0, 2.0])
    step = lambda x: x * SETTINGS["rate"] + SETTINGS["list"][0]  # noqa: E731
    check(step, lambda: monkeypatch.setitem(SETTINGS, "rate", 3.0), [3.0, 5.0], [4.0, 7.0])
    check(step, lambda: SETTINGS["list"].__setitem__(0, 2.0), [4.0, 7.0], [5.0, 8.0])


def test_a_closure():
    factor = 2.0

    def step(x):
        return x * factor

    def change():
        nonlocal factor
        factor = 3

    check(step, change, [2.0, 4.0], [3.0, 6.0])


def test_an_attribute_of_an_object_and_of_one_with_slots():
    class Slotted:
        __slots__ = ("factor",)

    def go(thing):
        thing.factor = 2.0
        check(lambda x: x * thing.factor, lambda: setattr(thing, "factor", 3.0), [2.0, 4.0], [3.0, 6.0])

    go(SimpleNamespace())
    go(Slotted())


def test_a_number_of_another_type():
    thing = SimpleNamespace(factor=2)
    captured = ef.function(lambda n: n * thing.factor)
    n = ef.Tensor([1, 2])
    assert settled(captured, n).dtype == "int32"
    thing.factor = 2.0
    assert captured(n).dtype == "float32"


def test_an_array_that_changes_in_place():
    table = TABLE.copy()
    check(lambda x: x * table, lambda: table.__setitem__(0, 5.0), [1.0, 4.0], [5.0, 4.0])


def test_a_large_array_of_numpys_is_refused():
    table = np.ones((1 << 17, 2))
    captured = ef.function(lambda x: x + table)
    with pytest.warns(UserWarning, match="large NumPy array"):
        many(captured, X)


def test_a_variable_that_is_replaced_and_a_layer_that_is_exchanged():
    holder = SimpleNamespace(w=ef.Variable(2.0), layer=layers.Rescaling(1.0))
    check(lambda x: x * holder.w, lambda: setattr(holder, "w", ef.Variable(3.0)), [2.0, 4.0], [3.0, 6.0])
    change = lambda: setattr(holder, "layer", layers.Rescaling(2.0))  # noqa: E731
    check(lambda x: holder.layer(x), change, [1.0, 2.0], [2.0, 4.0])


def test_a_variable_that_is_assigned_is_read_anew():
    w = ef.Variable([1.0, 2.0])
    captured = ef.function(lambda x: x * w)
    settled(captured, X)
    w.assign([5.0, 6.0])
    replays = captured.replays
    assert captured(X).tolist() == [5.0, 12.0]
    assert captured.replays == replays + 1


def test_attributes_and_trainability_of_layers():
    ef.utils.set_random_seed(2)
    model = ef.Sequential([layers.Dense(3), layers.Dropout(0.5), layers.Dense(2)])
    model.build((None, 2))

    def step(x):
        with ef.GradientTape() as tape:
            y = ef.ops.sum(model(x, training=True))
        return tape.gradient(y, model.trainable_variables)

    captured = ef.function(step)
    x = ef.Tensor([[1.0, 2.0]])
    for _ in range(5):
        assert len(captured(x)) == 4
    model.layers[0].trainable = False
    for _ in range(5):
        assert len(captured(x)) == 2
    model.layers[1].rate = 0.999
    drawn = np.stack([captured(x)[0].numpy() for _ in range(20)])
    assert (drawn == 0).mean() > 0.9
    assert captured.why_eager is None


def test_other_shapes_numbers_and_structures_are_captured_by_themselves():
    captured = ef.function(lambda x, by=1, more=(): x * by + sum(more, 0.0))
    for _ in range(5):
        assert captured(ef.ops.ones((2,))).shape == (2,)
        assert captured(ef.ops.ones((3,))).shape == (3,)
        assert captured(X, by=3).tolist() == [3.0, 6.0]
        assert captured(X, more=[X, X]).tolist() == [3.0, 6.0]
        assert captured(X, more=(X,)).tolist() == [2.0, 4.0]
    assert len(captured.programs) == 5


def test_what_keeps_changing_is_given_up():
    thing = SimpleNamespace(factor=0.0)
    captured = ef.function(lambda x: x * thing.factor)

    def go():
        for i in range(60):
            thing.factor = float(i // 4)
            assert captured(X).tolist() == [thing.factor, 2 * thing.factor]

    with pytest.warns(UserWarning, match=r"thing.factor changes again and again"):
        go()


def test_what_changes_now_and_then_for_long_is_captured_each_time():
    thing = SimpleNamespace(factor=0.0)
    step = ef.function(lambda x: x * thing.factor)
    for epoch in range(12):
        thing.factor = float(epoch)
        for _ in range(25):
            found = step(X)
        assert found.tolist() == [thing.factor, 2 * thing.factor]
    assert step.why_eager is None
    assert step.replays > 12 * 20


def test_what_no_guard_sees_is_found_by_comparing(monkeypatch):
    """Functions inside of packages are taken as fixed; the eager run that comes every so often has other numbers."""
    layer = ef.layers.Rescaling(2.0)
    captured = ef.function(lambda x: layer(x), verify_every=4)
    settled(captured, X)
    module, real = sys.modules[ef.layers.Rescaling.__module__], ef.convert_to_tensor
    monkeypatch.setattr(module, "convert_to_tensor", lambda v, dtype: real(3.0 if type(v) is float and v else v, dtype))
    with pytest.raises(CaptureError, match=r"multiply \(.*test_guards.py:\d+\) is given other"):
        many(captured, X)
    assert captured(X).tolist() == [3.0, 6.0]


def test_comparisons_with_the_eager_step_become_rarer(monkeypatch):
    module = sys.modules[CaptureError.__module__]
    monkeypatch.setattr(module, "_FIRST", 3)
    monkeypatch.setattr(module, "_SELDOM", 8)
    captured, eager = ef.function(lambda x: x * 2.0), list[int]()
    for call in range(40):
        before = captured.replays
        captured(X)
        if captured.replays == before:
            eager.append(call)
    assert eager == [0, 1, 4, 10, 18, 26, 34]  # two to capture, then after 3, 6 and 8 replays, time and again


def test_a_step_that_assigns_can_be_compared():
    v = ef.Variable([0.0, 0.0])

    def step(x):
        v.assign_add(x)
        return v.value * 2.0

    captured = ef.function(step, verify_every=2)
    assert many(captured, X, calls=12).tolist() == (24 * X).tolist()
    assert captured.replays > 3
    assert captured.why_eager is None


def test_comparing_trains_and_draws_nothing_twice():
    def run(verify_every):
        ef.utils.set_random_seed(4)
        model = ef.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)])
        optimizer = ef.optimizers.Adam(0.1)

        def step(x, y):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean((model(x, training=True) - y) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        step = step if verify_every is None else ef.function(step, verify_every=verify_every)
        losses = [step(x, y).tolist() for x, y in batches(12, (8, 3), (8, 1))]
        return losses, [v.numpy().tolist() for v in (*model.variables, *optimizer.variables)]

    assert run(2) == run(None) == run(0)


def test_other_threads_read_and_train_meanwhile():
    w, other = ef.Variable(np.ones(2000, "float32")), ef.Variable(np.ones(2000, "float32"))
    optimizer, theirs = ef.optimizers.SGD(0.01), ef.optimizers.SGD(0.01)
    stop, wrong = threading.Event(), []

    def step(w, optimizer):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(w * w)
        optimizer.apply([tape.gradient(loss, w)], [w])
        return loss

    def watch():
        while not stop.is_set():
            step(other, theirs)
            seen = w.numpy()
            if (seen != seen[0]).any():
                wrong.append(seen)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        captured = ef.function(lambda: step(w, optimizer), verify_every=3)
        for _ in range(60):
            captured()
    finally:
        stop.set()
        thread.join()
    assert not wrong
    assert captured.replays > 20
    assert np.allclose(w.numpy(), 0.98**60, rtol=1e-4)


def test_a_captured_step_holds_no_batch():
    captured = ef.function(lambda x: x * 2)
    for _ in range(5):
        x = ef.Tensor(np.ones(1000, "float32"))
        captured(x)
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


def test_data_that_an_object_holds_are_no_hindrance():
    class Holder:
        def __init__(self):
            self.data = np.ones(1 << 16)
            self.factor = 2.0

        def step(self, x):
            return x * self.factor

    holder = Holder()
    captured = ef.function(holder.step)
    assert many(captured, X).tolist() == [2.0, 4.0]
    assert captured.replays == 4
    holder.data[:] = 3.0  # which the step doesn't name
    captured(X)
    assert captured.replays == 5


def test_what_runs_the_first_time_alone_counts_no_more(tmp_path, monkeypatch):
    """Building layers, and loading modules, whose functions name anything."""
    (tmp_path / "loaded_in_a_step.py").write_text("import time\nnow = time.time()\nread = getattr(time, 'time')\n")
    monkeypatch.syspath_prepend(tmp_path)

    class Holder:
        def __init__(self):
            self.data, self.factor = np.ones(1 << 18), None

        def begin(self):
            self.factor = float(self.data.sum() / self.data.size) + getattr(self, "nothing", 1.0)

        def step(self, x):
            import loaded_in_a_step

            if self.factor is None:
                self.begin()
            return x * self.factor + loaded_in_a_step.now * 0.0

    captured = ef.function(Holder().step)
    assert many(captured, X).tolist() == [2.0, 4.0]
    assert captured.replays


def test_an_object_may_hold_its_own_captured_step():
    class Trains:
        def __init__(self):
            self.factor = 2.0
            self.step = ef.function(self._step)
            self.both = ef.function(lambda x: self.step(x) + 1.0)

        def _step(self, x):
            return x * self.factor

    holder = Trains()
    for _ in range(12):
        assert holder.step(X).tolist() == [2.0, 4.0]
        assert holder.both(X).tolist() == [3.0, 5.0]
    assert (holder.step.replays, holder.both.replays) == (10, 10)
    holder.factor = 3.0
    assert holder.both(X).tolist() == [4.0, 7.0]


def test_arguments_that_were_one_may_differ_later():
    x, y = ef.Tensor([1.0, 2.0]), ef.Tensor([10.0, 20.0])
    run = ef.function(lambda a, b: a * 2.0 + b)
    many(run, x, x)
    assert run(x, y).tolist() == [12.0, 24.0]
    assert run(y, x).tolist() == [21.0, 42.0]
    assert run.replays > 2


def test_an_argument_that_the_step_reaches_besides_may_differ_later():
    held, weight, other = ef.Tensor([3.0]), ef.Variable([5.0]), ef.Tensor([10.0])
    run = ef.function(lambda a: (weight * 2.0 + a, a - held))
    for argument in (held, weight.value):
        many(run, argument)
        first, second = run(other)
        assert (first.tolist(), second.tolist()) == ([20.0], [7.0])
    assert run.replays > 2


def test_what_an_activation_was_computed_from_is_an_argument_too():
    classes, measure = ef.Tensor([0]), ef.losses.SparseCategoricalCrossentropy()
    run = ef.function(lambda p: measure(classes, p))
    many(run, ef.activations.softmax(ef.Tensor([[1.0, 2.0]])))
    other = ef.activations.softmax(ef.Tensor([[4.0, -1.0]]))
    assert float(run(other)) == float(measure(classes, other))
    assert run.replays > 2


@pytest.mark.parametrize("holds", ["a dict", "an object", "a layer"])
def test_a_weak_proxy_whose_object_is_gone_is_passed_over(holds):
    class Thing:
        pass

    thing = Thing()
    around = {"gone": weakref.proxy(thing)}
    del thing
    if holds == "an object":
        around = SimpleNamespace(**around)
    elif holds == "a layer":
        around, gone = ef.layers.Layer(), around["gone"]
        vars(around)["gone"] = gone

    @ef.function
    def step(x):
        return x * 2.0 if around else x

    assert many(step, ef.Tensor([1.0])).tolist() == [2.0]
    assert step.replays > 1


def test_minus_zero_is_another_number():
    x, scale = ef.Tensor([1.0, -1.0]), SimpleNamespace(value=0.0)
    by_attribute = ef.function(lambda x: x * scale.value)
    by_argument = ef.function(lambda x, scale: x * scale)
    many(by_attribute, x), many(by_argument, x, 0.0)
    scale.value = -0.0
    for found in (many(by_attribute, x), many(by_argument, x, -0.0)):
        assert np.signbit(found.numpy()).tolist() == [True, False]


def test_a_column_of_a_table_that_changes_in_place_is_not_replayed():
    column = pd.Series([1.0, 2.0])
    step = ef.function(lambda x: x * column.mean())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* runs eagerly, not captured")
        for i in range(8):
            column[0] = float(i // 5)
            assert step(ef.Tensor([1.0])).tolist() == [column.mean()]
    assert "may change unseen" in step.why_eager


def test_a_mask_that_a_tensor_of_the_closure_gets_later():
    held = ef.Tensor([1.0, 3.0])

    def step(x):
        mask = getattr(held, "mask", None)
        return x + held if mask is None else x * held

    check(step, lambda: setattr(held, "mask", ef.Tensor([True, False])), [2.0, 5.0], [1.0, 6.0])


@pytest.mark.parametrize("kind", [set, frozenset, tuple, deque, list])
def test_an_entry_of_a_collection_that_comes_and_goes(kind):
    holder = SimpleNamespace(kinds=kind())
    others = kind(["doubled"])
    step = lambda x: x * 2.0 if "doubled" in holder.kinds else x  # noqa: E731

    def change():
        if kind is set:
            holder.kinds.add("doubled")
        elif kind in (deque, list):
            holder.kinds.append("doubled")
        else:
            holder.kinds = others

    check(step, change, [1.0, 2.0], [2.0, 4.0])


@pytest.mark.parametrize("name", ["EAGERFLOW_HOME", "HOME"])
def test_what_the_home_folder_depends_on_counts_as_changed(monkeypatch, name):
    (shared,) = asked_by(ef.config.home.__code__)
    monkeypatch.delenv("EAGERFLOW_HOME", raising=False)
    before = shared.state()
    assert shared.state() == before
    monkeypatch.setenv(name, "elsewhere")
    assert shared.state() != before

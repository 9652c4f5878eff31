"""A replay that is recorded gives the record of the eager step, and says that it was replayed."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.base.capturing import replayed
from eagerflow.core import observe
from tests.capture.steps import ROWS, batches
from tests.capture.test_random_programs import PAIRS, inputs_of, step_of
from tests.capture.test_same_bits import MODELS, trained
from viz.facts.overview import overview
from viz.facts.tables import top


def told(record):
    """What a record says of each op, but for when it was."""

    def tensor(i):
        found = record.tensors[i]
        name = re.sub(r"_\d+$", "", found.name)
        of = None if found.gradient_of is None else record.tensors[found.gradient_of].shape
        return found.shape, found.dtype, found.role, name, found.version, of, found.stats

    def op(x):
        forward = None if x.forward is None else record.ops[x.forward].name
        made = x.name, x.phase, record.path(x.scope), x.step, forward, x.stack
        return (*made, x.composition is None, list(map(tensor, x.outputs)))

    return [op(x) for x in record.ops]


def scopes(record):
    """Without the name of what was differentiated: a variable of the function, which doesn't run in a replay."""
    configs = [{key: value for key, value in x.config.items() if key != "target"} for x in record.scopes]
    return [(x.kind, x.name, x.parent, x.call, x.cls, c, x.stack, x.error) for x, c in zip(record.scopes, configs)]


def first_unknown(ours, theirs):
    """The first of ours that doesn't come in theirs, in their order; these may have more: what makes constants."""
    left = iter(theirs)
    return next((mine for mine in ours if mine not in left), None)


def recorded(make, given, captures, **options):
    """Records of the first call, the second, ..., made all in one place."""
    found = []
    ef.utils.clear_session()  # names count from the beginning
    ef.utils.set_random_seed(11)
    step = make()[0]
    run = ef.function(step, **options) if captures else step
    for i in range(5):
        with viz.trace(stats="basic") as record:
            run(*given[i % len(given)])
        found.append(record)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_replays_are_recorded_as_eager_steps_are(name):
    given = batches(2, (ROWS, 5), (ROWS, 2))
    eager, captured = [recorded(lambda: trained(MODELS[name]()), given, captures) for captures in (False, True)]
    for a, b in zip(eager, captured):
        assert first_unknown(told(b), told(a)) is None
        assert scopes(a) == scopes(b)
        assert len(b.ops) > 0.9 * len(a.ops)
    assert not any(op.replayed for record in (*eager, captured[0], captured[1]) for op in record.ops)
    assert all(op.replayed and op.end >= op.start for op in captured[-1].ops)


@pytest.mark.parametrize("part", range(3))
def test_random_programs_are_recorded_as_eager_ones_are(part):
    replayed = 0
    for program, _ in PAIRS[5 + part :: 40]:
        if program["mode"] == "second":  # where rules give what they were given, records differ in who made it
            continue
        step = step_of(program)[0]
        given = [
            ef.Tensor(x) for x, i in zip(inputs_of(program, 0), program["inputs"], strict=True) if not i["variable"]
        ]
        run = ef.function(step)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for _ in range(4):
                run(*given)
            records = []
            for each in (step, run):
                with viz.trace() as record:
                    each(*given)
                records.append(record)
        if records[1].ops and records[1].ops[0].replayed:
            replayed += 1
            assert first_unknown(told(records[1]), told(records[0])) is None, program
            assert scopes(records[0]) == scopes(records[1])
    assert replayed > 3


def penalized():
    w = ef.Variable([1.0, -2.0], name="w")

    def step(x):
        with ef.GradientTape() as outer:
            with ef.GradientTape() as inner:
                inner.watch(x)
                y = ef.ops.sum(ef.ops.tanh(w * x))
            penalty = ef.ops.sum(inner.gradient(y, x) ** 2)
        return outer.gradient(penalty, w)

    return (step,)


def links(record):
    """Ops and what they are the gradients of."""
    return [(op.name, op.phase, None if op.forward is None else record.ops[op.forward].name) for op in record.ops]


@pytest.mark.parametrize("given", [np.asarray, ef.Tensor])
def test_indices_are_recorded_as_what_ops_read(given):
    outside = given(np.arange(3))

    def step(x, i):
        best, values = ef.ops.argmax(x, axis=1), ef.ops.exp(x)
        return values[i, best], values[outside, 0, None], ef.ops.scatter(ef.ops.abs(best)[:, None], values, (3, 3))

    x, i = given(np.eye(3, dtype="float32")), given(np.arange(3))
    found = []
    for run in [step, *[ef.function(step)] * 5]:
        with viz.trace() as record:
            run(x, i)
        read = [
            (op.name, None if record.tensors[x].producer is None else record.ops[record.tensors[x].producer].name)
            for op in record.ops
            for x, name in zip(op.inputs, op.input_names)
            if name == "index"
        ]
        found.append(read)
    taken = [("take_index", None), ("take_index", "argmax"), ("take_index", None)]
    assert found == [[*taken, ("scatter_index", "take_index")]] * 6
    assert all(op.replayed for op in record.ops)


def test_gradients_of_gradients_are_recorded_as_such():
    given = [[ef.Tensor([0.5, 2.0])]]
    eager, captured = recorded(penalized, given, False)[-1], recorded(penalized, given, True)[-1]
    assert first_unknown(links(captured), links(eager)) is None
    assert ("multiply", "backward", "tanh") in links(captured)


def test_gradients_of_arguments_are_recorded_as_such():
    def make():
        def step(x):
            with ef.GradientTape() as tape:
                tape.watch(x)
                y = ef.ops.sum(x * x)
            return tape.gradient(y, x)

        return (step,)

    record = recorded(make, [[ef.Tensor([0.5, 2.0])]], True)[-1]
    (made,) = [op for op in record.ops if op.name == "multiply" and op.phase == "backward"]
    (read,) = [op for op in record.ops if op.name == "multiply" and op.phase == "forward"]
    assert {record.tensors[i].gradient_of for i in made.outputs} == set(read.inputs)


def test_memory_is_let_go_where_the_program_lets_it_go():
    """Each of ten arrays of 400 KB is used once: two or three are there at a time."""

    def make():
        def step(x):
            for _ in range(10):
                x = ef.ops.tanh(x)
            return ef.ops.sum(x)

        return (step,)

    record = recorded(make, [[ef.ops.ones((1000, 100))]], True)[-1]
    assert len([op for op in record.ops if op.replayed]) == 11
    assert record.memory().peak < 4 * 400_000


def test_scopes_of_the_users_and_their_lines_are_recorded():
    def make():
        w = ef.Variable(2.0)

        def step(x):
            with viz.step("inner"):
                y = x * w
                z = y + 1.0
            return ef.ops.tanh(z)

        return (step,)

    given = [[ef.Tensor([1.0])]]
    eager, captured = recorded(make, given, False)[-1], recorded(make, given, True)[-1]
    assert [op.replayed for op in captured.ops] == [True] * 3
    assert told(captured) == told(eager)
    assert scopes(captured) == scopes(eager)
    assert len({str(op.source) for op in captured.ops}) == 3


class Unsure(observe.Observer):
    """Hears ops, and nothing of replays."""

    def __init__(self):
        self.ops = 0

    def on_op(self, *announced):
        self.ops += 1


def test_an_observer_that_knows_nothing_of_replays_hears_the_eager_step():
    run, calls = ef.function(lambda x: ef.ops.tanh(x) + 1.0), Unsure()
    for _ in range(4):
        run(ef.Tensor([1.0]))
    with observe.observing(calls):
        run(ef.Tensor([1.0]))
    assert (run.replays, calls.ops) == (2, 2)


class Counting(Unsure):
    """Hears replays, too."""

    hears_replays = True

    def __init__(self):
        super().__init__()
        self.scopes, self.replays = [], []

    def on_scope_begin(self, scope):
        self.scopes.append(scope.name)

    def on_scope_end(self, scope, outputs, error=None):
        self.scopes.append((scope.name, type(error)))

    def on_replay_begin(self, name):
        self.replays.append(name)

    def on_replay_end(self):
        self.replays.append(None)


class Counter:
    """Who is called in each replay, as metrics are: what it counts is no reason to capture again."""

    calls = 0

    @replayed
    def count(self, x):
        self.calls += 1
        if self.calls > 4:
            raise ValueError("the fifth time")
        return x + 0.0


COUNTER = Counter()


class Fails(layers.Layer):
    """Calls something that fails from the fifth time on."""

    def call(self, x):
        return ef.ops.tanh(COUNTER.count(x))


def test_scopes_end_when_a_replay_raises():
    COUNTER.calls = 0
    layer, heard = Fails(name="fails"), Counting()
    run = ef.function(lambda x: layer(x))
    with observe.observing(heard):
        for _ in range(4):
            run(ef.Tensor([1.0]))
        heard.scopes.clear()
        with pytest.raises(ValueError, match="the fifth time"):
            run(ef.Tensor([1.0]))
    assert heard.scopes == ["fails", ("fails", ValueError)]
    assert heard.replays == [run.name, None] * 3
    assert observe.current() == ()


def test_replays_are_recorded_of_a_fit_from_its_first_step():
    model = ef.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with viz.trace() as record:
            model.fit(np.ones((64, 3), "float32"), np.ones((64, 1), "float32"), batch_size=8, verbose=0)
    by_step = [{op.replayed for op in record.ops if op.step == step and op.phase == "backward"} for step in range(8)]
    assert by_step == [{False}] * 3 + [{True}] * 5
    sizes = [sum(op.step == step for op in record.ops) for step in range(1, 8)]
    assert len(set(sizes)) == 1


def test_recordings_say_what_was_replayed(tmp_path):
    run = ef.function(lambda x: ef.ops.tanh(x) + 1.0)
    for _ in range(4):
        run(ef.Tensor([1.0]))
    with viz.trace() as record:
        run(ef.Tensor([1.0]))
        ef.ops.tanh(1.0)
    record.draw(tmp_path / "x.svg")
    assert "2 replayed" in (tmp_path / "x.svg").read_text()
    read = viz.load(record.save(tmp_path / "x.efz"))
    assert [op.replayed for op in read.ops] == [True, True, False]
    assert "replayed" in str(record.top()).splitlines()[0]
    rows = sorted((row["op"], row["count"], row["replayed"]) for row in top.facts(record)["rows"])
    assert rows == [("add", 1, 1), ("tanh", 1, 0), ("tanh", 1, 1)]
    assert overview(read)["replayed"] == 2


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("shape", [[ef.Input((3,))], []], ids=["known shape", "unknown shape"])
def test_a_step_is_captured_whichever_run_is_traced_first(first, shape):
    model = ef.Sequential([*shape, layers.Dense(4, activation="relu"), layers.Dense(1)])
    optimizer = ef.optimizers.Adam()

    @ef.function
    def step(x, y):
        with ef.GradientTape() as tape:
            loss = ef.ops.mean((model(x) - y) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    given = ef.ops.ones((8, 3)), ef.ops.ones((8, 1))
    for i in range(6):
        if i == first:
            with viz.trace():
                step(*given)
        else:
            step(*given)
    assert step.why_eager is None
    assert step.replays >= 2


def test_a_step_that_always_changes_something_is_given_up_under_a_trace_too():
    class Counting(layers.Layer):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def call(self, x):
            self.calls += 1
            return x * 2.0

    layer = Counting()
    run = ef.function(lambda x: layer(x))
    with viz.trace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(8):
            run(ef.ops.ones(3))
    assert "calls" in run.why_eager

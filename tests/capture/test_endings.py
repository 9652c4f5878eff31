"""Where a step does what a replay can't, it runs eagerly, and one line says why and where."""

# ruff: noqa: NPY002 - steps draw as users' programs do

from __future__ import annotations

import random
import sys
import time
import warnings
from types import FunctionType

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
NOTES: list[float] = []
COUNTS = {"calls": 0}


class Counter:
    def __init__(self):
        self.calls = 0


COUNTER = Counter()


def reads_by_if(x):
    if ef.ops.sum(x) > 0:
        return x * 2
    return x * 3


def reads_by_float(x):
    return x * float(ef.ops.max(x))


def reads_by_item(x):
    return x * ef.ops.max(x).item()


def reads_by_numpy(x):
    return x * ef.ops.max(x).numpy()


def reads_by_asarray(x):
    return x * np.asarray(ef.ops.max(x))


def reads_by_text(x):
    return x * len(f"{ef.ops.max(x)}")


def reads_by_iteration(x):
    return x * sum(int(part) for part in x)


def reads_a_variable(x):
    return x * float(STEP)


STEP = ef.Variable(2.0, name="how_often")


def takes_the_time(x):
    return x * time.perf_counter()


def draws_in_python(x):
    return x * random.random()


def draws_in_numpy(x):
    return x * np.random.rand()


def decides_by_a_draw(x):
    return x * 2 if np.random.rand() < 2.0 else x


def decides_by_a_uniform_draw(x):
    return x * 2 if np.random.uniform(size=1)[0] < 2.0 else x


def decides_by_an_integer(x):
    return x * 2 if np.random.randint(5) < 7 else x


def decides_by_a_permutation(x):
    return x * 2 if np.random.permutation(5)[0] < 7 else x


def decides_by_numpys_own_generator(x):
    return x * 2 if np.random.mtrand._rand.normal() < 1e9 else x


def shape_by_values(x):
    return ef.ops.nonzero(x)[0] * 2


def masked(x):
    return x[x > 1.0]


def indexed_by_a_list_of_bools(x):
    return x[np.array([True, False])] * 2


def unique(x):
    return ef.ops.unique(x)


STEPS = [each for each in list(globals().values()) if isinstance(each, FunctionType) and each.__module__ == __name__]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_it_runs_eagerly_and_says_where(step):
    captured = ef.function(step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(6):
            captured(X)
    assert captured.replays == 0
    first, last = step.__code__.co_firstlineno, max(line for *_, line in step.__code__.co_lines() if line)
    (told,) = [str(each.message) for each in caught]
    assert f"{step.__name__} runs eagerly, not captured: {captured.why_eager}" in told
    if "the step draws from" in told:  # noticed after the run
        return
    *_, line = told.rstrip(".)").partition(f"({__file__}:")
    assert first < int(line.partition(")")[0]) <= last


def test_what_draws_unseen_is_named():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x * float(rng.normal())

    captured = ef.function(noisy)
    with pytest.warns(UserWarning, match="no two runs are the same: multiply"):
        many(captured, X)
    assert "is given other settings or constants" in captured.why_eager


def test_a_generator_function_is_named_as_such():
    def parts(x):
        yield x * 2

    captured = ef.function(parts)
    with pytest.warns(UserWarning, match="returns a generator, which a replay can't make"):
        many(captured, X)


def test_draws_give_what_they_give_without_capturing():
    found = []
    for captures in (False, True):
        draws = []

        def step(x, draws=draws):
            draws.append((np.random.normal(), np.random.mtrand._rand.normal(), np.random.choice(9), random.random()))
            return x * 2

        np.random.seed(5)
        random.seed(5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            many(ef.function(step) if captures else step, X)
        found.append(draws)
    assert found[0] == found[1]


def test_lists_of_its_own_are_its_business():
    @ef.function
    def step(x):
        parts, named = [], {}
        for i in range(3):
            parts.append(x * i)
            named[str(i)] = x
        parts.extend(named.values())
        return ef.ops.stack(parts), ", ".join(sorted(named))

    for _ in range(4):
        found, text = step(X)
    assert step.replays == 2
    assert text == "0, 1, 2"
    assert found.shape == (6, 2)


def test_shapes_and_types_are_no_values():
    @ef.function
    def step(x):
        rows, size, kind = len(x), x.size, x.dtype.name
        assert isinstance(kind, str)
        return ef.ops.reshape(x, (rows, 1)) * size / x.ndim + x.shape[0]

    for _ in range(4):
        step(X)
    assert step.replays == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_behind(error):
    fails = [True]

    @ef.function
    def step(x):
        if fails[0]:
            raise error("now")
        return x * 2

    with pytest.raises(error):
        step(X)
    assert type(ef.Tensor.__dict__["data"]).__name__ == "member_descriptor"
    assert sys.getprofile() is None
    fails[0] = False
    for _ in range(4):
        step(X)
    assert step.replays == 2


def test_an_error_of_a_replay_is_that_of_the_eager_step():
    def step(x):
        return ef.ops.take(ef.ops.arange(3.0), x) * 2

    ef.config.enable_traceback_filtering()  # as it is for users
    right, wrong = ef.Tensor(np.array([1, 2])), ef.Tensor(np.array([1, 9]))
    captured = ef.function(step)
    for _ in range(4):
        captured(right)
    with pytest.raises(Exception, match="index 9 is out of bounds") as eager:
        step(wrong)
    with pytest.raises(type(eager.value), match=r"\(float32\[3\], int64\[2\]\): index 9 is out of bounds"):
        captured(wrong)
    assert captured(right).tolist() == step(right).tolist()
    assert captured.replays == 4


def test_an_error_of_matrices_in_a_replay_names_the_op():
    step = ef.function(lambda x: ef.ops.solve(x, x))
    many(step, ef.Tensor(np.eye(3, dtype="float32")))
    with pytest.raises(np.linalg.LinAlgError, match=r"solve\(float32\[3, 3\], float32\[3, 3\]\): Singular matrix"):
        step(ef.Tensor(np.zeros((3, 3), "float32")))


def test_a_step_that_only_a_layer_calls_says_why_it_is_eager():
    class Wraps(ef.layers.Layer):
        def call(self, x):
            return inner(x)

    inner = ef.function(lambda x: ef.ops.exp(x))
    many(Wraps(), X)
    assert inner.replays == 0
    assert inner.why_eager == "it is called inside a layer: capture the step that calls the layer"
    many(inner, X)
    assert inner.why_eager is None
    assert inner.replays > 0


def test_a_scope_that_keeps_values_of_variables_gets_them():
    total = ef.Variable(1.0)

    @ef.function
    def step(x):
        total.assign_add(1.0)
        return x * total

    for _ in range(4):
        step(X)
    with ef.StatelessScope() as scope:
        assert step(X).tolist() == [6.0, 12.0]
    assert float(total) == 5.0
    assert float(scope.get_current_value(total)) == 6.0


def test_under_a_tape_it_runs_eagerly_and_has_gradients():
    w = ef.Variable(3.0)
    square = ef.function(lambda x: w * x * x)
    many(square, ef.Tensor(2.0))
    replays = square.replays
    for _ in range(5):
        with ef.GradientTape() as tape:
            y = square(ef.Tensor(2.0))
        assert float(tape.gradient(y, w)) == 4.0
    assert 0 < replays == square.replays


def test_why_a_step_that_only_runs_under_tapes_is_eager():
    w = ef.Variable(3.0)
    square = ef.function(lambda x: w * x * x)
    for _ in range(3):
        with ef.GradientTape():
            square(ef.Tensor(2.0))
    assert square.why_eager == "it is called under a GradientTape"


def test_a_repr_tells_how_often_it_was_replayed():
    def step(x):
        return x * 2

    step.__qualname__ = "step"
    captured = ef.function(step)
    assert repr(captured) == "<captured step: 0 replays>"
    many(captured, X, calls=3)
    assert repr(captured) == "<captured step: 1 replay>"
    many(captured, X, calls=2)
    assert repr(captured) == "<captured step: 3 replays>"


def test_a_repr_tells_why_nothing_is_replayed():
    captured = ef.function(lambda x: x * float(x[0]))
    with pytest.warns(UserWarning, match="runs eagerly"):
        many(captured, X)
    assert captured.why_eager is not None
    assert repr(captured).endswith(f": 0 replays, eager: {captured.why_eager}>")


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="verify_every=-1"):
        ef.function(lambda x: x, verify_every=-1)
    with pytest.raises(TypeError, match="func=3"):
        ef.function(3)


def test_a_step_that_changes_what_it_computes_with_is_told_by_that_name():
    count = [0]

    def step(x):
        count[0] += 1
        return x * count[0]

    captured = ef.function(step)
    with pytest.warns(UserWarning, match=r"no two runs are the same: multiply"):
        _ = [captured(ef.ops.ones(3)) for _ in range(6)]


def call_with(captured, arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for given in arguments:
            captured(*given)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    "arguments",
    [
        [(X, i / 10) for i in range(40)],
        [(X, {"a": [i / 10]}) for i in range(40)],
        [(ef.Tensor([1.0] * i), 2.0) for i in range(1, 40)],
        [(X, 2.0, object()) for _ in range(40)],
    ],
    ids=["numbers", "nested", "shapes", "objects"],
)
def test_arguments_that_are_others_each_time_end_the_capturing(arguments):
    def step(x, factor, other=None):
        return x * (factor["a"][0] if isinstance(factor, dict) else factor)

    captured = ef.function(step)
    (told,) = [each for each in call_with(captured, arguments) if "again and again" in each]
    assert "its arguments have another shape, type, Python value or identity" in told
    assert captured.why_eager is not None
    assert captured.signatures <= 16


def test_what_is_replayed_often_stays_captured_beside_arguments_that_are_others_each_time():
    captured = ef.function(lambda x, factor: x * factor)
    many(captured, X, 0.5, calls=8)
    for i in range(40):
        call_with(captured, [(X, 1.0 + i)])
        many(captured, X, 0.5, calls=150)
    assert captured.why_eager is None


def test_a_layer_that_is_added_later_is_built_and_captured_too():
    model = ef.Sequential([ef.layers.Dense(4)])
    step, x = ef.function(lambda x: model(x)), ef.ops.ones((2, 3))
    for _ in range(4):
        step(x)
    model.add(ef.layers.Dense(5))
    before = step.replays
    for _ in range(6):
        assert step(x).shape == (2, 5)
    assert step.why_eager is None
    assert step.replays > before


def test_a_variable_that_each_run_makes_is_named_as_the_reason():
    step = ef.function(lambda x: 2 * ef.Variable(ef.ops.mean(x)))
    with pytest.warns(UserWarning, match=r"reads the values of a tensor \(Variable\(\)\)"):
        many(step, ef.ops.ones(2), calls=3)


def test_steps_run_eagerly_while_numpy_raises_errors_and_are_replayed_again_after_that():
    w = ef.Variable([1.0, 2.0])

    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(ef.ops.log(x) * w)
        return tape.gradient(loss, w)

    for _ in range(4):
        step(ef.Tensor([1.0, 2.0]))
    replays = step.replays
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        step(ef.Tensor([0.0, 2.0]))
    assert step.replays == replays
    step(ef.Tensor([1.0, 2.0]))
    assert step.replays == replays + 1

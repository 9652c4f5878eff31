"""Where a step does what a replay can't, it runs eagerly, and one line says why and where."""

# ruff: noqa: NPY002 - steps draw as users' programs do

from __future__ import annotations

import codecs
import contextlib
import contextvars
import ctypes
import datetime
import functools
import gc
import importlib
import os
import pprint
import random
import signal
import sys
import threading
import time
import warnings
from datetime import date
from types import FunctionType

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.capture.hearing import draws
from eagerflow.capture.hearing.draws import heard_draws
from eagerflow.capture.recorder import Recorder
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


def prints(x):
    print("now")
    return x * 2


def writes(x):
    sys.stdout.write("")
    return x * 2


def appends(x):
    NOTES.append(1.0)
    return x * 2


def counts_in_a_dict(x):
    COUNTS["calls"] += 1
    return x * 2


def counts_in_an_object(x):
    COUNTER.calls += 1
    return x * 2


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
    return x * 2 if np.random.randint(1) == 0 else x


def decides_by_a_permutation(x):
    return x * 2 if np.random.permutation(1)[0] == 0 else x


def decides_by_numpys_own_generator(x):
    return x * 2 if np.random.mtrand._rand.normal() < 1e9 else x


def seeds_numpy(x):
    np.random.seed(3)
    return x * 2


def decides_by_a_new_generator(x):
    return x * 2 if np.random.default_rng().random() < 2.0 else x


def decides_by_the_time(x):
    return x * 2 if datetime.datetime.now().year > 1 else x


def decides_by_the_date(x):
    return x * 2 if date.today().year > 1 else x


def opens_a_file_with_numpy(x):
    return x * len(np.loadtxt(os.devnull))


def reads_bytes_with_numpy(x):
    return x * len(np.fromfile(os.devnull))


def prints_neatly(x):
    pprint.pprint({"now": 1})
    return x * 2


def prints_a_summary(x):
    MODEL.summary()
    return x * 2


MODEL = ef.Sequential([ef.layers.Input((2,)), ef.layers.Dense(1)])


def asks_for_a_file(x):
    return x * (2.0 if os.path.exists(__file__) else 3.0)


def makes_a_folder(x):
    os.makedirs(os.path.dirname(__file__), exist_ok=True)
    return x * 2


def imports_by_a_name_in_text(x):
    return x * importlib.import_module("math").pi


def writes_bytes_with_numpy(x):
    np.ones(1).tofile(os.devnull)
    return x * 2


def prints_by_a_map(x):
    return x * float(len(list(map(print, [1, 2]))))


def prints_by_a_part(x):
    functools.partial(print, "part")()
    return x * 2


def sorts_by_a_function_in_c(x):
    return x * sorted([2.0, 1.0], key=time.localtime)[0]


def handles_a_signal(x):
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    return x * 2


def sets_how_numpy_computes(x):
    with np.errstate(all="ignore"):
        return x * 2


def asks_for_subclasses(x):
    return x * float(len(Counter.__subclasses__()) + 1)


def asks_the_clock_of_numpy(x):
    return x * 2 if np.datetime64("now") > np.datetime64("2020-01-01") else x


def reads_memory_by_its_address(x):
    return x * ctypes.c_float.from_address(TABLE.ctypes.data).value


TABLE = np.ones(1, "float32")


def goes_on_after_an_error(x):
    try:
        return ef.ops.linalg.cholesky(ef.ops.eye(2) * x)
    except np.linalg.LinAlgError:
        return x


def suppresses_an_error(x):
    with contextlib.suppress(ValueError):
        return x * ef.ops.take(x, ef.ops.cast(x, "int32") * 0)
    return x


class Swallowing:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def swallows_an_error(x):
    with Swallowing():
        return x * ef.ops.take(x, ef.ops.cast(x, "int32") * 0)
    return x


@contextlib.contextmanager
def trying():
    with contextlib.ExitStack():
        try:
            yield
        except ValueError:
            return


def swallows_an_error_by_a_generator(x):
    with trying():
        return x * ef.ops.take(x, ef.ops.cast(x, "int32") * 0)
    return x


def shape_by_values(x):
    return ef.ops.nonzero(x)[0] * 2


def masked(x):
    return x[x > 1.0]


def indexed_by_a_list_of_bools(x):
    return x[np.array([True, False])] * 2


def unique(x):
    return ef.ops.unique(x)


def reads_all_context_variables(x):
    return x * len([*contextvars.copy_context()])


def encodes_by_a_handler(x):
    return x * float("2é".encode("ascii", "seven"))


def decodes_by_a_handler(x):
    return x * float(str(b"2\xff", "ascii", "seven"))


def encodes_by_a_codec(x):
    return x * float("anything".encode("always_two"))


def writes_a_seven(error):
    return "7", error.end


def always_two(name):
    if name != "always_two":
        return None
    return codecs.CodecInfo(lambda text, errors="strict": (b"2", len(text)), lambda data, errors="strict": ("2", 1))


codecs.register_error("seven", writes_a_seven)
codecs.register(always_two)
HELPERS = (trying, writes_a_seven, always_two)
FUNCTIONS = [each for each in list(globals().values()) if isinstance(each, FunctionType) and each not in HELPERS]
STEPS = [each for each in FUNCTIONS if each.__module__ == __name__]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_it_runs_eagerly_and_says_where(step, capsys):
    captured = ef.function(step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", message=".*input contained no data")
        for _ in range(6):
            captured(X)
    assert captured.replays == 0
    first, last = step.__code__.co_firstlineno, max(line for *_, line in step.__code__.co_lines() if line)
    (told,) = [str(each.message) for each in caught]
    assert f"{step.__name__} runs eagerly, not captured: {captured.why_eager}" in told
    if step not in (counts_in_a_dict, counts_in_an_object):  # noticed after the run
        file, _, line = told.rstrip(".)").rpartition("(")[2].rpartition(":")
        assert file == __file__
        assert first < int(line) <= last


def test_what_changes_outside_is_named():
    for step, name in ((counts_in_a_dict, "COUNTS['calls']"), (counts_in_an_object, "COUNTER.calls")):
        captured = ef.function(step)
        with pytest.warns(UserWarning, match="changes"):
            many(captured, X)
        assert name in captured.why_eager


def test_what_draws_unseen_is_named():
    rng = np.random.default_rng(0)

    def noisy(x):
        return x * float(rng.normal())

    captured = ef.function(noisy)
    with pytest.warns(UserWarning, match="rng"):
        many(captured, X)
    assert "rng (Generator) may change unseen: pass what the step takes out of it" in captured.why_eager


def test_a_generator_function_is_named_as_such():
    def parts(x):
        yield x * 2

    captured = ef.function(parts)
    with pytest.warns(UserWarning, match="generator function"):
        many(captured, X)
    assert "return a list" in captured.why_eager


@pytest.mark.parametrize("draw", [np.random.rand, functools.partial(random.random)], ids=["numpy", "python"])
def test_draws_by_functions_held_since_before_are_noticed(draw, monkeypatch):
    monkeypatch.setattr(draws, "_is_alone", lambda: True)  # threads of other tests may live on
    captured = ef.function(lambda x: x * 2 if draw() < 2.0 else x)
    with pytest.warns(UserWarning, match=r"draw \(RandomState\) may change|\(Random.random\) may change"):
        many(captured, X)
    assert captured.replays == 0


def test_numpys_random_functions_are_its_own_again_afterwards():
    before = dict(vars(np.random)), dict(vars(np.random.mtrand))
    with pytest.warns(UserWarning, match=r"numpy\.random\.rand \("):
        many(ef.function(decides_by_a_draw), X)
    assert (vars(np.random), vars(np.random.mtrand)) == before


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


def test_draws_of_other_threads_are_their_business():
    start, done, over = threading.Event(), threading.Event(), threading.Event()

    def work():
        start.wait(60)
        np.random.rand()
        random.random()
        done.set()
        over.wait(60)

    thread = threading.Thread(target=work)
    thread.start()

    recorder = Recorder()
    with heard_draws(recorder):
        start.set()
        assert done.wait(60)
    over.set()
    thread.join()
    assert recorder.ended is None


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


def test_tapes_around_it_see_its_ops():
    w = ef.Variable(3.0)
    square = ef.function(lambda x: w * x * x)
    for _ in range(5):
        with ef.GradientTape() as tape:
            y = square(ef.Tensor(2.0))
        assert float(tape.gradient(y, w)) == 4.0
    assert square.replays == 3


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


class Leaves:
    """Ends with words, and only the garbage collector ends it."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        print("", end="")


def test_what_the_garbage_collector_ends_meanwhile_is_not_the_steps():
    captured = ef.function(lambda x: sum([x * i for i in range(40)], 0.0))
    before = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for _ in range(6):
            several = [Leaves() for _ in range(50)]
            del several
            captured(X)
    finally:
        gc.set_threshold(*before)
    assert captured.replays == 4


def test_a_step_that_changes_what_it_computes_with_is_told_by_that_name():
    count = [0]

    def step(x):
        count[0] += 1
        return x * count[0]

    captured = ef.function(step)
    with pytest.warns(UserWarning, match=r"no two runs are the same: multiply .*the step changes count, which may be"):
        _ = [captured(ef.ops.ones(3)) for _ in range(6)]


def call_with(captured, arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for given in arguments:
            captured(*given)
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([(X, i / 10) for i in range(40)], "factor is another Python value again and again: pass numbers as tensors"),
        ([(X, {"a": [i / 10]}) for i in range(40)], "factor is another Python value again and again"),
        ([(ef.Tensor([1.0] * i), 2.0) for i in range(1, 40)], "x has another shape or type again and again"),
        ([(X, 2.0, object()) for _ in range(40)], "other is another object again and again"),
    ],
    ids=["numbers", "nested", "shapes", "objects"],
)
def test_arguments_that_are_others_each_time_end_the_capturing(arguments, why):
    def step(x, factor, other=None):
        return x * (factor["a"][0] if isinstance(factor, dict) else factor)

    captured = ef.function(step)
    (told,) = [each for each in call_with(captured, arguments) if "again and again" in each]
    assert why in told
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

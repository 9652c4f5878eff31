"""NumPy arrays as arguments: a captured step gives what the undecorated one gives, in value, type and class."""

from __future__ import annotations

import copy
import functools
import io
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, losses, ops

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
CALLS = 7
ITSELF, HANDED_ON = {}, {}  # steps that compute with arrays themselves, or only hand them on to ops


def floats(i, dtype="float32", n=3):
    return np.linspace(0.1, 1.0 + i / 3, n).astype(dtype)


def itself(arguments=floats):
    return functools.partial(_case, ITSELF, arguments)


def handed_on(arguments=floats):
    return functools.partial(_case, HANDED_ON, arguments)


def _case(cases, arguments, make):
    cases[make.__name__] = make, arguments
    return make


def of(function, arguments=floats, cases=ITSELF, name=None):
    """A case whose step has no state of its own."""
    assert name not in ITSELF.keys() | HANDED_ON.keys()
    cases[name] = (lambda: function), arguments


def float64(i):
    return floats(i, "float64")


def integers(i):
    return np.arange(i, i + 3)


def single(i):
    return np.array(0.3 + i)


# -- computed with by NumPy

of(lambda a: ops.sum(X) * a.std(), float64, name="a method")
of(lambda a: ops.sum(X) * a.std(ddof=1), float64, name="a method's setting that tensors don't have")
of(lambda a: ops.sum(X) * np.var(a, ddof=1), float64, name="a function")
of(lambda a: ops.sum(X) * np.sum(a), name="a function that tensors have too")
of(lambda a: ops.sum(X) * float(np.asarray(a).mean()), name="asarray")
of(lambda a: ops.sum(X) * (2.0 if np.asarray(a).max() > 2 else 1.0), name="a branch by asarray")
of(lambda a: ops.sum(X) * (2.0 if max(map(float, map(np.asarray, a))) > 2 else 1.0), name="a branch by a map")
of(lambda a: ops.sum(X) * float(np.array(a, copy=True)[1]), name="array")
of(lambda a: ops.sum(X) * np.float32(a), lambda i: np.float32(i) + np.zeros((), "float32"), name="a scalar's class")
of(lambda a: ops.sum(X) * a[1], float64, name="one element")
of(lambda a: ops.sum(X) * a[1] / a[2], lambda i: integers(i) + 1, name="elements that are integers")
of(lambda a: X * a[None, :], name="a new axis")
of(lambda a: X * (a / 3), integers, name="integers divided")
of(lambda a: X * (3 - a), float64, name="a number less an array")
of(lambda a: X * (a > 0.5), name="a comparison")
of(lambda a: X * (a**2), lambda i: integers(i).astype("int8"), name="a power that overflows")
of(lambda a: X * -a, name="a sign")
of(lambda a: X * a.T, name="an attribute")
of(lambda a: X * a.astype("float32"), float64, name="astype")
of(lambda a: X * np.round(a, 1), name="rounding")
of(lambda a: X * np.add.reduce(a), name="a method of a ufunc")
of(lambda a: X * np.add(a, 1.0, out=np.empty(3)), name="an output of NumPy's")
of(lambda a: X * np.dot(a, a), name="a product")
of(lambda a: X * np.stack([a, a])[0], name="arrays in a list for NumPy")
of(lambda a: X * np.einsum("i,i", a, a), name="einsum")
of(lambda a: ops.sum(X) * max(a.flat), name="flat")
of(lambda a: ops.sum(X) * sum(a), name="iterated over")
of(lambda a: ops.sum(X) * sum(float(v) for v in a), name="iterated over in a generator")
of(lambda a: ops.sum(X) * sum(a.tolist()), name="tolist")
of(lambda a: ops.sum(X) * (a.item() + float(a)), single, name="a number of an array without axes")
of(lambda a: ops.sum(X) * (0 + a), single, name="added to zero")
of(lambda a: ops.sum(X) * int(a), lambda i: np.array(i), name="int")
of(lambda a: X[:, a.argmax()], lambda i: np.roll(floats(0), i), name="a position")
of(lambda a: ops.sum(X) if a else -ops.sum(X), lambda i: np.array(i % 2 == 0), name="a condition")
of(lambda a: ops.sum(X) if a.any() else -ops.sum(X), lambda i: np.array([False, i % 2 == 0]), name="any")
of(lambda a: X * np.array([a, a])[1], name="an array made of arrays")
of(lambda a: ops.sum(X) * ops.sum([a, a]), name="a list for an op")
of(lambda a: X * copy.deepcopy(a), name="a deep copy")
of(lambda a: X * copy.copy(a), name="a copy")
of(lambda a: X * pickle.loads(pickle.dumps(a)), name="pickled")
of(lambda a: X * memoryview(a)[1], name="a memoryview")
of(lambda a: X * bytes(a)[1], name="its bytes")
of(lambda a: X * bytearray(a)[1], name="a bytearray")
of(lambda a: X * b"".join([a])[1], name="bytes joined")
of(lambda a: X * np.ndarray.mean(a), name="a method of the class")
of(lambda a: X * (2 if hasattr(a, "__slots__") else 3), name="attributes that it doesn't have")
of(lambda a: X * np.frombuffer(a, "float32")[1], name="frombuffer")
of(lambda a: X * len(str(a)), name="text")
of(lambda a: X * len(f"{a}"), name="text in a string")
of(lambda a: X * np.ndarray((3,), "float32", a)[1], name="a buffer of another array")
of(lambda a: X * io.BytesIO(a).read()[1], name="a file of its bytes")
of(lambda a: X * np.matrix(a)[0, 1], name="a matrix")
of(lambda a: X * np.vectorize(lambda v: v + 1)(a), name="vectorize")
of(lambda a: X * (2 if type(a) is np.ndarray else 3), name="its type")
of(lambda a: X * (2 if a.flags.writeable else 3), name="its flags")
of(lambda a: X * a.__array_interface__["strides"] if a.strides is None else X * 2, name="the array interface")
of(lambda a, b: X * (2 if a is b else 3), lambda i: (floats(i),) * 2 if i > 4 else (floats(i), floats(i)), name="is")
of(lambda a: X * sum(a[k].mean() for k in "ab"), lambda i: {"a": floats(i), "b": floats(i + 1)}, name="in a dict")
of(lambda a: X * a[0][1].sum(), lambda i: [(floats(i), floats(i + 1))], name="in a list")
of(lambda *, a: X * a.mean(), lambda i: {"kwargs": {"a": floats(i)}}, name="by a keyword")
of(lambda a: a, name="given back")
of(lambda a: {"a": [a], "b": X * 2}, name="given back in a dict")
of(lambda a: (a[:2], X), name="a part given back")
of(lambda a: np.asarray(a), name="given back by asarray")
of(lambda a: X * a.mean(), lambda i: np.ones((0,), "float32") + i, name="no elements")
of(lambda a: X * float(a[0]), lambda i: np.array([i, "text"], object), name="objects")
of(lambda a: X * (a + 1), lambda i: np.float32(i), name="a scalar of NumPy's")
of(lambda a: X * (a + 1), lambda i: np.float64(0.1), name="a wide scalar of NumPy's")
of(lambda a: X * a.mean(), lambda i: np.matrix([[i, 1.0]]), name="a subclass")


@itself()
def changed_in_place():
    def step(a):
        a += 1
        return X * a

    return step


@itself()
def an_element_changed():
    def step(a):
        a[0] = 5.0
        return X * a

    return step


@itself()
def sorted_in_place():
    def step(a):
        a.sort()
        return X * a

    return step


@itself()
def changed_by_an_output():
    def step(a):
        np.multiply(a, 2, out=a)
        return X * a

    return step


@itself()
def filled_through_asarray():
    def step(a):
        np.asarray(a).fill(2.0)
        return X * a

    return step


@itself()
def another_shape():
    def step(a):
        a.shape = (3, 1)
        return ops.matmul(X, a)

    return step


@itself()
def kept_by_an_object():
    class Holder:
        last = np.zeros(3, "float32")

        def step(self, a):
            before, self.last = self.last, a
            return X * before.mean()

    return Holder().step


@itself()
def kept_in_a_list():
    kept = []

    def step(a):
        kept.append(a)
        return X * kept[0]

    return step


@itself()
def kept_by_a_weak_dict():
    kept = {}

    def step(a):
        kept["last"] = weakref.ref(a)
        return X * (2 if kept["last"]() is a else 3)

    return step


@itself()
def read_by_another_thread():
    def step(a):
        found = []
        thread = threading.Thread(target=lambda: found.append(float(np.asarray(a)[1])))
        thread.start()
        thread.join()
        return X * found[0]

    return step


@itself()
def an_exception_that_is_caught():
    def step(a):
        try:
            return X * {a: 2}[a]
        except TypeError:
            return X * a[0]

    return step


@itself()
def a_branch_that_comes_later():
    calls = [0]

    def step(a):
        calls[0] += 1
        return X * a if calls[0] < 5 else X * a.mean()

    return step


# -- handed on

of(lambda a: X * a, cases=HANDED_ON, name="times a tensor")
of(lambda a: a * X, cases=HANDED_ON, name="a tensor at its right")
of(lambda a: (a - X) / (a + X), float64, HANDED_ON, "of float64, beside float32")
of(lambda a: a**X, cases=HANDED_ON, name="a power of a tensor")
of(lambda a: (a < X, a == X, a >= X), cases=HANDED_ON, name="comparisons with a tensor")
of(lambda a: X * a, integers, HANDED_ON, "integers times a tensor")
of(lambda a: ops.sum(a), lambda i: np.array([True, i > 2]), HANDED_ON, "bools")
of(lambda a: ops.multiply(X, a), single, HANDED_ON, "no axes")
of(lambda a: ops.sum(a), lambda i: np.ones((0, 3), "float32"), HANDED_ON, "empty")
of(lambda a: ops.matmul(a, X), lambda i: floats(i, n=12).reshape(2, 6)[:, ::3], HANDED_ON, "not contiguous")
of(lambda a: ops.sum(a, 1), lambda i: np.asfortranarray(floats(i, n=600).reshape(20, 30)), HANDED_ON, "by columns")
of(lambda a: X * a, lambda i: np.broadcast_to(floats(i), (2, 3)), HANDED_ON, "read-only")
of(lambda a: np.add(a, X), cases=HANDED_ON, name="a function of NumPy's that tensors have, beside a tensor")
of(lambda a: X * len(a) + a.shape[0] + a.ndim + np.ndim(a), cases=HANDED_ON, name="its shape")
of(lambda a: X * (2 if isinstance(a, np.ndarray) else 3), cases=HANDED_ON, name="isinstance")
of(lambda a: X * (2 if a.dtype == "float64" else 3), float64, HANDED_ON, "its dtype")
of(lambda a: ops.stack([a, X[0]]), cases=HANDED_ON, name="in a list of an op's")
of(lambda a: ops.take(X, a, 1), lambda i: np.array([i % 3, 1]), HANDED_ON, "indices")
of(lambda a: X[:, a], lambda i: np.array([i % 3, 1]), HANDED_ON, "an index")
of(lambda a: ops.where(a, X, 0.0), lambda i: np.array([True, i > 3, False]), HANDED_ON, "a mask")
of(lambda a: ef.Tensor(a, "float64") * 2, cases=HANDED_ON, name="made a tensor")
of(lambda a: ef.convert_to_tensor(a) + ops.cast(a, "float64"), cases=HANDED_ON, name="cast")
of(lambda a, b: X * a - b, lambda i: (floats(i),) * 2 if i > 4 else (floats(i), float64(i)), HANDED_ON, "twice")
of(lambda a, b: X * a - b, lambda i: (floats(i),) * 2 if i < 4 else (floats(i), floats(9)), HANDED_ON, "first twice")
of(lambda a: X * a["a"] + a["b"][0], lambda i: {"a": floats(i), "b": [integers(i)]}, HANDED_ON, "nested")
of(lambda a: losses.mean_squared_error(a, X), lambda i: np.full((2, 3), i), HANDED_ON, "targets of a loss")


@handed_on(lambda i: (floats(i, n=6).reshape(2, 3), np.array([i % 2, 1])))
def a_batch_for_a_model():
    model = ef.Sequential([layers.Dense(4, activation="relu"), layers.Dropout(0.5, seed=2), layers.Dense(2)])
    model.build((None, 3))
    adam = ef.optimizers.Adam(0.1)
    accuracy = ef.metrics.SparseCategoricalAccuracy()

    def step(x, y):
        with ef.GradientTape() as tape:
            given = model(x, training=True)
            loss = ops.mean(losses.sparse_categorical_crossentropy(y, given, from_logits=True))
        weights = model.trainable_weights
        adam.apply(tape.gradient(loss, weights), weights)
        accuracy.update_state(y, given)
        return loss, accuracy.result()

    return step


@handed_on()
def assigned_to_a_variable():
    v = ef.Variable(np.zeros(3, "float32"))

    def step(a):
        v.assign(a)
        v.assign_add(a)
        return v * 2

    return step


def outcomes(make, arguments, captured):
    """What a step gives in each call, or raises, what its arguments are afterwards, and the step."""
    ef.utils.set_random_seed(7)
    step = make()
    step = ef.function(step, verify_every=3) if captured else step
    found = []
    for i in range(CALLS):
        given = arguments(i)
        args = given if isinstance(given, tuple) else (given,)
        args, kwargs = ((), given["kwargs"]) if isinstance(given, dict) and "kwargs" in given else (args, {})
        try:
            result = step(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, both raise the same
            result = error
        found.append((told(result), told(args), told(kwargs)))
    return found, step


def told(x):
    """All that can be seen of a result."""
    if isinstance(x, Exception):
        return type(x), str(x)
    if isinstance(x, (list, tuple)):
        return type(x), [told(part) for part in x]
    if isinstance(x, dict):
        return type(x), [(key, told(part)) for key, part in x.items()]
    if isinstance(x, ef.Tensor):
        return ef.Tensor, told(x.numpy())
    if isinstance(x, (np.ndarray, np.generic)):
        return type(x), x.dtype, x.shape, x.tolist() if x.dtype == object else x.tobytes()
    return type(x), x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ITSELF | HANDED_ON)
def test_what_the_undecorated_step_gives(name):
    make, arguments = (ITSELF | HANDED_ON)[name]
    plain, _ = outcomes(make, arguments, captured=False)
    found, _ = outcomes(make, arguments, captured=True)
    assert found == plain


@pytest.mark.parametrize("name", HANDED_ON)
def test_arrays_that_are_only_handed_on_are_no_hindrance(name):
    make, arguments = HANDED_ON[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, step = outcomes(make, lambda i: arguments(0), captured=True)
    assert step.why_eager is None
    assert step.replays


def test_replays_have_the_arrays_of_their_call():
    step = ef.function(lambda x, more: ops.multiply(x, 2) + more["y"])
    for i in range(7):
        x = np.array([i, 1.0], "float32")
        found = step(x, {"y": np.ones(2, "float32")})
        x[:] = -1  # the result is the step's own
        assert found.tolist() == [2.0 * i + 1, 3.0]
    assert step.replays == 4


def test_the_warning_names_the_array_and_the_line():
    step = ef.function(lambda x, batch: ops.sum(x) * batch["y"].mean())  # this line
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(4):
            step(X, {"y": floats(1)})
    assert len(caught) == 1
    assert "computes with the NumPy array \"batch['y']\" itself (mean): pass a tensor" in str(caught[0].message)
    with open(__file__, encoding="utf-8") as file:
        line = next(i for i, text in enumerate(file, 1) if text.endswith("# this line\n"))
    assert f"test_numpy_arguments.py:{line})" in str(caught[0].message)


def test_tensors_and_arrays_are_told_apart():
    step = ef.function(lambda x: 1.0 if isinstance(x, np.ndarray) else 2.0)
    for _ in range(6):
        assert step(floats(0)) == 1.0
        assert step(ef.Tensor(floats(0))) == 2.0


def test_recordings_see_captured_steps_with_arrays():
    step = ef.function(lambda x: ops.relu(ops.multiply(x, 2.0)))
    for i in range(6):
        with viz.trace(stats="full") as trace:
            step(floats(i))
        assert [op.name for op in trace.ops] == ["multiply", "relu"]
    assert step.replays == 3


def test_under_a_tape_arrays_are_as_they_were():
    w = ef.Variable([1.0, 2.0, 3.0])
    step = ef.function(lambda x: ops.sum(x * w**2))
    for i in range(6):
        x = floats(i)
        with ef.GradientTape() as tape:
            loss = step(x)
        x[:] = 0.0
        np.testing.assert_allclose(tape.gradient(loss, w), 2 * floats(i) * [1, 2, 3], rtol=1e-6)
    assert step.replays


def test_an_array_that_layers_keep_in_the_first_run_alone_is_no_hindrance():
    class Scaled(layers.Layer):
        def build(self, shape):
            self.kinds = [type(part) for part in (1, 2)]
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x):
            return x * self.scale

    layer = Scaled()
    step = ef.function(lambda x: layer(x))
    for i in range(7):
        assert step(floats(i)[None]).tolist() == floats(i)[None].tolist()
    assert step.replays

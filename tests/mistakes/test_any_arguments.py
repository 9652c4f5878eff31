"""Whatever layers and ops are given, they answer, or explain in an error: nothing internal, no hang."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base import config
from eagerflow.core.primitive import registry

# What our own slips look like.
INTERNAL = (AttributeError, KeyError, AssertionError, RecursionError, UnboundLocalError, NameError, ZeroDivisionError)
# Words that Python uses for slips of ours inside of a TypeError or IndexError.
SLIPS = (
    "'NoneType' object",
    "not subscriptable",
    "not iterable",
    "unsupported operand",
    "has no len()",
    "not callable",
    "object cannot be interpreted",
    "list index out of range",
    "tuple index out of range",
)

NAMED = re.compile(r"[\w. \"]+\(.*\).*: ", re.DOTALL)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.sampled_from([2**40, -(2**40)]),
    st.floats(-2, 2),
    st.sampled_from([float("nan"), float("inf"), 1e300]),
    st.text(max_size=4),
    st.sampled_from(["relu", "same", "valid", "mean", "float32", "channels_first", "zeros"]),
    st.lists(st.integers(-2, 4), max_size=3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.dictionaries(st.sampled_from(["a", "class_name"]), st.integers(0, 2), max_size=1),
    st.sampled_from([object, len, b"bytes", {1, 2}, 1j, np.float32(2), np.array(3), np.array([1, 2]), ...]),
)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@pytest.fixture(autouse=True)
def as_for_users():
    """Slips are put into words where tracebacks are filtered, as they are unless one asks for everything."""
    config.enable_traceback_filtering()
    yield
    config.disable_traceback_filtering()


@st.composite
def arrays(draw):
    """Small arrays of every kind, empty ones too."""
    shape = draw(SHAPES)
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "int32", "int64", "uint8", "bool"]))
    numbers = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 4, shape)
    return numbers.astype(dtype) if dtype != "float32" else numbers.astype(dtype) / 2 + 0.25


def explained(error: BaseException) -> bool:
    """Is it an answer for users?"""
    text = str(error)
    if isinstance(error, INTERNAL) or len(text) > 500 or not text:
        return False
    # Behind the name of the function and what it was given, NumPy's own words are an answer.
    return NAMED.match(text) is not None or not any(slip in text for slip in SLIPS)


def check(run, told):
    """What `run` gives; None when it refuses with a good explanation."""
    try:
        with np.errstate(all="ignore"):
            return run()
    except MemoryError:
        return None
    except Exception as caught:  # noqa: BLE001  (that is the question)
        error = caught
    assert explained(error), f"{told}: {type(error).__name__}: {str(error)[:700]}"
    return None


def public_layers():
    found = {name: getattr(layers, name) for name in layers.__all__}
    return sorted(
        name
        for name, cls in found.items()
        if inspect.isclass(cls) and issubclass(cls, layers.Layer) and name not in ("Layer", "TFSMLayer")
    )


LAYERS = public_layers()
SIMPLE = {name: o for name, o in registry.items() if not o.sequence}
EXAMPLES = pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])


def fuzzing(examples):
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, suppress_health_check=checks)


def parameters_of(function):
    return [
        p for p in inspect.signature(function).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


@EXAMPLES
@pytest.mark.parametrize("name", LAYERS)
def test_arguments_of_layers(name, examples):
    cls = getattr(layers, name)
    known = [p.name for p in parameters_of(cls)]

    @fuzzing(examples)
    @given(st.data())
    def fuzz(data):
        some = data.draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        needed = [p.name for p in parameters_of(cls) if p.default is p.empty]
        arguments = {key: data.draw(ODD, label=key) for key in {*some, *needed}}
        x = data.draw(arrays())
        layer = check(lambda: cls(**arguments), f"{name}({arguments})")
        if layer is not None and not _huge(arguments):
            check(lambda: layer(x), f"{name}({arguments})({x.dtype}{x.shape})")

    fuzz()


def _huge(arguments):
    """Would a layer of that size not fit into memory?"""
    return any(isinstance(value, (int, float)) and abs(value) > 1e6 for value in arguments.values())


@EXAMPLES
@pytest.mark.parametrize("name", sorted(SIMPLE))
def test_arguments_of_ops(name, examples):
    made = SIMPLE[name]

    @fuzzing(examples)
    @given(st.data())
    def fuzz(data):
        inputs = [data.draw(st.one_of(arrays(), arrays(), ODD), label=x) for x in made.arrays]
        chosen = data.draw(st.lists(st.sampled_from(made.settings), unique=True, max_size=2)) if made.settings else []
        arguments = {key: data.draw(ODD, label=key) for key in chosen}
        if not _huge(arguments) and not any(_huge({"x": x}) for x in inputs):
            check(lambda: made.call(*inputs, **arguments), f"{name}({inputs}, {arguments})")

    fuzz()


# Those that call a function of the user's are left out: whatever that raises is the user's.
CALLING = ("while", "fori", "scan", "map", "vectorized", "associative", "cond", "switch")
OPS = [made.call for made in registry.values()]
PUBLIC = [
    name
    for name in sorted(ops.__all__)
    if inspect.isfunction(getattr(ops, name)) and getattr(ops, name) not in OPS and not name.startswith(CALLING)
]


@EXAMPLES
@pytest.mark.parametrize("name", PUBLIC)
def test_arguments_of_composed_ops(name, examples):
    function = getattr(ops, name)
    known = parameters_of(function)

    @fuzzing(examples)
    @given(st.data())
    def fuzz(data):
        arguments = {
            p.name: data.draw(st.one_of(arrays(), ODD), label=p.name)
            for p in known
            if p.default is p.empty or data.draw(st.integers(0, 3)) == 0
        }
        if not _huge(arguments):
            check(lambda: function(**arguments), f"{name}({arguments})")

    fuzz()


@EXAMPLES
@pytest.mark.parametrize("name", LAYERS)
def test_finite_numbers_stay_finite(name, examples):
    """A layer made as it is usually made gives no NaN for small finite inputs of any shape: it answers or refuses."""
    cls = getattr(layers, name)
    needed = [p.name for p in parameters_of(cls) if p.default is p.empty]
    usual = {
        "units": 2,
        "filters": 2,
        "kernel_size": 1,
        "rate": 0.5,
        "input_dim": 5,
        "output_dim": 2,
        "num_heads": 1,
        "key_dim": 2,
        "n": 2,
        "stddev": 0.1,
        "dims": (1,),
        "axes": 1,
        "num_classes": 3,
    }
    if not set(needed) <= set(usual) or name in ("CategoryEncoding", "Discretization", "InputLayer"):
        pytest.skip(f"{name} has arguments of its own: {needed}")

    @fuzzing(examples)
    @given(arrays())
    def fuzz(x):
        layer = cls(**{key: usual[key] for key in needed})
        found = check(lambda: layer(x), f"{name}({x.dtype}{x.shape})")
        for leaf in ef.tree.flatten(found) if found is not None else ():
            values = np.asarray(leaf.numpy() if hasattr(leaf, "numpy") else leaf)
            assert values.dtype.kind != "f" or np.isfinite(values).all(), f"{x.dtype}{x.shape} gave {values}"

    fuzz()

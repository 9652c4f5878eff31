"""Where in a step a value may be read. `{read}` is the value, of the step's `x`; `@` makes names differ."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OF_NUMBERS", "WAYS", "Way"]


class Way(NamedTuple):
    """How a value gets into a step.

    Attributes:
        within: lines of the step, which make another `x` of the value and `x`.
        before: lines of the module.
    """

    within: str
    before: str = ""


WAYS: dict[str, Way] = {
    "directly": Way("x = x * ({read}) + 1.0"),
    "in a branch": Way("x = x * 3.0 if ops.shape(x) and abs(({read}) - 2.0) < 0.9 else x + 1.0"),
    "in a function": Way("x = way@(x)", "def way@(x):\n    value = {read}\n    return x * value"),
    "in a method": Way(
        "x = way@.of(x)", "class Way@:\n    def of(self, x):\n        return x * ({read})\nway@ = Way@()"
    ),
    "in a property": Way(
        "way@ = Way@()\nway@.x = x\nx = way@.of",
        "class Way@:\n    @property\n    def of(self):\n        x = self.x\n        return x * ({read})",
    ),
    "in a class method": Way(
        "x = Way@.of(x)", "class Way@:\n    @classmethod\n    def of(cls, x):\n        return x * ({read})"
    ),
    "in a lambda": Way("x = (lambda x: x * ({read}))(x)"),
    "in an inner function": Way("def inner@(x):\n    return x * ({read})\nx = inner@(x)"),
    "in a comprehension": Way("x = [x * ({read}) + i for i in range(2)][1]"),
    "in a dict of functions": Way('x = {{"a": lambda x: x * ({read})}}["a"](x)'),
    "in a generator": Way("x = list(way@(x))[-1]", "def way@(x):\n    yield x\n    yield x * ({read})"),
    "in a map": Way("x = list(map(lambda x: x * ({read}), [x]))[0]"),
    "in a reduction": Way("x = functools.reduce(lambda x, i: x * ({read}) + i, (1.0, 2.0), x)"),
    "in a loop": Way("for i@ in range(2):\n    x = x * 0.5 + ({read})"),
    "in a try": Way("try:\n    x = x * ({read})\nfinally:\n    x = x + 1.0"),
    "in an exception": Way(
        "try:\n    if abs(({read}) - 2.0) > 0.9:\n        raise LookupError(1)\nexcept LookupError:\n    x = x * 3.0"
    ),
    "in a context manager": Way(
        "with way@(x) as y:\n    x = y + 1.0", "@contextlib.contextmanager\ndef way@(x):\n    yield x * ({read})"
    ),
    "in a decorated function": Way(
        "x = way@(x)",
        "def plain@(function):\n    @functools.wraps(function)\n    def wrapped(*args, **kwargs):\n"
        "        return function(*args, **kwargs)\n    return wrapped\n"
        "@plain@\ndef way@(x):\n    return x * ({read})",
    ),
    "in a partial function": Way("x = functools.partial(way@, x)()", "def way@(x):\n    return x * ({read})"),
    "in a layer": Way(
        "x = way@(x)", "class Way@(layers.Layer):\n    def call(self, x):\n        return x * ({read})\nway@ = Way@()"
    ),
    "in a lambda layer": Way("x = way@(x)", "way@ = layers.Lambda(lambda x: x * ({read}))"),
    "in a captured function": Way("x = way@(x)", "@ef.function\ndef way@(x):\n    return x * ({read})"),
    "in a match": Way(
        "match {read}:\n    case int() | float() as found@ if found@ < 2.5:\n        x = x * found@\n"
        "    case found@:\n        x = x + found@"
    ),
    "in a shape": Way("x = x + ops.sum(ops.ones((int({read}) % 5 + 1, 3)))"),
    "in a setting": Way("x = x + ops.sum(x, axis=int({read}) % 2, keepdims=True)"),
    "in a text": Way('x = x * len(f"{{{read}}}") + len(str({read}))'),
    "in a constant": Way("x = x + ops.convert_to_tensor([[1.0, 2.0, {read}]])"),
    "in a list of its own": Way("own@ = []\nown@.append({read})\nx = x * own@[0]"),
    "in an object of its own": Way("own@ = types.SimpleNamespace()\nown@.value = {read}\nx = x * own@.value"),
    "under a tape": Way(
        "with ef.GradientTape() as tape@:\n    tape@.watch(x)\n    y@ = ops.sum(x * x * ({read}))\n"
        "x = tape@.gradient(y@, x)"
    ),
    "in a walrus": Way("x = x * value@ if (value@ := {read}) is not None else x"),
    "as a default": Way("def inner@(x, value={read}):\n    return x * value\nx = inner@(x)"),
    "in an integer": Way("x = x * (int({read}) // 1 % 7)"),
    "in a comparison": Way("x = x * ((({read}) > 2.5) + 1.0)"),
    "in NumPy": Way("x = x * np.float32(np.asarray({read}) * np.ones(1, 'float32')[0])"),
}
# Those that take numbers, and raise for most tensors.
OF_NUMBERS = frozenset(
    {
        *("in a branch", "in an exception", "in a match", "in a shape", "in a setting", "in a text", "in a constant"),
        *("in an integer", "in a comparison", "in NumPy"),
    }
)

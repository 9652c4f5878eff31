"""Compares the public names of Keras with ours, and writes docs/keras.md.

In two steps, so that neither package needs the other:

    python -m pip install "keras==3.15.*" scipy jax
    KERAS_BACKEND=numpy python -m tools.keras_table dump
    python -m tools.keras_table page

The first asks an installed Keras for its names and signatures, and keeps them in
tests/fixtures/keras_surface.json; the second compares them with eagerflow. tests/test_keras_surface.py
holds the page and the tables of reasons (tools/keras_reasons.py) against what is really there.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tools import keras_reasons as reasons

ROOT = Path(__file__).parents[1]
SURFACE = ROOT / "tests" / "fixtures" / "keras_surface.json"
PAGE = ROOT / "docs" / "keras.md"
BEHAVIOUR = ROOT / "tools" / "keras_behaviour.md"

# Classes whose methods and properties are part of the surface, because users call or override them.
WITH_MEMBERS = """
    Function Initializer InputSpec KerasTensor Layer Loss Metric Model Optimizer Regularizer Sequential Variable
    callbacks.Callback callbacks.CallbackList constraints.Constraint dtype_policies.DTypePolicy
    layers.Bidirectional layers.RNN layers.TextVectorization layers.StringLookup layers.Normalization
    layers.MultiHeadAttention optimizers.LossScaleOptimizer optimizers.schedules.LearningRateSchedule
    random.SeedGenerator utils.Progbar utils.PyDataset utils.FeatureSpace
""".split()

# Arguments for an object of such a class, where attributes that Keras has as properties are set by `__init__`.
EXAMPLES: dict[str, tuple[Any, ...]] = {
    "KerasTensor()": ((None, 2),),
    "Layer()": (),
    "Model()": (),
    "callbacks.Callback()": (),
    "dtype_policies.DTypePolicy()": ("float32",),
    "layers.MultiHeadAttention()": (1, 1),
    "utils.PyDataset()": (),
}
# The shapes to build such an object for, where it has the attributes only then.
SHAPES: dict[str, tuple[Any, ...]] = {"layers.MultiHeadAttention()": ((None, 2, 3), (None, 2, 3))}

INTRODUCTION = """# Keras' names, and ours

Is a name that you use in Keras here, too, and does it do the same? This page lists every public name of Keras 3.15, by
module, and whether `import eagerflow as keras` has it: with the same signature (names, order and defaults of the
arguments), with a difference, not yet, or left out for good. Methods of classes that programs call or override are
listed too. `tools/keras_table.py` writes this page from both packages, and a test keeps it true.
"""
_TITLES = {"here": "here", "differs": "here with a difference", "missing": "not yet", "left out": "left out"}

Surface = dict[str, dict[str, str]]


class _Plain:
    """A default as it is written on both sides: 1 and 1.0 are one number, a function is its name."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        value = self.value
        if isinstance(value, (list, tuple)):
            return "(" + ", ".join(repr(_Plain(v)) for v in value) + ")"
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return repr(int(value))
        return getattr(value, "__name__", None) or repr(value)


def signature_text(function: Any, bound: bool = False) -> str:
    """The parameters and defaults of a function, without its types; `(?)` where Python can't tell.

    Args:
        function: the function.
        bound: leave out the first parameter, as the caller of a method does.

    >>> signature_text(lambda x, rate=1.0, *, name=None: x)
    '(x, rate=1, *, name=None)'
    """
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return "(?)"
    empty = inspect.Parameter.empty
    parameters = [
        p.replace(annotation=empty, default=p.default if p.default is empty else _Plain(p.default))
        for p in found.parameters.values()
    ]
    takes_self = bound and parameters and parameters[0].kind.name.startswith("POSITIONAL")
    parameters = parameters[1:] if takes_self else parameters
    return str(found.replace(parameters=parameters, return_annotation=empty))


def describe(thing: Any) -> str:
    """What a public name is: `module`, `class(...)`, `(...)` for a function, or `value`."""
    if isinstance(thing, ModuleType):
        return "module"
    if isinstance(thing, type):
        made = inspect.getattr_static(thing, "__init__")
        return "class()" if made is object.__init__ else "class" + signature_text(made, bound=True)
    return signature_text(thing) if callable(thing) else "value"


def describe_member(cls: type, name: str) -> str:
    """What an attribute of a class is: `(...)` for a method, else `property`."""
    found = inspect.getattr_static(cls, name)
    if isinstance(found, (staticmethod, classmethod)):
        return signature_text(getattr(cls, name))
    if inspect.isfunction(found):
        return signature_text(found, bound=True)
    return "property"


def public(thing: Any) -> list[str]:
    """The public names of a module or class, sorted."""
    return sorted(name for name in dir(thing) if not name.startswith("_"))


def own_members(cls: type, bases: list[type]) -> list[str]:
    """The public attributes that a class does not just inherit from one of `bases`."""
    missing = object()
    return [
        name
        for name in public(cls)
        if all(inspect.getattr_static(base, name, missing) is not inspect.getattr_static(cls, name) for base in bases)
    ]


def names_below(module: ModuleType, path: str) -> Iterator[tuple[str, str, str]]:
    """Area, name and description of everything public in a module and those below it; not Keras' sources."""
    for name in public(module):
        thing = getattr(module, name)
        if name == "src":
            continue
        yield path, name, describe(thing)
        if isinstance(thing, ModuleType) and name != "legacy":
            yield from names_below(thing, f"{path}.{name}".lstrip("."))


def dump() -> None:
    """Write the names of the installed Keras to the fixture."""
    keras = import_module("keras")
    surface: Surface = {}
    for area, name, text in names_below(keras, ""):
        surface.setdefault(area, {})[name] = text
    classes = [lookup(keras, path) for path in WITH_MEMBERS]
    for path, cls in zip(WITH_MEMBERS, classes):
        bases = [base for base in classes if base is not cls and issubclass(cls, base)]
        surface[f"{path}()"] = {name: describe_member(cls, name) for name in own_members(cls, bases)}
    lines = [f"{json.dumps(area)}: {_block(names)}" for area, names in sorted(surface.items())]
    SURFACE.write_text(f'{{\n"keras": "{keras.__version__}",\n' + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _block(names: dict[str, str]) -> str:
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in names.items()) + "\n}"


def lookup(root: Any, path: str) -> Any:
    """The thing at a dotted path, or AttributeError.

    >>> lookup(Path, "home.__name__")
    'home'
    """
    for name in filter(None, path.split(".")):
        root = getattr(root, name)
    return root


class Row(NamedTuple):
    """One public name of Keras and what we have for it; `ours` is None where there is nothing."""

    area: str
    name: str
    keras: str
    ours: str | None

    @property
    def path(self) -> str:
        """Such as `layers.Dense`, or `Model().fit` for a member."""
        return f"{self.area}.{self.name}".lstrip(".")


def compare() -> list[Row]:
    """Every name of the fixture, beside what eagerflow has."""
    eagerflow = import_module("eagerflow")
    surface = json.loads(SURFACE.read_text(encoding="utf-8"))
    surface.pop("keras")
    rows = []
    for area, names in surface.items():
        home = _home(eagerflow, area)
        rows += [Row(area, name, text, _ours(home, area, name)) for name, text in names.items()]
    return rows


def _home(eagerflow: ModuleType, area: str) -> Any:
    try:
        return lookup(eagerflow, area.removesuffix("()"))
    except AttributeError:
        return None


def _ours(home: Any, area: str, name: str) -> str | None:
    if not area.endswith("()"):
        thing = getattr(home, name, None)
        return None if thing is None else describe(thing)
    if hasattr(home, name):
        return describe_member(home, name)
    return "property" if area in EXAMPLES and hasattr(_example(home, area), name) else None


def _example(cls: Any, area: str) -> Any:
    made = cls(*EXAMPLES[area])
    if area in SHAPES:
        made.build(*SHAPES[area])
    return made


def judge(row: Row) -> tuple[str, str]:
    """`"here"`, `"differs"`, `"left out"` or `"missing"`, and the reason or difference."""
    if row.ours == row.keras:
        return "here", ""
    if row.ours is not None:
        return "differs", reasons.reason_for(row.path, reasons.DIFFERENCES) or _difference(row)
    reason = reasons.reason_for(row.path, reasons.LEFT_OUT)
    return ("left out", reason) if reason else ("missing", "")


def _difference(row: Row) -> str:
    return f"`{row.ours}` here, `{row.keras}` in Keras"


def write_page() -> None:
    """Write docs/keras.md, and take what has arrived out of the list of what is awaited."""
    rows = compare()
    arrived = {row.path for row in rows if judge(row)[0] == "here"}
    awaited = [path for path in reasons.not_yet() if path not in arrived]
    reasons.NOT_YET_FILE.write_text("".join(f"{path}\n" for path in awaited), encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")


def page(rows: list[Row]) -> str:
    """The page: how many names are here, and the names of every area."""
    areas: dict[str, list[Row]] = {}
    for row in rows:
        areas.setdefault(row.area, []).append(row)
    behaviour = BEHAVIOUR.read_text(encoding="utf-8")
    return INTRODUCTION + _summary(rows) + behaviour + "".join(_section(a, found) for a, found in areas.items())


def share(rows: list[Row]) -> dict[str, int]:
    """How many names there are of each kind."""
    counts = Counter(judge(row)[0] for row in rows)
    return {kind: counts[kind] for kind in ("here", "differs", "missing", "left out")}


def percentage(rows: list[Row]) -> float:
    """The part of the names that are here with the same signature, outside those left out for good."""
    counts = share(rows)
    return 100 * counts["here"] / (sum(counts.values()) - counts["left out"])


def _summary(rows: list[Row]) -> str:
    counts = share(rows)
    return (
        f"\n| here, same signature | here with a difference | not yet | left out |\n|---|---|---|---|\n"
        f"| {counts['here']} | {counts['differs']} | {counts['missing']} | {counts['left out']} |\n\n"
        f"Outside what is left out, {percentage(rows):.1f}% are here with the same signature.\n"
    )


def _section(area: str, rows: list[Row]) -> str:
    title = (
        f"## `keras.{area}`".replace("keras.`", "keras`")
        if not area.endswith("()")
        else (f"### Members of `keras.{area.removesuffix('()')}`")
    )
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        kinds.setdefault(judge(row), []).append(row.name)
    lines = [
        f"| {_TITLES[kind]} | {_words(names)} | {reason.replace('|', chr(92) + '|')} |"
        for (kind, reason), names in sorted(kinds.items(), key=lambda item: list(_TITLES).index(item[0][0]))
    ]
    return f"\n{title}\n\n| | names | |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def _words(names: list[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    if sys.argv[1:] not in (["dump"], ["page"]):
        sys.exit(__doc__)
    dump() if sys.argv[1:] == ["dump"] else write_page()

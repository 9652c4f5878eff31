"""What is public is said: every package lists its names, sorted, none missing, none invented."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.sources import SOURCES

# Floors and wings that users reach through others: their packages have no names of their own.
INTERNAL = ("base", "capture", "cli", "core", "graphs", "kernels", "launch", "layer", "training")
WINGS = ("eagerflow.ops.", "eagerflow.layers.", "eagerflow.compat.tensorflow.", "eagerflow.optimizers.updates")
WINGS += ("eagerflow.distribution.runtime",)


def is_internal(name: str) -> bool:
    """Whether nobody outside should import from there."""
    return name.split(".")[1:2] in [[floor] for floor in INTERNAL] or name.startswith(WINGS)


# The first changes what `import keras` gives, in the whole process; the second needs PyTorch.
NOT_IMPORTED = ("eagerflow.keras_backend", "viz.frameworks.torch", "viz.samples.torch_batches")
PUBLIC = [source for source in SOURCES if source.is_public and not source.name.startswith(NOT_IMPORTED)]
PACKAGES = [source for source in PUBLIC if source.is_package and not is_internal(source.name)]


def test_listed_names_exist_and_are_listed_once():
    for source in PUBLIC:
        module = importlib.import_module(source.name)
        listed = list(getattr(module, "__all__", []))
        assert len(listed) == len(set(listed)), source
        assert [name for name in listed if not hasattr(module, name)] == [], source
        assert set(listed) <= set(dir(module)), source


@pytest.mark.parametrize("source", PACKAGES, ids=repr)
def test_packages_list_their_names_sorted(source):
    """As `sorted` does: capitals first."""
    listed = list(importlib.import_module(source.name).__all__)
    assert listed == sorted(listed)


@pytest.mark.parametrize("source", PACKAGES, ids=repr)
def test_packages_list_all_their_public_names(source):
    package = importlib.import_module(source.name)
    public = {name for name in vars(package) if not name.startswith("_")}
    ours = {name for name in public if is_ours(vars(package)[name])}
    assert ours - set(package.__all__) == set(), "list these in __all__, or import them under a name with an underscore"


def is_ours(value: object) -> bool:
    """A function or class of ours; the modules of a package need not be listed."""
    home = getattr(value, "__module__", None)
    if isinstance(value, ModuleType) or not callable(value) or not isinstance(home, str):
        return False
    return home.partition(".")[0] in ("eagerflow", "viz")


@pytest.mark.parametrize("source", PACKAGES, ids=repr)
def test_packages_import_what_they_use_themselves_under_names_with_an_underscore(source):
    """Editors propose what the text of a package imports (`ef.Any`, `ef.import_module`), whatever `dir` says."""
    taken = [
        alias.asname or alias.name
        for node in source.tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    public = {name for name in taken if not name.startswith("_") and name != "*"}
    assert public - {"TYPE_CHECKING"} <= set(dir(importlib.import_module(source.name)))  # which has to be called so


def calls(module: ModuleType, written: str, depth: int = 3) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions and classes of a module and of those inside, and what the classes have."""
    for name in [name for name in dir(module) if not name.startswith("_")]:
        found = getattr(module, name)
        if isinstance(found, ModuleType):
            if depth and found.__name__.startswith(f"{module.__name__}."):
                yield from calls(found, f"{written}.{name}", depth - 1)
        elif callable(found):
            yield f"{written}.{name}", found
            is_ours = (found.__module__ or "").partition(".")[0] in ("eagerflow", "viz")
            for inside in dir(found) if isinstance(found, type) and is_ours else ():
                part = None if inside.startswith("_") else getattr(found, inside, None)
                if callable(part):
                    yield f"{written}.{name}.{inside}", part


@pytest.mark.parametrize("package", ["eagerflow", "viz"])
def test_no_public_signature_shows_an_argument_of_our_own(package):
    looked_at = 0
    for name, function in calls(importlib.import_module(package), package):
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):
            continue
        looked_at += 1
        assert [each for each in parameters if each.startswith("_")] == [], name
    assert looked_at > 100


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("softmax", "softmax(x: Array, axis: Axes=-1) -> Tensor"),
        ("max", "max(x: Array, axis: Axes=None, keepdims: bool=False, initial: Any=None) -> Tensor"),
        ("concatenate", "concatenate(xs: Sequence[Array], axis: int=0) -> Tensor"),
        ("eig", "eig(x: Array) -> tuple[Tensor, ...]"),
    ],
)
def test_jedi_shows_ops_as_they_are_called(call, shown):
    """Many editors and notebooks ask jedi, which reads the text of the decorators."""
    jedi = pytest.importorskip("jedi")
    script = jedi.Script(f"import eagerflow as ef\nef.ops.{call}(")
    assert [each.to_string() for each in script.get_signatures()] == [shown]


@pytest.mark.parametrize("source", PACKAGES, ids=repr)
def test_names_that_load_late_are_those_that_type_checkers_see(source):
    """A package names such modules twice: as imports below `TYPE_CHECKING`, and as `homes` of its list."""
    seen, loaded = set(), set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for each in node.body:
                if isinstance(each, ast.ImportFrom) and each.module != source.name:
                    names = [alias.name for alias in each.names]
                    seen |= set(importlib.import_module(each.module).__all__ if names == ["*"] else names)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_listed":
            homes = [keyword.value for keyword in node.keywords if isinstance(keyword.value, ast.Dict)]
            tables = [dict(zip(table.keys, table.values)) for table in homes]
            named = [value for table in tables for home, value in table.items() if home]  # others come from add-ons
            loaded = {name for value in named for name in ast.literal_eval(value).split()}
    assert loaded - seen - set(dir(importlib.import_module(source.name))) == set()
    if loaded:
        assert seen - loaded == set()

"""What is public is said: every package lists its names, sorted, none missing, none invented."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from tests.sources import SOURCES

# Floors and wings that users reach through others: their packages have no names of their own.
INTERNAL = ("base", "capture", "core", "graphs", "kernels", "launch", "layer", "training", "world")
WINGS = ("eagerflow.ops.", "eagerflow.layers.", "eagerflow.compat.tensorflow.", "eagerflow.optimizers.updates")


def is_internal(name: str) -> bool:
    """Whether nobody outside should import from there."""
    return name.split(".")[1:2] in [[floor] for floor in INTERNAL] or name.startswith(WINGS)


PUBLIC = [source for source in SOURCES if source.is_public]
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
    """A function or class of ours; modules and what comes from elsewhere (typing.Any) need not be listed."""
    home = getattr(value, "__module__", None)
    if isinstance(value, ModuleType) or not callable(value) or not isinstance(home, str):
        return False
    return home.partition(".")[0] in ("eagerflow", "viz")

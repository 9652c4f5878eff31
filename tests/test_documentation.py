"""Every example that we show runs: those of the docstrings, and those of the pages."""

from __future__ import annotations

import doctest
import functools
import importlib
import inspect
import itertools
import linecache
import os
import re
import sys
from types import ModuleType

import pytest

from eagerflow.base import config
from eagerflow.core import op
from tests.sources import ROOT, SOURCES
from tools.site.names import catalogue
from tools.site.reference import own_members

# The first changes what `import keras` gives, in the whole process; the second needs PyTorch.
NOT_IMPORTED = ("eagerflow.keras_backend", "viz.frameworks.torch", "viz.samples.torch_batches")
MODULES = [s for s in SOURCES if s.path.stem != "__main__" and not s.name.startswith(NOT_IMPORTED)]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ARGUMENTS = re.compile(r"^(?:Args|Attributes):\n((?:    .*\n|\n)*)", re.MULTILINE)
ARGUMENT = re.compile(r"^    ([\w*, ]+):", re.MULTILINE)
# Methods that the framework calls: they take the same in all classes, which the base class explains.
HOOKS = re.compile(r"on_\w+|build|call|compute_\w+|from_config|get_random_transformation|transform_\w+")


class Finder(doctest.DocTestFinder):
    """Also finds the ops, whose wrappers are generated and have other globals than their module."""

    def _from_module(self, module: ModuleType, value: object) -> bool:
        if callable(value) and hasattr(value, "__module__"):
            return value.__module__ == module.__name__
        return super()._from_module(module, value)


@pytest.mark.parametrize("source", MODULES, ids=repr)
def test_examples_in_docstrings(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(linecache, "checkcache", lambda filename=None: None)  # each example looks at a thousand files
    monkeypatch.delitem(linecache.cache, "train.py", raising=False)  # which another test may have called so
    monkeypatch.setattr(
        sys, "path", [folder for folder in sys.path if not os.path.exists(os.path.join(folder, "train.py"))]
    )
    module = importlib.import_module(source.name)
    monkeypatch.setattr(config, "_switches", config._switches.copy())  # what an example switches on ends with it
    config.enable_traceback_filtering()  # as it is unless one says otherwise
    ready = {"ef": importlib.import_module("eagerflow"), "np": importlib.import_module("numpy")}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    for example in Finder(exclude_empty=True).find(module, extraglobs=ready):
        runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)


@pytest.fixture
def ops_of_its_own(monkeypatch):
    """Ops that an example registers are forgotten after it."""
    monkeypatch.setattr(op, "registry", op.registry.copy())


@pytest.mark.usefixtures("ops_of_its_own")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_on_pages(page, tmp_path, monkeypatch):
    """The blocks of one page run in order and share their names, as if pasted into one session."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    for block in PYTHON_BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block[1], str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headings_go_down_one_level_at_a_time(page):
    """The site is built of these pages, where a heading that skips a level is an error."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose, flags=re.M)]
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_the_pages_that_everyone_looks_for_exist():
    assert [page.name for page in PAGES if not page.exists()] == []


def test_links_in_pictures_lead_to_files_of_ours():
    """A picture that was drawn in another folder would have links that lead there."""
    for picture in sorted((ROOT / "docs" / "images").glob("*.svg")):
        links = set(re.findall(r'href="([^"#]+)', picture.read_text(encoding="utf-8")))
        for link in sorted(link for link in links if not link.startswith("data:")):
            assert (picture.parent / link).resolve().is_relative_to(ROOT), f"{picture.name}: {link}"
            assert (picture.parent / link).exists(), f"{picture.name}: {link}"


def test_who_tells_of_arguments_tells_of_all_of_them():
    assert [f"{path}: {name}" for path, function, doc in callables() for name in silent_about(function, doc)] == []


def test_functions_and_methods_tell_of_what_they_take():
    silent = []
    for path, function, doc in callables():
        name = path.rpartition(".")[2]
        if not isinstance(function, type) and "Args:" not in doc and not HOOKS.fullmatch(name) and parameters(function):
            silent.append(path)
    assert silent == []


def test_the_table_of_hostile_files_adds_up_to_the_number_that_is_told():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("### The corpus")[2].partition("\n## ")[0]
    counts = [int(number) for number in re.findall(r"^\| [^|]+ \| (\d+) \|", table, re.MULTILINE)]
    assert len(counts) == 12
    assert f"{sum(counts):,} damaged and hostile files" in text


def test_an_argument_that_is_left_out_is_found():
    def function(self, x, axis=None, *more, _inside=None, **kwargs): ...

    assert silent_about(function, "Adds.\n\nArgs:\n    x: a tensor.\n\nRaises:\n    axis: no argument.\n") == ["axis"]
    assert silent_about(function, "Adds.\n\nArgs:\n    x, axis: both.\n") == []
    assert silent_about(function, "Adds.") == []  # which is for others to find


@functools.cache
def callables():
    """Public functions, classes and their methods, each with its name and docstring."""
    return list(_callables())


def _callables():
    for one in catalogue():
        yield one.path, one.value, one.doc
        for name, member in own_members(one.value) if one.is_class else ():
            if not isinstance(member, property):
                function = inspect.unwrap(getattr(member, "__func__", member))
                yield f"{one.path}.{name}", function, inspect.cleandoc(function.__doc__ or "")


def parameters(function):
    """The names of what it takes; none for a class whose base is an exception, which has no signature."""
    try:
        taken = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    named = [each.name for each in taken if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    return [name for name in named if name not in ("self", "cls") and not name.startswith("_")]


def silent_about(function, doc):
    """The parameters that a docstring's list of arguments, if it has one, leaves out; attributes may explain them."""
    if "Args:" not in doc:
        return []
    lines = [line for told in ARGUMENTS.findall(doc + "\n") for line in ARGUMENT.findall(told)]
    names = {name.strip(" *") for line in lines for name in line.split(",")}
    return [name for name in parameters(function) if name not in names]

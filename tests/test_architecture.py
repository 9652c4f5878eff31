"""The house has floors, imports go down only, and every file and function is read in one look."""

from __future__ import annotations

import ast
import re
import statistics
from collections import defaultdict

import pytest

from tests.sources import MODULES, SOURCES, Source, module_of

# What a file may import: its own folder, and floors below. A new folder gets its floor here.
FLOORS = {
    "_version": 0, "core": 0, "kernels": 1, "ops": 2, "random": 2,
    "activations": 3, "constraints": 3, "initializers": 3, "losses": 3, "metrics": 3, "regularizers": 3,
    "layers": 4, "optimizers": 4,
    "callbacks": 5, "data": 5, "datasets": 5, "preprocessing": 5, "_viz": 5,
    "models": 6,
    "backend": 7, "compat": 7, "config": 7, "dtype_policies": 7, "mixed_precision": 7, "saving": 7, "tree": 7,
    "utils": 7, "wrappers": 7, "visualization": 8,
    "": 9,  # eagerflow itself
    "demo": 10, "__main__": 11,
}  # fmt: skip

# Neighbours on one floor which may know each other, in this direction.
SIDEWAYS = {
    ("metrics", "losses"),  # a metric may be the mean of a loss
    ("callbacks", "_viz"),  # callbacks.TensorBoard
    ("preprocessing", "data"),  # windows of a series, and files, as data sets
    ("random", "ops"),
    ("datasets", "callbacks"),  # the progress bar of downloads
}

# The only packages that a function may import, each in one file.
OPTIONAL = set(
    """
    IPython PIL cupy google graphviz h5py matplotlib ml_dtypes pandas pygraphviz safetensors sklearn tensorboardX
    threadpoolctl
    """.split()
)
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 600, 60, 8

EAGERFLOW = [source for source in SOURCES if source.name.partition(".")[0] == "eagerflow"]
VIZ = [source for source in SOURCES if source.name.partition(".")[0] == "viz"]


def folder(module: str) -> str:
    """The name below `eagerflow` that the floors are given by."""
    return module.split(".")[1] if "." in module else ""


def own_imports(source: Source):
    """The modules of ours that a file imports, with the lines."""
    for name, _, line in source.imports():
        target = module_of(name)
        if target is not None and target != source.name:
            yield target, line


def test_every_folder_has_a_floor():
    assert {folder(source.name) for source in EAGERFLOW} <= FLOORS.keys()


@pytest.mark.parametrize("source", EAGERFLOW, ids=repr)
def test_imports_go_down(source):
    here = folder(source.name)
    upward = [
        f"line {line}: {target}"
        for target, line in own_imports(source)
        if target.startswith("eagerflow")
        and folder(target) != here
        and FLOORS[folder(target)] >= FLOORS[here]
        and (here, folder(target)) not in SIDEWAYS
    ]
    assert not upward, f"{source} (floor {FLOORS[here]}) imports from its own floor or above"


def test_no_import_cycles():
    """Among imports that run when a module is loaded."""
    edges = {
        source.name: {module_of(name) for name, inside, _ in source.imports() if not inside}
        - {None, source.name}
        for source in SOURCES
    }
    done: set[str] = set()
    while ready := {name for name in edges.keys() - done if edges[name] <= done}:
        done |= ready
    assert not edges.keys() - done, "modules that import each other, or import such modules"


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_functions_import_only_optional_packages(source):
    hidden = [(name, line) for name, inside, line in source.imports() if inside]
    assert [found for found in hidden if found[0].partition(".")[0] not in OPTIONAL] == []


def test_every_optional_package_is_imported_in_one_file_of_each_package():
    homes = defaultdict(set)
    for source in SOURCES:
        for name, _, _ in source.imports():
            package = name.partition(".")[0]
            if package in OPTIONAL:
                homes[source.name.partition(".")[0], package].add(str(source))
    assert {key: files for key, files in homes.items() if len(files) > 1} == {}


@pytest.mark.parametrize("source", [s for s in EAGERFLOW if s.name != "eagerflow._viz"], ids=repr)
def test_eagerflow_reaches_viz_through_one_file(source):
    imported = [name for name, _, _ in source.imports() if re.match(r"viz\b", name)]
    named = [
        node.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"viz(\.\w+)*", node.value)
    ]
    assert imported + named == []


@pytest.mark.parametrize("source", VIZ, ids=repr)
def test_viz_uses_the_public_names_of_eagerflow_the_observer_and_whole_files(source):
    private = [
        target
        for target, _ in own_imports(source)
        if target.startswith("eagerflow.")
        and target not in ("eagerflow.core.observe", "eagerflow.core.files", "eagerflow.core.npy")
        and (not MODULES[target].is_public or folder(target) in ("core", "kernels"))
    ]
    assert private == []


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_files_have_one_subject(source):
    assert source.text.count("\n") <= LONGEST_FILE


def lengths():
    """Lines of code of every function, its docstring left out."""
    for source in SOURCES:
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                documentation = ast.get_docstring(node, clean=False)
                documented = documentation.count("\n") + 1 if documentation else 0
                yield node.end_lineno - node.lineno + 1 - documented, f"{source}:{node.lineno} {node.name}"


def test_functions_are_read_in_one_look():
    measured = sorted(lengths(), reverse=True)
    assert [found for found in measured if found[0] > LONGEST_FUNCTION] == []
    assert statistics.median(length for length, _ in measured) <= MEDIAN_FUNCTION

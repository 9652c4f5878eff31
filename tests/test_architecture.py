"""The house has floors, imports go down only, and every file and function is read in one look."""

from __future__ import annotations

import ast
import re
import statistics
from collections import defaultdict

import pytest

from tests.sources import MODULES, ROOT, SOURCES, Source, module_of

# What a file may import: its own folder, and floors below. A new folder gets its floor here.
FLOORS = {
    "_version": 0,
    "base": 0,
    "cli": 1,
    "core": 1,
    "ops": 2,
    "kernels": 3,
    "random": 4,
    "compiled": 4,
    "lowerings": 4,
    "activations": 5,
    "constraints": 5,
    "initializers": 5,
    "losses": 5,
    "metrics": 5,
    "regularizers": 5,
    "layer": 6,
    "optimizers": 6,
    "layers": 7,
    "capture": 10,
    "_info": 7,
    "_warm_up": 7,
    "callbacks": 8,
    "data": 8,
    "datasets": 8,
    "preprocessing": 8,
    "quantizers": 8,
    "_viz": 8,
    "distribution": 10,
    "training": 9,
    "models": 10,
    "applications": 11,
    "onnx": 11,
    "backend": 11,
    "compat": 11,
    "config": 11,
    "dtype_policies": 11,
    "mixed_precision": 11,
    "saving": 11,
    "tree": 11,
    "utils": 11,
    "wrappers": 11,
    "visualization": 12,
    "": 13,  # eagerflow itself
    "demo": 14,
    "keras_backend": 14,
    "launch": 14,
    "__main__": 15,
}

# The same between the wings of one folder. Files that lie in the folder itself stand above all of them.
FLOORS_OF_WINGS = {
    "ops": {
        "elementwise": 0,
        "arrays": 1,
        "reduce": 2,
        "matrices": 3,
        "windows": 3,
        "neural": 4,
        "images": 5,
        "sequences": 5,
        "signals": 5,
    },
    "kernels": {
        "machine": 0,
        "elementwise": 1,
        "matrices": 1,
        "reduce": 1,
        "normalization": 2,
        "attention": 2,
        "recurrent": 2,
        "convolution": 3,
        "pooling": 4,
    },
    "layers": {
        "core": 0,
        "convolutional": 1,
        "pooling": 2,
        "normalization": 2,
        "merging": 2,
        "reshaping": 2,
        "rnn": 2,
        "preprocessing": 2,
        "attention": 2,
    },
}
# Files in the folder itself that wings may use.
SHARED = {"eagerflow.layers.activations", "eagerflow.layers.dropout"}

# The same for `viz/`.
FLOORS_OF_VIZ = {
    "choices": -1,  # words alone, which everybody may know
    "chosen_steps": -1,
    "source_trees": -1,
    "boundary": 1,
    "facts": 0,
    "frameworks": 0,
    "frameworks/eagerflow": -1,
    "frameworks/torch": 2,
    "geometry": 1,
    "recorder": 1,
    "shell": 1,
    "doctor": 2,
    "export": 2,
    "picture": 2,
    "reports": 2,
    "annotation": 3,
    "attribution": 3,
    "samples": 4,
    "page": 3,
    "fit_gap": 3,
    "dry_run": 3,
    "check": 4,
    "compare": 4,
    "estimate": 4,
    "rates": 4,
    "web": 4,
    "recording": 5,
    "nonfinite": 6,
    "tracer": 7,
    "callbacks": 8,
    "comparison": 8,
    "maps": 8,
    "patching": 8,
    "cockpit": 8,
    "livepage": 8,
    "replay": 8,
    "": 9,  # viz itself
    "command": 10,
    "add_ons": 11,
    "cli": 12,
    "__main__": 13,
}
MOST_FILES = 24  # directly in one folder

# The rooms that everybody reads. They don't know the add-ons, which enter by a seam of theirs (see CONTRIBUTING.md).
CORE = set(
    """
    base core ops kernels layer layers activations initializers regularizers constraints losses metrics optimizers data
    training models callbacks random
    """.split()
)
ADD_ONS = """
    applications capture compat compiled datasets distribution keras_backend launch onnx preprocessing quantizers
    wrappers
""".split()

# The same of viz: its core, and rooms of which that knows nothing but the table in `viz/shell/commands.py`.
CORE_OF_VIZ = set(
    """
    choices chosen_steps boundary source_trees facts geometry recorder shell picture export page compare nonfinite
    livepage recording tracer callbacks comparison patching command cli frameworks frameworks/eagerflow frameworks/torch
    """.split()
)
ADD_ONS_OF_VIZ = """
    doctor check dry_run estimate rates fit_gap cockpit samples attribution annotation replay web reports add_ons
    maps
    """.split()

# Lines of Python in a folder, at most. These go down, never up.
BUDGETS = {
    "eagerflow/base": 4181,
    "eagerflow/capture": 3882,
    "eagerflow/compat": 9795,
    "eagerflow/compiled": 3186,
    "eagerflow/distribution": 3322,
    "eagerflow/kernels": 9412,
    "eagerflow/launch": 896,
    "eagerflow/lowerings": 1661,
    "eagerflow/onnx": 6481,
    "tests/capture": 4431,
    "tests/compiled": 1195,
    "tests/viz/facts": 2564,
    "tests/viz/geometry": 541,
    "tests/viz/page": 5203,
    "tests/viz/picture": 3998,
    "tests/viz/recorder": 2884,
    "viz/add_ons": 919,
    "viz/annotation": 344,
    "viz/attribution": 1399,
    "viz/check": 2682,
    "viz/cockpit": 546,
    "viz/command": 759,
    "viz/compare": 2093,
    "viz/doctor": 11979,
    "viz/dry_run": 960,
    "viz/estimate": 786,
    "viz/export": 2676,
    "viz/facts": 6639,
    "viz/fit_gap": 1061,
    "viz/frameworks/torch": 3066,
    "viz/geometry": 3248,
    "viz/livepage": 4026,
    "viz/nonfinite": 1338,
    "viz/page": 2171,
    "viz/picture": 5140,
    "viz/rates": 363,
    "viz/recorder": 4974,
    "viz/replay": 2216,
    "viz/reports": 51,
    "viz/samples": 1041,
    "viz/shell": 1279,
    "viz/web": 955,
}
LONGEST_SEAM = 60  # lines of the class by which an add-on enters

# Neighbours on one floor which may know each other, in this direction.
SIDEWAYS = {
    ("lowerings", "compiled"),  # whose variants stand in for kernels
    ("metrics", "losses"),  # a metric may be the mean of a loss
    ("callbacks", "_viz"),  # callbacks.TensorBoard
    ("preprocessing", "data"),  # windows of a series, and files, as data sets
    ("datasets", "callbacks"),  # the progress bar of downloads
}

# The only packages that a function may import, each in one file.
OPTIONAL = set(
    """
    IPython PIL cairosvg cupy cupyx google graphviz h5py llvmlite matplotlib ml_dtypes mpi4py numba onnx pandas
    resvg_py safetensors sklearn tensorboardX threadpoolctl torch
    """.split()
)
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 600, 60, 8
DETAILS = re.compile(r"^ *Args:$|>>>", re.MULTILINE)

# Folders whose docstrings and comments use none of these words; a folder that is cleaned joins them.
CLEAN = set(
    """
    activations applications backend base callbacks capture cli compat compiled constraints core data datasets demo
    distribution initializers kernels launch layer layers losses lowerings measuring metrics models
    onnx ops optimizers preprocessing quantizers random regularizers saving training utils visualization wrappers
    """.split()
)
CLEAN_OF_VIZ = set(
    """
    add_ons annotation attribution check cockpit command dry_run estimate fit_gap rates replay reports samples shell web
    """.split()
)
DIALECT = re.compile(
    r"\banew\b|\bso many\b|\bwho(?:m)?ever\b|\balike\b|\bbeside\b|\b(?:is|are|was|were|be) told\b|\btold of\b"
    r"|\bof (?:one's|the user's|a user's|our) own\b|\bwhat (?:it |this |that )?(?:is|was) given\b"
)

EAGERFLOW = [source for source in SOURCES if source.name.partition(".")[0] == "eagerflow"]
VIZ = [source for source in SOURCES if source.name.partition(".")[0] == "viz"]


def folder(module: str) -> str:
    """The name below `eagerflow` or `viz` that the floors are given by; each framework that viz hears has its own."""
    parts = module.split(".")
    if parts[:2] == ["viz", "frameworks"] and (len(parts) > 3 or (parts[2:] and MODULES[module].is_package)):
        return "/".join(parts[1:3])
    return parts[1] if len(parts) > 1 else ""


def own_imports(source: Source, for_types: bool = False):
    """The modules of ours that a file imports, with the lines."""
    for name, _, line in source.imports(for_types):
        target = module_of(name)
        if target is not None and target != source.name:
            yield target, line


def test_every_folder_has_a_floor():
    assert {folder(source.name) for source in EAGERFLOW} <= FLOORS.keys()
    assert {folder(source.name) for source in VIZ} == FLOORS_OF_VIZ.keys()


def test_imports_go_down_also_those_for_types():
    upward = [
        f"{source}:{line} (floor {FLOORS[here]}): {target}"
        for source in EAGERFLOW
        for here in (folder(source.name),)
        for target, line in own_imports(source, for_types=True)
        if target.startswith("eagerflow")
        and folder(target) != here
        and FLOORS[folder(target)] >= FLOORS[here]
        and (here, folder(target)) not in SIDEWAYS
    ]
    assert upward == [], "imports from their own floor or above"


def wing(module: str) -> str:
    """The wing of a module of `eagerflow.ops` and its like; empty for files in the folder itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and (len(parts) > 3 or MODULES[module].is_package) else ""


def test_imports_between_wings_go_down():
    upward = [
        f"{source}:{line} (wing {here}): {target}"
        for source in EAGERFLOW
        for floors, here in ((FLOORS_OF_WINGS.get(folder(source.name)), wing(source.name)),)
        if floors and here
        for target, line in own_imports(source, for_types=True)
        if target.startswith(f"eagerflow.{folder(source.name)}.") and target not in SHARED
        if wing(target) != here and floors.get(wing(target), 99) >= floors[here]
    ]
    assert upward == [], "imports from a wing beside them or above"


def test_imports_in_viz_go_down_also_those_for_types():
    upward = [
        f"{source}:{line} (floor {FLOORS_OF_VIZ[here]}): {target}"
        for source in VIZ
        for here in (folder(source.name),)
        for target, line in own_imports(source, for_types=True)
        if target.startswith("viz") and folder(target) != here and FLOORS_OF_VIZ[folder(target)] >= FLOORS_OF_VIZ[here]
    ]
    assert upward == [], "imports from their own floor or above"


def in_circles(sources, for_types=False):
    """The modules that import each other, or import such modules, when they are loaded."""
    edges = {
        source.name: {module_of(name) for name, inside, _ in source.imports(for_types) if not inside}
        - {None, source.name}
        for source in sources
    }
    done = {name for targets in edges.values() for name in targets} - edges.keys()
    while ready := {name for name in edges.keys() - done if edges[name] <= done}:
        done |= ready
    return edges.keys() - done


def test_no_import_cycles():
    assert in_circles(SOURCES) == set()


@pytest.mark.parametrize("package", [EAGERFLOW, VIZ], ids=["eagerflow", "viz"])
def test_no_import_cycles_of_imports_for_types(package):
    """Each package by itself: that viz knows eagerflow, and `eagerflow._viz` knows viz, is the one circle."""
    assert in_circles(package, for_types=True) == set()


@pytest.mark.parametrize("root", ["eagerflow", "viz", "tests"])
def test_no_folder_holds_too_many_files(root):
    folders = defaultdict(list)
    for path in (ROOT / root).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and (path.suffix == ".py" or root != "tests"):
            folders[path.parent.relative_to(ROOT).as_posix()].append(path.name)
    assert {name: len(files) for name, files in folders.items() if len(files) > MOST_FILES} == {}


def test_functions_import_only_optional_packages():
    hidden = [(f"{source}:{line}", name) for source in SOURCES for name, inside, line in source.imports() if inside]
    assert [(place, name) for place, name in hidden if name.partition(".")[0] not in OPTIONAL] == []


def test_every_optional_package_is_imported_in_one_file_of_each_package():
    homes = defaultdict(set)
    for source in SOURCES:
        for name, _, _ in source.imports():
            package = name.partition(".")[0]
            if package in OPTIONAL and folder(source.name) != f"frameworks/{package}":
                homes[source.name.partition(".")[0], package].add(str(source))
    assert {key: files for key, files in homes.items() if len(files) > 1} == {}


def names_in_texts(source: Source):
    """What strings of a file may name for `import_module`; docstrings and messages have spaces."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            yield node.value, node.lineno


@pytest.mark.parametrize("add_on", ADD_ONS)
def test_the_core_names_no_add_on(add_on):
    module = re.compile(rf"(eagerflow\.)?{add_on}\.\w[\w.]*|eagerflow\.{add_on}")
    named = [
        f"{source}:{line}: {name}"
        for source in EAGERFLOW
        if folder(source.name) in CORE
        for name, line in [*own_imports(source, for_types=True), *names_in_texts(source)]
        if module.fullmatch(name)
    ]
    assert named == []


@pytest.mark.parametrize("add_on", ADD_ONS_OF_VIZ)
def test_the_core_of_viz_names_add_ons_in_one_table(add_on):
    module = re.compile(rf"viz\.{add_on}(\.\w+)*")
    named = [
        f"{source}:{line}: {name}"
        for source in VIZ
        if folder(source.name) in CORE_OF_VIZ and source.name != "viz.shell.commands"
        for name, line in [*own_imports(source, for_types=True), *names_in_texts(source)]
        if module.fullmatch(name)
    ]
    assert named == []


def test_every_room_of_viz_is_core_or_an_add_on():
    assert CORE_OF_VIZ | {*ADD_ONS_OF_VIZ, "", "__main__"} == FLOORS_OF_VIZ.keys()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("training.step_runner", "StepRunner"),
        ("base.legacy", "Legacy"),
        ("core.strategy", "Strategy"),
        ("layers.core.large_weight", "LargeWeightLayer"),
    ],
)
def test_seams_are_short(module, name):
    (seam,) = [source for source in EAGERFLOW if source.name == f"eagerflow.{module}"]
    (found,) = [node for node in seam.tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    assert found.end_lineno - found.lineno + 1 <= LONGEST_SEAM


@pytest.mark.parametrize("name", BUDGETS)
def test_folders_keep_to_their_budgets_of_lines(name):
    files = [path for path in (ROOT / name).rglob("*.py") if "__pycache__" not in path.parts]
    assert sum(path.read_text(encoding="utf-8").count("\n") for path in files) <= BUDGETS[name]


def test_eagerflow_reaches_viz_through_one_file():
    others = [source for source in EAGERFLOW if source.name != "eagerflow._viz"]
    imported = [(str(s), name) for s in others for name, _, _ in s.imports() if re.match(r"viz\b", name)]
    named = [
        (str(source), node.value)
        for source in others
        if "viz" in source.text
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"viz(\.\w+)*", node.value)
    ]
    assert imported + named == []


def test_viz_uses_the_public_names_of_eagerflow_the_observer_and_whole_files():
    private = [
        (str(source), target)
        for source in VIZ
        for target, _ in own_imports(source)
        if target.startswith("eagerflow.")
        and target
        not in (
            "eagerflow.core.observe",
            "eagerflow.core.random",
            "eagerflow.base.files",
            "eagerflow.base.machine.forks",
            "eagerflow.base.npy",
            "eagerflow.base.machine.budget",
            "eagerflow.base.messages",
            "eagerflow.base.notebook",
            "eagerflow.base.output",
        )
        and (not MODULES[target].is_public or folder(target) in ("base", "core", "kernels"))
    ]
    assert private == []


CLASSES = r"(Tensor|Variable|Layer|Model|Sequential|Optimizer|layers\.\w+|losses\.\w+)\b"
OWN_TO_EAGERFLOW = set("attribution cockpit estimate fit_gap rates replay samples web frameworks".split())


def test_viz_asks_the_contract_what_objects_are_not_the_classes_of_eagerflow():
    """But for commands that run eagerflow's programs alone."""
    found = [
        f"{source}:{number}: {line.strip()}"
        for source in VIZ
        if folder(source.name) not in OWN_TO_EAGERFLOW and not folder(source.name).startswith("frameworks/")
        for number, line in enumerate(source.text.splitlines(), 1)
        if re.search(rf"isinstance\(.*\b{CLASSES}|__class__ is (not )?{CLASSES}", line)
    ]
    assert found == []


def test_files_have_one_subject():
    """Arguments and examples in docstrings don't count: they make a file easier to read, not harder."""
    long = [source for source in SOURCES if source.text.count("\n") > LONGEST_FILE]
    assert [str(source) for source in long if source.text.count("\n") - lines_of_details(source) > LONGEST_FILE] == []


def test_clean_folders_keep_to_the_words_of_the_field():
    found = [
        f"{source}:{number}: {line.strip()}"
        for source in [*EAGERFLOW, *VIZ]
        if folder(source.name) in (CLEAN if source.name.startswith("eagerflow") else CLEAN_OF_VIZ)
        for number, line in enumerate(source.text.splitlines(), 1)
        if DIALECT.search(line)
    ]
    assert found == []


def lines_of_details(source: Source) -> int:
    """How many lines fewer the file had if docstrings ended before their arguments and examples."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(source.tree) if isinstance(node, documented)]
    texts = [ast.get_docstring(node, clean=False) or "" for node in nodes]
    rests = [(text, DETAILS.split(text, 1)[0].rstrip()) for text in texts if DETAILS.search(text)]
    return sum(text.count("\n") - rest.count("\n") - ("\n" in rest) for text, rest in rests)


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

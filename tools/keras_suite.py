"""Runs the tests that come with Keras on PyTorch's backend and on ours, and writes docs/internals/keras_suite.md.

    python -m tools.keras_suite --python .venv-peers/bin/python

The interpreter needs Keras, PyTorch, pytest and pytest-timeout. Results are kept in build/keras_suite, a line for each
test, and a backend that has results there isn't run again: `--run eagerflow` does, and with `--only ops/nn_test.py` it
renews those of some files. A test that PyTorch's backend passes and ours doesn't has its reason in
tools/keras_suite_reasons.txt; those without one are listed as such.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "keras_suite"
REASONS = Path(__file__).with_name("keras_suite_reasons.txt")
PAGE = ROOT / "docs" / "internals" / "keras_suite.md"
BACKENDS = ("torch", "eagerflow")
# Whole architectures and downloads, most of an hour, and no backend of their own.
LEFT_OUT = ("applications/applications_test.py",)
_LOG = "EAGERFLOW_KERAS_SUITE_LOG"
# A file of tests that imports the trainer of a backend by its name: it's read as Keras' own such modules are.
_CHOOSES = "keras.src.trainers.trainer_test"
# In names of tests: addresses, and the library for trees that Keras takes with a backend.
_VARYING = re.compile(r"0x[0-9a-f]+|_(torchtree|optree)$")
_NAMED = 12  # tests of a file that the page names; of more it gives the number
Results = dict[str, tuple[str, str]]  # how each test ended, and its error
_LIMIT = 3600  # seconds for the files of a folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Write down how a test ended: this module is the plugin of the runs that it starts."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        error = "" if call.excinfo is None else call.excinfo.exconly()[:300]
        with open(os.environ[_LOG], "a", encoding="utf-8") as log:
            log.write(json.dumps([report.nodeid, report.outcome, error]) + "\n")
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Stand for the `conftest` of Keras' repository, which its package doesn't hold; see `_CHOOSES`."""
    config.addinivalue_line("markers", "requires_trainable_backend: of tests that train")
    conftest = ModuleType("conftest")
    conftest.skip_if_backend = lambda name, reason: pytest.mark.skipif(  # type: ignore[attr-defined]
        os.environ["KERAS_BACKEND"] == name, reason=reason
    )
    sys.modules["conftest"] = conftest
    if "eagerflow.keras_backend" in sys.modules:
        sys.modules["eagerflow.keras_backend.hook"]._CHOOSERS[_CHOOSES] = "numpy"


def main() -> None:
    """Run what has no results yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with Keras, PyTorch and pytest")
    parser.add_argument("--run", nargs="*", choices=BACKENDS, default=(), help="run these though there are results")
    parser.add_argument("--only", nargs="*", default=(), help="files or folders of keras/src")
    options = parser.parse_args()
    for backend in BACKENDS:
        if backend in options.run if options.run else not (RESULTS / f"{backend}.jsonl").exists():
            run(backend, options.python, options.only)
    found = {backend: results(backend) for backend in BACKENDS}
    PAGE.write_text(page(found["torch"], found["eagerflow"], read_reasons()), encoding="utf-8")
    print(f"{summary(found['torch'], found['eagerflow'])}\nwritten: {PAGE.relative_to(ROOT)}")


def run(backend: str, python: str, only: Any) -> None:
    """Run Keras' tests on a backend, a process for each folder, and add how they end to its results."""
    code = "import importlib.util as u; print(u.find_spec('keras').submodule_search_locations[0])"
    keras = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    source = Path(keras, "src")
    folders: dict[Path, list[Path]] = defaultdict(list)
    for part in only or ["."]:
        path = source / part
        for file in [path] if path.is_file() else sorted(path.rglob("*_test.py")):
            if str(file.relative_to(source)) not in LEFT_OUT:
                folders[file.parent].append(file)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for files in folders.values():
        _run_files(backend, python, source, files)


def _run_files(backend: str, python: str, source: Path, files: list[Path]) -> None:
    """Run files in one process; where that takes too long, each in its own, so that a hang costs one file."""
    options = (
        "-q --tb=no -c /dev/null -p no:cacheprovider -W ignore --timeout 300 --continue-on-collection-errors".split()
    )
    plugins = ["-p", "tools.keras_suite", *(["-p", "eagerflow.keras_backend"] if backend == "eagerflow" else [])]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"KERAS_BACKEND": backend, "KERAS_HOME": folder, "PYTHONPATH": str(ROOT)}
        settings |= {_LOG: str(RESULTS / f"{backend}.jsonl"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "-m", "pytest", *options, *plugins, f"--rootdir={source}", *map(str, files)]
        try:
            subprocess.run(command, cwd=folder, env={**os.environ, **settings}, check=False, timeout=_LIMIT)
        except subprocess.TimeoutExpired:
            for file in files if len(files) > 1 else []:
                _run_files(backend, python, source, [file])


def results(backend: str) -> Results:
    """How each test ended at last, and its error."""
    lines = (RESULTS / f"{backend}.jsonl").read_text(encoding="utf-8").splitlines()
    return {_VARYING.sub("", test): (outcome, error) for test, outcome, error in map(json.loads, lines)}


def read_reasons() -> dict[str, str]:
    """The reason for each pattern of the names of tests."""
    found: dict[str, str] = {}
    reason = ""
    for line in REASONS.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found |= dict.fromkeys(line.split(), reason)
        elif line and not line.startswith("#"):
            reason = line
    return found


def _passed(ended: Results) -> list[str]:
    return [test for test, (outcome, _) in ended.items() if outcome == "passed"]


def summary(torch: Results, ours: Results) -> str:
    """How many of the tests that PyTorch's backend passes pass with ours."""
    there = _passed(torch)
    same = sum(ours.get(test, ("",))[0] == "passed" for test in there)
    skipped = sum(ours.get(test, ("",))[0] == "skipped" for test in there)
    return (
        f"Of the {len(there):,} tests that pass with the PyTorch backend, {same:,} pass with eagerflow's "
        f"({same / len(there):.2%}), {skipped:,} skip themselves there, and {len(there) - same - skipped:,} fail: "
        f"{same / (len(there) - skipped):.2%} of those that run pass."
    )


def page(torch: Results, ours: Results, reasons: dict[str, str]) -> str:
    """The page: figures by folder, and every test that passes with PyTorch and not with ours, by reason."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    failed: dict[str, list[str]] = defaultdict(list)
    skipped: dict[str, list[str]] = defaultdict(list)
    for test in _passed(torch):
        outcome, error = ours.get(test, ("failed", "not collected"))
        counts[test.split("/")[0]][outcome] += 1
        if outcome == "failed":
            reason = next((why for pattern, why in reasons.items() if fnmatchcase(test, pattern)), "")
            failed[reason or f"No reason is known: {error.partition(chr(10))[0]}"].append(test)
        elif outcome == "skipped":
            asked = error.startswith("Skipped: ")
            why = error.removeprefix("Skipped: ").partition(" @ ")[0] if asked else "Keras' tests say that it may fail"
            skipped[why].append(test)
    rows = "\n".join(
        f"| {name} | {sum(n.values()):,} | {n['passed']:,} | {n['skipped'] or ''} | {n['failed'] or ''} |"
        for name, n in sorted(counts.items())
    )
    return TEXT.format(summary=summary(torch, ours), rows=rows, failed=_by_reason(failed), skipped=_by_reason(skipped))


def _by_reason(tests: dict[str, list[str]]) -> str:
    rows = ["| reason | tests | which |", "|---|---|---|"]
    for reason, names in sorted(tests.items(), key=lambda item: (-len(item[1]), item[0])):
        files: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names):
            files[name.partition("::")[0]].append(name.rpartition("::")[2])
        which = ", ".join(
            f"`{file}`: {len(found)}" if len(found) > _NAMED else f"`{file}`: " + ", ".join(f"`{n}`" for n in found)
            for file, found in files.items()
        )
        rows.append(f"| {reason.replace('|', '/')} | {len(names)} | {which} |")
    return "\n".join(rows)


TEXT = """# Keras' own tests on our backend

How far does [`KERAS_BACKEND=eagerflow`](../keras_backend.md) do what Keras asks of a backend? `make keras-suite` runs
the tests that come with Keras on its PyTorch backend and on ours, and writes this page. Tests of packages that the
interpreter doesn't have fail or skip themselves with both. `applications_test.py`, which downloads weights, isn't run.

{summary}

| `keras/src/` | pass with PyTorch | with eagerflow | skip themselves | fail |
|---|---|---|---|---|
{rows}

## Those that fail with ours alone

{failed}

## Those that skip themselves with ours

Most ask for PyTorch's backend, or for one of Keras' own, by its name.

{skipped}
"""

if __name__ == "__main__":
    main()

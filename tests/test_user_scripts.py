"""Type checkers on scripts of users, in an editable install and from a wheel: what is wrong is found, and no more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import eagerflow
import viz
from tests.sources import ROOT
from tests.test_packaging import built

FOLDER = ROOT / "tests" / "user_scripts"
SCRIPTS = sorted(FOLDER.glob("*.py"))
pytestmark = pytest.mark.slow


def expected(script: Path) -> dict[tuple[int, str], str]:
    """What is said at the end of lines, by line and kind."""
    found = {}
    for number, line in enumerate(script.read_text("utf-8").splitlines(), 1):
        if said := re.search(r"  # (error|type): (.*)$", line):
            found[number, said[1]] = said[2]
    return found


@pytest.fixture(scope="module", params=["editable", "wheel"])
def python(request, tmp_path_factory):
    """An interpreter with nothing but eagerflow."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder / "venv")
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    if request.param == "editable":
        (packages / "eagerflow.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    else:
        (folder / "source").mkdir()
        with built(folder / "source", folder, "build_wheel") as wheel:
            wheel.extractall(packages)
    return folder / "venv" / "bin" / "python"


def by_mypy(python: Path, scripts: Sequence[Path] = SCRIPTS) -> dict[str, list[tuple[int, str, str]]]:
    cache = python.parents[2] / "cache"
    options = ["--python-executable", str(python), "--cache-dir", str(cache)]
    words = [sys.executable, "-m", "mypy", *options, "--follow-imports", "silent", *map(str, scripts)]
    done = subprocess.run(words, cwd=python.parents[2], capture_output=True, text=True, check=False, timeout=300)
    assert not done.stderr, done.stderr
    said: dict[str, list[tuple[int, str, str]]] = {}
    for name, line, kind, text in re.findall(r"^(?:.*/)?(\w+)\.py:(\d+): (error|note): (.*)$", done.stdout, re.M):
        revealed = re.match('Revealed type is "(.*)"', text)
        if kind == "error" or revealed:
            said.setdefault(name, []).append(
                (int(line), "type" if revealed else "error", revealed[1] if revealed else text)
            )
    return said


def by_pyright(python: Path) -> dict[str, list[tuple[int, str, str]]]:
    settings = python.parents[2] / "pyrightconfig.json"
    settings.write_text('{"typeCheckingMode": "standard", "reportMissingImports": false}', encoding="utf-8")
    words = [sys.executable, "-m", "basedpyright", "--project", str(settings), "--pythonpath", str(python)]
    words += ["--outputjson", *map(str, SCRIPTS)]
    done = subprocess.run(words, cwd=python.parents[2], capture_output=True, text=True, check=False, timeout=300)
    said: dict[str, list[tuple[int, str, str]]] = {}
    for found in json.loads(done.stdout)["generalDiagnostics"]:
        revealed = re.match('Type of ".*" is "(.*)"$', found["message"], re.DOTALL)
        kind, text = ("type", revealed[1]) if revealed else ("error", found["message"])
        if revealed or found["severity"] == "error":
            said.setdefault(Path(found["file"]).stem, []).append((found["range"]["start"]["line"] + 1, kind, text))
    return said


def short(text: str) -> str:
    """A type without the modules of its parts."""
    return re.sub(r"(\w+\.)+(?=\w)", "", text)


@pytest.mark.parametrize("checker", [by_mypy, by_pyright], ids=["mypy", "pyright"])
def test_a_type_checker_finds_what_is_wrong_in_a_script_and_nothing_else(python, checker):
    module = "mypy" if checker is by_mypy else "basedpyright"
    if find_spec(module) is None:
        pytest.skip(f"{module} isn't installed")
    said = checker(python)
    for script in SCRIPTS:
        marks = expected(script)
        assert marks
        found = said.get(script.stem, [])
        assert {(line, kind) for line, kind, _ in found} == marks.keys(), f"{script.name}: {found}"
        for line, kind, text in found:
            if kind == "type":
                assert short(text) == marks[line, kind], f"{script.name}:{line}"
            else:
                assert marks[line, kind] in text or checker is by_pyright, f"{script.name}:{line}: {text}"


def public(module: ModuleType, written: str, depth: int = 2) -> Iterator[str]:
    """The names that `dir` shows, with those of modules inside."""
    for name in [name for name in dir(module) if name == "__version__" or not name.startswith("_")]:
        found = getattr(module, name)
        yield f"{written}.{name}"
        if depth and isinstance(found, ModuleType) and found.__name__.startswith(f"{module.__name__}."):
            yield from public(found, f"{written}.{name}", depth - 1)


def test_type_checkers_know_every_public_name(python, tmp_path):
    script = tmp_path / "names.py"
    names = [*public(eagerflow, "eagerflow"), *public(viz, "viz")]
    assert len(names) > 1500
    script.write_text("import eagerflow\nimport viz\n" + "".join(f"print({name})\n" for name in names), "utf-8")
    lines = script.read_text("utf-8").splitlines()
    assert [(lines[n - 1], text) for n, _, text in by_mypy(python, [script]).get("names", [])] == []

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
from typing import Any

import numpy
import pytest

import eagerflow
import viz
from eagerflow import layers
from tests.fixtures.cases import layer_cases
from tests.sources import ROOT
from tests.test_packaging import built

FOLDER = ROOT / "tests" / "user_scripts"
SCRIPTS = sorted(FOLDER.glob("*.py"))
pytestmark = pytest.mark.slow


def expected(script: Path) -> dict[tuple[int, str], str]:
    """What is said at the end of lines, by line and kind."""
    found = {}
    for number, line in enumerate(script.read_text("utf-8").splitlines(), 1):
        if said := re.search(r"  # (error|type): (?!ignore)(.*)$", line):
            found[number, said[1]] = said[2]
    return found


@pytest.fixture(scope="module", params=["editable", "wheel"])
def python(request, tmp_path_factory):
    """An interpreter with nothing but eagerflow, and NumPy, which comes with it."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder / "venv")
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (packages / "numpy").symlink_to(Path(numpy.__file__).parent)
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


def by_pyright(python: Path, scripts: Sequence[Path] = SCRIPTS) -> dict[str, list[tuple[int, str, str]]]:
    return pyright_says(python, python.parents[2], scripts, {})


def pyright_says(
    python: Path, folder: Path, scripts: Sequence[Path], options: dict[str, Any]
) -> dict[str, list[tuple[int, str, str]]]:
    settings = folder / "pyrightconfig.json"
    told = {"typeCheckingMode": "standard", "reportMissingImports": False, **options}
    settings.write_text(json.dumps(told), encoding="utf-8")
    words = [sys.executable, "-m", "basedpyright", "--project", str(settings), "--pythonpath", str(python)]
    words += ["--outputjson", *map(str, scripts)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    told_of = json.loads(done.stdout)
    assert told_of["summary"]["filesAnalyzed"] >= len(scripts)
    said: dict[str, list[tuple[int, str, str]]] = {}
    for found in told_of["generalDiagnostics"]:
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


@pytest.mark.skipif(find_spec("basedpyright") is None, reason="basedpyright isn't installed")
def test_pyright_has_nothing_to_say_of_the_examples(tmp_path):
    """But of those for `eagerflow run`: pyright compares them with the Keras that is installed."""
    examples = sorted((ROOT / "examples").rglob("*.py"))
    examples = [path for path in examples if not re.search(r"^(import|from) keras", path.read_text(), re.MULTILINE)]
    assert len(examples) > 20
    assert pyright_says(Path(sys.executable), tmp_path, examples, {"extraPaths": [str(ROOT)]}) == {}


@pytest.mark.skipif(find_spec("basedpyright") is None, reason="basedpyright isn't installed")
def test_pyright_knows_that_a_function_to_differentiate_takes_a_tensor(python, tmp_path):
    script = tmp_path / "slope.py"
    script.write_text("import eagerflow as ef\nslope = ef.grad(lambda q: reveal_type(q) ** 3)\n", encoding="utf-8")
    words = [sys.executable, "-m", "basedpyright", "--pythonpath", str(python), "--outputjson", str(script)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    found = [each["message"] for each in json.loads(done.stdout)["generalDiagnostics"]]
    assert 'Type of "q" is "Tensor"' in found


class Editor:
    """What an editor asks pyright's language server."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-c", "from basedpyright.langserver import main; main()", "--stdio"]
        self._server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._count = 0
        place = {"uri": folder.as_uri(), "name": "scripts"}
        self.ask(
            "initialize", {"processId": None, "capabilities": {}, "rootUri": place["uri"], "workspaceFolders": [place]}
        )
        self._send({"method": "initialized", "params": {}})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        text = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        self._server.stdin.flush()

    def _received(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        length = 0
        while line := self._server.stdout.readline().strip():
            if line.lower().startswith(b"content-length"):
                length = int(line.partition(b":")[2])
        assert length, "the language server has ended"
        found: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return found

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        self._send({"id": self._count, "method": method, "params": params})
        while True:
            message = self._received()
            if "method" not in message and message["id"] == self._count:
                return message["result"]
            if "method" in message and "id" in message:  # it asks for the editor's settings
                settings = [{}] if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": settings})

    def completions(self, script: Path, text: str) -> list[str]:
        """What is proposed at the `|` in the text of a script."""
        before = text.partition("|")[0]
        document = {"uri": script.as_uri(), "languageId": "python", "version": 1, "text": text.replace("|", "")}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        place = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        found = self.ask("textDocument/completion", {"textDocument": {"uri": script.as_uri()}, "position": place})
        return [item["label"].strip('"') for item in (found["items"] if isinstance(found, dict) else found or [])]

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()


PROPOSED = {
    'Conv2D(8, 3, padding="|")': {"same", "valid"},
    'Conv1D(8, 3, padding="|")': {"same", "valid", "causal"},
    'RandomFlip("|")': {"horizontal", "vertical"},
    'Conv2D(8, 3, data_format="|")': {"channels_last", "channels_first"},
    'Dense(8, activation="|")': {"relu", "softmax", "gelu"},
    'LSTM(8, recurrent_initializer="|")': {"orthogonal", "zeros"},
    'Sequential().compile(optimizer="|")': {"adam", "sgd", "lion"},
    'Sequential().compile("adam", loss="|")': {"mse", "sparse_categorical_crossentropy"},
    'Sequential().compile("adam", "mse", metrics=["|"])': {"accuracy", "auc", "mae"},
    'Sequential().compile("adam", "mse", jit_compile="|")': {"auto"},
    'Activation("|")': {"relu", "gelu"},
    'Dense(8, dtype="|")': {"float32", "mixed_float16"},
    'Input((3,), dtype="|")': {"float32", "int32"},
    'ops.cast(ops.ones(3), "|")': {"float16", "int32"},
    'ops.ones(3, dtype="|")': {"float16", "int32"},
    'Variable(3.0, dtype="|")': {"float16", "int32"},
    'initializers.get("|")': {"he_normal", "zeros"},
    'activations.get("|")': {"relu", "softmax"},
    'TextVectorization(standardize="|")': {"lower"},
    'Bidirectional(LSTM(3), merge_mode="|")': {"concat", "sum"},
    'GradientTape().gradient(1, 2, unconnected_gradients="|")': {"none", "zero"},
    'MeanSquaredError(reduction="|")': {"sum", "none"},
    'EarlyStopping(mode="|")': {"auto", "min", "max"},
    'trace(stats="|")': {"none", "basic", "full"},
}


def test_an_editor_proposes_the_names_that_an_argument_takes(tmp_path):
    if find_spec("basedpyright") is None:
        pytest.skip("basedpyright isn't installed")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}), encoding="utf-8")
    imports = "from eagerflow.layers import *\nfrom eagerflow import GradientTape, Sequential, Variable, activations\n"
    imports += "from eagerflow import initializers, ops\nfrom viz import trace\n"
    imports += "from eagerflow.callbacks import EarlyStopping\nfrom eagerflow.losses import MeanSquaredError\n"
    editor = Editor(tmp_path)
    try:
        for number, (call, names) in enumerate(PROPOSED.items()):
            proposed = editor.completions(tmp_path / f"script_{number}.py", f"{imports}{call}\n")
            assert names <= set(proposed), (call, proposed)
    finally:
        editor.close()


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


def test_type_checkers_know_what_layers_have(python, tmp_path):
    known: dict[str, set[str]] = {}
    for case in layer_cases.CASES:
        layer = case.make(layers)
        inputs = layer_cases.inputs_of(case)[: len(case.shapes)]
        layer(*case.arguments([eagerflow.Tensor(x) for x in inputs]), **case.call)
        for each in layer._flatten_layers():
            if getattr(layers, type(each).__name__, None) is type(each):
                found = known.setdefault(type(each).__name__, set())
                found.update(name for name in vars(each) if not name.startswith("_"))
    assert len(known) > 60
    lines = ["from eagerflow import layers"]
    for kind, names in sorted(known.items()):
        lines += [f"def of_{kind}(layer: layers.{kind}) -> None:", *[f"    layer.{name}" for name in sorted(names)]]
    script = tmp_path / "attributes_of_layers.py"
    script.write_text("\n".join(lines) + "\n", "utf-8")
    assert [(lines[n - 1], text) for n, _, text in by_mypy(python, [script]).get(script.stem, [])] == []

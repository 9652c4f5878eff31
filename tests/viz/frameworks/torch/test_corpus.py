"""The corpus of faulty PyTorch programs is true: each fault does the harm that its docstring says, its twin learns."""

from __future__ import annotations

import contextlib
import io
import math
import warnings

import pytest

from tests.viz.frameworks.torch import corpus
from tests.viz.frameworks.torch.score import judge
from viz.choices import KINDS

torch = pytest.importorskip("torch", reason="PyTorch isn't installed")


def run(source: str, name: str) -> dict:
    """The names that a program leaves behind."""
    names = {"__name__": "__main__", "math": math}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        exec(compile(source, str(corpus.path(name)), "exec"), names)
    return names


def measured(claim: str, names: dict) -> str:
    """The numbers that a claim is about, to be shown where it fails."""
    used = [name for name in compile(claim, "claim", "eval").co_names if not callable(names.get(name))]
    return ", ".join(f"{name} = {names[name]}" for name in used if name in names and name != "math")


@pytest.fixture(autouse=True)
def _seeded_afterwards(one_thread):
    yield
    torch.manual_seed(0)


@pytest.mark.slow  # viz isn't asked: only another program or another PyTorch changes the answer
@pytest.mark.parametrize("twin", ["healthy", "faulty"])
@pytest.mark.parametrize("name", corpus.NAMES)
def test_each_program_does_what_its_docstring_says(name, twin):
    claim = corpus.claims(name)[twin.capitalize()]
    names = run(getattr(corpus, twin)(name), name)
    assert eval(claim, names), f"{name}, {twin}: {claim}, but {measured(claim, names)}"


@pytest.mark.parametrize("name", corpus.NAMES)
def test_each_program_is_marked(name):
    kinds, lines = corpus.expected(name)
    assert kinds
    assert lines
    assert {*kinds} <= {*KINDS}
    assert corpus.claims(name).keys() == {"Source", "Healthy", "Faulty"}
    assert 15 <= len(corpus.faulty(name).splitlines()) <= 70
    compile(corpus.healthy(name), name, "exec")
    assert "# fault" not in corpus.healthy(name)
    assert "# healthy" not in corpus.healthy(name)
    assert "# or here" not in corpus.healthy(name)


def test_there_are_enough():
    assert len(corpus.NAMES) >= 90


def test_a_verdict_asks_for_kind_and_line():
    name = "loss/broadcast_mse"
    (line,) = corpus.expected(name).lines
    right = {"kind": "broadcast", "severity": "error", "line": line}
    assert judge(name, [right]) == (True, True, True)
    assert judge(name, [right | {"line": line + 1}]) == (True, True, False)
    assert judge(name, [right | {"kind": "not_learning"}]) == (True, False, False)
    assert judge(name, [right | {"severity": "info"}]) == (False, False, False)

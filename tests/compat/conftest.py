"""Fixtures of the tests of compat."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sources import ROOT


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run(source, *arguments)`: the source in a file, run by `python -m eagerflow run` in a folder of its own.

    `script` is what the file is called on the command line; by default, by its full path.
    """

    def call(source: str, *arguments: str, script: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        own = {"PYTHONPATH": str(ROOT), "KERAS_HOME": str(tmp_path), "EAGERFLOW_HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "eagerflow", "run", script or str(file), *arguments],
            cwd=tmp_path,
            env={**os.environ, **own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return call

"""The Makefile: what two makes at once do."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.sources import ROOT

# A Python whose venv takes its time, and can't make what is there.
SLOW = f"""#!/bin/sh
if [ "$1 $2" != "-m venv" ]; then exec {sys.executable} "$@"; fi
mkdir .venv && sleep 0.2 && mkdir .venv/bin && touch .venv/bin/pip
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_makes_at_once_make_one_environment(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(SLOW)
    python.chmod(0o755)
    words = ["make", f"PYTHON={python}", ".venv/bin/pip"]
    makes = [
        subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [each.communicate()[0] for each in makes]
    assert [each.returncode for each in makes] == [0, 0], said

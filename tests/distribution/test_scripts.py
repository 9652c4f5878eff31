"""Scripts in the style of Keras' and TensorFlow's tutorials print the same alone and on ranks."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.distribution.pool import mpiexec
from tests.distribution.process_group import completed
from tests.sources import ROOT

FOLDER = Path(__file__).parent / "scripts"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))
DEADLINE = 120.0


def output(script: str, folder: Path, ranks: int = 0, **environment: str) -> tuple[int, str, str]:
    """What a script prints in a process group of its own, which is killed at the deadline."""
    command = [sys.executable, "-m", "eagerflow", "run", str(FOLDER / script)]
    if ranks:
        command = [mpiexec(), "-n", str(ranks), *command]
    # Lines stay whole without PYTHONUNBUFFERED.
    own = {"SCRIPT_FOLDER": str(folder), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}
    done = completed(command, folder, DEADLINE, **own, **environment)
    return done.returncode, done.stdout, done.stderr


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.\d+", text)]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_trains_the_same_model_on_two_ranks(script, tmp_path):
    (tmp_path / "alone").mkdir()
    (tmp_path / "together").mkdir()
    code, alone, errors = output(script, tmp_path / "alone")
    assert code == 0, errors
    code, together, errors = output(script, tmp_path / "together", 2)
    assert code == 0, errors
    expected = numbers(alone)
    found = numbers(together)
    assert expected
    assert len(found) == 2 * len(expected)
    together_sorted, twice = sorted(found), sorted(expected * 2)
    assert together_sorted == pytest.approx(twice, abs=2.1e-4)


def test_several_workers_in_tf_config_name_the_launcher(tmp_path):
    code, _, errors = output("tf_multi_worker.py", tmp_path, SCRIPT_WITH_TF_CONFIG="1")
    assert code == 1
    assert "TF_CONFIG names several workers" in errors
    assert "python -m eagerflow launch -n 2 run" in errors


@pytest.mark.slow
def test_the_first_program_of_the_documentation_prints_the_same_on_three_ranks(tmp_path):
    page = (ROOT / "docs" / "distribution.md").read_text("utf-8")
    (tmp_path / "train.py").write_text(page.partition("```python\n")[2].partition("```")[0], "utf-8")
    alone = completed([sys.executable, "train.py"], tmp_path)
    launched = completed([sys.executable, "-m", "eagerflow", "launch", "-n", "3", "train.py"], tmp_path)
    assert alone.returncode == launched.returncode == 0, launched.stderr
    assert len(launched.stdout.splitlines()) == 1
    assert json.loads(launched.stdout) == pytest.approx(json.loads(alone.stdout), abs=1e-5)

"""`python -m eagerflow info` names what a report of a problem should say."""

import platform

import numpy
import pytest

from eagerflow import __version__
from eagerflow.__main__ import main


def test_info_names_versions_processor_and_blas(capsys):
    assert main(["info"]) == 0
    told = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert told["eagerflow"].strip().startswith(f"{__version__}, ")
    assert platform.python_version() in told["Python"]
    assert told["NumPy"].strip() == numpy.__version__
    assert platform.machine() in told["processor"]
    assert "threads" in told["BLAS"]
    assert "h5py" in told["packages"]


def test_info_takes_no_arguments(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["info", "more"])
    assert ended.value.code == 2
    assert "more" in capsys.readouterr().err

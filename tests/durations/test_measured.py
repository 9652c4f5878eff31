"""The list of tests that take long."""

from __future__ import annotations

import re

from tests.durations.measured import SLOW, slow_ones
from tests.sources import ROOT


def test_the_list_names_tests_that_there_are():
    gone = []
    for name in SLOW.read_text(encoding="utf-8").splitlines():
        file, function = re.fullmatch(r"([\w/]+\.py)::(\w+)(?:\[.*\])?", name).groups()
        path = ROOT / file
        if not path.exists() or f"def {function}(" not in path.read_text(encoding="utf-8"):
            gone.append(name)
    assert gone == []


def test_of_tests_with_parameters_the_shortest_stays_and_some_stay_anyhow():
    took = {"a.py::one": 2.0, "a.py::two[x]": 1.0, "a.py::two[y]": 0.7, "a.py::three": 0.05, "tests/ops/b.py::one": 9.0}
    assert slow_ones(took) == ["a.py::one", "a.py::two[x]"]

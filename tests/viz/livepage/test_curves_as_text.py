"""The curves of a live page as a file: what it says of several trainings is read again as it was."""

from __future__ import annotations

import csv
import io

import pytest

from tests.viz.page.test_both_sides import NODE, run

pytestmark = pytest.mark.skipif(NODE is None, reason="no node")
CURVES_FILE = ["../../livepage/assets/curves_file.js"]


def test_what_was_measured_before_the_first_step_ended_is_of_the_first_training():
    lines = [{"name": "memory", "run": "own", "points": [[x, 5.0, 5.0, 5.0] for x in (0, 1, 6, 7, 12)]}]
    borders = [{"step": 0, "model": "first"}, {"step": 6, "model": "second"}]
    program = """
    const text = writeCurves([{ title: "memory", lines: given.lines }], given.borders);
    return [text, readCurves(text)[1]];
    """
    text, read = run(CURVES_FILE, program, {"lines": lines, "borders": borders})
    rows = csv.DictReader(io.StringIO(text))
    assert [row["training"] for row in rows] == ["1 first"] * 3 + ["2 second"] * 2
    assert read == borders

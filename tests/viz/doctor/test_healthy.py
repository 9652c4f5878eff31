"""Scripts that train as they should get no warning and no error, from the first step to the last."""

from __future__ import annotations

import pytest

from tests.viz.doctor.healthy import HEALTHY
from tests.viz.doctor.planted import PLANTED
from viz.doctor.examine import examine


def test_there_are_as_many_healthy_scripts_as_planted_mistakes():
    assert len(HEALTHY) >= 60
    assert len(HEALTHY) >= sum(map(len, PLANTED.values()))


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_scripts_get_no_warning(name, tmp_path, capsys):
    path = tmp_path / "train.py"
    path.write_text(HEALTHY[name])
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed, capsys.readouterr().err
    assert examination.steps > 0
    assert [f for f in examination.diagnosis if f.severity != "info"] == [], examination.diagnosis.text

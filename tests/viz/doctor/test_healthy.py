"""Scripts that train as they should get no warning and no error, from the first step to the last."""

from __future__ import annotations

import pytest

from tests.test_examples import EXPECTED, result
from tests.viz.doctor.healthy import HEALTHY, NEAR
from tests.viz.doctor.planted import PLANTED
from tests.viz.test_examples import SMALL, load
from viz.doctor import Diagnosis, Watcher
from viz.doctor.watched_script import examine


def test_there_are_as_many_healthy_scripts_as_planted_mistakes():
    assert len(HEALTHY) >= 60
    assert len(HEALTHY) >= sum(map(len, PLANTED.values()))


OFTEN = {*list(NEAR)[::4], *[name for name in HEALTHY if name not in NEAR][::2]}
OTHERS = {*[name for name in HEALTHY if name not in OFTEN][::2]}
MARKED = [pytest.param(n, marks=() if n in OFTEN else pytest.mark.slow) for n in HEALTHY if n in OFTEN | OTHERS]


@pytest.mark.parametrize("name", MARKED)
def test_healthy_scripts_get_no_warning(name, tmp_path, capsys):
    path = tmp_path / "train.py"
    path.write_text(HEALTHY[name])
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed, capsys.readouterr().err
    assert examination.steps > 0
    assert [f for f in examination.diagnosis if f.severity != "info"] == [], examination.diagnosis.text


QUICK = ("custom_loop", "functional", "gan", "digits", "timeseries")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in EXPECTED]
)
def test_the_examples_get_no_warning(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Watcher() as watcher:
        result(name, tmp_path, EXPECTED[name].settings)
    assert watcher.failures == []
    assert watcher.step > 0
    assert [f for f in watcher.findings if f.severity != "info"] == [], Diagnosis(watcher.findings).text


ON_PURPOSE = ("viz_doctor", "viz_nan", "viz_gradients")  # they show mistakes


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) for n in SMALL if n not in ON_PURPOSE])
def test_the_examples_of_viz_get_no_warning(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Watcher() as watcher:
        load(name).main(tmp_path, **SMALL[name])
    assert watcher.failures == []
    assert [f for f in watcher.findings if f.severity != "info"] == [], Diagnosis(watcher.findings).text

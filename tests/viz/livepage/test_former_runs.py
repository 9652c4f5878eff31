"""The last runs of a script, whose curves its next page can draw beside its own."""

from __future__ import annotations

import os
import stat
import tempfile

import pytest

import viz
from tests.viz import browser
from tests.viz.livepage.watching import data, mlp, watched
from viz.livepage.server import folder as folders
from viz.livepage.server.former_runs import FormerRuns
from viz.livepage.server.hub import Hub


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for the pages' processes
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def trained(steps=5, how="finished"):
    hub = Hub()
    hub.take({"is": "points", "series": {"step|loss": [[x, 1.0 / x] for x in range(1, steps + 1)]}})
    hub.take({"is": "status", "step": steps, "elapsed": 1.5})
    hub.take({"is": "end", "how": how, "words": ""})
    return hub


def runs_of(script):
    found = FormerRuns()
    found.script = script
    return found


def test_the_next_page_of_a_script_has_the_curves_of_its_last_run():
    x, y = data()
    with watched() as (page, reader):
        page.belongs_to("train.py")
        mlp().fit(x, y, batch_size=8, epochs=3, verbose=0)
        reader.wait(lambda r: len(r.curves.get("epoch|loss", ())) == 3)
        expected = reader.curves["epoch|loss"]
    with watched() as (page, reader):
        page.belongs_to("train.py")
        page.log(loss=1.0)
        reader.wait(lambda r: r.curves.get("own|loss"))
        (run,) = reader.get("runs")
        assert (run["step"], run["how"]) == (24, "finished")
        assert reader.get(f"runs/{run['name']}")["series"]["epoch|loss"] == expected
        assert reader.get("runs/../../x") is None
    with watched() as (page, reader):
        page.belongs_to("other.py")
        page.log(loss=1.0)
        reader.wait(lambda r: r.curves.get("own|loss"))
        assert reader.get("runs") == []


def test_the_last_runs_of_each_script_are_kept_and_nothing_that_has_no_curve():
    for steps in (5, 6, 7, 8, 2):
        runs_of("a").keep(trained(steps))
    runs_of("b").keep(trained())
    runs_of("").keep(trained())
    assert [run["step"] for run in runs_of("a").facts()] == [8, 7, 6]
    assert len(runs_of("b").facts()) == 1
    here = runs_of("a")
    here.keep(trained(9, "crashed"))
    assert [run["step"] for run in here.facts()] == [8, 7]  # its own isn't a former one
    assert runs_of("a").facts()[0]["how"] == "crashed"


def test_a_damaged_file_is_passed_over():
    runs_of("a").keep(trained())
    runs_of("a").keep(trained(6))
    latest = max(os.listdir(folders.folder()))
    with open(os.path.join(folders.folder(), latest), "r+b") as file:
        file.truncate(30)
    assert [run["step"] for run in runs_of("a").facts()] == [5]


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
def test_nobody_else_can_read_them(place):
    runs_of("a").keep(trained())
    assert stat.S_IMODE(os.stat(folders.folder()).st_mode) == 0o700
    os.chmod(folders.folder(), 0o755)  # somebody else's, say
    assert folders.folder() is None
    assert runs_of("a").facts() == []
    runs_of("a").keep(trained())


@pytest.mark.slow
def test_a_former_run_of_the_script_is_offered_and_drawn(tmp_path):
    program = browser.find()
    if program is None:
        pytest.skip(browser.NONE_FOUND)
    pages, seen = [], browser.Browser(program, tmp_path / "profile")
    try:
        for value in (3.0, 1.0):
            page = viz.live(open_browser=False, linger=0)
            pages.append(page)
            page.belongs_to("train.py")
            for step in range(1, 6):
                page.log({"loss": value}, step=step)
            if value > 1:
                page.close(quit=True)
                page._child._process.wait(10)
        seen.open(page.url)
        seen.wait("window.eagerflowLive?.curves.plots.size === 1")
        toggle = "document.querySelector('.live-compare > button')"
        seen.run(f"{toggle}.click()")
        seen.wait("document.querySelectorAll('.live-menu button').length === 2")
        assert seen.run("document.querySelector('.live-menu button').textContent").startswith("last run, ")
        seen.run(f"{toggle}.click()")  # puts the menu away
        assert seen.run("document.querySelectorAll('.live-menu button').length") == 0
        for width in (390, 1400):
            seen.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 400
            )
            seen.run(f"{toggle}.click()")
            seen.wait("document.querySelectorAll('.live-menu button').length === 2")
            sides = "(({ left, right }) => [left, right])(document.querySelector('.live-menu').getBoundingClientRect())"
            left, right = seen.run(sides)
            assert 0 <= left < right <= width
            seen.run(f"{toggle}.click()")
        seen.run(f"{toggle}.click()")
        seen.wait("document.querySelectorAll('.live-menu button').length === 2")
        seen.run("document.querySelector('.live-menu button').click()")
        told = "document.querySelector('[data-metric=loss] canvas').getAttribute('aria-label')"
        seen.wait(f"/run of \\d\\d:\\d\\d 3, loss 1/.test({told})")
        assert seen.run(f"{toggle}.textContent").startswith("× run of ")
        assert seen.run("document.querySelectorAll('.live-menu button').length") == 0
    finally:
        for page in pages:
            page.close(quit=True)
        seen.close()

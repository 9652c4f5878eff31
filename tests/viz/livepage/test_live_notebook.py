"""The live page inside of a notebook: a picture that is drawn again, holds no address, and stays."""

from __future__ import annotations

import re
import sys
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.base import notebook
from tests.viz.livepage.watching import data, mlp
from tests.viz.picture.shown import pictures, words
from viz.livepage import handle
from viz.livepage.progress import Progress
from viz.livepage.still import still


class Events:
    def __init__(self):
        self.called = []

    def register(self, name, function):
        assert name == "post_run_cell"
        self.called.append(function)

    def unregister(self, name, function):
        self.called.remove(function)


class Shown:
    """A `Place` that remembers what it held."""

    def __init__(self):
        self.fills, self.times, self.is_shown = [], 0, False
        places.append(self)

    def fill(self, plain, html):
        self.times += not self.is_shown
        self.is_shown = True
        self.fills.append((plain, html))

    def repeat(self):
        self.is_shown = False


places: list[Shown] = []


@pytest.fixture
def shell(monkeypatch):
    """A notebook, as far as the program can tell."""
    places.clear()
    found = SimpleNamespace(kernel=object(), events=Events(), execution_count=1)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: found))
    monkeypatch.setattr(notebook, "Place", Shown)
    yield found
    for page in list(handle._in_notebook):
        page.close(quit=True)


def end_cell(shell, result=None):
    for function in list(shell.events.called):
        function(result)
    shell.execution_count += 1


def train(**options):
    x, y = data()
    model = mlp()
    model.fit(x, y, batch_size=24, epochs=2, verbose=0, validation_split=0.25, **options)
    return model


def test_the_cell_shows_curves_and_numbers_and_no_address(shell, capsys):
    page = viz.live(linger=0)
    assert "waiting" in places[0].fills[0][0]
    train()
    end_cell(shell)
    plain, html = places[0].fills[-1]
    assert re.match(r"viz\.live, done after [\d.]+ m?s · epoch 2 / 2 · step 4", plain)
    chart, *_ = map(ET.fromstring, pictures(html))
    assert chart.get("aria-label").startswith("loss: train ")
    assert "validation" in chart.get("aria-label")
    token = page.url.rstrip("/").split("/")[-1]
    assert all(token not in text for fill in places[0].fills for text in fill)
    assert token not in repr(page)
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize(("given", "expected"), [({}, 5.0), ({"linger": 60}, 60.0)])
def test_the_page_goes_soon_after_the_kernel(shell, monkeypatch, given, expected):
    told = []
    made = handle.Child
    monkeypatch.setattr(handle, "Child", lambda html, port, linger: told.append(linger) or made(html, port, linger))
    viz.live(open_browser=False, **given)
    assert told == [expected]


def test_the_page_of_a_program_waits_for_a_browser(monkeypatch):
    told = []
    made = handle.Child
    monkeypatch.setattr(handle, "Child", lambda html, port, linger: told.append(linger) or made(html, port, linger))
    viz.live(open_browser=False).close(quit=True)
    assert told == [600.0]


def test_the_end_of_fit_is_told_before_the_program_ends():
    running = {"mode": "training", "step": 9, "epochs": 3, "epoch": 3, "rate": 2.0, "eta": 0.0}
    assert still({"status": running})[0] == "viz.live, training · epoch 3 / 3 · step 9 · speed 2 steps/s · left 0 s"
    over = {**running, "mode": "done", "took": 4.2}
    assert still({"status": over})[0] == "viz.live, done after 4.2 s · epoch 3 / 3 · step 9"
    assert "#8a949d" in still({"status": over})[1]
    ended = {"status": {"step": 9, "elapsed": 0.3}, "end": {"how": "finished"}}
    assert still(ended)[0] == "viz.live, ended · step 9 · took 0.3 s"
    quick = [still({"status": {**over, "took": took}})[0].split(" · ")[0] for took in (0.00002, 0.0374, 0.1)]
    assert quick == [f"viz.live, done after {took}" for took in ("1 ms", "37 ms", "0.1 s")]


def test_between_two_cells_nothing_trains(shell):
    x, y = data()
    model = mlp()
    viz.live(linger=0)
    model.train_on_batch(x, y)
    end_cell(shell)
    plain, html = places[0].fills[-1]
    assert plain.startswith("viz.live, idle · step 1")
    assert "left" not in plain
    assert "steps/s" not in plain
    assert "#2c9a6f" not in html.split("</b>")[0]
    model.evaluate(x, y, verbose=0)
    end_cell(shell, SimpleNamespace(error_in_exec=None))
    assert places[0].fills[-1][0].startswith("viz.live, idle")
    model.train_on_batch(x, y)
    end_cell(shell, SimpleNamespace(error_in_exec=NameError("y")))
    assert places[-1].fills[-1][0].startswith("viz.live, failed · step 2")


def test_a_line_stands_where_fit_begins_again_in_a_later_cell(shell):
    x, y = data()
    model = mlp()
    page = viz.live(linger=0)
    model.fit(x, y, batch_size=24, epochs=1, verbose=0)
    model.fit(x, y, batch_size=24, epochs=1, verbose=0)  # the same cell: one training
    end_cell(shell)
    assert "in a later cell" not in places[0].fills[-1][1]
    began = page._collector.progress._marks[-1]
    model.evaluate(x, y, verbose=0)
    end_cell(shell)
    model.fit(x, y, batch_size=24, epochs=1, verbose=0)
    end_cell(shell)
    html = places[-1].fills[-1][1]
    assert 'title="fit begins again, in a later cell"' in html
    assert "another model begins" not in html
    steps, first = page._collector.step, page._collector.progress._marks[0]
    assert first[1] > began[1] - 1  # speed is measured from there
    assert steps > first[1]


def test_a_fit_that_fails_takes_nothing_back_from_the_one_before(shell):
    viz.live(linger=0)
    model = train()
    end_cell(shell)
    assert "before" not in places[0].fills[-1][0]
    with pytest.raises(ValueError, match="shape"):
        model.fit(data()[0][:, :2], data()[1], verbose=0)
    end_cell(shell)
    plain, html = places[0].fills[-1]
    assert re.match(r"viz\.live, failed after .* · before: done after [\d.]+ m?s", plain)
    line = html.split("</div>")[0]
    assert [line.count(color) for color in ("#d63a30", "#8a949d")] == [1, 1]
    assert 'opacity="0.45"' not in pictures(html)[0]  # it has no curves of its own
    model.fit(*data(), batch_size=24, epochs=2, verbose=0)
    end_cell(shell)
    plain, html = places[0].fills[-1]
    assert re.match(r"viz\.live, done after .* · before: done after [\d.]+ m?s, failed after [\d.]+ m?s", plain)
    assert 'opacity="0.45"' in pictures(html)[0]  # the curves of the first are fainter
    assert [f">run {i}<" in pictures(html)[0] for i in (1, 2, 3)] == [True, False, True]


def test_one_picture_goes_on_with_what_later_cells_train(shell):
    x, y = data()
    page = viz.live(linger=0)
    end_cell(shell)
    model = train()
    end_cell(shell)
    assert places[0].fills[-1][0].startswith("viz.live, done")
    with pytest.raises(ValueError, match="shape"):
        model.fit(x[:, :2], y, verbose=0)
    end_cell(shell, SimpleNamespace(error_in_exec=ValueError("shape")))
    assert places[0].fills[-1][0].startswith("viz.live, failed")
    assert "ValueError" in places[0].fills[-1][1]
    model.fit(x, y, epochs=3, verbose=0)
    end_cell(shell)
    assert re.match(r"viz\.live, done after [\d.]+ m?s · epoch 3 / 3", places[0].fills[-1][0])
    assert "ValueError" not in places[0].fills[-1][1]
    own_step(model, x, y)
    model.train_on_batch(x, y)
    end_cell(shell)
    assert places[0].fills[-1][0].startswith("viz.live, idle")
    page.close()
    assert (len(places), places[0].times) == (1, 1)


def test_what_fit_returns_shows_no_curves_that_stand_below_the_same_cell(shell):
    page = viz.live(linger=0)
    history = train().history
    assert history._repr_html_() == notebook.pre(repr(history))
    end_cell(shell)
    assert pictures(history._repr_html_())
    page._ipython_display_()
    assert not pictures(history._repr_html_())


def own_step(model, x, y):
    with ef.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    weights = model.trainable_variables
    model.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))


def test_a_diagnosis_is_no_training(shell):
    x, y = data()
    page = viz.live(linger=0)
    model = train()
    end_cell(shell)
    kept, steps = list(places[0].fills), page._collector.step
    assert viz.diagnose(model, x, y, steps=3).findings is not None
    with pytest.raises(ValueError, match="shape"):
        viz.diagnose(model, x[:, :2], y)
    end_cell(shell)
    assert (places[0].fills, len(places), page._collector.step) == (kept, 1, steps)


def test_charts_of_several_models_are_parted_and_show_the_same_steps():
    loss = [[step, 1.0 / step] for step in range(1, 9)]
    news = {"series": {"batch|loss": {"points": loss}, "extra|memory": {"points": [[5, 2.0**20]]}}}
    whole, memory = pictures(still(news)[1])
    borders = [{"step": 0, "words": ""}, {"step": 4, "words": "another model begins"}]
    html = still({**news, "borders": {"list": borders}})[1]
    parted, _ = pictures(html)
    assert (whole.count("<polyline"), parted.count("<polyline")) == (1, 2)
    assert html.count("another model begins") == 2  # in each chart
    # the scale of memory, which was measured once, begins with the others
    assert whole.count(">2</text>") == memory.count(">2</text>") == 1


def test_the_scale_of_the_time_per_step_is_for_the_steps_after_the_first():
    times = [[1, 900.0], [20, 50.0], [40, 2.0], [60, 3.0], [90, 2.5], [101, 700.0], [120, 40.0], [140, 3.0]]
    borders = {"list": [{"step": 0, "words": ""}, {"step": 100, "words": "another model begins"}]}
    (chart,) = pictures(still({"series": {"extra|step ms": {"points": times}}, "borders": borders})[1])
    ticks = [float(each) for each in re.findall(r'text-anchor="end"[^>]*>([\d.,]+)<', chart)]
    assert max(ticks) <= 3.1
    assert chart.count("l-3 5h6z") == 4  # a mark at the edge for each that lies beyond
    assert chart.count("<circle") == 4
    (young,) = pictures(still({"series": {"extra|step ms": {"points": times[:3]}}})[1])
    assert (young.count("l-3 5h6z"), young.count("<circle")) == (1, 2)  # hardly anything else is there yet


def test_the_last_state_stays(shell):
    with viz.live(linger=0):
        train()
    plain, html = places[0].fills[-1]
    assert plain.startswith("viz.live, ended · epoch 2 / 2 · step 4")
    assert "page.open()" not in html
    assert "<polyline" in pictures(html)[0]
    assert "at 1" not in words(html)  # what an untrusted notebook leaves of a picture
    assert shell.events.called == []


def test_an_error_and_what_the_doctor_found_are_shown(shell):
    x, y = data()
    page = viz.live(linger=0)
    with pytest.warns(UserWarning, match="nan"):
        mlp().fit(x * np.float32("nan"), y, batch_size=8, verbose=0)
    with pytest.raises(ValueError), page:
        mlp().fit(x[:, :2], y, verbose=0)
    html = places[0].fills[-1][1]
    assert "crashed" in html
    assert "ValueError" in html
    assert "error, nonfinite." in html


def test_it_is_drawn_while_training_runs_and_not_at_every_step(shell):
    page = viz.live(linger=0)
    page._view._next = 0.0
    train()
    end_cell(shell)
    known = len(places[0].fills)
    page._flush()
    page._view.draw(now=True)
    assert len(places[0].fills) == known  # nothing new
    page.log(score=0.5)
    page._flush()
    page._view.draw()
    assert len(places[0].fills) == known  # too soon
    end_cell(shell)
    assert "score" in places[-1].fills[-1][1]


def test_a_page_alone_in_a_cell_is_shown_there_once(shell):
    page = viz.live(linger=0)
    page._ipython_display_()
    assert places[0].times == 1
    end_cell(shell)
    page._ipython_display_()
    assert places[0].times == 2
    assert len(places) == 1


def test_a_new_page_ends_the_former(shell):
    first = viz.live(linger=0)
    second = viz.live(linger=0)
    assert first._closed
    assert not second._closed
    assert len(shell.events.called) == 1
    assert "ended" in places[0].fills[-1][0]
    second.close(quit=True)


def test_where_there_is_no_screen_a_link_leads_to_the_page_once(shell, monkeypatch):
    monkeypatch.setattr(handle, "_has_screen", lambda: False)
    shown = []
    monkeypatch.setattr(notebook, "show", lambda plain, html: shown.append(html))
    page = viz.live(linger=0)
    page.open()
    page._flush()
    assert f"ssh -N -L {page._child.port}:127.0.0.1:{page._child.port}" in shown[0]
    assert page.url not in shown[0]
    link = shown[0].split('href="')[1].split('"')[0]
    assert page.url in _reached(link)
    assert _reached(link, tries=0) == 404


def _reached(link, tries=500):
    """Where a link leads, or the number of the error; the page's process takes a moment to hear of a new link."""
    try:
        with urllib.request.urlopen(link, timeout=30) as answer:
            return answer.url
    except urllib.error.HTTPError as error:
        error.close()
        time.sleep(0.01)
        return _reached(link, tries - 1) if tries else error.code


def test_samples_are_counted_whatever_the_last_batch_holds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("viz.livepage.progress.time.perf_counter", lambda: now[0])
    progress = Progress()
    model = mlp()
    for step, rows in enumerate([32, 32, 32, 4], 1):
        now[0] += 0.5
        progress.count((np.zeros((rows, 5)), np.zeros(rows)), model)
        status = progress.status(step, now[0], model, "training")
    assert status["samples"] == pytest.approx(100 / 2)
    assert progress.status(4, now[0], model, "evaluating")["samples"] == status["samples"]
    progress.count({"a": {"b": np.zeros((7, 2))}}, model)
    now[0] += 1.5
    assert progress.status(5, now[0], model, "training")["samples"] == pytest.approx(107 / 3.5)


def test_hostile_names_stay_text():
    bad = '<img src=x onerror="alert(1)">'
    news = {
        "series": {
            f"batch|{bad}": {"points": [[1, 0.5], [2, "nan"]]},
            f"extra|{bad}": {"points": [[1, 2.0, 1.0, 3.0]]},
        },
        "status": {"step": 1, "mode": bad},
        "failure": {"type": bad, "message": bad, "layer": bad},
        "findings": {"list": [{"severity": "error", "kind": bad, "message": bad, "fix": bad}]},
    }
    html = still(news, bad)[1]
    assert html.count("<img") == html.count('<img class="eagerflow-picture"') == 2
    ET.fromstring(html)


def test_what_a_program_logs_has_its_own_name_unless_others_are_in_its_chart():
    names = ("own|beta", "own|f1", "validation|f1", "own|loss", "batch|loss")
    drawn = pictures(still({"series": {name: {"points": [[1, 0.5], [2, 0.25]]} for name in names}})[1])
    assert [ET.fromstring(each).get("aria-label") for each in drawn] == [
        "loss: logged 0.25, epoch's mean so far 0.25",
        "beta: beta 0.25",
        "f1: train 0.25, validation 0.25",
    ]


def test_single_steps_beside_epochs_have_a_name_and_a_colour_of_their_own():
    names = ("step|loss", "batch|loss", "epoch|loss", "step|accuracy")
    drawn = pictures(still({"series": {name: {"points": [[1, 0.5], [2, 0.25]]} for name in names}})[1])
    labels = [ET.fromstring(each).get("aria-label") for each in drawn]
    assert labels == ["loss: single steps 0.25, train 0.25", "accuracy: train 0.25"]


def test_the_mean_so_far_is_drawn_of_the_epoch_that_runs_and_alone_in_the_first():
    means, ends = [[1, 3.0], [2, 2.5], [3, 2.0], [4, 1.5], [5, 1.0]], [[2, 2.5], [4, 1.5]]

    def label(batch, epoch):
        (chart,) = pictures(still({"series": {"batch|loss": {"points": batch}, "epoch|loss": {"points": epoch}}})[1])
        return ET.fromstring(chart).get("aria-label")

    assert label(means[:2], ends[:1]) == "loss: epoch's mean so far 2.5"
    assert label(means[:4], ends) == "loss: train 1.5"
    assert label(means, ends) == "loss: epoch's mean so far 1, train 1.5"

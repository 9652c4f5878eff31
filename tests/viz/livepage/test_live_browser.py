"""The live page in a real browser: it updates, at few and at ten thousand ops, with nothing in the console."""

from __future__ import annotations

import csv
import io
import json
import re
import socket

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz import browser
from tests.viz.livepage.watching import data, mlp

pytestmark = pytest.mark.slow

HOSTILE = '</script><img src=x onerror="window.hacked=1">\'"`${window.hacked=2}\u202eλ🙂' + "x" * 10_000
EVENTS = ("Runtime.exceptionThrown", "Log.entryAdded")


class Watching(browser.Browser):
    """A browser that notes what is said in the console."""

    def __init__(self, *arguments):
        self.said = []
        super().__init__(*arguments)
        self.call("Runtime.enable")
        self.call("Log.enable")

    def _next(self):
        message = super()._next()
        kind, facts = message.get("method"), message.get("params", {})
        if kind in EVENTS or (kind == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning")):
            self.said.append(json.dumps(facts)[:1000])
        return message


@pytest.fixture
def page_in_browser(tmp_path):
    program = browser.find()
    if program is None:
        pytest.skip("no Chromium is installed")
    page = viz.live(open_browser=False, linger=0, every=0, overhead=1.0)
    seen = Watching(program, tmp_path / "profile")
    try:
        seen.open(page.url)
        seen.wait("document.documentElement && document.documentElement.dataset.live === 'waiting'")
        yield page, seen
        assert seen.said == []
    finally:
        page.close(quit=True)
        seen.close()


def drawn(seen, metric):
    """How much ink is on the chart of a metric."""
    return seen.run(
        f"""(() => {{ const canvas = document.querySelector('[data-metric="{metric}"] canvas');
        if (!canvas || !canvas.width) return 0;
        const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let ink = 0; for (let i = 3; i < bytes.length; i += 4) ink += bytes[i] > 0; return ink; }})()"""
    )


def label(seen, metric):
    return seen.run(f"document.querySelector('[data-metric=\"{metric}\"] canvas').getAttribute('aria-label')")


def test_curves_and_the_graph_update_while_training_runs(page_in_browser):
    _, seen = page_in_browser
    x, y = data()
    model = mlp()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, validation_split=0.25)
    seen.wait("Number(document.documentElement.dataset.graph) >= 1")
    seen.wait("document.querySelectorAll('[data-metric]').length >= 5")
    told = "document.querySelector('[data-metric=\"loss\"] canvas').getAttribute('aria-label')"
    seen.wait(f"/, train .*validation/.test({told})")
    assert drawn(seen, "loss") > 500
    first, graph = label(seen, "loss"), seen.run("Number(document.documentElement.dataset.graph)")
    assert ", train " in first
    assert "epoch's mean so far" not in first  # the same number at an epoch's end
    assert "validation" in first
    seen.wait(
        "/^time per step: .*inside the step/.test("
        "document.querySelector('[data-metric=\"extra|step ms\"] canvas')?.getAttribute('aria-label'))"
    )
    stage = "document.querySelector('.stage').clientHeight / document.querySelector('.viewer').clientHeight"
    assert 0.45 < seen.run(stage) < 0.65  # curves first, and the graph is more than a strip
    assert seen.run("eagerflowViewer.state.color") == "time"
    assert seen.run("document.querySelectorAll('.stage svg text').length") > 10
    model.fit(x, y, batch_size=8, epochs=3, verbose=0, validation_split=0.25)
    seen.wait(f"Number(document.documentElement.dataset.graph) > {graph}")
    seen.wait(
        f"document.querySelector('[data-metric=\"loss\"] canvas').getAttribute('aria-label') !== {json.dumps(first)}"
    )
    seen.wait("/3 \\/ 3/.test(document.querySelector('.live-line').textContent)")


def test_log_scale_smoothing_and_values_under_the_pointer(page_in_browser):
    page, seen = page_in_browser
    for step in range(300):
        page.log(
            {"loss": 10.0 ** -(step / 100), "val_loss": 2.0, "odd": float("nan") if step == 250 else step}, step=step
        )
    seen.wait("document.querySelectorAll('[data-metric]').length >= 2")
    seen.wait("/validation 2/.test(document.querySelector('[data-metric=\"loss\"]').textContent)")
    linear = seen.run("document.querySelector('[data-metric=\"loss\"] canvas').toDataURL()")
    seen.run("document.querySelector('.live-controls input[type=checkbox]').click()")
    seen.wait(f"document.querySelector('[data-metric=\"loss\"] canvas').toDataURL() !== {json.dumps(linear)}")
    seen.run(
        "(() => { const slider = document.querySelector('.live-controls input[type=range]'); slider.value = 0.9;"
        " slider.dispatchEvent(new Event('input')); })()"
    )
    box = seen.run(
        "(() => { const b = document.querySelector('[data-metric=\"loss\"] canvas').getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + 60]; })()"
    )
    seen.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    tip = seen.wait("document.querySelector('[data-metric=\"loss\"] .plot-tip').textContent")
    assert tip.startswith("step 1")
    assert "smoothed" in tip
    assert "nan" not in label(seen, "odd")


def test_a_stretch_dragged_over_in_one_chart_is_shown_in_all(page_in_browser):
    page, seen = page_in_browser
    for step in range(300):
        page.log({"loss": 1 + 1 / (step + 1), "other": float(step)}, step=step)
    seen.wait("['loss', 'other'].every(name => Boolean(eagerflowLive.curves.plots.get(name)?.brush))")
    seen.wait("eagerflowLive.curves.plots.get('other').x[1] === 299")
    left, top, width = seen.run(
        "(() => { const b = document.querySelector('[data-metric=\"loss\"] canvas').getBoundingClientRect(),"
        " { left } = eagerflowLive.curves.plots.get('loss'); return [b.x + left, b.y + 50, b.width - left - 10]; })()"
    )
    at = [(left + width * share, top) for share in (0.25, 0.4, 0.5)]
    for kind, (x, y) in zip(("mousePressed", "mouseMoved", "mouseReleased"), at):
        seen.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    shown = "['loss', 'other'].map(name => eagerflowLive.curves.plots.get(name).x.map(Math.round))"
    assert all(abs(low - 75) <= 2 and abs(high - 150) <= 2 for low, high in seen.run(shown))
    highest = seen.run("eagerflowLive.curves.plots.get('other').y[1]")
    assert 150 < highest < 170  # the axis is for what is seen
    chosen = "document.querySelector('[aria-label^=\"which steps\"]').selectedOptions[0].textContent"
    assert re.fullmatch(r"7\d–1[45]\d", seen.run(chosen))
    key = "eagerflowLive.curves.plots.get('loss').canvas.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{}' }}))"
    seen.run(key.format("+"))
    (low, high), _ = seen.run(shown)
    assert high - low == pytest.approx(37, abs=3)
    seen.run("eagerflowLive.curves.plots.get('other').canvas.dispatchEvent(new MouseEvent('dblclick'))")
    assert seen.run(shown) == [[0, 299], [0, 299]]
    assert seen.run(chosen) == "all steps"


def test_the_numbers_of_all_curves_are_saved_as_a_file(page_in_browser):
    page, seen = page_in_browser
    page.log({"loss": 2.5, "val_loss": float("nan"), 'a, "b"': 1.0}, step=7)
    seen.wait("eagerflowLive.curves.plots.size === 2")
    seen.run(
        "(() => { const made = URL.createObjectURL; URL.createObjectURL = (blob) => { window.saved = blob;"
        " return made.call(URL, blob); };"
        " HTMLAnchorElement.prototype.click = function () { window.called = this.download; };"
        " window.eagerflowProgram = 'train'; document.querySelector('.live-controls button').click(); })()"
    )
    assert re.fullmatch(r"train_\d{4}-\d{6}\.csv", seen.run("called"))
    rows = list(csv.DictReader(io.StringIO(seen.run("saved.text()"))))
    assert [row["curve"] for row in rows] == ["loss", "loss", 'a, "b"']
    assert [(row["line"], row["step"], row["value"]) for row in rows[:2]] == [
        ("train", "7", "2.5"),
        ("validation", "7", "nan"),
    ]


def test_an_earlier_run_is_drawn_beside_this_one(page_in_browser):
    page, seen = page_in_browser
    for step in range(20):
        page.log({"loss": 1.0, 'a, "b"': 2.0}, step=step)
    seen.wait("eagerflowLive.curves.plots.size === 2")
    load = """(text) => { const input = document.querySelector('.live-controls input[type=file]'),
      files = new DataTransfer(); files.items.add(new File([text], 'old.csv')); input.files = files.files;
      input.dispatchEvent(new Event('change')); }"""
    seen.run(f"({load})(eagerflowLive.curves.csv().replaceAll(',1,', ',3,').replace(/,19,.*/, ',40,nan,nan,nan,'))")
    seen.wait("eagerflowLive.curves.comparison.lines.size === 2")
    assert label(seen, "loss") == "loss: old nan, loss 1"
    other = "eagerflowLive.curves.plots.get('a, \"b\"').canvas.getAttribute('aria-label')"
    assert seen.run(other) == 'a, "b": old 2, a, "b" 2'
    x, (_, high) = seen.run("(({ x, y }) => [x, y])(eagerflowLive.curves.plots.get('loss'))")
    assert (x[1], high > 3) == (40, True)
    assert "old" not in seen.run("eagerflowLive.curves.csv()")
    swatches = "[...document.querySelectorAll('[data-metric=loss] .plot-key')].map((each) => each.style.background)"
    assert ["repeating" in each for each in seen.run(swatches)] == [True, False]  # dashed, as its line is
    seen.run("[...document.querySelectorAll('.live-controls button')].find((b) => b.textContent === '× old').click()")
    assert label(seen, "loss") == "loss: loss 1"
    seen.run(f"({load})('something,else\\n1,2\\n')")
    seen.wait("/old.csv holds no curves/.test(document.querySelector('.live-controls').textContent)")


TO_COMPARE = """(name, ...parts) => { const input = document.querySelector('.live-controls input[type=file]'),
  files = new DataTransfer(); files.items.add(new File(parts, name)); input.files = files.files;
  input.dispatchEvent(new Event('change')); }"""


def test_a_line_is_hidden_in_all_charts_by_its_name_and_shown_again(page_in_browser):
    page, seen = page_in_browser
    for step in range(30):
        page.log({"loss": 1.0 + step, "val_loss": 100.0, "f1": 0.5, "val_f1": 0.25, "val_only": 1.0}, step=step)
    seen.wait("['loss', 'f1', 'only'].every(name => Boolean(eagerflowLive.curves.plots.get(name)?.brush))")
    lines = "['loss', 'f1', 'only'].map(name => eagerflowLive.curves.plots.get(name).lines.map(line => line.name))"
    most = "eagerflowLive.curves.plots.get('loss').y[1]"
    assert seen.run(most) > 100
    click = "document.querySelector('[data-metric=loss] .plot-line:last-child').click()"
    seen.run(click)
    assert seen.run(lines) == [["train"], ["train"], ["validation"]]  # no chart is left empty
    assert seen.run(most) < 40
    seen.run("(document.querySelector('[data-metric=f1] canvas').focus(), 1)")
    seen.run("(document.querySelector('[data-metric=f1] .plot-line').focus(), 1)")  # the chart is drawn anew
    assert seen.run("document.activeElement.className") == "plot-line"
    pressed = "[...document.querySelectorAll('[data-metric=f1] .plot-line')].map(each => each.ariaPressed)"
    assert seen.run(pressed) == ["true", "false"]
    seen.run(click)
    assert seen.run(lines) == [["train", "validation"]] * 2 + [["validation"]]
    page.close()
    seen.wait("document.querySelector('.stage').textContent.includes('The program ended without one')")


def test_trainings_that_followed_each_other_are_drawn_one_over_the_other(page_in_browser):
    _, seen = page_in_browser
    x, y = data()
    for name in ("first", "second"):
        mlp(name).fit(x, y, batch_size=8, epochs=2, verbose=0, validation_split=0.25)
    seen.wait(
        "eagerflowLive.curves.options.borders.length === 2 && Boolean(eagerflowLive.curves.plots.get('loss')?.brush)"
    )
    seen.wait("eagerflowLive.curves.series.get('validation|loss').length === 4")
    lines = (
        "eagerflowLive.curves.plots.get('loss').lines.map(({ name, points }) => [name, points.map(([step]) => step)])"
    )
    overlay = "[...document.querySelectorAll('.live-controls button')].find((each) => each.textContent === 'overlay')"
    logged = (  # without the memory of the process, which is read in its own time
        "eagerflowLive.curves.csv().split('\\n').filter((row) => !row.startsWith('memory'))"
    )
    before = seen.run(logged)
    seen.run(f"{overlay}.click()")
    assert sorted(seen.run(lines)) == [
        ["train, 1 first", [6, 12]],
        ["train, 2 second", [6, 12]],
        ["validation, 1 first", [6, 12]],
        ["validation, 2 second", [6, 12]],
    ]
    assert seen.run("eagerflowLive.curves.plots.get('loss').x[1]") == 12
    assert seen.run(logged) == before
    seen.run(f"{overlay}.click()")
    assert seen.run("eagerflowLive.curves.plots.get('loss').x[1]") == 24


def test_histograms_are_fetched_when_looked_at(page_in_browser):
    _, seen = page_in_browser
    x, y = data()
    mlp().fit(x, y, batch_size=8, epochs=3, verbose=0)
    seen.wait("Number(document.documentElement.dataset.graph) >= 1")
    seen.run("document.getElementById('tab-histograms').click()")
    seen.wait("document.querySelectorAll('[data-tensor]').length === 4")
    seen.run("document.querySelector('.live-controls [data-value=activations]').click()")
    seen.wait("document.querySelectorAll('[data-tensor]').length === 2")
    seen.wait("/mean .* std/.test(document.querySelector('[data-tensor]').textContent)")
    assert seen.run("document.querySelector('[data-tensor] canvas').width") > 100
    card = seen.run(
        "(({ each, left, split, finite }) => [each * finite.length, split - left, finite.length])"
        "(document.querySelector('[data-tensor]').card)"
    )
    filled, room, count = card
    assert filled == pytest.approx(room * min(1, count / 4))  # they take the width, be they ever so few


def test_a_crash_keeps_the_page_and_shows_the_error(page_in_browser):
    page, seen = page_in_browser
    x, y = data()
    model = mlp()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    seen.wait("Number(document.documentElement.dataset.graph) >= 1")
    with pytest.raises(ValueError), page:
        model.fit(x[:, :3], y, verbose=0)
    seen.wait("document.documentElement.dataset.live === 'crashed'")
    seen.wait("document.querySelector('.live-failure').textContent.includes('test_live_browser.py')")
    assert "ValueError" in seen.run("document.querySelector('.live-failure').textContent")
    page.close(quit=True)
    seen.wait("/page closed/.test(document.querySelector('.live-word').textContent)")
    assert drawn(seen, "loss") > 500  # what the page has, it keeps
    assert seen.run("document.querySelectorAll('.stage svg text').length") > 10
    seen.said.clear()  # of the server that has gone, the browser itself says so


def test_hostile_names_do_nothing(page_in_browser):
    page, seen = page_in_browser
    x, y = data()
    named = [layers.Dense(4, name=HOSTILE.replace("/", "∕")), layers.Dense(3)]
    model = ef.Sequential(named, name="<b>bold</b>".replace("/", "∕"))
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    page.log({HOSTILE: 1.0, "__proto__": 2.0, "val_" + HOSTILE: 3.0})
    page.report(ValueError(HOSTILE))
    seen.wait("Number(document.documentElement.dataset.graph) >= 1")
    seen.wait("document.querySelectorAll('[data-metric]').length >= 5")
    seen.run("document.getElementById('tab-histograms').click()")
    seen.wait("document.querySelectorAll('[data-tensor]').length >= 4")
    seen.wait("document.querySelector('.live-message')?.textContent.startsWith('</scr' + 'ipt><img')")
    assert seen.run("window.hacked === undefined")
    assert seen.run("document.querySelectorAll('img, b.bold').length") == 0
    assert seen.run("document.documentElement.scrollWidth <= innerWidth")


def test_what_the_graph_holds_stays_while_it_is_held(page_in_browser):
    _, seen = page_in_browser
    x, y = data()
    model = mlp()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    seen.wait("Number(document.documentElement.dataset.graph) >= 1")
    seen.run("document.querySelector('.live-follow').click()")
    held = seen.run("document.documentElement.dataset.graph")
    version = seen.run("Number(document.documentElement.dataset.version)")
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    seen.wait(f"Number(document.documentElement.dataset.version) > {version}")
    seen.wait("eagerflowLive.known.step > eagerflowLive.shown.step")
    assert seen.run("document.documentElement.dataset.graph") == held
    seen.run("document.querySelector('.live-follow').click()")
    seen.wait(f"document.documentElement.dataset.graph !== '{held}'")


@pytest.mark.slow
def test_ten_thousand_ops(page_in_browser):
    _, seen = page_in_browser
    hidden = [layers.Dense(4, activation="tanh", name=f"hidden_{i}") for i in range(1700)]
    model = ef.Sequential([ef.Input((5,)), *hidden, layers.Dense(3)], name="deep")
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 5)).astype("float32"), rng.integers(0, 3, 24)
    model.fit(x, y, batch_size=8, verbose=0)
    seen.wait("Number(document.documentElement.dataset.graph) >= 1", 120)
    assert seen.run("eagerflowViewer.data.ops.name.length") >= 10_000
    assert seen.run("eagerflowViewer.timings.show") < 3000  # a shared machine is allowed twice the goal
    assert seen.run("document.querySelectorAll('.stage svg text').length") > 10
    seen.wait("document.querySelectorAll('[data-metric]').length >= 3")
    assert drawn(seen, "loss") > 300


@pytest.mark.slow
def test_what_the_cockpit_says_stands_on_the_page(page_in_browser):
    _, seen = page_in_browser
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    cockpit = ef.callbacks.Cockpit(every=1, verbose=0)
    model.fit(ef.ops.ones((32, 3)), ef.ops.ones((32, 2)), batch_size=8, verbose=0, callbacks=[cockpit])
    seen.wait("!document.querySelector('.live-advice').hidden")
    assert seen.run("document.querySelector('.live-advice').textContent") == cockpit.advice
    seen.wait("document.querySelector('[data-metric=\"extra|cockpit: alpha\"]') !== null")


def test_the_head_says_when_fit_has_ended_and_when_another_begins(page_in_browser):
    _, seen = page_in_browser
    word = "[eagerflowLive.word.textContent, eagerflowLive.dot.dataset.state, eagerflowLive.tiles.textContent]"
    status = {"mode": "training", "step": 9, "epochs": 3, "epoch": 3, "rate": 2.0, "eta": 0.0}
    said = [
        seen.run(f"(eagerflowLive.take({{ status: {json.dumps({**status, **more})} }}), {word})")
        for more in ({}, {"mode": "done", "took": 4.2}, {"mode": "stopped", "took": 0.1}, {"step": 10})
    ]
    assert [each[:2] for each in said] == [
        ["training", "running"],
        ["done", "done"],
        ["stopped", "interrupted"],
        ["training", "running"],
    ]
    assert ["left" in each[2] for each in said] == [True, False, False, True]
    assert ["took4.2 s" in each[2] for each in said] == [False, True, False, False]


def test_a_finding_of_each_severity_is_seen_in_its_tab(page_in_browser):
    _, seen = page_in_browser
    found = [
        {"kind": "lr_too_high", "severity": kind, "message": f"of {kind}"} for kind in ("error", "warning", "info")
    ]
    found[0] |= {"file": "train.py", "line": 7, "code": "model.fit(x, y)"}
    seen.run(f"eagerflowLive.showFindings({json.dumps(found)})")
    assert seen.run("document.getElementById('tab-doctor').title") == "Doctor: 1 error, 1 warning, 1 hint"
    seen.run("document.getElementById('tab-doctor').click()")
    hit = seen.wait(
        """(() => { const found = [...document.querySelectorAll('.finding')].map((entry) => {
        const b = entry.getBoundingClientRect(), top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
        return top && top.closest('.finding') === entry ? entry.querySelector('p').textContent : 'covered'; });
        return found.length ? found : null; })()"""
    )
    assert hit == ["of error", "of warning", "of info"]
    heads = seen.run("[...document.querySelectorAll('.finding h3')].map((each) => each.textContent)")
    assert heads == ["errorlr_too_high", "warninglr_too_high", "infolr_too_high"]  # as `viz doctor` says them
    found[2]["because"] = "unscaled_input"
    seen.run(f"eagerflowLive.showFindings({json.dumps(found)})")
    told = seen.run("[...document.querySelectorAll('.finding-where')].map((each) => each.textContent)")
    assert told == ["train.py:7", "a consequence of unscaled_input, above: mend that first"]
    assert seen.run("[...document.querySelectorAll('.finding code')].map((each) => each.textContent)") == [
        "model.fit(x, y)"
    ]


BADGE = "[...document.querySelectorAll('#tab-doctor .live-badge')].map((each) => [each.className, each.textContent])"
STRIP = "(({ hidden, className, textContent }) => hidden ? null : [className, textContent])(eagerflowLive.strip.node)"


def test_an_error_is_loud_and_leads_to_its_tab_a_hint_is_not(page_in_browser):
    _, seen = page_in_browser
    hint, warning, error = [
        {"kind": kind, "severity": severity, "message": f"of {severity}", "file": "/home/me/train.py", "line": 7}
        for kind, severity in (("unscaled_input", "info"), ("overfit", "warning"), ("loss_mismatch", "error"))
    ]
    seen.run(f"eagerflowLive.showFindings({json.dumps([hint])})")
    assert seen.run(BADGE) == [["live-badge info", "1"]]
    assert seen.run(STRIP) is None
    seen.run(f"eagerflowLive.showFindings({json.dumps([warning, hint])})")
    assert seen.run(BADGE) == [["live-badge warning", "1"]]
    kind, words = seen.run(STRIP)
    assert (kind, "warning overfit of warning" in words) == ("live-finding warning", True)
    seen.run(f"eagerflowLive.showFindings({json.dumps([error, warning, hint])})")
    assert seen.run(BADGE) == [["live-badge error", "1"]]
    kind, words = seen.run(STRIP)
    assert kind == "live-finding error"
    assert words.startswith("error loss_mismatch of errortrain.py:7 · and 1 more → Doctor")
    assert seen.run("eagerflowLive.findings.node.isConnected") is False
    seen.run("document.querySelector('.live-finding-words').click()")
    assert seen.run("eagerflowLive.findings.node.isConnected") is True
    seen.run("document.querySelector('.live-finding .live-close').click()")
    assert seen.run(STRIP) is None
    seen.run(f"eagerflowLive.showFindings({json.dumps([{**error, 'kind': 'frozen'}, error, hint])})")
    assert "frozen" in seen.run(STRIP)[1]  # which nobody has put away


def test_charts_share_their_steps_and_a_value_far_away_may_be_ignored(page_in_browser):
    page, seen = page_in_browser
    for step in range(60):
        page.log({"loss": 1000.0 if step == 3 else 1 + step / 60}, step=step)
    page.log({"late": 1.0}, step=80)
    seen.wait("eagerflowLive.curves.plots.has('late')")
    ignore = (
        "[...document.querySelectorAll('.live-controls label')].find((e) => /outliers/.test(e.textContent)).control"
    )
    assert seen.run(f"{ignore}.checked")
    told = "(({ hidden, textContent }) => hidden ? null : textContent)(eagerflowLive.curves.plots.get('loss').beside)"
    assert seen.run("eagerflowLive.curves.plots.get('loss').y[1]") < 3
    assert seen.run(told) == "1 value outside, up to 1,000"
    assert label(seen, "loss").endswith("; 1 value outside, up to 1,000")
    seen.run(f"{ignore}.click()")
    assert seen.run(told) is None
    axes = "['loss', 'late'].map((id) => eagerflowLive.curves.plots.get(id)).map(({ x, y }) => [x[1], y[1]])"
    (loss_until, loss_most), (late_until, _) = seen.run(axes)
    assert loss_until == late_until == 80
    assert loss_most > 1000


def outside(seen, **lines):
    """What is said of the chart of `loss` with these lines, and the greatest value that its axis shows."""
    series = {f"{run}|loss": {"all": True, "points": list(enumerate(ys, 1))} for run, ys in lines.items()}
    seen.run(f"eagerflowLive.curves.series.clear(); eagerflowLive.take({{ series: {json.dumps(series)} }})")
    seen.wait("eagerflowLive.curves.plots.get('loss')?.y")
    seen.run("eagerflowLive.curves.drawNow()")
    return seen.run("((p) => [p.outside(), p.y[1]])(eagerflowLive.curves.plots.get('loss'))")


def test_a_loss_that_falls_or_rises_step_by_step_is_no_outlier(page_in_browser):
    _, seen = page_in_browser
    falling = [0.87 * 0.75**k for k in range(200)]
    told, most = outside(seen, step=falling)
    assert (told, most > 0.87) == ("", True)
    told, most = outside(seen, step=[1.0] * 200 + [1.4**k for k in range(9)])  # it diverges
    assert (told, most > 14) == ("", True)
    told, most = outside(seen, step=[*falling[:100], 9.0, *falling[100:]])
    assert told == "1 value outside, up to 9"
    assert 0.8 < most < 2
    told, _ = outside(seen, step=[0.02 + k % 2 / 1000 for k in range(100)] + [9.0, 7.0, 5.0, 3.0, 1.0] + [0.02] * 100)
    assert told == "5 values outside, up to 9"  # a jump, though it fades
    seen.run("eagerflowLive.curves.takeBorders([{ step: 0 }, { step: 200 }])")
    assert outside(seen, step=falling * 2)[0] == ""  # of each of two trainings
    seen.run("eagerflowLive.curves.takeBorders([])")


def test_many_charts_can_be_filtered_by_their_names(page_in_browser):
    page, seen = page_in_browser
    field = "document.querySelector('.live-controls [type=search]')"
    page.log({f"few_{number}": 1.0 for number in range(9)}, step=1)
    seen.wait("eagerflowLive.curves.plots.size === 9")
    assert seen.run(f"{field}.hidden")
    page.log({f"group/metric_{number}": 1.0 for number in range(11)}, step=1)
    seen.wait(f"eagerflowLive.curves.plots.size === 20 && !{field}.hidden")
    order = "[...document.querySelectorAll('[data-metric]')].map((each) => each.dataset.metric)"
    assert seen.run(order)[-11:] == [f"group/metric_{number}" for number in range(11)]
    enter = "((word) => {{ const field = {}; field.value = word; field.dispatchEvent(new Event('input')); }})('{}')"
    shown = "document.querySelectorAll('[data-metric]').length"
    seen.run(enter.format(field, "Metric_1"))
    assert seen.run(shown) == 2  # metric_1 and metric_10
    seen.run(enter.format(field, "nothing"))
    assert seen.run(shown) == 20
    assert seen.run(f"{field}.classList.contains('live-bad')")


def test_scales_and_smoothing_stay_when_the_page_is_loaded_again(page_in_browser):
    page, seen = page_in_browser
    page.log(loss=1.0)
    seen.wait("eagerflowLive.curves.plots.size === 1")
    seen.run("eagerflowLive.curves.set({ log: true, weight: 0.6, robust: false })")
    seen.run("(window.stale = true, location.reload())")
    seen.wait("!window.stale && window.eagerflowLive?.curves.plots.size === 1")
    value = "each.type === 'range' ? each.value : each.checked"
    controls = f"[...document.querySelectorAll('.live-controls label input')].map((each) => {value})"
    assert seen.run(controls) == [True, False, "0.6"]
    assert seen.run("(({ log, weight, robust }) => [log, weight, robust])(eagerflowLive.curves.options)") == [
        True,
        0.6,
        False,
    ]


def test_the_horizontal_axis_counts_steps_epochs_or_time(page_in_browser):
    _, seen = page_in_browser
    box = "eagerflowLive.curves.axisBox"
    news = {
        "batch|loss": [[x, 2.0 / x] for x in range(1, 31)],
        "validation|loss": [[10, 1.0], [20, 0.5], [30, 0.4]],
        "mark|epoch": [[10, 1], [20, 2], [30, 3]],
        "mark|time": [[1, 0.0], [11, 10.0], [31, 400.0]],
    }
    news = {name: {"all": True, "points": points} for name, points in news.items()}
    seen.run(f"eagerflowLive.take({{ series: {json.dumps({'batch|loss': news['batch|loss']})} }})")
    seen.wait("eagerflowLive.curves.plots.size === 1")
    disabled = f"[...{box}.options].map((each) => each.disabled)"
    assert seen.run(disabled) == [False, True, True]
    seen.run(f"eagerflowLive.take({{ series: {json.dumps(news)} }})")
    seen.wait(f"!{box}.options[1].disabled && !{box}.options[2].disabled")
    choose = "((value) => {{ {0}.value = value; {0}.dispatchEvent(new Event('change')); }})('{1}')"
    plot = "eagerflowLive.curves.plots.get('loss')"
    validation = f"{plot}.lines.find(({{ name }}) => name === 'validation').points.map(([x]) => x)"
    seen.run(choose.format(box, "epoch"))
    assert seen.run(validation) == [1, 2, 3]
    assert seen.run(f"[{plot}.axis, ...{plot}.x, {plot}.y[1] < 2.2]") == ["epoch", 0.1, 3, True]
    seen.run(f"{plot}.point({plot}.toX(1.5))")
    assert seen.run(f"{plot}.tip.textContent").startswith("epoch 1.5, step 15")
    assert "end of epoch" not in seen.run(f"{plot}.tip.textContent")
    seen.run(choose.format(box, "time"))
    assert seen.run(f"{plot}.axis") == "min"
    assert seen.run(validation) == pytest.approx([9 / 60, (10 + 9 * 19.5) / 60, (10 + 19 * 19.5) / 60])
    seen.run(f"{plot}.point({plot}.toX(10))")
    assert " min, step 30" in seen.run(f"{plot}.tip.textContent")
    assert seen.run("eagerflowLive.curves.csv()").splitlines()[1].split(",")[2] == "1"  # files hold steps
    seen.run(f"({TO_COMPARE})('old.csv', eagerflowLive.curves.csv())")  # of which the time isn't known
    seen.wait("eagerflowLive.curves.comparison.lines.size === 1")
    assert seen.run(f"[{plot}.axis, {box}.value]") == ["step", "step"]
    assert seen.run(disabled) == [False, True, True]
    seen.run("eagerflowLive.curves.comparison.set('', new Map(), [])")
    assert seen.run(f"[{plot}.axis, {box}.value]") == ["min", "time"]
    seen.run("eagerflowLive.curves.takeBorders([{ step: 0, model: 'a' }, { step: 20, model: 'b' }])")
    seen.run("eagerflowLive.curves.set({ overlaid: true, kind: 'epoch' })")
    assert seen.run(f"{plot}.lines.map(({{ points }}) => points.length && points.at(-1)[0])")[-2:] == [2, 1]


def test_a_line_of_gradient_norms_has_a_gap_where_they_were_not_measured(page_in_browser):
    _, seen = page_in_browser
    steps = [*range(0, 300, 10), 700, *range(1100, 1300, 10), *range(1300, 1400)]
    rounds = [start + step for start in range(0, 600, 20) for step in range(3)]  # of a critic, three steps in a row
    news = {
        name: {"all": True, "points": [[step, 1 + step % 7] for step in found]}
        for name, found in {"extra|gradient norm": steps, "extra|gradient norm (critic)": rounds}.items()
    }
    seen.run(f"eagerflowLive.take({{ series: {json.dumps(news)} }})")
    seen.wait("eagerflowLive.curves.plots.get('extra|gradient norm (critic)')?.drawn?.[0].gaps.length === 0")
    plot = "eagerflowLive.curves.plots.get('extra|gradient norm')"
    seen.wait(f"{plot} && {plot}.drawn")
    breaks = f"{plot}.drawn[0].breaks"
    assert seen.run(f"{plot}.drawn[0].gaps") == [290, 700]
    assert seen.run(
        f"[[280, 290], [290, 700], [700, 1100], [1100, 1110]].map(([a, b]) => {plot}.parted(a, b, {breaks}))"
    ) == [False, True, True, False]
    assert seen.run(f"{plot}.lone({plot}.drawn[0].raw, {breaks}).map(([x]) => x)") == [700]  # a dot


@pytest.mark.parametrize("left", ["by Ctrl-C", "to the next run"])
def test_the_tab_of_an_ended_run_offers_the_next_run_at_its_port(tmp_path, left):
    program = browser.find()
    if program is None:
        pytest.skip("no Chromium is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    first = viz.live(port=port, open_browser=False, linger=600)
    seen = Watching(program, tmp_path / "profile")
    again = None
    try:
        seen.open(first.url)
        seen.wait("window.eagerflowLive && eagerflowLive.key")
        first.close(quit=left == "by Ctrl-C")
        seen.wait("eagerflowLive.gone" if left == "by Ctrl-C" else "eagerflowLive.end")
        assert seen.run("eagerflowLive.next.hidden")
        again = viz.live(port=port, open_browser=False, linger=0)
        seen.wait("!eagerflowLive.next.hidden")
        assert "started again" in seen.run("eagerflowLive.next.textContent")
        seen.run("eagerflowLive.next.querySelector('a').click()")
        seen.wait(f"location.href.startsWith({json.dumps(again.url)})")
        seen.wait("document.documentElement.dataset.live === 'waiting'")
    finally:
        first.close(quit=True)
        if again is not None:
            again.close(quit=True)
        seen.close()

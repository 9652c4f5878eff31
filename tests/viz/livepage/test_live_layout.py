"""Nothing on the live page moves by itself while training runs, and charts are as large as the reader wants."""

from __future__ import annotations

import time

import pytest

import eagerflow as ef
from tests.viz.livepage import test_live_browser
from tests.viz.livepage.watching import data, mlp

pytestmark = pytest.mark.slow
page_in_browser = test_live_browser.page_in_browser

# Where everything is, each 50 ms: all places that each of the things had.
WATCH = """(() => { const places = window.places = new Map(), note = (name, node) => {
    if (!node) return;
    const { left, top, width, height } = node.getBoundingClientRect();
    if (!places.has(name)) places.set(name, new Set());
    places.get(name).add([left, top, width, height].map(Math.round).join(' ')); };
  const { tiles } = eagerflowLive;
  setInterval(() => {
    for (const name of ['.live-head', '.live-line > strong', '.live-more', '.live-follow', '.dock', '.toolbar',
      '.titles', '.search', '.stage', '.sight', '.panel', '.live-controls', '.closer'])
      note(name, document.querySelector(name));
    for (const tile of tiles.children) note(`number ${tile.slot}`, tile);
    for (const tab of document.querySelectorAll('.tabs button')) note(tab.id, tab);
    for (const chart of document.querySelectorAll('[data-metric]')) {
      note(`chart ${chart.dataset.metric}`, chart);
      note(`canvas ${chart.dataset.metric}`, chart.querySelector('canvas'));
      note(`legend ${chart.dataset.metric}`, chart.querySelector('.plot-legend')); }
  }, 50); })()"""
MOVED = "[...places].filter(([, all]) => all.size > 1).map(([name, all]) => [name, [...all]])"
SETTLED = "eagerflowLive.curves.rows.isSettled"


class Events(ef.callbacks.Callback):
    """What happens in the middle of a training: findings come, a number is logged for the first time."""

    def __init__(self, page, seen):
        super().__init__()
        self.page, self.seen = page, seen

    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.1)  # so that it lasts for some epochs after the first
        if epoch == 1:
            self.seen.wait(SETTLED)
            self.seen.run(WATCH)
        if epoch == 4:
            found = "[{ kind: 'a', severity: 'warning', message: 'm' }, { kind: 'b', severity: 'error', message: 'm' }]"
            self.seen.run(f"eagerflowLive.showFindings({found})")
        if epoch == 6:
            if self.seen.run("innerWidth") > 900:  # on a phone it stands between the others and the graph
                self.page.log(late=1.0)
            self.model.optimizer.learning_rate = 0.002


def watched(seen, width=1440, height=900):
    seen.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 400)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 700), (390, 844)])
@pytest.mark.parametrize("metrics", [["accuracy"], []])
def test_nothing_moves_by_itself_after_the_first_epoch(page_in_browser, width, height, metrics):
    page, seen = page_in_browser
    watched(seen, width, height)
    x, y = data(640)
    model = mlp()
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=metrics)
    model.fit(x, y, batch_size=8, epochs=14, verbose=0, validation_split=0.25, callbacks=[Events(page, seen)])
    seen.wait("eagerflowLive.status.took !== undefined")
    seen.wait("document.documentElement.dataset.graph > 100")
    assert seen.run("places.size") > 20
    assert width < 900 or seen.run("eagerflowLive.curves.plots.has('late')")
    assert seen.run(MOVED) == []


def press(seen, key):
    for kind in ("keyDown", "keyUp"):
        seen.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Escape": 27}[key])


@pytest.mark.parametrize(("width", "least"), [(1440, 1300), (390, 340)])
def test_a_chart_is_enlarged_and_stays_so_while_numbers_come(page_in_browser, width, least):
    page, seen = page_in_browser
    watched(seen, width, 900)
    for step in range(1, 40):
        page.log({"loss": 1.0 / step, "val_loss": 2.0 / step, "other": step * 1.0}, step=step)
    seen.wait("document.querySelectorAll('.plot').length === 2")
    box = "document.querySelector('[data-metric=loss] canvas').getBoundingClientRect()"
    size = f"(({{ width, height }}) => [width, height])({box})"
    small = seen.run(size)
    larger = "document.querySelector('[data-metric=loss] .plot-larger')"
    assert seen.run(f"{larger}.getAttribute('aria-label')") == "enlarge the chart of loss"
    seen.run(f"{larger}.focus()")
    seen.run(f"{larger}.click()")
    seen.wait("document.querySelectorAll('.plot').length === 1")
    assert seen.run(size)[0] >= least
    assert seen.run(size)[1] > 1.6 * small[1]
    page.log({"loss": 0.5, "other": 7.0, "third": 1.0}, step=60)
    seen.wait("eagerflowLive.curves.plots.get('loss').options.last === 60")
    assert seen.run("document.querySelectorAll('.plot').length") == 1
    seen.run("(eagerflowLive.curves.plots.get('loss').point(200), 1)")
    assert seen.run("document.querySelector('.plot-tip').offsetHeight") > 20
    assert seen.run(f"document.activeElement === {larger} && {larger}.title") == "show all charts again (Esc)"
    press(seen, "Escape")
    seen.wait("document.querySelectorAll('.plot').length === 3")
    assert seen.run(f"document.activeElement === {larger}") is True
    assert seen.run(size)[1] == small[1]


def test_the_divider_makes_charts_higher(page_in_browser):
    _, seen = page_in_browser
    watched(seen)
    mlp().fit(*data(), batch_size=8, epochs=3, verbose=0)
    seen.wait("document.querySelectorAll('.plot').length === 6")
    seen.wait(SETTLED)
    size = "document.querySelector('[data-metric=loss] canvas').getBoundingClientRect().height"
    small = seen.run(size)
    x, y = seen.run("(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
                    "(document.querySelector('.grip').getBoundingClientRect())")  # fmt: skip
    for kind, to in (("mousePressed", y), ("mouseMoved", y + 100), ("mouseMoved", y + 200), ("mouseReleased", y + 200)):
        seen.call("Input.dispatchMouseEvent", type=kind, x=x, y=to, button="left", clickCount=1)
    seen.wait(f"{size} > {small + 80}")
    blank, scrolls = seen.run("""(() => { const body = document.querySelector('.dock-body');
      return [body.getBoundingClientRect().bottom - [...document.querySelectorAll('.plot')].pop()
        .getBoundingClientRect().bottom, body.scrollHeight > body.clientHeight]; })()""")
    assert blank < 20
    assert not scrolls

"""The tab of the page with what training reported: curves, and their values where a pointer or a finger rests."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from tests.viz import browser
from tests.viz.nets import Trainer, batch, mlp

pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser.find() is None, reason=browser.NONE_FOUND)]

INK = """(() => {
  const {canvas, drawn: [{colour}]} = window.plot, wanted = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
  const {data} = plot.brush.getImageData(0, 0, canvas.width, canvas.height), pixels = [];
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) pixels.push(data.slice(i, i + 3));
  return pixels.filter(pixel => wanted.every((c, k) => Math.abs(pixel[k] - c) < 8)).length;
})()"""  # pixels in the colour of a plot's first line


def epochs_by_hand():
    with viz.trace() as t:
        Trainer().step()
    t.logs = [viz.Logs("batch", 0, {"loss": 1.5})]
    t.logs.append(viz.Logs("batch", 1, {"loss": 0.5}))
    t.logs.append(viz.Logs("batch", 0, {"loss": 0.25}))  # the first of the next epoch
    return t


def open_training(page, pages, name, make):
    """The tab of a recording, with `window.plot` the chart of its loss."""
    page.show(pages(name, make))
    page.run("eagerflowViewer.openTab('training')")
    page.rest()
    page.run("window.plot = v.dock.tabs.get('training').owner.plots.get('loss'); 1")


def test_what_training_reported_is_drawn_from_epoch_to_epoch(shown, pages):
    open_training(shown, pages, "logs", epochs_by_hand)
    assert shown.texts(".training .plot-title") == ["loss"]
    assert shown.texts(".training .plot-legend span") == ["epoch's mean so far 0.25"]
    assert shown.run("plot.drawn[0].raw.map(([x, y]) => [x, y])") == [[1, 1.5], [2, 0.5], [3, 0.25]]
    assert shown.run(INK) > 50


def single_batches_behind_fit():
    ef.utils.set_random_seed(1)
    model = mlp()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = batch(rows=8)
    with viz.trace() as t:
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        model.train_on_batch(x, y)
        model.train_on_batch(x, y)
    return t


def test_single_batches_have_a_line_of_their_own_beside_epochs(shown, pages):
    open_training(shown, pages, "single batches", single_batches_behind_fit)
    lines = [line.rpartition(" ")[0] for line in shown.texts(".training .plot-line")]
    assert lines == ["epoch's mean so far", "single steps", "train"]
    assert shown.run("plot.drawn.map(({ raw }) => raw.map(([x]) => x))") == [[1, 2, 3, 4], [5, 6], [2, 4]]
    assert len(set(shown.run("plot.drawn.map(({ colour }) => colour)"))) == 3


def over_two_epochs():
    ef.utils.set_random_seed(1)
    model = mlp()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    x, y = batch(rows=24)
    with viz.trace() as t:
        model.fit(x, y, batch_size=8, epochs=2, validation_data=(x, y), verbose=0)
    return t


def test_training_and_validation_of_a_loss_are_in_one_chart_whose_values_a_pointer_tells(shown, pages):
    open_training(shown, pages, "two epochs", over_two_epochs)
    assert shown.texts(".training .plot-title")[:2] == ["loss", "accuracy"]
    lines = shown.run("[...document.querySelectorAll('.plot')[0].querySelectorAll('.plot-line')].map(e => e.innerText)")
    assert [line.rpartition(" ")[0] for line in lines] == ["epoch's mean so far", "train", "validation"]
    points = "v.dock.tabs.get('training').owner.plots.get('loss').drawn.map(({ raw }) => raw.map(([x]) => x))"
    assert shown.run(points) == [[1, 2, 3, 4, 5, 6], [3, 6], [3, 6]]
    left, top = shown.run(
        "(() => { window.plot = v.dock.tabs.get('training').owner.plots.get('loss');"
        "const r = plot.canvas.getBoundingClientRect(); return [r.x + plot.toX(6), r.y + 40]; })()"
    )
    told = shown.run("v.model.data.logs.find(([kind, x]) => kind === 'epoch' && x === 6)[2].val_loss")
    shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
    shown.rest()
    step, _, _, validation = shown.run("[...plot.tip.children].map(e => e.textContent)")
    assert step == "batch 6 · end of epoch 2"
    assert float(validation.rpartition(" ")[2]) == pytest.approx(told, rel=1e-3)
    shown.run("plot.onSpan([2, 4])")
    assert shown.run("plot.x") == [2, 4]
    shown.run("document.querySelector('.training > button').click()")
    assert shown.run("[plot.x, document.querySelector('.training > button').hidden]") == [[1, 6], True]
    shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=5)
    shown.wait("plot.tip.hidden")
    names = []
    for step in (0, 6):  # the slider counts what is evaluated, too
        shown.run(f"v.setStep({step})")
        names.append(shown.run("plot.options.shownAs"))
    assert names == ["step 0 (batch 1)", "step 6 (batch 4)"]


def own_steps(numbers=(0, 1, 2)):
    with viz.trace() as t:
        Trainer().step()
    t.logs = [viz.Logs("step", number, {"loss": 1.0 + number}) for number in numbers]
    return t


@pytest.mark.parametrize("numbers", [(0, 1, 2), (4, 8, 9)])
def test_steps_of_a_loop_of_ones_own_have_the_numbers_of_the_slider(shown, pages, numbers):
    open_training(shown, pages, f"own steps {numbers}", lambda: own_steps(numbers))
    assert shown.run("plot.drawn[0].raw.map(([x, y]) => [x, y])") == [[n, 1 + n] for n in numbers]
    shown.run(f"plot.at = {numbers[1]}; plot.draw()")
    assert shown.texts(".plot-step") == [f"step {numbers[1]}"]


def test_a_finger_on_a_curve_reads_its_values_until_it_touches_something_else(shown, pages):
    shown.size(390, 800)
    shown.call("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        shown.show(pages("two epochs", over_two_epochs))
        shown.run("eagerflowViewer.openTab('training')")
        shown.rest()
        shown.run("window.plot = v.dock.tabs.get('training').owner.plots.get('loss'); 1")
        x, y = shown.run(
            "(() => { const r = plot.canvas.getBoundingClientRect(); return [r.x + plot.toX(3), r.y + 30]; })()"
        )
        touch(shown, x, y)
        assert shown.run("plot.tip.hidden") is False
        assert shown.run("plot.tip.firstChild.textContent") == "batch 3 · end of epoch 1"
        touch(shown, 100, 200)
        shown.wait("plot.tip.hidden")
    finally:
        shown.call("Emulation.setTouchEmulationEnabled", enabled=False)


def touch(page, x, y):
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.rest()

"""What a notebook is shown: text whose columns stay, one line for each epoch, and the user's frames of an error."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.base import notebook, tracebacks
from eagerflow.callbacks import progbar
from eagerflow.utils import Progbar
from tests.viz.picture.shown import pictures, words


class Page(io.StringIO):
    encoding = "utf-8"


class Shown:
    """A `Place` that remembers what it held."""

    def __init__(self):
        self.fills = []
        places.append(self)

    def fill(self, plain, html):
        self.fills.append(plain)

    def clear(self):
        self.fills.append("")


places: list[Shown] = []


@pytest.fixture(autouse=True)
def filtering():
    """As in a user's program."""
    ef.config.enable_traceback_filtering()
    yield
    ef.config.disable_traceback_filtering()


@pytest.fixture
def printed(monkeypatch):
    """A notebook, as far as the program can tell: what is printed there."""
    places.clear()
    stream = Page()
    monkeypatch.setattr(notebook, "prints_here", lambda: True)
    monkeypatch.setattr(notebook, "Place", Shown)
    monkeypatch.setattr(progbar, "sys", SimpleNamespace(stdout=stream))
    return stream


@pytest.fixture
def shell(monkeypatch):
    """IPython's prompt, which notes the lines of the frames that it is asked to show."""
    shown = []

    def structured_traceback(kind, error, trail):
        shown.append(names_in(trail))
        return [f"{kind.__name__}: {error}"]

    found = SimpleNamespace(InteractiveTB=SimpleNamespace(structured_traceback=structured_traceback), shown=shown)
    found.compile = SimpleNamespace(_filename_map={__file__: 7})
    found.show = lambda error: found.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: found))
    tracebacks.filter_in_ipython()
    return found


def names_in(trail):
    found = []
    while trail is not None:
        found.append(trail.tb_frame.f_code.co_name)
        trail = trail.tb_next
    return found


def model_and_data():
    model = ef.Sequential([ef.Input((3,)), layers.Dense(2)], name="small")
    model.compile("sgd", "mse")
    return model, np.ones((8, 3), "float32"), np.ones((8, 2), "float32")


def test_columns_stay_and_nothing_in_a_text_becomes_html():
    html = notebook.pre("a  b\n<script>&amp;")
    assert "white-space:pre;" in html
    assert "monospace" in html
    assert html.endswith(">a  b\n&lt;script&gt;&amp;amp;</pre>")
    assert ef.Tensor([1.0])._repr_html_() == notebook.pre(repr(ef.Tensor([1.0])))


def test_outside_of_ipython_there_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook.shell() is None
    assert notebook.kernel() is None
    assert not notebook.prints_here()
    assert notebook.cell_names() == {}


def test_ipythons_prompt_is_no_notebook(shell):
    assert notebook.shell() is shell
    assert notebook.kernel() is None
    assert notebook.cell_names() == {__file__: "In [7]"}


def test_fit_prints_one_line_for_each_epoch(printed):
    model, x, y = model_and_data()
    model.fit(x, y, batch_size=4, epochs=10)
    lines = printed.getvalue().splitlines()
    assert [line.split("/10 ")[0] for line in lines] == [f"Epoch {epoch:2d}" for epoch in range(1, 11)]
    assert all("/10 2/2 0s " in line and "loss: " in line for line in lines)
    assert not set(printed.getvalue()) & set("\r\b")
    assert all(set(place.fills) <= {""} for place in places)  # too short for a running bar


def test_a_long_epoch_has_a_running_bar_that_leaves_nothing(printed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: now[0])
    model, x, y = model_and_data()

    class Slow(ef.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 0.3

    model.fit(x, y, batch_size=2, epochs=2, callbacks=[Slow()])
    (place,) = [place for place in places if any(place.fills)]
    assert place.fills[0].startswith("Epoch 1/2 2/4 ━━━━━───── ")
    assert any(text.startswith("Epoch 2/2 ") for text in place.fills)
    assert place.fills[-1] == ""
    assert len(printed.getvalue().splitlines()) == 2


def test_a_training_that_breaks_off_leaves_its_last_line(printed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: now[0])
    model, x, y = model_and_data()

    class Stops(ef.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now[0] += 1
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=2, epochs=2, callbacks=[Stops()])
    assert printed.getvalue().startswith("Epoch 1/2 2/4 ")
    assert all(place.fills[-1:] in ([], [""]) for place in places)


def test_a_bar_of_the_users_own_is_one_line_too(printed):
    bar = Progbar(3)
    for step in range(3):
        bar.update(step + 1, [("loss", 0.5)])
    assert printed.getvalue().count("\n") == 1
    assert printed.getvalue().startswith("3/3 0s ")


def test_evaluate_and_predict_print_a_line_each(printed):
    model, x, y = model_and_data()
    model.evaluate(x, y)
    model.predict(x)
    assert len(printed.getvalue().splitlines()) == 2


def test_a_model_shows_its_summary(printed, monkeypatch):
    model, _, _ = model_and_data()
    told = []
    model.summary(print_fn=told.append)
    assert model._repr_html_() == notebook.pre(told[0])
    shown = []
    monkeypatch.setattr(notebook, "show", lambda plain, html: shown.append((plain, html)))
    model.summary()
    assert shown == [(told[0], notebook.pre(told[0]))]


def test_what_fit_returns_shows_its_curves():
    model, x, y = model_and_data()
    history = model.fit(x, y, epochs=3, validation_split=0.5, verbose=0)
    html = history._repr_html_()
    (svg,) = pictures(html)
    assert svg.count("<polyline") == 2
    assert 'alt="loss: train ' in html
    assert words(html) == ""  # where the picture is left out, nothing stays of it
    assert repr(history).startswith("<History: 3 epochs; loss ")
    assert ef.callbacks.History()._repr_html_() == notebook.pre("<History: 0 epochs>")


def test_one_epoch_is_no_curve_and_shows_its_numbers():
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=1, verbose=0)
    assert history._repr_html_() == notebook.pre(repr(history))


def test_ipython_shows_the_users_frames_of_an_error(shell):
    model, x, y = model_and_data()

    def mine():
        model.fit(x[:, :2], y, verbose=0)

    with pytest.raises(ValueError) as caught:
        mine()
    try:
        raise caught.value
    except ValueError as error:
        lines = shell.show(error)
    assert lines == [f"ValueError: {caught.value}"]
    assert shell.shown[-1][-1] == "mine"
    assert not {"fit", "call"} & set(shell.shown[-1])
    assert any("(made at In [7]:" in note for note in caught.value.__notes__)


def test_frames_of_the_user_below_ours_are_shown(shell):
    class Broken(ef.Layer):
        def call(self, inputs):
            return inputs.nothing_like_this

    try:
        Broken()(ef.ops.ones((2, 3)))
    except AttributeError as error:
        shell.show(error)
    here = "test_frames_of_the_user_below_ours_are_shown"
    assert shell.shown[-1] == [here, "call"]


def test_all_frames_are_shown_on_demand(shell):
    ef.config.disable_traceback_filtering()
    with pytest.raises(ValueError) as caught:
        layers.Dense("four")
    try:
        raise caught.value
    except ValueError as error:
        shell.show(error)
    assert "integer" in shell.shown[-1]  # of eagerflow


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: layers.Dens,
        lambda: ef.Tensr,
        lambda: ef.Tensor([1.0]).view,
        lambda: layers.Dense(3).weigths,
        lambda: ef.Variable([1.0, 2.0]).assign(np.ones(3)),
        lambda: ef.ops.matmul(np.ones((2, 3)), np.ones((2, 3))),
        lambda: ef.Tensor(np.ones((2, 3))) @ ef.Tensor(np.ones((2, 3))),
    ],
)
def test_small_mistakes_show_no_frame_of_ours(shell, mistake):
    try:
        mistake()
    except (AttributeError, ValueError) as error:
        shell.show(error)
    assert shell.shown[-1] == ["test_small_mistakes_show_no_frame_of_ours", "<lambda>"]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: viz.load("nothing.efz"),
        lambda: viz.trace(stats="all"),
        lambda: viz.plot_model("no model"),
        lambda: recorded().draw("picture.txt"),
        lambda: recorded().top("price"),
        lambda: viz.diff(recorded(), 3),
    ],
)
def test_errors_of_viz_show_no_frame_of_ours(shell, mistake):
    try:
        mistake()
    except (OSError, TypeError, ValueError) as error:
        shell.show(error)
    assert shell.shown[-1] == ["test_errors_of_viz_show_no_frame_of_ours", "<lambda>"]


def test_all_frames_of_viz_are_shown_on_demand(shell):
    ef.config.disable_traceback_filtering()
    try:
        viz.load("nothing.efz")
    except FileNotFoundError as error:
        shell.show(error)
    assert {"load", "read", "reading"} <= set(shell.shown[-1])


def recorded():
    with viz.trace() as t:
        ef.ops.tanh(1.0)
    return t


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: bool(ef.Tensor([1.0, 2.0])),
        lambda: float(ef.Tensor([1.0, 2.0])),
        lambda: ef.Tensor([1.0]).__setitem__(0, 2.0),
        lambda: ef.callbacks.History()["loss"],
        lambda: np.asarray(ef.Input((3,))),
        lambda: len(ef.data.Dataset.range(2).repeat()),
        lambda: setattr(ef.optimizers.SGD(), "learning_rate", "fast"),
    ],
)
def test_what_python_calls_itself_shows_no_frame_of_ours(shell, mistake):
    tracebacks.filter_in_ipython()  # once is enough
    try:
        mistake()
    except (TypeError, ValueError) as error:
        shell.show(error)
    assert shell.shown[-1] == ["test_what_python_calls_itself_shows_no_frame_of_ours", "<lambda>"]


def test_errors_that_have_nothing_to_do_with_us_are_shown_whole(shell):
    try:
        [].pop()
    except IndexError as error:
        shell.show(error)
    assert shell.shown[-1] == ["test_errors_that_have_nothing_to_do_with_us_are_shown_whole"]

"""`viz.live`: what training does arrives on the page, in `fit` and in loops of one's own."""

from __future__ import annotations

import gc
import itertools
import linecache
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.core import observe
from tests.viz.livepage.watching import data, mlp, watched
from viz.livepage import child, collector, gradients, mailbox, sender, snapshot, visits
from viz.livepage.document import document
from viz.livepage.gradients import GradientNorm
from viz.livepage.pace import Pace
from viz.recorder.step_tracker import rows_of


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sender, "_INTERVAL", 0.01)


@pytest.mark.parametrize(
    ("script", "title", "expected"),
    [
        ("/a/train.py", None, "train"),
        ("-c", None, "curves"),
        ("", "a/b.py", "a_b"),
        ("ipykernel_launcher.py", None, "curves"),
    ],
)
def test_files_of_the_page_are_named_after_the_title_or_the_script(monkeypatch, script, title, expected):
    monkeypatch.setattr(sys, "argv", [script])
    assert f'window.eagerflowProgram = "{expected}"' in document(title)


def test_fit_is_shown_with_curves_progress_and_the_graph():
    with watched(name="digits") as (page, reader):
        x, y = data()
        mlp().fit(x, y, batch_size=8, epochs=3, verbose=0, validation_split=0.25)
        page.close()
        reader.wait(lambda r: r.parts.get("end") and r.parts.get("histograms"))
        status = reader.parts["status"]
        assert (status["epoch"], status["epochs"], status["step"], status["per_epoch"]) == (3, 3, 18, 6)
        assert status["optimizer"].startswith("adam")
        assert status["params"] == 5 * 8 + 8 + 8 * 3 + 3
        assert status["memory"] > 1e6
        second, third = range(8, 13), range(14, 19)  # without means of one batch
        assert [p[0] for p in reader.curves["batch|loss"]] == [*range(1, 7), *second, *third]
        assert [p[0] for p in reader.curves["validation|accuracy"]] == [6, 12, 18]
        assert reader.curves["mark|epoch"] == [[6, 1], [12, 2], [18, 3]]
        assert {"extra|learning rate", "extra|gradient norm", "extra|step ms"} <= reader.curves.keys()
        assert reader.parts["end"]["how"] == "finished"
        graph = reader.get("graph")
        names = {graph["texts"][i] for i in graph["ops"]["name"]}
        assert {"dense", "tanh", "adam_update"} <= names
        assert len(graph["steps"]) == 1
        assert any(graph["tensors"]["stats"])


def test_the_end_of_fit_is_told_while_the_program_goes_on():
    with watched() as (_, reader):
        x, y = data()
        model = mlp()
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        first = reader.wait(lambda r: r.parts.get("status", {}).get("mode") == "done" and r.parts["status"])
        assert first["took"] > 0
        model.evaluate(x, y, verbose=0)  # of which nothing would tell the end
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[Interrupted()])
        reader.wait(lambda r: r.parts["status"]["mode"] == "stopped" and r.parts["status"]["step"] == 17)
        assert reader.parts["status"]["took"] > 0


class Interrupted(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_a_fit_that_fails_is_told_as_such():
    with watched() as (_, reader):
        x, y = data()
        model = mlp()
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        with pytest.raises(ValueError, match="shape"):
            model.fit(x[:, :2], y, verbose=0)
        failed = reader.wait(lambda r: r.parts.get("status", {}).get("mode") == "failed" and r.parts["status"])
        assert (failed["step"], failed["took"] > 0) == (16, True)
        try:
            raise LookupError("no data yet")
        except LookupError:
            model.fit(x, y, batch_size=8, verbose=0)  # an error that is being handled isn't its own
        reader.wait(lambda r: r.parts["status"]["mode"] == "done" and r.parts["status"]["step"] == 24)


def test_another_model_is_marked_and_more_training_of_the_same_one_is_not():
    x, y = data()
    first = mlp("first")
    with watched() as (page, reader):
        first.fit(x, y, batch_size=16, epochs=1, verbose=0)
        first.fit(x, y, batch_size=16, epochs=1, verbose=0)
        mlp("second").fit(x, y, batch_size=16, epochs=1, verbose=0)
        page.close()
        reader.wait(lambda r: r.parts.get("end") and r.parts.get("borders"))
        assert [(each["step"], each["model"]) for each in reader.parts["borders"]["list"]] == [
            (0, "first"),
            (8, "second"),
        ]


def test_gradient_norms_are_frequent_at_first(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(gradients, "time", SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: 0.0))
    measured, weight = [], ef.Variable([3.0])
    norm = gradients.GradientNorm(lambda _, step, norm: measured.append(step))
    for step in range(2000):
        now[0] = step / 1000
        norm.hear([weight], [ef.Tensor([4.0])])
        norm.end_step(step, lambda _: "net")
    assert len([step for step in measured if step < 100]) > 10
    apart = [after - before for before, after in itertools.pairwise(measured)]
    assert max(apart[:20]) <= 60
    assert 100 <= apart[-1] <= 101


def test_what_is_left_at_the_end_of_an_epoch_is_not_recorded(monkeypatch):
    recorded = []

    class Noted(collector.Snapshot):
        def __init__(self, step, stats, scope, *others):
            super().__init__(step, stats, scope, *others)
            recorded.append((step, rows_of(scope.inputs)))

    monkeypatch.setattr(collector, "Snapshot", Noted)
    monkeypatch.setattr(collector.Pace, "is_due", lambda self, now: True)
    monkeypatch.setattr(collector.Pace, "affords_last", lambda self, now: True)
    with watched(every_steps=3) as _:
        mlp().fit(*data(6), batch_size=4, epochs=5, verbose=0, shuffle=False)  # batches of 4 and 2 rows
    assert recorded == [(0, 4), (2, 4), (4, 4), (6, 4), (9, 2)]  # in place of steps 1 and 3; the last one has no next


def test_distributions_of_weights_gradients_and_activations():
    with watched() as (page, reader):
        x, y = data()
        model = mlp()
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        page.close()
        reader.wait(lambda r: r.parts.get("histograms"))
        found = {(kind, name): moments for kind, name, moments in reader.get("histograms")}
    for variable in model.trainable_variables:
        for kind in ("weights", "gradients"):
            _, low, high, counts, mean, std, nan, inf = found[kind, variable.path][-1]
            assert sum(counts) == variable.numpy().size
            assert low <= mean <= high
            assert std >= 0
            assert nan == inf == 0
    assert {name for kind, name in found if kind == "activations"} == {"mlp/hidden", "mlp/head"}


def test_the_graph_has_the_median_times_of_the_steps_that_were_recorded_last():
    x, y = data()
    with watched() as (page, reader):
        mlp().fit(x, y, batch_size=8, epochs=60, verbose=0)
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
        graph = reader.get("graph")
    usual = graph["usual"]
    rows = [usual["times"][number] for number in graph["ops"]["usual"] if number is not None]
    assert rows
    assert all(len(times) == len(usual["steps"][steps]) for steps, _, *times in rows)
    assert 3 <= max(map(len, usual["steps"])) <= 15


def test_a_short_training_has_the_distributions_and_the_graph_of_its_end(monkeypatch):
    monkeypatch.setattr(collector.Pace, "affords_last", lambda self, now: True)
    x, y = data(60)
    model = mlp()
    with watched(every=1e6) as (page, reader):
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)  # whose last batch isn't whole
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
        found = {(kind, name): moments[-1] for kind, name, moments in reader.get("histograms")}
        graph = reader.get("graph")
    assert {(kind, moment[0]) for (kind, _), moment in found.items()} == {
        ("weights", 16),
        ("gradients", 15),
        ("activations", 15),
    }
    for variable in model.trainable_variables:
        assert found["weights", variable.path][4] == pytest.approx(variable.numpy().mean(), abs=1e-5)
    assert reader.parts["graph"]["step"] < 15
    assert reader.parts["graph"]["model"] == "mlp"
    assert graph is not None


def test_the_numbers_are_those_of_history():
    with watched() as (page, reader):
        x, y = data()
        history = mlp().fit(x, y, batch_size=8, epochs=2, verbose=0, validation_data=(x, y)).history
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
    for name in ("loss", "accuracy"):
        assert [p[1] for p in reader.curves[f"epoch|{name}"]] == pytest.approx(history[name], rel=1e-6)
        assert [p[1] for p in reader.curves[f"validation|{name}"]] == pytest.approx(history[f"val_{name}"], rel=1e-6)


def own_loop(model, optimizer, steps, log=None):
    loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data(16)
    losses = []
    for _ in range(steps):
        with ef.GradientTape() as tape:
            loss = loss_of(y, model(x))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        losses.append(float(loss))
        if log is not None:
            log(losses[-1])
    return losses


def test_train_on_batch_has_curves_and_models_that_take_turns_have_their_own():
    x, y = data(8)
    alone, first, second = mlp("alone"), mlp("first"), mlp("second")
    with watched() as (page, reader):
        told = [alone.train_on_batch(x, y) for _ in range(10)]
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
    assert reader.curves["step|loss"] == [[i + 1, pytest.approx(loss, rel=1e-6)] for i, (loss, _) in enumerate(told)]
    assert [p[1] for p in reader.curves["step|accuracy"]] == pytest.approx([accuracy for _, accuracy in told], rel=1e-6)
    with watched() as (page, reader):
        for _ in range(3):
            for model in (first, first, second):
                model.train_on_batch(x, y)
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
    assert [p[0] for p in reader.curves["step|loss (first)"]] == [1, 2, 4, 5, 7, 8]
    assert [p[0] for p in reader.curves["step|accuracy (second)"]] == [3, 6, 9]
    assert "step|loss" not in reader.curves
    assert reader.parts["status"]["model"] == "first, second"
    assert reader.parts["status"]["params"] == 2 * 75


def test_what_was_told_of_one_fit_is_not_told_of_what_trains_next():
    x, y = data()
    first, second = mlp("first"), mlp("second")
    told = []

    class Ask(ef.callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append(collector_of.progress.status(collector_of.step, 0.0, None, ""))

    with watched() as (page, reader):
        collector_of = page._collector
        first.fit(x, y, batch_size=8, epochs=3, verbose=0)
        second.fit(x, y, batch_size=16, epochs=5, initial_epoch=2, verbose=0, callbacks=[Ask()])
        (before,) = told
        assert {name: before.get(name) for name in ("mode", "took", "model", "epoch", "epochs", "in_epoch")} == {
            "mode": "training", "took": None, "model": "second", "epoch": 3, "epochs": 5, "in_epoch": 0,
        }  # fmt: skip
        second.fit(x, y, epochs=0, verbose=0)  # which trains nothing
        assert collector_of.progress.status(0, 0.0, None, "")["mode"] == "done"
        second.compile("sgd", second.loss)
        second.fit(x, y, batch_size=16, epochs=1, verbose=0)
        second.train_on_batch(x, y)
        status = collector_of.progress.status(0, 0.0, None, "")
        page.close()
        reader.wait(lambda r: r.parts.get("end") and "borders" in r.parts)
    assert "epochs" not in {**status, **reader.parts["status"]}
    assert [each["words"] for each in reader.parts["borders"]["list"]] == [
        "another model begins",
        "another model begins",
        "fit begins again, after another compile",
    ]
    assert {"batch|loss", "step|loss"} <= reader.curves.keys()


def test_a_loop_of_ones_own_is_seen_by_its_optimizer():
    with watched() as (page, reader):
        model = mlp()
        losses = own_loop(model, ef.optimizers.SGD(0.1), 12, lambda loss: page.log(double=2 * loss, val_double=0.0))
        page.close()
        reader.wait(lambda r: r.parts.get("end") and r.parts.get("histograms"))
        assert [p[:2] for p in reader.curves["step|loss"]] == [
            [i + 1, pytest.approx(loss, rel=1e-6)] for i, loss in enumerate(losses)
        ]
        assert [p[1] for p in reader.curves["own|double"]] == pytest.approx([2 * loss for loss in losses], rel=1e-6)
        assert [p[1] for p in reader.curves["validation|double"]] == [0.0] * 12
        assert reader.parts["status"]["step"] == 12
        graph = reader.get("graph")
        assert {"dense", "sgd_update"} <= {graph["texts"][i] for i in graph["ops"]["name"]}


def test_a_loop_without_an_optimizer_counts_backward_passes():
    with watched() as (page, reader):
        w = ef.Variable(np.ones(3, "float32"))
        for _ in range(4):
            with ef.GradientTape() as tape:
                loss = ef.ops.sum(w * w)
            w.assign_sub(0.1 * tape.gradient(loss, w))
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
    assert not observe.state.on
    assert [p[0] for p in reader.curves["step|loss"]] == [1, 2, 3, 4]
    assert reader.curves["step|loss"][0][1] == pytest.approx(3.0)


def test_loss_that_turns_nan_is_a_point_too():
    with watched() as (page, reader):
        page.log(loss=float("nan"))
        page.log({"loss": float("-inf")}, step=7)
        page.log(loss=np.float32(1.5), other=None)
        page.close()
        reader.wait(lambda r: r.parts.get("end"))
    assert reader.curves["own|loss"] == [[0, "nan"], [7, "-inf"], [0, 1.5]]
    assert "own|other" not in reader.curves


def test_only_the_weights_of_the_given_model():
    watched_model, other = mlp("mine"), mlp("other")
    x, y = data()
    with watched(model=watched_model) as (page, reader):
        other.fit(x, y, batch_size=16, epochs=10, verbose=0)
        watched_model.fit(x, y, batch_size=16, epochs=20, verbose=0)
        page.close()
        reader.wait(lambda r: r.parts.get("histograms"))
        names = {name for kind, name, _ in reader.get("histograms") if kind != "activations"}
    assert names <= {v.path for v in watched_model.variables}


def test_the_doctors_findings_arrive():
    x, y = data()
    with watched() as (_, reader):
        with pytest.warns(UserWarning, match="nan"):
            mlp().fit(x * np.float32("nan"), y, batch_size=8, verbose=0)
        found = reader.wait(lambda r: r.parts.get("findings"))["list"]
    assert any(finding["kind"] == "nonfinite" for finding in found)
    assert {"severity", "message", "fix", "layer", "op", "file", "line"} <= found[0].keys()
    (finding,) = [finding for finding in found if finding["kind"] == "nonfinite"]
    assert finding["code"] == linecache.getline(finding["file"], finding["line"]).strip() != ""


def test_moving_averages_are_among_the_weights_whose_distributions_are_shown():
    layers = [ef.Input((4,)), ef.layers.BatchNormalization(name="norm"), ef.layers.Dropout(0.5), ef.layers.Dense(2)]
    model = ef.Sequential(layers, name="averaged")
    model.compile("sgd", "mse", metrics=["mae"])
    with viz.trace(stats="full") as t:
        model.train_on_batch(np.ones((4, 4), "float32"), np.ones((4, 2), "float32"))
    names = {name for kind, name, *_ in snapshot.histograms(t)[0] if kind == "weights"}
    assert names == {v.path for v in model.variables if v.dtype == "float32"}  # and no seed of dropout
    assert "averaged/norm/moving_mean" in names


def test_the_callback_goes_on_on_the_same_page():
    x, y = data()
    show = ef.callbacks.Live(open_browser=False, linger=0)
    model = mlp()
    model.fit(x, y, verbose=0, callbacks=[show])
    url, step = show.page.url, show.page._collector.step
    model.predict(x, verbose=0)
    assert not observe.state.on  # nothing listens between trainings
    model.fit(x, y, verbose=0, callbacks=[show])
    assert show.page.url == url
    assert show.page._collector.step == 2 * step
    show.page.close(quit=True)


def test_nothing_is_left_behind():
    hook, threads = sys.excepthook, len(__import__("threading").enumerate())
    with watched() as (page, _):
        assert observe.state.on
        assert repr(page) == f"<LivePage at port {page._child.port}; try .open(), .url>"
    page.close()
    assert sys.excepthook is hook
    assert not observe.state.on
    assert len(__import__("threading").enumerate()) == threads
    page._child._process.wait(10)


def test_training_goes_on_when_the_pages_process_is_killed():
    x, y = data()
    with watched() as (page, _):
        model = mlp()
        model.fit(x, y, verbose=0)
        page._child._process.kill()
        page._child._process.wait(10)
        model.fit(x, y, epochs=3, verbose=0)
        page.log(loss=1.0)


def test_a_page_that_takes_nothing_holds_up_nothing(monkeypatch):
    """Its process stands still: the pipe fills up, and training goes on."""
    signal = pytest.importorskip("signal")
    if not hasattr(signal, "SIGSTOP"):
        pytest.skip("processes can't be stopped here")
    x, y = data()
    page = viz.live(open_browser=False, linger=0, every=0, overhead=1.0)
    page._child._process.send_signal(signal.SIGSTOP)
    try:
        page._box.put("about", {"problem": "x" * (1 << 21)})  # more than any pipe holds
        model = mlp()
        model.fit(x, y, batch_size=1, epochs=20, verbose=0)
        assert page._collector.step == 20 * len(x)
        waiting, _ = page._box.take()
        assert all(len(points) <= mailbox.MOST_POINTS for points in waiting.values())
    finally:
        page._child._process.send_signal(signal.SIGCONT)
        page.close(quit=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"port": 70_000}, "port=70000"),
        ({"every": -1}, "every=-1"),
        ({"every_steps": 0}, "every_steps=0"),
        ({"overhead": 0}, "overhead=0"),
        ({"linger": float("nan")}, "linger=nan"),
    ],
)
def test_mistakes_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        viz.live(open_browser=False, **options)


def test_a_port_that_is_taken_is_named():
    with watched() as (page, _):
        port = int(page.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match=rf"port={port}.*use port=0"):
            viz.live(port=port, open_browser=False)


def test_unknown_options_of_the_callback():
    with pytest.raises(TypeError, match="evry"):
        ef.callbacks.Live(evry=3)


def test_the_address_is_secret_and_each_time_another():
    with watched() as (first, _), watched() as (second, _):
        tokens = {page.url.split("/")[3] for page in (first, second)}
        assert len(tokens) == 2
        assert all(len(token) >= 32 for token in tokens)
        assert first._child.ticket_url.split("/")[-1] not in first.url


def test_the_pages_process_loads_neither_numpy_nor_eagerflow():
    with watched() as (page, _):
        try:
            with open(f"/proc/{page._child.pid}/maps", encoding="utf-8") as file:
                maps = file.read()
        except OSError:
            pytest.skip("no /proc here")
    assert "python" in maps
    assert "numpy" not in maps


def test_the_process_can_not_be_started(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(RuntimeError, match=r"sys\.executable"):
        viz.live(open_browser=False)
    monkeypatch.undo()
    monkeypatch.setattr(child, "_START", "/nowhere/at/all.py")
    with pytest.raises(RuntimeError, match="ended as soon as it began"):
        viz.live(open_browser=False)
    gc.collect()


def test_training_is_at_full_speed_between_the_steps_that_are_looked_at():
    x, y = data(32)
    seen = []

    class Ask(ef.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(observe.state.ops)

    with watched(every=1e6, overhead=1e-6):
        mlp().fit(x, y, batch_size=1, epochs=6, verbose=0, callbacks=[Ask()])
    assert all(seen[: visits.FIRST])
    later = seen[visits.FIRST :]
    assert not any(later[: visits.APART])
    assert sum(later) <= visits.AGAIN + 1  # the second time it is known what looking costs


def test_a_page_that_is_forgotten_goes_when_nobody_looks():
    page = viz.live(open_browser=False, linger=0)
    process = page._child._process
    page.close()
    assert process.poll() is None  # it might still be told to quit
    del page
    gc.collect()
    assert process.wait(10) == 0


def test_the_norm_of_all_gradients_is_that_of_the_variables_gradients(monkeypatch):
    clock = itertools.count().__next__
    monkeypatch.setattr(gradients, "time", SimpleNamespace(perf_counter=clock, thread_time=clock))
    a, b = ef.Variable([3.0, 1.0]), ef.Variable(2.0)
    told = []
    norm = GradientNorm(lambda *point: told.append(point))
    with ef.GradientTape(persistent=True) as tape:
        x = ef.ops.ones(2)
        tape.watch(x)
        loss = ((a * x).sum() * b) ** 2
    for wanted in ([a], [b], [x]):  # the last isn't a gradient that a weight gets
        norm.hear(wanted, tape.gradient(loss, wanted))
    expected = np.sqrt(sum(float((tape.gradient(loss, v) ** 2).sum()) for v in (a, b)))
    norm.end_step(1, lambda _: "net")
    assert told == [("net", 1, pytest.approx(expected))]
    norm.end_step(2, lambda _: "net")
    norm.hear([a], tape.gradient(loss, [a]))
    norm.end_step(3, lambda _: "net")  # so soon after the last
    assert len(told) == 1


def test_memory_is_read_while_no_step_is_recorded(monkeypatch):
    held, sent = iter(range(1, 9)), []
    monkeypatch.setattr(sender, "_MEMORY_EVERY", 0.0)
    monkeypatch.setattr(sender, "memory", lambda: next(held))
    box, pace = mailbox.Mailbox(), Pace(0.0, 1.0)
    told = SimpleNamespace(alive=True, send=lambda message, *_: sent.append(message))
    sending = sender.Sender(box, told, pace, list, lambda: None, lambda: None)

    def deliver(step=None):
        if step is not None:
            box.put("status", {"step": step})
        sending._deliver()
        points = [p for each in sent for p in each.get("series", {}).get("extra|memory", [])]
        known = [each.get("memory") for each in sent if each["is"] == "status"]
        sent.clear()
        return points, known

    assert deliver(1) == ([(1, 1.0)], [1])
    pace.begin(0.0)
    assert deliver(2) == ([], [1])  # what is recorded takes memory, too
    assert deliver() == ([], [])
    pace.settle()
    assert deliver() == ([(2, 2)], [2])  # late, but of that step
    assert deliver(3) == ([(3, 3.0)], [3])

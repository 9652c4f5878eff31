"""What the page's process keeps is bounded, and every browser gets what it lacks."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from hypothesis import given, strategies as st

from viz.livepage.mailbox import MOST_CURVES, MOST_POINTS, Mailbox
from viz.livepage.pace import Pace
from viz.livepage.server import hub as hubs, messages
from viz.livepage.server.hub import CAPACITY, Hub, Series


def points(hub, **series):
    hub.take({"is": "points", "series": {name.replace("_", "|"): found for name, found in series.items()}})


def test_curves_keep_their_shape_however_long_they_get():
    series = Series()
    for x in range(100_000):
        series.add(x, float(x % 7), x)
    assert CAPACITY / 2 - 1 <= len(series.points) <= CAPACITY
    xs = [point[0] for point in series.points]
    assert xs == sorted(xs)
    assert xs[-1] > 99_000
    for _, mean, low, high in series.points:
        assert (low, high) == (0.0, 6.0)
        assert 2.5 < mean < 3.5


def test_what_is_not_finite_outlives_joining():
    series = Series()
    for x in range(3 * CAPACITY):
        series.add(x, "nan" if x == 17 else 1.0, x)
    assert [point[1] for point in series.points].count("nan") == 1
    assert all(point[2:] == [1.0, 1.0] for point in series.points)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 900)), min_size=1, max_size=20))
def test_a_browser_that_looks_now_and_then_ends_up_with_everything(plan):
    """Whatever it missed, its curves are the hub's."""
    hub, have, generations, seen, x = Hub(), {}, {}, -1, 0
    for skip, count in plan:
        points(hub, batch_loss=[[x + i, float(i)] for i in range(count)])
        x += count
        if skip == 0:
            seen = look(hub, have, generations, seen)
    look(hub, have, generations, seen)
    fresh: dict = {}
    look(hub, fresh, {}, -1)
    assert have == fresh


@pytest.mark.parametrize("looks", [True, False])
@pytest.mark.parametrize("count", [1000, 5000])
def test_a_curve_that_gets_another_name_has_it_from_the_beginning_in_every_browser(looks, count):
    hub, have, generations, seen = Hub(), {}, {}, -1
    points(hub, step_loss=[[x, float(x)] for x in range(count)])
    if looks:
        seen = look(hub, have, generations, seen)
    hub.take({"is": "renamed", "list": [["step|loss", "step|loss (a)"], ["step|none", "step|some"]]})
    points(hub, **{"step_loss (a)": [[count, 1.0]] * 8, "step_loss": [[count, 2.0]]})
    look(hub, have, generations, seen)
    fresh: dict = {}
    look(hub, fresh, {}, -1)
    assert have == fresh
    assert have["step|loss (a)"][-1][0] == count
    assert len(have["step|loss"]) == 1


def test_what_waits_in_the_mailbox_gets_the_new_name_too():
    box = Mailbox()
    for x in range(10):
        box.point("loss", x, float(x))
    box.rename("loss", "earlier")
    box.point("loss", 10, 0.0)
    found, latest = box.take()
    assert {name: [x for x, _ in curve] for name, curve in found.items()} == {"earlier": list(range(10)), "loss": [10]}
    assert latest["renamed"] == [("loss", "earlier")]


def look(hub, have, generations, seen):
    news = hub.news(seen, generations)
    for name in news.get("gone", ()):
        del have[name]
    for name, curve in news.get("series", {}).items():
        have[name] = curve["points"] if curve.get("all") else have[name] + curve["points"]
    return news["version"]


def test_only_what_changed_is_news():
    hub = Hub()
    hub.take({"is": "status", "step": 1})
    hub.take({"is": "about", "problem": "p"})
    first = hub.news(-1, {})
    assert (first["status"], first["about"]) == ({"step": 1}, {"problem": "p"})
    hub.take({"is": "status", "step": 2})
    assert hub.news(first["version"], {}) == {"version": 3, "status": {"step": 2}}
    assert hub.news(3, {}) == {"version": 3}


def test_there_are_limits_for_everything():
    hub = Hub()
    for i in range(hubs.MOST_SERIES + 50):
        points(hub, **{f"batch_m{i}": [[0, 1.0]]})
    assert len(hub.news(-1, {})["series"]) == hubs.MOST_SERIES
    for step in range(200):
        tensors = [["weights", f"w{i}", 0, 1, [1], 0, 0, 0, 0] for i in range(3)]
        hub.take({"is": "histograms", "step": step, "tensors": tensors})
    rows = json.loads(__import__("gzip").decompress(hub.histograms()))
    assert len(rows) == 3
    for _, _, moments in rows:
        assert len(moments) <= hubs.MOST_MOMENTS
        assert moments[-1][0] == 199
        assert [m[0] for m in moments] == sorted({m[0] for m in moments})


def test_a_program_that_goes_without_a_word_is_said_to_have_died():
    hub = Hub()
    hub.end("it was killed")
    assert hub.news(-1, {})["end"] == {"how": "gone", "words": "it was killed"}
    polite = Hub()
    polite.take({"is": "end", "how": "finished", "words": "done"})
    polite.end("it was killed")
    assert polite.news(-1, {})["end"]["how"] == "finished"


def test_messages_go_through_a_pipe():
    stream = io.BytesIO()
    messages.write(stream, {"is": "about", "text": "λ\n"}, b"\0\n{}")
    messages.write(stream, {"is": "end"})
    stream.seek(0)
    assert messages.read(stream) == ({"is": "about", "text": "λ\n"}, b"\0\n{}")
    assert messages.read(stream) == ({"is": "end"}, b"")
    assert messages.read(stream) is None


def test_a_message_that_breaks_off_is_the_end():
    stream = io.BytesIO()
    messages.write(stream, {"is": "graph"}, b"0123456789")
    whole = stream.getvalue()
    for length in range(len(whole)):
        assert messages.read(io.BytesIO(whole[:length])) is None


def test_a_burst_of_points_leaves_no_holes_and_a_flood_is_thinned_evenly():
    box = Mailbox()
    for count, apart in ((MOST_POINTS, 1), (10 * MOST_POINTS, 16)):
        for x in range(count):
            box.point("own|a", x, float(x))
        points = box.take()[0]["own|a"]
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(points)]
        assert gaps.count(apart) >= len(gaps) - 4  # but where they were thinned once more
        assert points[-1] == (count - 1, float(count - 1))


def test_the_last_values_of_a_long_curve_are_there_when_training_is_over():
    hub = Hub()
    hub.take({"is": "points", "series": {"batch|loss": [[x, 1.0 * x] for x in range(4099)]}})
    assert hub.news(-1, {})["series"]["batch|loss"]["points"][-1][0] < 4098
    hub.take({"is": "status", "mode": "done", "took": 1.0})
    assert hub.news(-1, {})["series"]["batch|loss"]["points"][-1] == [4098, 4097.0, 4096.0, 4098.0]


def test_a_mailbox_that_nobody_empties_stays_small():
    box = Mailbox()
    for x in range(100_000):
        box.point("batch|loss", x, 1.0)
    for i in range(2 * MOST_CURVES):
        box.point(f"batch|{i}", 0, 1.0)
    box.put("status", 1)
    box.put("status", 2)
    found, latest = box.take()
    assert len(found) == MOST_CURVES
    assert len(found["batch|loss"]) <= MOST_POINTS
    assert found["batch|loss"][-1] == (99_999, 1.0)
    assert latest == {"status": 2}
    assert box.take() == ({}, {})


def test_the_last_step_of_a_training_may_cost_a_few_times_the_share():
    pace = Pace(every=2.0, share=0.03)
    pace.begin(100.0)
    pace.spend(0.012)
    assert not pace.affords_last(100.2)  # the step before isn't dealt with
    pace.settle()
    assert [pace.affords_last(100 + later) for later in (0.05, 0.2)] == [False, True]
    assert not pace.is_due(100.2)


def test_recorded_steps_come_as_rarely_as_their_cost_demands():
    pace, now, recorded = Pace(every=2.0, share=0.03), 100.0, 0
    for _ in range(100_000):  # steps of 10 ms; recording one costs 300 ms
        if pace.is_due(now):
            pace.begin(now)
            now += 0.3
            pace.spend(0.3)
            pace.settle()
            recorded += 1
        now += 0.01
    assert recorded >= 90
    assert pace.cost / (now - 100.0) <= 0.0304


def test_recorded_steps_that_cost_nothing_come_every_so_often():
    pace, begun = Pace(every=2.0, share=0.03), []
    for now in range(100, 160):
        if pace.is_due(now):
            pace.begin(now)
            assert not pace.is_due(now + 1000)  # until it is known what it costs
            pace.settle()
            begun.append(now)
    assert begun == list(range(100, 160, 2))

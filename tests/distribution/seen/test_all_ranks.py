"""What ranks do together is seen: as events, in one file of all ranks, on one clock, in one timeline."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import distribution
from eagerflow.core import observe
from eagerflow.core.strategy import sharing
from eagerflow.distribution.batch_shard import shard_of
from eagerflow.distribution.runtime import clocks
from eagerflow.distribution.runtime.clocks import Clock, read_clocks
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.current import world
from viz.cli import main
from viz.facts.network import rank_of
from viz.facts.ranks import same_collectives, uses as uses_of


class Heard(observe.Observer):
    """Keeps what ranks did together."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def on_collective(self, kind, name, nbytes, started, ended, waited, ranks, overlapped=False):
        assert started <= ended
        self.calls.append((kind, name, nbytes, ranks, overlapped))


def heard_calls() -> list[tuple]:
    ranks, array = world.communicator, np.ones(6)
    heard = Heard()
    ranks.barrier()
    with observe.observing(heard):
        ranks.all_reduce(array)
        ranks.broadcast(array)
        ranks.gather_objects("a")
        ranks.broadcast_object("b")
        ranks.barrier()
        with observe.unobserved():
            ranks.barrier()
    ranks.barrier()
    return heard.calls


def test_each_collective_call_is_announced_once(ranks):
    kinds = "all_reduce broadcast all_gather broadcast barrier".split()
    sizes = [48, 48, 0, 0, 0]
    assert ranks(2, heard_calls) == [[(kind, "", size, 2, False) for kind, size in zip(kinds, sizes)]] * 2


def test_one_process_alone_announces_nothing():
    heard = Heard()
    with observe.observing(heard):
        Communicator().all_reduce(np.ones(2))
    assert heard.calls == []


def _model(width: int = 16) -> ef.Model:
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(width, activation="relu"), ef.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def _steps(model: ef.Model, count: int) -> None:
    """Training steps on this rank's rows."""
    x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    for _ in range(count):
        shard = shard_of(world.communicator, 64)
        with sharing(shard):
            model.train_on_batch(x[shard.start : shard.stop], x[shard.start : shard.stop, :1])


def traced(folder: str) -> dict | None:
    model = _model()
    _steps(model, 1)
    with viz.trace("together", ranks=True) as t:
        _steps(model, 3)
    t.save(f"{folder}/together.efz")
    return {"rank": t.meta["rank"], "others": len(t.others), "clock": t.meta["clock"]}


@pytest.fixture(scope="module")
def together(ranks, tmp_path_factory):
    """A recording of three steps on three ranks, and what each rank had of it."""
    folder = tmp_path_factory.mktemp("together")
    found = ranks(3, traced, str(folder))
    assert [path.name for path in folder.iterdir()] == ["together.efz"]
    return viz.load(folder / "together.efz"), found


def test_rank_0_has_the_recordings_of_all(together):
    recording, found = together
    assert [each["others"] for each in found] == [2, 0, 0]
    assert [rank_of(recording.rank(i)) for i in range(3)] == [0, 1, 2]
    assert {len(recording.rank(i).steps) for i in range(3)} == {3}
    assert {len(recording.rank(i).ops) for i in range(3)} == {len(recording.ops)}
    assert recording.rank(2).draw().source
    with pytest.raises(ValueError, match="the recording has 3 ranks, counted from 0"):
        recording.rank(3)


def test_clocks_of_one_machine_are_found_equal_within_50_microseconds(together):
    for each in together[1]:
        assert abs(each["clock"]["ahead"]) + abs(each["clock"]["drift"]) + each["clock"]["error"] <= 50_000


def test_gradients_on_their_way_are_ops_with_bytes_and_waiting(together):
    recording, _ = together
    for rank in range(3):
        sums = recording.rank(rank).find("all_reduce", phase="network")
        gradients = [op for op in sums if str(op.settings.get("of", "")).startswith("gradients")]
        assert [op.step for op in gradients] == [0, 1, 2]
        assert all(op.settings["bytes"] >= 4 * (8 * 16 + 16 + 16 + 1) for op in gradients)
        assert all(0 <= op.settings["waited"] <= op.duration for op in gradients)
        assert all(op.settings["ranks"] == 3 and op.settings["overlapped"] for op in gradients)


def test_the_same_call_lies_at_the_same_time_on_all_ranks(together):
    recording, _ = together
    groups = same_collectives([recording, *recording.others])
    assert len(groups) >= 3
    for group in groups:
        if group[0].name == "all_reduce":
            last = max(op.start for op in group)
            assert last <= min(op.end for op in group) + 100_000
            assert [min(op.start + op.settings["waited"], last) for op in group] == [min(op.end, last) for op in group]


def test_tables_tell_what_each_rank_spent_its_time_on(together, capsys, tmp_path):
    recording, _ = together
    uses = uses_of(recording)
    assert [use.rank for use in uses] == [0, 1, 2]
    assert [use.samples for use in uses] == [63, 63, 66]  # of 64 rows: 21, 21 and 22
    assert all(use.steps == 3 and use.nbytes > 0 and use.compute > 0 for use in uses)
    path = recording.save(tmp_path / "all.efz")
    assert main(["top", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "samples/s" in shown
    assert "rank 0 (others: --rank N)" in shown
    assert main(["show", "--rank", "1", str(path)]) == 0
    assert "rank 1 of 3" in capsys.readouterr().out
    assert main(["show", "--json", str(path)]) == 0
    assert [each["rank"] for each in json.loads(capsys.readouterr().out)["ranks"]] == [0, 1, 2]


def test_the_timeline_has_a_process_for_each_rank_and_arrows_between_them(together, tmp_path):
    recording, _ = together
    events = json.loads(recording.to_perfetto(tmp_path / "t.json").read_text())["traceEvents"]
    names = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert [names[rank].split(" on ")[0] for rank in sorted(names)] == ["rank 0", "rank 1", "rank 2"]
    tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    slices = {(e["pid"], e["tid"], e["ts"]) for e in events if e["ph"] == "X"}
    flows: dict[int, list[dict]] = {}
    for event in events:
        if event.get("cat") == "network" and event["ph"] in "stf":
            assert tracks[event["pid"], event["tid"]] == "network"
            assert (event["pid"], event["tid"], event["ts"]) in slices
            flows.setdefault(event["id"], []).append(event)
    assert len(flows) >= 3
    for flow in flows.values():
        assert [e["ph"] for e in flow] == ["s", "t", "f"]
        assert {e["pid"] for e in flow} == {0, 1, 2}
        assert [e["ts"] for e in flow] == sorted(e["ts"] for e in flow)
    assert not set(flows) & {e["id"] for e in events if e.get("cat") == "gradient"}
    for pid, tid in tracks:  # slices of a track lie within each other or apart
        ends: list[float] = []
        for e in [e for e in events if e["ph"] == "X" and (e["pid"], e["tid"]) == (pid, tid)]:
            while ends and ends[-1] <= e["ts"] + 1e-3:
                ends.pop()
            assert not ends or e["ts"] + e["dur"] <= ends[-1] + 1e-3
            ends.append(e["ts"] + e["dur"])


def compared() -> tuple[int, int, int, int]:
    """The clock of rank 1 is a second ahead, and runs 0.1 % too fast: also while it is read, which takes a while."""
    right, began = observe.clock, observe.clock()

    def wrong(moment: int) -> int:
        return moment + distribution.rank() * (1_000_000_000 + (moment - began) // 1000)

    known, clocks._kernel = clocks._kernel, lambda: ""  # as if they were two machines
    observe.clock = lambda: wrong(right())
    try:
        readings = [read_clocks(world.communicator)]
        took = [right() - began]
        time.sleep(0.02)
        between = right()
        time.sleep(0.02)
        again = right()
        readings.append(read_clocks(world.communicator))
        took.append(right() - again)
    finally:
        observe.clock, clocks._kernel = right, known
    clock = Clock(readings)
    drift = clock.ahead(readings[1].at) - clock.ahead(readings[0].at)
    return clock.shared(wrong(between)) - between, clock.error, drift, max(took) // 1000


def test_clocks_that_differ_and_drift_become_one(ranks):
    first, second = ranks(2, compared)
    assert first[:3] == (0, 0, 0)
    off, error, drift, meanwhile = second
    assert abs(off) <= error + 1000 + meanwhile  # no further off than it is said to be
    assert drift >= 40_000 - 2 * (error + 1000 + meanwhile)  # 0.1 % of 40 ms and more


def ran(path: str, out: str) -> int:
    return main(["run", "-o", out, path])


SCRIPT = """
from tests.distribution.seen.test_all_ranks import _model, _steps

_steps(_model(), 2)
"""


def test_viz_run_writes_one_file_with_all_ranks(ranks, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    assert ranks(2, ran, str(script), str(tmp_path / "train.efz")) == [0, 0]
    assert sorted(path.name for path in tmp_path.glob("*.efz")) == ["train.efz"]
    recording = viz.load(tmp_path / "train.efz")
    assert len(recording.others) == 1
    assert len(recording.steps) == len(recording.rank(1).steps) == 2


def failed_alone(path: str, out: str) -> int | None:
    if distribution.rank() == 0:
        read_clocks(world.communicator)  # rank 0 begins as rank 1 does, and then would wait for it
        return None
    return ran(path, out)


def test_a_rank_that_fails_keeps_its_own_part(ranks, tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import eagerflow as ef\nef.ops.exp(ef.ops.ones(2))\n1 / 0\n")
    found = ranks(2, failed_alone, str(script), str(tmp_path / "train.efz"))
    assert found == [None, 1]
    part = viz.load(tmp_path / "train.rank-1.efz")
    assert part.notes == ["ended by ZeroDivisionError: division by zero"]
    assert part.find("exp")


def with_callbacks(folder: str) -> tuple[list, dict, int]:
    distribution.set_distribution(distribution.DataParallel())
    mine = f"{folder}/{distribution.rank()}"
    seen = [ef.callbacks.TensorBoard(mine, write_graph=False), ef.callbacks.Trace(steps=(1,), folder=mine)]
    seen += [ef.callbacks.Doctor(verbose=0), ef.callbacks.Live(open_browser=False, linger=0)]
    x = np.random.default_rng(0).normal(size=(24, 8)).astype("float32")
    history = _model().fit(x, x[:, :1], batch_size=8, verbose=0, callbacks=seen)
    *_, doctor, live = seen
    assert (doctor._watcher is None) == (live.page is None)
    if live.page is not None:
        assert live.page.url.startswith("http://127.0.0.1:")
        live.page.close(quit=True)
    return [list(seen[1].recordings), live.page is not None], history.history, len(os.listdir(folder))


@pytest.mark.slow
def test_callbacks_that_show_training_do_it_on_rank_0(ranks, tmp_path):
    (first, history, _), (second, other_history, _) = ranks(2, with_callbacks, str(tmp_path))
    assert (first, second) == ([[1], True], [[], False])
    assert history == other_history
    assert [path.name for path in tmp_path.iterdir()] == ["0"]
    recording = viz.load(tmp_path / "0" / "step_1.efz")
    assert recording.find("all_reduce", phase="network")
    assert "network" in recording.draw().source or "all_reduce" in recording.draw().source

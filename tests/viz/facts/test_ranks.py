"""Recordings of several ranks in one file: what is saved is loaded, and what can't be is refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

import viz
from viz.cli import main
from viz.export import perfetto
from viz.facts import archive
from viz.facts.flops import flops
from viz.facts.ranks import note_waits, same_collectives, to_clock, uses
from viz.facts.schema import Logs, Op, Record, Scope, Step, Storage, TensorInfo
from viz.facts.tables.summary import rows


def record(rank: int, *collectives: tuple[str, int, int], overlapped: bool = False) -> Record:
    """The record of a rank: names, beginnings and ends of what it did with others, in one step from 0 to 1000."""
    made = Record(meta={"rank": rank, "ranks": 3, "host": f"host-{rank}", "duration": 1000})
    made.scopes = [Scope(0, "step", "train_step", start=0, end=1000)]
    made.steps = [Step(0, 0, 0, 1000)]
    for i, (name, start, end) in enumerate(collectives):
        settings = {"of": "gradients", "bytes": 400, "ranks": 3} | ({"overlapped": True} if overlapped else {})
        made.ops.append(Op(i, name, "network", 0, 0, settings=settings, start=start, end=end, thread=1))
    return made


@pytest.fixture
def three() -> Record:
    """Rank 1 comes last to the first call, rank 0 to the second."""
    first = record(0, ("all_reduce", 100, 260), ("all_reduce", 500, 600))
    first.others = [record(1, ("all_reduce", 200, 260), ("all_reduce", 400, 600))]
    first.others.append(record(2, ("all_reduce", 150, 260), ("all_reduce", 450, 600)))
    return first


def test_a_rank_waits_until_the_last_one_has_come(three):
    records = [three, *three.others]
    note_waits(records)
    assert [[op.settings["waited"] for op in each.ops] for each in records] == [[100, 0], [0, 100], [50, 50]]


def test_waiting_is_no_longer_than_the_call(three):
    three.ops[0].end = 130  # clocks are never quite right
    note_waits([three, *three.others])
    assert three.ops[0].settings["waited"] == 30


def test_calls_that_cannot_be_the_same_are_not_joined(three):
    far = record(1, ("all_reduce", 10**10, 10**10 + 60), ("barrier", 400, 600))
    assert same_collectives([three, far]) == []
    assert same_collectives([three]) == []


def test_each_kind_of_call_is_counted_by_itself():
    first = record(0, ("barrier", 0, 5), ("all_reduce", 10, 20), ("all_reduce", 30, 40))
    other = record(1, ("all_reduce", 10, 20), ("barrier", 0, 5), ("all_reduce", 30, 40))
    found = same_collectives([first, other])
    assert [[op.id for op in group] for group in found] == [[0, 1], [1, 0], [2, 2]]


def test_what_a_step_is_spent_on():
    use = uses(record(0, ("all_reduce", 100, 260), ("wait", 500, 600)))[0]
    assert (use.network, use.compute, use.nbytes, use.time) == (260, 740, 800, 1000)
    use = uses(record(0, ("all_reduce", 100, 260), overlapped=True))[0]
    assert (use.network, use.compute, use.nbytes) == (0, 1000, 400)  # it went on meanwhile


def test_all_times_move_to_another_clock(three):
    three.storages, three.logs = (
        [Storage(0, 8, 5), Storage(1, 8, 6, 7)],
        [Logs("batch", 0, {}, 9), Logs("epoch", 0, {})],
    )
    to_clock(three, lambda moment: moment + 1000)
    assert (three.ops[0].start, three.ops[0].end, three.scopes[0].end, three.steps[0].start) == (1100, 1260, 2000, 1000)
    assert [(s.allocated, s.freed) for s in three.storages] == [(1005, None), (1006, 1007)]
    assert [entry.time for entry in three.logs] == [1009, None]


def test_sending_counts_no_flops(three):
    assert flops(three, three.ops[0]) == 0


def test_arrows_lead_from_the_first_rank_that_came_to_the_last(three):
    found = [e for e in perfetto.events(three) if e["ph"] in "stf"]
    assert [(e["ph"], e["pid"], e["ts"]) for e in found[:3]] == [("s", 0, 0.1), ("t", 2, 0.15), ("f", 1, 0.2)]
    assert {e["id"] for e in found} == {2, 3}


def test_all_ranks_are_in_one_file(three, tmp_path, capsys):
    path = archive.write(three, tmp_path / "a.efz")
    assert archive.read(path) == three
    loaded = viz.load(path)
    assert loaded.rank(2).meta["host"] == "host-2"
    assert loaded.ranks() == viz.load(path).ranks()
    assert "host-1" in loaded.ranks()
    assert main(["show", "--rank", "3", str(path)]) == 2
    assert "the recording has 3 ranks" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [{"bytes": "many"}, {"bytes": -1}, {"waited": 1.5}, {"waited": None}, {"ranks": []}, {"bytes": {"a": 1}}],
)
def test_what_was_sent_must_be_numbers(settings, tmp_path):
    made = Record(ops=[Op(0, "all_reduce", "network", settings=settings)])
    with pytest.raises(viz.TraceFileError, match="damaged"):
        viz.load(archive.write(made, tmp_path / "a.efz"))


@pytest.mark.parametrize("rank", [-1, "1", 1.0, [1]])
def test_a_rank_must_be_a_number(rank, tmp_path):
    with pytest.raises(viz.TraceFileError, match="damaged"):
        viz.load(archive.write(Record(meta={"rank": rank}), tmp_path / "a.efz"))


def nested(three: Record, path, change) -> None:
    """A copy of the file whose members `change(members)` has changed."""
    with zipfile.ZipFile(io.BytesIO(archive.packed(three))) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("ranks/1.efz"),
        lambda members: members.update({"ranks/01.efz": members.pop("ranks/1.efz")}),
        lambda members: members.update({"ranks/../x.efz": members.pop("ranks/1.efz")}),
        lambda members: members.update({"ranks/1.efz": b"no zip"}),
        lambda members: members.update({"ranks/1.efz": members["ranks/1.efz"][:-30]}),
        lambda members: members.update({"ranks/1.efz": members["columns.npz"]}),
        lambda members: members.update({"ranks/1.efz": archive.packed(Record(others=[Record()]))}),  # ranks in ranks
    ],
)
def test_damaged_ranks_are_refused(three, tmp_path, change):
    nested(three, tmp_path / "a.efz", change)
    with pytest.raises(viz.TraceFileError):
        viz.load(tmp_path / "a.efz")


def test_ranks_together_unpack_to_no_more_than_is_allowed(three, tmp_path):
    info = TensorInfo(0, (100_000,), "float64", 800_000)
    three.others = [Record(tensors=[info], values={0: np.zeros(100_000)}) for _ in range(9)]
    path = archive.write(three, tmp_path / "a.efz")
    with pytest.raises(viz.TraceFileError, match="more than the limit of 2,000,000"):
        viz.load(path, limit=2_000_000)
    del three.others[1:]
    assert len(viz.load(archive.write(three, path), limit=2_000_000).others) == 1


def test_what_goes_over_the_network_is_no_computing_of_a_layer(three):
    total = rows(three)[-1]
    assert (total.ops, total.forward, total.flops, total.uncounted) == (2, 0, 0, 0)

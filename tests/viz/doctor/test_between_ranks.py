"""What the doctor says of the times and weights that ranks bring; no clock is looked at here."""

from __future__ import annotations

import pytest

from viz.doctor import Finding
from viz.doctor.between_ranks import RankReport, judge
from viz.doctor.checks.rank_times import StepTimes
from viz.doctor.program import Program

COUNT = 40


def report(rank: int, compute=10.0, input=1.0, network=0.5, rows=32, host="a", nbytes=4_000_000, **more) -> RankReport:
    """A rank whose steps all take as long; a list gives the times of single steps."""
    computes = compute if isinstance(compute, list) else [compute] * COUNT
    steps = [StepTimes(each, input, network, rows, nbytes, calls=2) for each in computes]
    return RankReport(rank, host, steps, cores=frozenset({0, 1, 2, 3}), **more)


def judged(*reports: RankReport) -> dict[str, Finding]:
    program = Program()
    judge(reports, program.report)
    return {finding.kind: finding for finding in program.findings}


def test_even_ranks_get_no_finding():
    assert judged(report(0), report(1, compute=11.0), report(2, compute=9.0, input=1.2), report(3)) == {}
    assert judged(report(0)) == {}


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_a_straggler_is_named_with_its_machine(ranks):
    found = judged(*[report(rank) for rank in range(ranks - 1)], report(ranks - 1, compute=15.0, host="b"))
    assert list(found) == ["straggler"]
    assert found["straggler"].message.startswith(f"rank {ranks - 1} (on b) computes for 15.0 ms")
    assert found["straggler"].evidence == {"rank": ranks - 1, "host": "b", "ms": 15.0, "others_ms": 10.0}


@pytest.mark.parametrize(
    "compute",
    [
        11.9,  # less than 1.2 times
        [15.0] * (COUNT // 2) + [10.0] * (COUNT // 2),  # for a while
        [15.0, 10.0, 10.0] * (COUNT // 3),  # now and then
        [15.0] * 19,  # too short to tell
    ],
)
def test_a_rank_that_is_slower_for_a_while_is_no_straggler(compute):
    assert judged(report(0), report(1, compute=compute), report(2)) == {}


def test_who_has_more_rows_may_take_longer():
    found = judged(report(0, rows=32), report(1, compute=20.0, rows=64))
    assert list(found) == ["input_imbalance"]
    assert "rank 1 (on a) has 64 rows in each step, and rank 0 (on a) has 32" in found["input_imbalance"].message


def test_data_that_come_late_on_one_rank():
    found = judged(report(0), report(1, input=11.0), report(2))
    assert list(found) == ["input_imbalance"]
    assert found["input_imbalance"].message.startswith("rank 1 (on a) takes 11.0 ms for the data of a step, the others")
    assert judged(report(0), report(1, input=2.9), report(2)) == {}  # thrice as long, and not long


def test_a_slow_network_is_judged_by_the_rank_that_waits_least():
    found = judged(report(0, network=10.0), report(1, network=8.0))
    assert list(found) == ["communication_bound"]
    message = found["communication_bound"].message
    assert message.startswith("42% of a step is spent on the network: 8.0 ms for 3.8 MB, beside 11.0 ms of computing.")
    assert "1.3 times as many with batch_size × 2" in message  # 2 · 19 / (2 · 11 + 8)
    assert found["communication_bound"].evidence["share"] == pytest.approx(8 / 19)


def test_waiting_for_a_slow_rank_is_not_the_networks_fault():
    found = judged(report(0, network=10.0), report(1, compute=20.0))
    assert list(found) == ["straggler"]


def test_no_network_is_as_slow_as_busy_processors():
    assert judged(report(0, network=100.0), report(1, network=100.0)) == {}  # 4 MB in 100 ms, where 81 are credible


@pytest.mark.parametrize(("threads", "expected"), [(2, []), (3, ["oversubscribed"])])
def test_more_threads_than_cores(threads, expected):
    ranks = [report(0, threads=threads), report(1, threads=threads), report(2, threads=64, host="b")]
    ranks[2].cores = frozenset(range(64))
    found = judged(*ranks)
    assert list(found) == expected
    if expected:
        assert found["oversubscribed"].message == "2 ranks on a compute with 6 threads, and may use 4 cores"


def test_the_first_weight_that_differs_is_an_error():
    before, after = {"a/kernel": 1, "b/kernel": 2}, {"a/kernel": 3, "b/kernel": 4}
    ranks = [report(rank, weights={0: before, 1: before, 3: after}) for rank in range(3)]
    assert judged(*ranks) == {}
    ranks[2].weights = {0: before, 1: {**before, "b/kernel": 7}, 3: {"a/kernel": 8, "b/kernel": 9}}
    finding = judged(*ranks)["replicas_diverged"]
    assert finding.severity == "error"
    assert "after step 1 'b/kernel' has other values on rank 2 (on a) than on rank 0 (on a)" in finding.message
    assert "they were equal after step 0" in finding.message
    assert finding.evidence == {"step": 1, "variable": "b/kernel", "ranks": [2]}


def test_many_ranks_that_differ_are_counted():
    ranks = [report(rank, weights={0: {"w": rank}}) for rank in range(8)]
    assert "rank 1 (on a), rank 2 (on a), rank 3 (on a) and 4 more" in judged(*ranks)["replicas_diverged"].message

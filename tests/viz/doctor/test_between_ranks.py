"""What the doctor says of the weights and threads that ranks bring."""

from __future__ import annotations

import pytest

from viz.doctor import Finding
from viz.doctor.program import Program
from viz.doctor.watched_script import RankReport, judge


def report(rank: int, host="a", **more) -> RankReport:
    return RankReport(rank, host, cores=frozenset({0, 1, 2, 3}), **more)


def judged(*reports: RankReport) -> dict[str, Finding]:
    program = Program()
    judge(reports, program.report)
    return {finding.kind: finding for finding in program.findings}


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

"""The doctor on real ranks: it finds what was planted on one of them, and is silent on an even run."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from eagerflow.distribution.runtime.current import world
from eagerflow.kernels.machine.cpus import usable_cpus
from eagerflow.kernels.machine.threads import set_num_threads
from viz.cli import main
from viz.doctor.finding import OF_RANKS
from viz.doctor.watched_script import examine

EVEN = """
import numpy as np
import eagerflow as ef
from eagerflow import distribution, layers

rank = distribution.rank()
x = np.random.default_rng(0).normal(size=(48, 8)).astype("float32")


class Data(ef.utils.PyDataset):
    def __len__(self):
        return 13

    def __getitem__(self, i):
        rows = np.roll(np.arange(len(x)), i)
        return x[rows], x[rows, :1]


distribution.set_distribution(distribution.DataParallel())
{before}
model = ef.Sequential([ef.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
{fit}
"""
FIT = "model.fit(Data(), epochs=2, verbose=0)"
LOOP = """
optimizer = ef.optimizers.SGD(0.1)
for _ in range(3):
    with ef.GradientTape() as tape:  # each rank for itself, on its own rows
        loss = ef.ops.mean(ef.ops.square(model(x[rank * 24 : rank * 24 + 24])))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""


def script(**planted: str) -> str:
    return EVEN.format(**{"before": "", "fit": FIT} | planted)


PLANTED = {
    "diverged": ("replicas_diverged", script(fit=LOOP), "has other values on rank 1 (on "),
    "threads": ("oversubscribed", script(before="ef.set_num_threads(64)"), "compute with 128 threads"),
}


def examined(path: str) -> list[tuple[str, str]]:
    set_num_threads(1)
    try:
        examination = examine(path, ranks=world.communicator)
    finally:
        set_num_threads(None)
    assert examination.failures == []
    assert not examination.crashed
    return [(finding.kind, finding.message) for finding in examination.diagnosis if finding.severity != "info"]


ON_ONE = usable_cpus() < 2  # two ranks share a processor, which is a finding of its own


@pytest.mark.slow
@pytest.mark.skipif(ON_ONE, reason="two ranks on one processor get a finding")
def test_an_even_run_gets_no_finding(ranks, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script())
    assert ranks(2, examined, str(path)) == [[], []]


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_on_one_rank_is_found_by_all(ranks, tmp_path, name):
    kind, source, words = PLANTED[name]
    path = tmp_path / "train.py"
    path.write_text(source)
    first, second = ranks(2, examined, str(path))
    assert first == second
    assert kind in dict(first)
    assert words in dict(first)[kind]


PAGES = Path(__file__).parents[3] / "docs" / "doctor"
TEXTS = {kind: (PAGES / f"{kind}.md").read_text(encoding="utf-8") for kind in OF_RANKS}
EXAMPLES = {kind: text.split("```python ranks\n")[1].split("```")[0] for kind, text in TEXTS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_of_the_page_get_their_finding(ranks, tmp_path, kind):
    path = tmp_path / "train.py"
    path.write_text(EXAMPLES[kind])
    assert [kind in dict(found) for found in ranks(2, examined, str(path))] == [True, True]


def test_every_kind_of_finding_is_planted():
    assert {kind for kind, _, _ in PLANTED.values()} == set(OF_RANKS)


def told(path: str) -> tuple[int, str]:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        return main(["doctor", path]), shown.getvalue()


NOT_FINITE = """
v = ef.Variable(1.0 - rank)
with ef.GradientTape() as tape:
    y = ef.ops.log(v)
tape.gradient(y, v)
"""


def test_rank_0_tells_what_another_rank_found(ranks, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script(fit=NOT_FINITE))
    first, second = ranks(2, told, str(path))
    assert second == (1, "")
    assert first[0] == 1
    assert "error nonfinite" in first[1]
    assert "(rank 1 (on " in first[1]

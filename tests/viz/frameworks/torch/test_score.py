"""What `viz doctor` says of the corpus: faults are named, on their lines, and healthy twins are left alone."""

from __future__ import annotations

import pytest

from tests.viz.frameworks.torch import corpus
from tests.viz.frameworks.torch.score import alarms, judge
from viz.doctor.watched_script import examine

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

# What no check looks at, or only another one than the fault itself.
NOT_NAMED = {
    "loss/background_is_a_class",  # two meanings of one class number
    "modes/accuracy_never_reset",  # counts in plain Python
    "optimizers/critic_learns_from_the_actor",  # a term that reaches weights which another one is for
    "optimizers/terminal_states_go_on",  # a name that is never read
    "steps/stops_when_it_gets_better",  # a comparison in plain Python
}
OTHER_LINE = {
    "data/head_learns_by_heart",  # where the validation loss is computed
    "numbers/deep_sigmoids",  # the layers with the small gradients
    "numbers/no_activation",  # the first of the two layers
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def findings(source, path):
    path.write_text(source, encoding="utf-8")
    found = examine(str(path))
    assert not found.failures
    assert not found.status
    return found.diagnosis.to_dict()["findings"]


def test_most_faults_are_named_and_most_lines_are_right():
    assert len(NOT_NAMED) <= 0.2 * len(corpus.NAMES)
    assert len(NOT_NAMED | OTHER_LINE) <= 0.25 * len(corpus.NAMES)


@pytest.mark.parametrize("name", corpus.NAMES[::4])  # all: python -m tests.viz.frameworks.torch.score
def test_the_doctor_names_the_fault_and_nothing_else(name, tmp_path, capsys):
    verdict = judge(name, findings(corpus.faulty(name), tmp_path / "train.py"))
    if name not in NOT_NAMED:
        assert verdict.named
        assert verdict.line or name in OTHER_LINE
    assert alarms(findings(corpus.healthy(name), tmp_path / "healthy.py")) == []

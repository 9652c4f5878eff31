"""`viz check` and `viz data` of unmodified PyTorch scripts, and what is eagerflow's own says so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

TRAINING = """
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
y[17] = (y[17] + 2) % 4
x[50] = x[51]
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
data = torch.utils.data.TensorDataset(x, y)
for epoch in range(6):
    for xb, yb in torch.utils.data.DataLoader(data, batch_size=20):
        optimizer.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        optimizer.step()
open("trained", "w").close()
"""


@pytest.fixture
def viz(tmp_path, monkeypatch):
    """Runs a command on a script in a folder of its own."""

    def run(command, source, *options):
        (tmp_path / "train.py").write_text(source, encoding="utf-8")
        whole = [sys.executable, "-m", "viz", command, *options, "train.py"]
        return subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False)

    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    return run


def test_check_ends_a_sound_script_after_its_first_steps(viz, tmp_path):
    done = viz("check", TRAINING, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ok"]
    verdicts = {row["name"]: (row["verdict"], row["message"]) for row in found["rows"]}
    assert set(verdicts) == {"inputs", "labels", "layers", "first loss", "weights move", "loss falls"}
    assert {verdict for verdict, _ in verdicts.values()} == {"ok"}
    assert verdicts["weights move"][1] == "all 4 get gradients"
    assert verdicts["first loss"][1].endswith("equal chances for 4 classes give 1.39")
    assert not (tmp_path / "trained").exists()


def test_check_tells_faults_with_their_lines(viz):
    source = TRAINING.replace("nn.Linear(32, 4))", "nn.Linear(32, 4), nn.Softmax(1))").replace(
        "x[50] = x[51]", "x *= 99"
    )
    done = viz("check", source)
    assert done.returncode == 1
    assert "train.py trains with PyTorch; ended after its first steps" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert [line.split()[1] for line in told] == ["inputs", "labels"]
    assert "train.py:17" in done.stdout
    assert "CrossEntropyLoss and" in done.stdout
    assert "asked of eagerflow's models alone: rows apart, overfits one batch" in done.stdout


def test_data_ranks_the_samples_of_a_loader(viz):
    done = viz("data", TRAINING, "--json")
    assert done.returncode == 0, done.stderr
    samples = json.loads(done.stdout)["samples"]
    assert len(samples) == 200
    assert 17 in [each["row"] for each in samples[:3]]
    marks = {each["row"]: each["marks"] for each in samples}
    assert any("duplicate" in mark for mark in marks[50] + marks[51])


@pytest.mark.parametrize("command", ["gap", "estimate"])
def test_what_is_of_eagerflow_alone_says_so(viz, command):
    done = viz(command, TRAINING)
    assert done.returncode == 3
    assert "PyTorch" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["explain", "find_lr", "gap", "summary"])
def test_functions_for_models_of_eagerflow_refuse_modules(name):
    import torch

    import viz

    with pytest.raises(
        TypeError, match=rf"viz\.{name}: expected a model of eagerflow; got Linear, a module of PyTorch"
    ):
        getattr(viz, name)(torch.nn.Linear(3, 2), torch.zeros(4, 3))

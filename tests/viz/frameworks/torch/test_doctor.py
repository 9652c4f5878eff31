"""`viz doctor` names faults of unmodified PyTorch programs, with lines, and says nothing of their healthy twins."""

from __future__ import annotations

import re

import pytest

from tests.sources import ROOT
from tests.test_readme import alike, printed
from tests.viz.frameworks.torch import corpus
from tests.viz.frameworks.torch.score import alarms, judge
from viz.doctor.checks.all_checks import ADVICE
from viz.doctor.watched_script import examine
from viz.frameworks.torch.advice import ADVICE as OF_TORCH

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

RULES = {
    "graph/detached_log_probs": "no_gradient.stopped",
    "loss/broadcast_mse": "broadcast",
    "loss/nll_of_softmax": "loss_mismatch.log_probabilities",
    "numbers/log_behind_a_where": "nonfinite.log",
    "numbers/rate_far_too_low": "lr_too_low",
    "steps/no_zero_grad": "lr_too_high.never_zeroed",
    "steps/zero_grad_before_step": "frozen.zeroed",
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def findings(source, path):
    path.write_text(source, encoding="utf-8")
    found = examine(str(path))
    assert found.steps > 0
    assert not found.failures
    assert not found.status
    return found.diagnosis.to_dict()["findings"]


@pytest.mark.parametrize("name", RULES)
def test_the_doctor_names_faults_and_lines_and_leaves_twins_alone(name, tmp_path, capsys):
    found = findings(corpus.faulty(name), tmp_path / "train.py")
    assert judge(name, found) == (True, True, True)
    first = next(each for each in found if each["rule"] == RULES[name])
    assert (first["fix"] == ADVICE.get(first["rule"])) == (first["rule"] == "lr_too_low")  # the others name functions
    assert alarms(findings(corpus.healthy(name), tmp_path / "healthy.py")) == []


# What only `fit`, `compile`, metrics, callbacks and layers of Keras' kind make possible.
OF_KERAS = """
augmentation callback_mismatch.mode callback_mismatch.monitor callback_mismatch.validation channels_first
class_loss.accuracy class_loss.threshold loss_mismatch.metric stopped_early stopped_early.mode
unreset_metric unscaled_input.tiny unscaled_input.unadapted validation_mismatch.form
""".split()
KERAS = re.compile(
    r"\b(fit\(|compile|predict\b(?!ions)|\w*categorical_cross|binary_crossentropy|Dense|validation_split|[Tt]ape\b|"
    r"EarlyStopping|set_weights|assign\w*|layers\.\w|trainable = |metrics=|ops\.|Dataset\.)"
)


def test_advice_names_no_functions_of_keras():
    known = {*ADVICE, "lr_too_high.never_zeroed", "frozen.zeroed", "loss_mismatch.log_probabilities"}
    assert {*OF_KERAS, *OF_TORCH} - known == set()
    told = {rule: words for rule, words in (ADVICE | OF_TORCH).items() if rule not in OF_KERAS}
    assert {rule: found[0] for rule, words in told.items() if (found := KERAS.search(words))} == {}


def test_convolutions_and_weights_are_seen_in_the_layout_of_the_checks(tmp_path, capsys):
    source = """
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
nn.init.constant_(net[0].bias, -100.0)  # all of its units are dead
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
x, y = torch.randn(64, 1, 8, 8), torch.randint(0, 3, (64,))
for step in range(20):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
"""
    found = alarms(findings(source, tmp_path / "train.py"))
    assert found[0]["kind"] == "dead_relu"
    assert found[0]["message"].startswith("4 of 4 units of layer 'net/1' were 0")


def test_classes_that_a_function_ignores_and_modules_without_values_are_no_faults(tmp_path, capsys):
    source = """
import torch
from torch import nn

torch.manual_seed(0)
with torch.device("meta"):  # as pretrained models are made before their values are loaded
    shapes = nn.Linear(6, 3)
    shapes(torch.ones(2, 6))
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
x = torch.randn(64, 6)
y = x[:, :3].argmax(1)
y[::4] = -1
for step in range(20):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y, ignore_index=-1).backward()
    optimizer.step()
"""
    assert alarms(findings(source, tmp_path / "train.py")) == []


def test_first_pages_show_what_the_doctor_says():
    script = "examples/mistakes/torch_digits.py"
    shown = [
        re.findall(rf"^```text\n\$ viz doctor {script}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)
        for page in ("README.md", "docs/index.md", "tools/site/texts/index.md")
    ]
    assert shown[0]
    assert shown[0] == shown[1] == shown[2]
    out, errors = printed(ROOT, "-m", "viz", "doctor", script)
    assert errors == ""
    alike(out, *shown[0])


@pytest.mark.parametrize("loss", ["MSELoss", "BCEWithLogitsLoss", "CrossEntropyLoss"])
def test_losses_of_images_are_judged_in_one_layout(loss, tmp_path, capsys):
    source = f"""
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 5, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
x = torch.randn(8, 3, 4, 7)  # less high than there are classes
y = (nn.functional.conv2d(x, torch.randn(5, 3, 1, 1)) > 0).float()
if "{loss}" == "CrossEntropyLoss":
    y = y.argmax(1)
loss_fn = nn.{loss}()
for step in range(60):
    optimizer.zero_grad()
    loss_fn(net(x), y).backward()
    optimizer.step()
"""
    assert alarms(findings(source, tmp_path / "train.py")) == []

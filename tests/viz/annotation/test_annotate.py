from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.annotation.costs import costs_by_line
from viz.annotation.report import page, text
from viz.cli import main

SCRIPT = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(6)

    def call(self, x):
        h = self.dense(x)
        return ef.ops.tanh(h)


first = layers.Dense(6, activation="relu")
model = ef.Sequential([first, Block(), layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 4), "float32"), np.ones((8, 2), "float32"), batch_size=4, verbose=0)
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    assert main(["run", "--stats", "basic", "train.py"]) == 0
    return "train.efz"


def by_code(costs):
    return {cost.code.split("=")[0].strip(): cost for lines in costs.lines.values() for cost in lines.values()}


def test_layers_count_for_the_lines_that_made_them_and_code_of_ones_own_for_itself(file):
    found = by_code(costs_by_line(viz.load(file)))
    (fit,) = [found.pop(code) for code in list(found) if code.startswith("model.fit")]
    assert set(found) == {"first", "h", "return ef.ops.tanh(h)", "model", 'model.compile("sgd", "mse")'}
    assert not fit.ops
    assert {line for _, line in fit.counted_at} == {
        found[code].line for code in ("first", "model", 'model.compile("sgd", "mse")')
    }
    assert found["first"].shapes == ["4×6 f32"]
    assert found["h"].shapes == ["4×6 f32"]
    assert found["return ef.ops.tanh(h)"].ops == {"tanh": 1, "tanh (backward)": 1}
    assert found["model"].shapes == ["4×2 f32"]
    assert found["model"].weights > 0
    assert found["return ef.ops.tanh(h)"].weights is None
    assert found["return ef.ops.tanh(h)"].gradient > 0


def test_every_op_counts_once(file):
    t = viz.load(file)
    costs = costs_by_line(t)
    step = t.steps[-1].index
    whole = min(sum(op.duration for op in t.ops if op.step == each.index) for each in t.steps)  # that of the faster one
    assert sum(costs.total(name) for name in ("forward", "backward", "update")) + costs.elsewhere == whole
    assert costs.total("nbytes") == sum(
        t.tensors[i].nbytes
        for op in t.ops
        if op.step == step and op.phase not in ("backward", "update")
        for i in op.outputs
    )
    assert costs_by_line(t, 0).step == "step 0 of 0–1"


def test_norms_are_those_of_the_gradients(file):
    t = viz.load(file)
    kernel, bias = t.grad_flow().rows[:2]
    found = by_code(costs_by_line(t))["first"]
    assert found.weights == pytest.approx(np.hypot(kernel.gradient, bias.gradient), rel=1e-4)


def test_the_command_shows_lines_with_their_margin(file, capsys):
    capsys.readouterr()
    assert main(["annotate", file]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.endswith("return ef.ops.tanh(h)"))
    assert line.strip().startswith("4×6 f32")
    assert "│   13  " in line
    assert "import numpy" not in out
    fit = next(line for line in out.splitlines() if "model.fit(" in line)
    assert fit.strip().startswith("→ lines 16–18 ")
    assert main(["annotate", file, "--all"]) == 0
    assert "import numpy" in capsys.readouterr().out
    assert main(["annotate", file, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["lines"]) == 6
    assert main(["annotate", file, "--html", "lines.html", "--step", "0"]) == 0
    assert main(["annotate", file, "--step", "7"]) == 2


def test_a_changed_file_is_not_shown_as_if_it_had_run(file, tmp_path):
    costs = costs_by_line(viz.load(file))
    assert "import numpy" in page(costs)
    assert page(costs).count('class="cost"') == 6
    (tmp_path / "train.py").write_text("secret = 1\n" + SCRIPT)
    assert "secret" not in page(costs)
    assert "return ef.ops.tanh(h)" in text(costs, whole=True)


def test_lines_of_a_file_elsewhere_are_those_of_the_recording(file, tmp_path, monkeypatch):
    costs = costs_by_line(viz.load(file))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "import numpy" not in page(costs)
    assert page(costs).count('class="cost"') == 6


def test_what_was_not_recorded_is_said():
    with viz.trace() as t:
        model = ef.Sequential([layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    assert "--stats basic" in text(costs_by_line(t))
    with viz.trace(source=False) as t:
        ef.ops.exp(1.0)
    with pytest.raises(ValueError, match="holds no lines of code"):
        costs_by_line(t)

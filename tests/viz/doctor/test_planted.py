"""Every kind of finding is found in scripts where it was planted, with the right line where one is guilty."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PLANTED, RULES, script
from viz.doctor import KINDS
from viz.doctor.finding import OF_RANKS
from viz.doctor.watched_script import examine


def cases():
    """Every script, by kind and name. In every run there is one of each kind."""
    for kind, variants in PLANTED.items():
        for i, name in enumerate(variants):
            yield pytest.param(kind, name, marks=pytest.mark.slow if i else ())


def test_every_kind_is_planted_at_least_three_times():
    assert set(PLANTED) == set(KINDS) - set(OF_RANKS)  # which tests/distribution plants
    assert min(len(variants) for variants in PLANTED.values()) >= 3


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")  # which such scripts deserve
@pytest.mark.parametrize(("kind", "name"), list(cases()))
def test_planted_mistakes_are_found(kind, name, tmp_path, capsys):
    source, line = script(PLANTED[kind][name])
    path = tmp_path / "train.py"
    path.write_text(source)
    examination = examine(str(path))
    assert examination.failures == []
    diagnosis = examination.diagnosis
    found = [finding for finding in diagnosis if finding.kind == kind]
    assert found, f"found only {diagnosis.kinds}\n{capsys.readouterr().err}"
    if line is not None:
        assert (str(path), line) in [(f.file, f.line) for f in found]
    if name in RULES:
        assert [(f.rule, f.line) for f in diagnosis if f.severity != "info"] == [(RULES[name], line)]
    for finding in diagnosis:
        assert finding.message
        assert finding.fix


BESIDE = """
w = ef.Variable(rng.normal(size=(4, 3)).astype("float32"))
optimizer = ef.optimizers.SGD(0.001)
several = {"float": 0.5, "int": 2, "bool": True, "numpy number": np.float32(0.5), "array": np.full(3, 0.5, "float32")}
for step in range(8):
    with ef.GradientTape() as tape:
        answers = ops.matmul(x[:, :4], w)
        made = [answers, answers - ops.tanh(answers), ops.reshape(answers, (16, 8, 3)), ops.softmax(answers),
                ops.log_softmax(answers), ops.sigmoid(answers), ops.square(answers - ops.tanh(answers))]
        loss = 0.5 * (1 + ops.mean(answers))
        for number_ in several.values():
            for op in (ops.add, ops.subtract, ops.multiply, ops.maximum):
                for tensor in made:
                    loss = loss + ops.mean(op(number_, tensor)) + ops.mean(op(tensor, number_))
            loss = loss + sum(ops.mean(ops.where(t > 0, number_, t)) + ops.mean(ops.sum(t, axis=-1)) for t in made)
    optimizer.apply(tape.gradient(loss, [w]), [w])
"""


def test_every_check_takes_numbers_and_arrays_beside_tensors(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script(BESIDE)[0])
    examination = examine(str(path))
    assert not examination.crashed
    assert examination.failures == []

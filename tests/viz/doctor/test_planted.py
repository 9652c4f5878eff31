"""Every kind of finding is found in scripts where it was planted, with the right line where one is guilty."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PLANTED, script
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
    for finding in diagnosis:
        assert finding.message
        assert finding.fix

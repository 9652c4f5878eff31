"""`viz check` of a script whose text a test gives."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz.check.all_rows as all_rows
from tests.viz.doctor.planted import PRELUDE
from viz.check.all_rows import NAMES, check_script
from viz.check.row import fine
from viz.shell.program import Script


@pytest.fixture
def once(monkeypatch):
    """The script isn't run again in another process, which takes long."""
    monkeypatch.setattr(all_rows, "check_repeatable", lambda *given: fine("not asked"))


@pytest.fixture
def checked(tmp_path):
    """Checks a script of this text."""

    def of(source):
        path = tmp_path / "train.py"
        path.write_text(source)
        ef.backend.clear_session()  # layers get the names that they have in a process of their own
        found = check_script(Script(str(path)))
        assert found.stopped.error is None
        assert [row.name for row in found.rows] == list(NAMES)
        return found

    return of


@pytest.fixture
def rows(checked, once):
    """The rows of a script that begins with the usual data, by name."""
    return lambda source: {row.name: row for row in checked(PRELUDE + source).rows}

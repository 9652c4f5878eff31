"""What building the site tells."""

from __future__ import annotations

import pytest

pytest.importorskip("sphinx")

from tools.site import build


def test_the_last_line_says_where_the_site_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build.links, "broken", lambda folder: [])
    assert build.Build(tmp_path / "site", 1)._check_links() == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("the site begins at site/html/index.html")

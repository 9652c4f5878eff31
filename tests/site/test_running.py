"""The blocks of pages, run for the site."""

from __future__ import annotations

from tools.site.running import Page, run_apart, warm

KERNELS = """
```python
import eagerflow as ef
print(ef.config.kernels())
```
"""


def test_examples_see_no_settings_of_who_builds_the_site(tmp_path, monkeypatch):
    home = tmp_path / "compiled"
    home.mkdir(mode=0o700)
    (home / "used").touch(mode=0o600)
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path))
    with warm() as programs:
        result = run_apart(Page("page", KERNELS, "page.md"), programs)
    assert "plain" in str(result["outputs"])
